package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.cacheddownloads.cli.AgentClient.Reply;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Shows where the time of past requests went. */
@Command(
    name = "requests",
    description = "Show past requests with the time that each of their phases took.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class RequestsCommand implements Callable<Integer> {
  @Mixin private final ClientOptions client;

  @Option(names = "--slow", description = "Only slow requests, of which more are remembered.")
  private boolean slow;

  RequestsCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    String path =
        UrlPath.withQuery(UrlPath.of("v1", "requests"), slow ? Map.of("slow", "1") : Map.of());
    try (AgentClient agent = client.connect(ClientOptions.USUAL_WAIT)) {
      Reply reply = agent.send("GET", path, null);
      if (client.json()) client.out().println(reply.text().strip());
      else client.print(lines(reply.json(), Instant.now()), true);
    }
    return ExitCode.OK;
  }

  static List<String> lines(JsonObject reply, Instant now) {
    return new Table("WHEN", "CONTAINER", "NAME", "OUTCOME", "TOOK>", "WAITED FOR", "PHASES", "KEY")
        .page(Json.objects(reply, "requests").stream().map(request -> row(request, now)).toList());
  }

  private static List<String> row(JsonObject request, Instant now) {
    String code = Json.text(request, "code");
    String phases =
        Json.objects(request, "phases").stream()
            .map(phase -> Json.text(phase, "phase") + " " + millis(phase, "millis"))
            .collect(Collectors.joining(", "));
    return List.of(
        Times.distance(Json.text(request, "at"), now),
        Json.text(request, "container"),
        Json.text(request, "name"),
        Json.text(request, "outcome") + (code.equals("-") ? "" : " (" + code + ")"),
        millis(request, "durationMillis"),
        Json.text(request, "waitedFor"),
        phases.isEmpty() ? "-" : phases,
        Json.text(request, "key"));
  }

  private static String millis(JsonObject object, String field) {
    return Times.span(Duration.ofMillis(Json.number(object, field)));
  }
}
