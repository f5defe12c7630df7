package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.cacheddownloads.cli.AgentClient.Reply;
import org.cacheddownloads.content.Sizes;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Shows the agent's figures, with the two ratios that say whether it is worth its disk. */
@Command(
    name = "stats",
    description = "Show the agent's figures.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class StatsCommand implements Callable<Integer> {
  private static final List<String> WITHOUT_BODY =
      List.of("hit", "revalidated", "coalesced", "stale");
  private static final List<String> WITH_BODY = List.of("miss", "updated", "uncached");

  @Mixin private final ClientOptions client;

  @Option(names = "--watch", description = "Show them again and again, until Ctrl-C.")
  private boolean watch;

  @Option(
      names = "--interval",
      paramLabel = "DURATION",
      description = "With --watch: the time between two looks (default: 2s).")
  private Duration interval = Duration.ofSeconds(2);

  StatsCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    try (AgentClient agent = client.connect(ClientOptions.USUAL_WAIT)) {
      if (watch) Repeat.every(interval, client.lineByLine(), _ -> view(agent));
      else view(agent).forEach(client.out()::println);
    }
    return ExitCode.OK;
  }

  private List<String> view(AgentClient agent) {
    Reply reply = agent.send("GET", UrlPath.of("v1", "stats"), null);
    return client.json() ? List.of(reply.text().strip()) : lines(reply.json());
  }

  /**
   * Group by group as the reply has them, so that a figure added to the agent shows up here by
   * itself.
   */
  static List<String> lines(JsonObject stats) {
    var lines = new ArrayList<String>();
    lines.add(
        "agent "
            + Json.text(stats, "version")
            + ", up "
            + Times.span(Duration.ofSeconds(Json.number(stats, "uptimeSeconds"))));
    for (var group : stats) {
      if (!(group.getValue() instanceof JsonObject figures)) continue;
      lines.add("");
      lines.add(words(group.getKey()));
      figures.forEach(
          figure ->
              lines.add(
                  line(
                      words(figure.getKey()),
                      value(
                          group.getKey(),
                          figure.getKey(),
                          Json.number(figures, figure.getKey())))));
      if (group.getKey().equals("requests")) lines.add(line("hit ratio", hitRatio(figures)));
      if (group.getKey().equals("bytes")) lines.add(line("saved ratio", savedRatio(figures)));
      if (group.getKey().equals("disk"))
        lines.add(
            line(
                "quota used",
                ratio(Json.number(figures, "usedBytes"), Json.number(figures, "quotaBytes"))));
    }
    return lines;
  }

  /** Of the downloads that were provided, those for which no body was fetched. */
  static String hitRatio(JsonObject requests) {
    long without = WITHOUT_BODY.stream().mapToLong(outcome -> Json.number(requests, outcome)).sum();
    long with = WITH_BODY.stream().mapToLong(outcome -> Json.number(requests, outcome)).sum();
    return ratio(without, without + with);
  }

  /** Of the bytes that would have been fetched without a cache, those that were not. */
  static String savedRatio(JsonObject bytes) {
    long saved = Json.number(bytes, "saved");
    return ratio(saved, saved + Json.number(bytes, "fetched"));
  }

  private static String ratio(long part, long whole) {
    return whole == 0 ? "-" : String.format(Locale.ROOT, "%.1f %%", 100.0 * part / whole);
  }

  private static String value(String group, String name, long figure) {
    if (group.equals("bytes") || name.endsWith("Bytes") || name.equals("bytes"))
      return Sizes.format(figure);
    if (name.endsWith("Seconds")) return Times.span(Duration.ofSeconds(figure));
    return Long.toString(figure);
  }

  /** {@code minFreeBytes} becomes {@code min free}: the unit is in the figure. */
  static String words(String name) {
    String withoutUnit = name.equals("bytes") ? name : name.replaceAll("(Bytes|Seconds)$", "");
    return Terminal.printable(withoutUnit.replaceAll("([A-Z])", " $1").toLowerCase(Locale.ROOT));
  }

  private static String line(String words, String value) {
    return String.format(Locale.ROOT, "  %-14s %12s", words, value);
  }
}
