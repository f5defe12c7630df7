package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Shows what happens in the cache, as it happens. */
@Command(
    name = "events",
    description = "Show what happened in the cache of late, one event a line.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class EventsCommand implements Callable<Integer> {
  /** Comes while nothing happens. */
  private static final String ALIVE = "alive";

  @Mixin private final ClientOptions client;

  @Option(
      names = {"-f", "--follow"},
      description = "Go on with what happens from now on, until Ctrl-C.")
  private boolean follow;

  @Option(
      names = "--since",
      paramLabel = "ID",
      description = "Only what came after the event of this id.")
  private @Nullable Long since;

  @Option(
      names = "--kind",
      paramLabel = "KINDS",
      description =
          "Only these, by commas: fetched, evicted, released, quarantined, config-changed.")
  private String kinds = "";

  EventsCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    var parameters = new LinkedHashMap<String, String>();
    parameters.put("follow", follow ? "1" : "0");
    parameters.put("since", since != null ? since.toString() : follow ? "" : "0");
    parameters.put("kind", kinds);
    String path = UrlPath.withQuery(UrlPath.of("v1", "events"), parameters);
    try (AgentClient agent = client.connect(ClientOptions.USUAL_WAIT)) {
      agent.stream(
          path,
          (text, event) -> {
            if (event == null || !event.containsKey("event")) return false;
            if (client.json()) client.out().println(text);
            else if (!ALIVE.equals(event.getValue("event"))) client.out().println(line(event));
            return true;
          });
    }
    return ExitCode.OK;
  }

  /** The time, the event, and the rest as it is named. */
  static String line(JsonObject event) {
    var line = new StringBuilder(Json.text(event, "at"));
    line.append("  ").append(Json.text(event, "event"));
    for (String name : event.fieldNames()) {
      if (!name.equals("at") && !name.equals("event") && !name.equals("id"))
        line.append(' ')
            .append(Terminal.printable(name))
            .append('=')
            .append(Json.text(event, name));
    }
    return line.toString();
  }
}
