package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import org.cacheddownloads.cli.AgentClient.Reply;
import org.cacheddownloads.content.Sizes;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Shows one entry. */
@Command(
    name = "show",
    description = "Show an entry of the cache.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class EntriesShowCommand implements Callable<Integer> {
  @Mixin private final ClientOptions client;

  @Parameters(paramLabel = "KEY", description = "The entry's key, as 'entries ls' shows it.")
  private String key = "";

  EntriesShowCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    try (AgentClient agent = client.connect(ClientOptions.USUAL_WAIT)) {
      Reply reply = agent.send("GET", UrlPath.entry(key), null);
      client.show(reply, () -> lines(reply.json(), Instant.now()));
    }
    return ExitCode.OK;
  }

  static List<String> lines(JsonObject entry, Instant now) {
    return new Words()
        .with("key", Json.text(entry, "key"))
        .with("url", Json.text(entry, "url"))
        .with("digest", Json.text(entry, "digest"))
        .with("size", Sizes.format(Json.number(entry, "size")))
        .with("forms", String.join(", ", Json.texts(entry, "forms")))
        .with("references", Json.text(entry, "references"))
        .with("fetched", Times.distance(Json.text(entry, "fetchedAt"), now))
        .with("last used", Times.distance(Json.text(entry, "lastUsedAt"), now))
        .with("fresh", freshness(Json.text(entry, "freshUntil"), now))
        .with("etag", Json.text(entry, "etag"))
        .with("modified", Json.text(entry, "lastModified"))
        .lines();
  }

  /** {@code until …} or {@code no longer, since …}. */
  static String freshness(String freshUntil, Instant now) {
    String distance = Times.distance(freshUntil, now);
    return distance.endsWith(" ago")
        ? "no longer: until " + distance
        : distance.equals("-") ? "-" : "until " + freshUntil + ", " + distance;
  }
}
