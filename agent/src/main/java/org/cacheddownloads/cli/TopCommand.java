package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A live view of the agent in the terminal. */
@Command(
    name = "top",
    description =
        "Watch the agent: running downloads, slots, hit ratio, disk, evictions. Ctrl-C ends it.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class TopCommand implements Callable<Integer> {
  @Mixin private final ClientOptions client;

  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Option(
      names = "--interval",
      paramLabel = "DURATION",
      description = "The time between two looks (default: 1s).")
  private Duration interval = Duration.ofSeconds(1);

  @Option(names = "--once", description = "Print one view and end.")
  private boolean once;

  private @Nullable Sample before;

  /**
   * What the agent said at one time.
   *
   * @param slots requests to origins that may run at once
   */
  record Sample(Instant at, JsonObject stats, List<JsonObject> fetches, long slots) {}

  TopCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    Terminal terminal = client.terminal();
    if (!once && !client.json() && !terminal.outIsTerminal())
      throw new ParameterException(
          spec.commandLine(), "standard output is no terminal; add --once or --json");
    try (AgentClient agent = client.connect(ClientOptions.USUAL_WAIT)) {
      if (once) view(agent, terminal.size()).forEach(client.out()::println);
      else Repeat.every(interval, client.lineByLine(), size -> view(agent, size));
    }
    return ExitCode.OK;
  }

  private List<String> view(AgentClient agent, Terminal.Size size) {
    JsonObject stats = agent.send("GET", UrlPath.of("v1", "stats"), null).json();
    JsonObject fetches = agent.send("GET", UrlPath.of("v1", "fetches"), null).json();
    if (client.json()) {
      var both = new LinkedHashMap<String, @Nullable Object>();
      both.put("stats", stats);
      both.put("fetches", fetches.getValue("fetches"));
      return List.of(Json.encode(Json.of(both)));
    }
    JsonObject config = agent.send("GET", UrlPath.of("v1", "config"), null).json();
    var now =
        new Sample(
            Instant.now(),
            stats,
            Json.objects(fetches, "fetches"),
            Json.number(Json.section(config, "fetch"), "concurrency"));
    var lines = new TopView(now, before, client.terminal(), size).lines();
    before = now;
    return lines;
  }
}
