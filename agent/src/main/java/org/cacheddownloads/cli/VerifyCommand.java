package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import org.cacheddownloads.cli.AgentClient.Reply;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Reads stored bytes again and compares them with their digests. */
@Command(
    name = "verify",
    description =
        "Read stored bytes again and compare them with their digests. What is damaged is set aside, and fetched"
            + " anew when it is asked for; the exit code is 5 then.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class VerifyCommand implements Callable<Integer> {
  /** A large disk takes its time. */
  private static final Duration USUAL_WAIT = Duration.ofHours(12);

  @Mixin private final ClientOptions client;

  @Parameters(
      arity = "0..1",
      paramLabel = "DIGEST",
      description = "Only these bytes, such as sha256:1629…; otherwise all.")
  private @Nullable String digest;

  VerifyCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    var fields = new LinkedHashMap<String, @Nullable Object>();
    fields.put("digest", digest);
    try (AgentClient agent = client.connect(USUAL_WAIT)) {
      Reply reply = agent.send("POST", UrlPath.of("v1", "verify"), Json.of(fields));
      client.show(reply, () -> lines(reply.json()));
      return Json.objects(reply.json(), "corrupt").isEmpty() ? ExitCode.OK : ExitCode.DAMAGED;
    }
  }

  static List<String> lines(JsonObject reply) {
    var corrupt = Json.objects(reply, "corrupt");
    String checked = "checked " + Json.number(reply, "checked") + ", damaged " + corrupt.size();
    if (corrupt.isEmpty()) return List.of(checked);
    var table = new Table("DIGEST", "IN USE");
    var rows =
        corrupt.stream()
            .map(
                each ->
                    List.of(
                        Json.text(each, "digest"),
                        Boolean.TRUE.equals(each.getValue("inUse")) ? "yes" : "no"))
            .toList();
    var lines = new ArrayList<>(table.page(rows));
    lines.add(checked);
    return lines;
  }
}
