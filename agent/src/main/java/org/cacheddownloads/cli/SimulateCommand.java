package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.cacheddownloads.advice.Access;
import org.cacheddownloads.advice.Policy;
import org.cacheddownloads.advice.Simulation;
import org.cacheddownloads.advice.Simulation.Line;
import org.cacheddownloads.advice.Simulation.Result;
import org.cacheddownloads.advice.TraceLine;
import org.cacheddownloads.advice.TraceReader;
import org.cacheddownloads.advice.Workload;
import org.cacheddownloads.content.Outcome;
import org.cacheddownloads.content.Sizes;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Plays recorded or made-up requests over caches of several policies and quotas. */
@Command(
    name = "simulate",
    description =
        "Play the requests of a trace over caches of several policies and quotas, and show how often each hits."
            + " Needs no agent.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class SimulateCommand implements Callable<Integer> {
  private static final String STANDARD_INPUT = "-";
  private static final String FAILED = "failed";
  private static final long USUAL_REQUESTS = 1_000_000;
  private static final long MOST_REQUESTS = 1_000_000_000;
  private static final String REQUEST_TITLE = "request hit ratio";
  private static final String BYTE_TITLE = "byte hit ratio";

  private final Terminal terminal;

  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "TRACE",
      description = "A file that an agent has recorded; - for standard input.")
  private @Nullable String trace;

  @Option(
      names = "--policy",
      paramLabel = "POLICIES",
      split = ",",
      description = "By commas: lru, s3fifo, sieve, lfu-da, gdsf (default: all).")
  private @Nullable List<String> policies;

  @Option(
      names = "--quota",
      paramLabel = "SIZES",
      split = ",",
      description = "By commas (default: 5GiB,10GiB,20GiB,40GiB,80GiB,160GiB).")
  private List<String> quotas = List.of("5GiB", "10GiB", "20GiB", "40GiB", "80GiB", "160GiB");

  @Option(
      names = "--workload",
      paramLabel = "NAME",
      description =
          "Instead of TRACE, requests that are made up: staging, starts, oneoff, storm or mixed.")
  private @Nullable String workload;

  @Option(
      names = "--requests",
      paramLabel = "N",
      description = "With --workload: how many (default: 1000000).")
  private @Nullable Long requests;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "With --workload: another number, other requests (default: 1).")
  private @Nullable Long seed;

  @Option(names = "--json", description = "Print the figures as JSON.")
  private boolean json;

  @Option(names = "--plot", description = "Draw the ratios without a terminal, too.")
  private boolean plot;

  @Option(names = "--svg", paramLabel = "FILE", description = "Write a picture of the ratios, too.")
  private @Nullable Path svg;

  /** What was read of a source, beside the requests that the caches were asked. */
  private static final class Read {
    long firstMillis = Long.MAX_VALUE;
    long lastMillis;
    long failed;
    long recorded;
    long recordedBytes;
    long recordedHits;
    long recordedHitBytes;
    boolean torn;

    void at(long millis) {
      firstMillis = Math.min(firstMillis, millis);
      lastMillis = Math.max(lastMillis, millis);
    }

    Duration span() {
      return Duration.ofMillis(Math.max(0, lastMillis - firstMillis));
    }
  }

  SimulateCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws UnusableFile {
    checkSource();
    Simulation simulation = simulation();
    Read read = workload == null ? play(String.valueOf(trace), simulation) : make(simulation);
    Result result = simulation.result();
    if (svg != null) Plot.write(svg, plots(result));
    if (json) terminal.out().println(Json.encode(json(result, read)));
    else print(result, read);
    return ExitCode.OK;
  }

  private void checkSource() {
    if ((trace == null) == (workload == null))
      throw wrong("give either TRACE or --workload, such as --workload mixed");
    if (workload == null && (requests != null || seed != null))
      throw wrong("--requests and --seed go with --workload");
    if (requests != null && (requests < 1 || requests > MOST_REQUESTS))
      throw wrong("--requests is a number from 1 to " + MOST_REQUESTS);
  }

  private Simulation simulation() {
    List<Policy.Kind> kinds =
        policies == null
            ? List.of(Policy.Kind.values())
            : policies.stream()
                .map(
                    name ->
                        named(
                            "--policy",
                            name,
                            Policy.Kind::named,
                            Arrays.stream(Policy.Kind.values()).map(Policy.Kind::word)))
                .distinct()
                .toList();
    try {
      return new Simulation(kinds, quotas.stream().map(this::quota).distinct().sorted().toList());
    } catch (IllegalArgumentException e) {
      throw wrong("fewer quotas or policies, please: " + e.getMessage());
    }
  }

  private <T> T named(
      String option, String name, Function<String, Optional<T>> find, Stream<String> all) {
    return find.apply(name.strip())
        .orElseThrow(
            () ->
                wrong(
                    option
                        + " knows "
                        + all.collect(Collectors.joining(", "))
                        + ", and not \""
                        + name
                        + '"'));
  }

  private long quota(String text) {
    try {
      long bytes = Sizes.parse(text.strip());
      if (bytes > 0) return bytes;
    } catch (IllegalArgumentException e) {
      throw wrong("--quota: " + e.getMessage());
    }
    throw wrong("--quota: a quota is above 0");
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private Read make(Simulation simulation) {
    Workload made =
        named(
            "--workload",
            String.valueOf(workload),
            Workload::named,
            Arrays.stream(Workload.values()).map(Workload::word));
    var read = new Read();
    var accesses = made.requests(seed == null ? 1 : seed);
    long count = requests == null ? USUAL_REQUESTS : requests;
    for (long i = 0; i < count; i++) {
      Access access = accesses.next();
      read.at(access.millis());
      simulation.request(access.key(), access.bytes(), access.bytes());
    }
    return read;
  }

  private static Read play(String name, Simulation simulation) throws UnusableFile {
    var read = new Read();
    try (TraceReader reader = TraceReader.of(open(name))) {
      for (TraceLine line = reader.next(); line != null; line = reader.next())
        play(line, simulation, read);
      read.torn = reader.torn();
      return read;
    } catch (IOException e) {
      throw UnusableFile.trace(name.equals(STANDARD_INPUT) ? "on standard input" : name, e);
    }
  }

  private static InputStream open(String name) throws IOException {
    return name.equals(STANDARD_INPUT)
        ? new FileInputStream(FileDescriptor.in)
        : Files.newInputStream(Path.of(name));
  }

  /** What failed had no bytes, and says nothing about a cache. */
  private static void play(TraceLine line, Simulation simulation, Read read) {
    read.at(line.millis());
    if (line.outcome().equals(FAILED)) {
      read.failed++;
      return;
    }
    if (!line.outcome().isEmpty()) {
      boolean saved = SAVED.contains(line.outcome());
      read.recorded++;
      read.recordedBytes += line.bytes();
      read.recordedHits += saved ? 1 : 0;
      read.recordedHitBytes += saved ? line.bytes() : 0;
    }
    if (line.outcome().equals(Outcome.UNCACHED.label()))
      simulation.requestUncacheable(line.bytes());
    else simulation.request(line.key(), line.bytes(), line.allocatedBytes());
  }

  private static final List<String> SAVED =
      Arrays.stream(Outcome.values()).filter(Outcome::saved).map(Outcome::label).toList();

  private void print(Result result, Read read) {
    if (result.requests() == 0) {
      terminal.out().println("There are no requests in it, so there is nothing to tell.");
      return;
    }
    var words =
        new Words()
            .with(
                "requests",
                String.format(
                    Locale.ROOT,
                    "%,d for %s within %s",
                    result.requests(),
                    Sizes.format(result.bytes()),
                    Times.span(read.span())))
            .with(
                "cold",
                percent(1 - result.mostHits())
                    + " of the requests and "
                    + percent(1 - result.mostHitBytes())
                    + " of the bytes, which no cache can have"
                    + (result.estimated() ? " (estimated)" : ""));
    if (read.recorded > 0)
      words.with(
          "recorded",
          percent(read.recordedHits / (double) read.recorded)
              + " of the requests and "
              + percent(read.recordedHitBytes / (double) Math.max(1, read.recordedBytes))
              + " of the bytes were hits");
    if (read.failed > 0)
      words.with("left out", String.format(Locale.ROOT, "%,d requests that failed", read.failed));
    if (read.torn) words.with("torn", "the last line has no end, and was left out");
    long dropped = result.lines().stream().mapToLong(Line::dropped).max().orElse(0);
    if (dropped > 0)
      words.with(
          "too low",
          "ratios with a *: more keys than are remembered; try fewer quotas and policies");
    words.lines().forEach(terminal.out()::println);
    table(REQUEST_TITLE, result, result::hitRatio, result.mostHits());
    table(BYTE_TITLE, result, result::byteHitRatio, result.mostHitBytes());
    if (!terminal.outIsTerminal() && !plot) return;
    for (Plot each : plots(result)) {
      terminal.out().println();
      each.text(terminal, terminal.size().columns()).forEach(terminal.out()::println);
    }
  }

  /** A row for each quota, a column for each policy, and at last a cache without a limit. */
  private void table(
      String title, Result result, Function<Line, Double> ratio, double withoutLimit) {
    var titles = new ArrayList<String>();
    titles.add("QUOTA>");
    for (Policy.Kind kind : kinds(result)) titles.add(kind.word().toUpperCase(Locale.ROOT) + ">");
    titles.add("NO LIMIT>");
    var rows = new ArrayList<List<String>>();
    for (long quota : result.lines().stream().map(Line::quotaBytes).distinct().toList()) {
      var row = new ArrayList<String>();
      row.add(ConfigShowCommand.size(quota));
      for (Line line : result.lines()) {
        if (line.quotaBytes() == quota)
          row.add((line.dropped() > 0 ? "*" : "") + percent(ratio.apply(line)));
      }
      row.add(percent(withoutLimit));
      rows.add(row);
    }
    terminal.out().println();
    terminal.out().println(title);
    var lines = new Table(titles.toArray(String[]::new)).page(rows);
    terminal.out().println(terminal.bold(lines.getFirst()));
    lines.subList(1, lines.size()).forEach(terminal.out()::println);
  }

  private static List<Policy.Kind> kinds(Result result) {
    return result.lines().stream().map(Line::kind).distinct().toList();
  }

  private static List<Plot> plots(Result result) {
    return List.of(
        plot(REQUEST_TITLE, result, result::hitRatio, result.mostHits()),
        plot(BYTE_TITLE, result, result::byteHitRatio, result.mostHitBytes()));
  }

  private static Plot plot(
      String title, Result result, Function<Line, Double> ratio, double withoutLimit) {
    var series = new ArrayList<Plot.Series>();
    for (Policy.Kind kind : kinds(result))
      series.add(
          new Plot.Series(
              kind.word(),
              result.lines().stream()
                  .filter(line -> line.kind() == kind)
                  .map(line -> new Plot.Point(line.quotaBytes(), ratio.apply(line)))
                  .toList()));
    series.add(
        new Plot.Series(
            "no limit",
            series.getFirst().points().stream()
                .map(point -> new Plot.Point(point.bytes(), withoutLimit))
                .toList()));
    return new Plot(title, series);
  }

  private static JsonObject json(Result result, Read read) {
    var fields = new LinkedHashMap<String, @Nullable Object>();
    fields.put("requests", result.requests());
    fields.put("bytes", result.bytes());
    fields.put("spanMillis", read.span().toMillis());
    fields.put("coldRequests", result.coldRequests());
    fields.put("coldBytes", result.coldBytes());
    fields.put("coldEstimated", result.estimated());
    fields.put("recordedHits", read.recorded == 0 ? null : read.recordedHits);
    fields.put("recordedHitBytes", read.recorded == 0 ? null : read.recordedHitBytes);
    fields.put("failed", read.failed);
    fields.put("torn", read.torn);
    fields.put("results", result.lines().stream().map(line -> json(result, line)).toList());
    return Json.of(fields);
  }

  private static JsonObject json(Result result, Line line) {
    var fields = new LinkedHashMap<String, @Nullable Object>();
    fields.put("policy", line.kind().word());
    fields.put("quotaBytes", line.quotaBytes());
    fields.put("hits", line.hits());
    fields.put("hitBytes", line.hitBytes());
    fields.put("requestHitRatio", result.hitRatio(line));
    fields.put("byteHitRatio", result.byteHitRatio(line));
    fields.put("droppedKeys", line.dropped());
    return Json.of(fields);
  }

  private static String percent(double ratio) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * ratio);
  }
}
