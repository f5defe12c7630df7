package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.cacheddownloads.cli.AgentClient.Reply;
import org.cacheddownloads.content.Durations;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Puts off the expiry of a container. */
@Command(
    name = "renew",
    description = "Let a container expire at another time, counted from now.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class ContainerRenewCommand implements Callable<Integer> {
  @Mixin private final ClientOptions client;

  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Parameters(paramLabel = "CONTAINER", description = "The container's id.")
  private String container = "";

  @Option(
      names = "--expires-after",
      required = true,
      paramLabel = "DURATION",
      description = "How long it is to live, such as 30m or 1h.")
  private Duration expiresAfter = Duration.ZERO;

  ContainerRenewCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    String path = path();
    JsonObject body = Json.of(Map.of("expiresAfter", Durations.format(expiresAfter)));
    try (AgentClient agent = client.connect(ClientOptions.USUAL_WAIT)) {
      Reply reply = agent.send("POST", path, body);
      client.show(reply, () -> lines(reply.json(), Instant.now()));
    }
    return ExitCode.OK;
  }

  private String path() {
    try {
      return UrlPath.container(container, null) + "/renew";
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  static List<String> lines(JsonObject container, Instant now) {
    return List.of(
        Json.text(container, "container")
            + " expires "
            + Times.distance(Json.text(container, "expiresAt"), now));
  }
}
