package org.cacheddownloads.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.cacheddownloads.cli.AgentClient.Reply;
import org.cacheddownloads.content.Durations;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Shows what other quotas would have made of the requests of late. */
@Command(
    name = "advise",
    description =
        "Show how large the cache should be: how often other quotas would have hit, by the requests of late.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class AdviseCommand implements Callable<Integer> {
  /** The agent's, known here too: another is a wrong command line, and shells complete these. */
  private static final List<String> WINDOWS = List.of("1h", "24h", "7d");

  @Mixin private final ClientOptions client;

  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Option(
      names = "--window",
      paramLabel = "DURATION",
      completionCandidates = Windows.class,
      description = "How far to look back: 1h, 24h or 7d (default: 24h).")
  private @Nullable Duration window;

  @Option(
      names = "--quota",
      paramLabel = "SIZES",
      split = ",",
      converter = PruneCommand.SizeConverter.class,
      description = "By commas (default: from a quarter to eight times the present quota).")
  private List<Long> quotas = List.of();

  @Option(names = "--plot", description = "Draw the ratios without a terminal, too.")
  private boolean plot;

  @Option(names = "--svg", paramLabel = "FILE", description = "Write a picture of the ratios, too.")
  private @Nullable Path svg;

  AdviseCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() throws UnusableFile {
    var parameters = new LinkedHashMap<String, String>();
    parameters.put("window", window == null ? "" : known(window));
    parameters.put("quota", positive(quotas));
    String path = UrlPath.withQuery(UrlPath.of("v1", "advice"), parameters);
    try (AgentClient agent = client.connect(ClientOptions.USUAL_WAIT)) {
      Reply reply = agent.send("GET", path, null);
      if (svg != null) draw(svg, view(reply));
      boolean drawn = plot || client.terminal().outIsTerminal();
      client.show(reply, () -> view(reply).lines(drawn));
    }
    return ExitCode.OK;
  }

  private String known(Duration length) {
    return WINDOWS.stream()
        .filter(each -> Durations.parse(each).equals(length))
        .findFirst()
        .orElseThrow(
            () ->
                wrong(
                    "--window knows "
                        + String.join(", ", WINDOWS)
                        + ", and not "
                        + Durations.format(length)));
  }

  private String positive(List<Long> sizes) {
    if (sizes.contains(0L)) throw wrong("--quota: a quota is above 0");
    return sizes.stream().map(String::valueOf).collect(Collectors.joining(","));
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private AdviceView view(Reply reply) {
    return new AdviceView(reply.json(), Instant.now(), client.terminal());
  }

  private void draw(Path file, AdviceView view) throws UnusableFile {
    List<Plot> plots = view.plots();
    if (plots.isEmpty())
      client.terminal().err().println(file + " is not written: there is nothing to draw yet");
    else Plot.write(file, plots);
  }

  /** The word for a window by its length in ISO-8601, as it is written on the command line. */
  static String window(String length) {
    return WINDOWS.stream()
        .filter(each -> Durations.parse(each).toString().equals(length))
        .findFirst()
        .orElse(length);
  }

  /** For the completion of the shells. */
  static final class Windows implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return WINDOWS.iterator();
    }
  }
}
