package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.cacheddownloads.cli.AgentClient.Reply;
import org.cacheddownloads.content.Sizes;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Says what the agent would do if it were asked now, and why. */
@Command(
    name = "explain",
    description =
        "Say what would happen if a URL or a key were asked for now, and why. Nothing is fetched.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class ExplainCommand implements Callable<Integer> {
  @Mixin private final ClientOptions client;

  @Parameters(
      paramLabel = "URL|KEY",
      description = "An http or https URL; everything else is the key of an entry.")
  private String subject = "";

  @Option(names = "--key", description = "Take it for a key, although it looks like a URL.")
  private boolean key;

  ExplainCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    String kind = !key && isUrl(subject) ? "url" : "key";
    try (AgentClient agent = client.connect(ClientOptions.USUAL_WAIT)) {
      String path = UrlPath.withQuery(UrlPath.of("v1", "explain"), Map.of(kind, subject));
      Reply reply = agent.send("GET", path, null);
      client.show(reply, () -> lines(reply.json(), Instant.now()));
    }
    return ExitCode.OK;
  }

  private static boolean isUrl(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    return lower.startsWith("http://") || lower.startsWith("https://");
  }

  static List<String> lines(JsonObject reply, Instant now) {
    var words =
        new Words()
            .with("decision", Json.text(reply, "decision"))
            .with("because", Json.text(reply, "reason"))
            .with("key", Json.text(reply, "key"))
            .with("url", Json.text(reply, "url"));
    var entry = Json.section(reply, "entry");
    if (!entry.isEmpty())
      words
          .with(
              "entry",
              Sizes.format(Json.number(entry, "size"))
                  + ", "
                  + Json.text(entry, "digest")
                  + ", fetched "
                  + Times.distance(Json.text(entry, "fetchedAt"), now))
          .with("fresh", EntriesShowCommand.freshness(Json.text(reply, "freshUntil"), now))
          .with("validator", validator(Json.section(reply, "validator")))
          .with("held by", holders(Json.objects(reply, "heldBy")))
          .with("eviction", rank(Json.section(reply, "evictionRank")));
    var policy = Json.section(reply, "policy");
    return policy.isEmpty() ? words.lines() : words.with("policy", policy(policy)).lines();
  }

  private static String validator(JsonObject validator) {
    String etag = Json.text(validator, "etag");
    if (!etag.equals("-")) return "ETag " + etag;
    String modified = Json.text(validator, "lastModified");
    return modified.equals("-") ? "none, so a whole body is fetched" : "Last-Modified " + modified;
  }

  private static String holders(List<JsonObject> holders) {
    return holders.isEmpty()
        ? "nobody"
        : holders.stream()
            .map(each -> Json.text(each, "container") + "/" + Json.text(each, "name"))
            .collect(Collectors.joining(", "));
  }

  private static String rank(JsonObject rank) {
    return rank.isEmpty()
        ? "not while it is held"
        : "number "
            + Json.number(rank, "position")
            + " of "
            + Json.number(rank, "of")
            + " when space is needed";
  }

  private static String policy(JsonObject policy) {
    String rule = Json.text(policy, "rule");
    String proxy = Json.text(policy, "proxy");
    return (Boolean.TRUE.equals(policy.getValue("allowed"))
            ? "allowed"
            : "not allowed: " + Json.text(policy, "reason"))
        + (rule.equals("-") ? ", no rule" : ", rule " + rule)
        + (proxy.equals("-") ? "" : ", proxy " + proxy)
        + ", at most "
        + Json.number(policy, "concurrency")
        + " requests at once";
  }
}
