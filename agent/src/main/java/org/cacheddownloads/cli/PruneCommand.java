package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import org.cacheddownloads.cli.AgentClient.Reply;
import org.cacheddownloads.content.Durations;
import org.cacheddownloads.content.Sizes;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Evicts idle entries now instead of when their space is needed. */
@Command(
    name = "prune",
    description = "Evict idle entries; never what a container holds. Conditions add up.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class PruneCommand implements Callable<Integer> {
  private static final Duration USUAL_WAIT = Duration.ofMinutes(2);

  @Mixin private final ClientOptions client;

  @Option(
      names = "--target",
      paramLabel = "SIZE",
      converter = SizeConverter.class,
      description = "Evict until at most this much is used, such as 10GiB.")
  private @Nullable Long targetBytes;

  @Option(
      names = "--older-than",
      paramLabel = "DURATION",
      description = "Only what was not used for this long.")
  private @Nullable Duration olderThan;

  @Option(
      names = "--prefix",
      paramLabel = "P",
      description = "Only entries whose key begins with this.")
  private @Nullable String prefix;

  @Option(names = "--dry-run", description = "Evict nothing, only show what would be.")
  private boolean dryRun;

  PruneCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    Reply reply;
    try (AgentClient agent = client.connect(USUAL_WAIT)) {
      reply = agent.send("POST", UrlPath.of("v1", "prune"), body());
    }
    if (client.json()) client.out().println(reply.text().strip());
    else show(reply.json());
    return ExitCode.OK;
  }

  private JsonObject body() {
    var fields = new LinkedHashMap<String, @Nullable Object>();
    fields.put("targetBytes", targetBytes);
    fields.put("olderThan", olderThan == null ? null : Durations.format(olderThan));
    fields.put("keyPrefix", prefix);
    fields.put("dryRun", dryRun ? true : null);
    return Json.of(fields);
  }

  private void show(JsonObject reply) {
    Instant now = Instant.now();
    var rows = Json.objects(reply, "entries").stream().map(entry -> row(entry, now)).toList();
    if (!rows.isEmpty()) client.print(new Table("KEY", "SIZE>", "LAST USED").page(rows), true);
    client.out().println(summary(rows.size(), Json.number(reply, "freedBytes"), dryRun));
  }

  static String summary(int entries, long freedBytes, boolean dryRun) {
    return (dryRun ? "would free " : "freed ")
        + Sizes.format(freedBytes)
        + " in "
        + entries
        + (entries == 1 ? " entry" : " entries");
  }

  private static List<String> row(JsonObject entry, Instant now) {
    return List.of(
        Json.text(entry, "key"),
        Sizes.format(Json.number(entry, "size")),
        Times.distance(Json.text(entry, "lastUsedAt"), now));
  }

  static final class SizeConverter implements ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
      try {
        return Sizes.parse(text);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(String.valueOf(e.getMessage()));
      }
    }
  }
}
