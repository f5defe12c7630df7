package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import org.cacheddownloads.config.ConfigReader;
import org.cacheddownloads.config.InvalidConfig;
import org.cacheddownloads.config.InvalidConfig.Fault;
import org.cacheddownloads.config.Place;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Says what is wrong with a configuration before an agent is given it. */
@Command(
    name = "check",
    description =
        "Name every fault of a file, and of the CACHED_DOWNLOADS_* variables around this command. Needs no agent."
            + " The exit code is 2 if there is one.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class ConfigCheckCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Parameters(paramLabel = "FILE", description = "The configuration as YAML.")
  private Path file = Path.of("");

  @Option(names = "--json", description = "Print the faults as JSON.")
  private boolean json;

  ConfigCheckCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws InvalidConfig, UnreadableConfig {
    try {
      ConfigReader.read(file, terminal.environment());
      if (json) report(List.of());
      else terminal.out().println(Terminal.printable(file + ": no faults"));
      return ExitCode.OK;
    } catch (InvalidConfig e) {
      if (!json) throw e;
      report(e.faults());
      return ExitCode.USAGE;
    } catch (IOException e) {
      throw new UnreadableConfig(file, e);
    }
  }

  private void report(List<Fault> faults) {
    var report = new LinkedHashMap<String, @Nullable Object>();
    report.put("file", file.toString());
    report.put("valid", faults.isEmpty());
    report.put("faults", faults.stream().map(ConfigCheckCommand::json).toList());
    terminal.out().println(Json.encode(Json.of(report)));
  }

  /** Without what there is not: a fault has a line or a variable. */
  static JsonObject json(Fault fault) {
    var fields = new LinkedHashMap<String, @Nullable Object>();
    fields.put("key", fault.key().isEmpty() ? null : fault.key());
    fields.put("line", fault.line() == 0 ? null : fault.line());
    fields.put(
        "variable", fault.place() instanceof Place.Variable variable ? variable.name() : null);
    fields.put("message", fault.message());
    return Json.of(fields);
  }
}
