package org.cacheddownloads.cli;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.cacheddownloads.config.ConfigReader;
import org.cacheddownloads.config.InvalidConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows the value of every key and where it was written. */
@Command(
    name = "show",
    description =
        "Show the value of every key, and where it was written: the running agent's, or with FILE those that an agent"
            + " with this file and the environment of this command would have. Secrets are not shown.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class ConfigShowCommand implements Callable<Integer> {
  private static final Pattern SIZE = Pattern.compile("(?i).*bytes|fetch\\.minRate");
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9/][A-Za-z0-9/._-]*");
  private static final String[] UNITS = {"", "KiB", "MiB", "GiB", "TiB"};
  private static final String SOURCES = "sources";

  @Mixin private final ClientOptions client;

  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "FILE",
      description = "A configuration as YAML; without one, the running agent is asked.")
  private @Nullable Path file;

  ConfigShowCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() throws InvalidConfig, UnreadableConfig {
    JsonObject config = file == null ? ofAgent() : ofFile(file);
    if (client.json()) client.out().println(Json.encode(config));
    else client.print(new Table("KEY", "VALUE", "FROM").page(rows(config)), true);
    return ExitCode.OK;
  }

  private JsonObject ofAgent() {
    try (AgentClient agent = client.connect(ClientOptions.USUAL_WAIT)) {
      return agent.send("GET", UrlPath.of("v1", "config"), null).json();
    }
  }

  private JsonObject ofFile(Path path) throws InvalidConfig, UnreadableConfig {
    if (spec.commandLine().getParseResult().hasMatchedOption("--socket"))
      throw new ParameterException(spec.commandLine(), "FILE and --socket exclude each other");
    try {
      return new JsonObject(ConfigReader.read(path, client.terminal().environment()).tree());
    } catch (IOException e) {
      throw new UnreadableConfig(path, e);
    }
  }

  static List<List<String>> rows(JsonObject config) {
    var rows = new ArrayList<List<String>>();
    addRows("", config, Json.section(config, SOURCES), rows);
    return rows;
  }

  private static void addRows(
      String prefix, JsonObject section, JsonObject sources, List<List<String>> rows) {
    for (String name : section.fieldNames()) {
      String key = prefix + name;
      Object value = section.getValue(name);
      if (key.equals(SOURCES)) continue;
      if (value instanceof JsonObject below) addRows(key + ".", below, sources, rows);
      else rows.add(List.of(key, text(key, value), sources.getString(key, "default")));
    }
  }

  /** As it can be written in the file. */
  private static String text(String key, @Nullable Object value) {
    return switch (value) {
      case null -> "null";
      case Number number when SIZE.matcher(key).matches() -> size(number.longValue());
      case JsonArray items -> {
        var texts = new ArrayList<String>();
        for (Object item : items)
          texts.add(
              item instanceof JsonObject rule ? Json.encode(rule) : quoted(String.valueOf(item)));
        yield texts.stream().collect(Collectors.joining(", ", "[", "]"));
      }
      default -> value.toString();
    };
  }

  private static String quoted(String item) {
    return PLAIN.matcher(item).matches() ? item : '"' + item + '"';
  }

  /** In the largest unit in which it is a whole number: {@code 20GiB}, {@code 1500}. */
  static String size(long bytes) {
    int unit = 0;
    long amount = bytes;
    while (amount != 0 && amount % 1024 == 0 && unit < UNITS.length - 1) {
      amount /= 1024;
      unit++;
    }
    return amount + UNITS[unit];
  }
}
