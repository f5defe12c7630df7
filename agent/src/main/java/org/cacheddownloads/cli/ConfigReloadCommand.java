package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.cacheddownloads.cli.AgentClient.Reply;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Lets the agent read its configuration again. */
@Command(
    name = "reload",
    description =
        "Let the running agent read its configuration again, and say what changed. A bad file changes nothing.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class ConfigReloadCommand implements Callable<Integer> {
  @Mixin private final ClientOptions client;

  ConfigReloadCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    try (AgentClient agent = client.connect(ClientOptions.USUAL_WAIT)) {
      Reply reply = agent.send("POST", UrlPath.of("v1", "config", "reload"), null);
      client.show(reply, () -> lines(reply.json()));
    }
    return ExitCode.OK;
  }

  static List<String> lines(JsonObject reply) {
    var lines = new ArrayList<String>();
    var changed = Json.texts(reply, "changed");
    var needsRestart = Json.texts(reply, "needsRestart");
    lines.add(changed.isEmpty() ? "nothing changed" : "changed " + String.join(", ", changed));
    if (!needsRestart.isEmpty()) lines.add("after a restart " + String.join(", ", needsRestart));
    return lines;
  }
}
