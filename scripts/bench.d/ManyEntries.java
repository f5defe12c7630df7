import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * What a start, a download and an eviction cost in a store of a thousand entries, and of a thousand
 * times as many. Nothing of it should grow with the store but the comparison of files and rows that
 * follows a start in the background.
 */
final class ManyEntries implements Scenario {
  /** Each start compares the whole store, so there are few. */
  private static final int RUNS = 3;

  private static final int WARM_UP = 100;
  private static final int DOWNLOADS = 300;
  private static final int POLL_MILLIS = 2;
  private static final long MOST_SECONDS = 600;
  private static final Pattern HEAP = Pattern.compile("(?m)^(?:DefNew|Tenured) .* used (\\d+)K");

  private Setting setting;
  private TextOrigin origin;
  private int downloads;

  /** A store and what was measured with it. */
  private static final class Series {
    final int entries;
    final Path work;
    final FilledStore store;
    final Samples ready = new Samples();
    final Samples firstHit = new Samples();
    final Samples exact = new Samples();
    final Samples heap = new Samples();
    final Samples rss = new Samples();
    final Samples insert = new Samples();
    final Samples evict = new Samples();

    Series(int entries, Path work) {
      this.entries = entries;
      this.work = work;
      this.store = new FilledStore(work.resolve("state"));
    }
  }

  @Override
  public void run(Setting setting) throws Exception {
    this.setting = setting;
    var all = new ArrayList<Series>();
    for (int entries : setting.scale().entries()) all.add(filled(entries));
    try (var origin = new TextOrigin()) {
      this.origin = origin;
      for (int run = 1; run <= RUNS; run++) {
        for (Series series : all) {
          Bench.progress(
              String.format("scale, %,d entries, run %d of %d", series.entries, run, RUNS));
          measure(series);
        }
      }
    }
    for (Series series : all) Bench.delete(series.work);
    report(all);
  }

  private Series filled(int entries) throws Exception {
    Path work = Files.createDirectories(setting.work().resolve("scale-" + entries));
    var series = new Series(entries, work);
    AgentProcess empty = AgentProcess.start(setting.children(), setting.root(), work);
    empty.stop();
    Bench.progress(String.format("scale, writing %,d entries", entries));
    series.store.fill(entries);
    return series;
  }

  private void measure(Series series) throws Exception {
    long allocated = series.store.allocatedBytes();
    Files.deleteIfExists(series.work.resolve("agent.log"));
    // Or the start would wait for the disk to take what was evicted before.
    Children.output(List.of("sync", "-f", series.work.toString()));
    long start = System.nanoTime();
    AgentProcess agent =
        AgentProcess.launch(
            setting.children(), setting.root(), series.work, files(2 * series.entries + 10_000));
    agent.awaitReady(POLL_MILLIS);
    series.ready.add(millisSince(start));
    String hit =
        agent.call(
            "PUT",
            "/v1/containers/scale/downloads/file",
            "{\"url\":\"" + FilledStore.url(series.entries) + "\"}");
    series.firstHit.add(millisSince(start));
    if (!AgentProcess.text(hit, "outcome").equals("hit"))
      setting.report().fault("the first PUT must be a hit: " + hit);
    agent.call("DELETE", "/v1/containers/scale", null);

    awaitExact(agent, allocated);
    series.exact.add(millisSince(start));
    series.rss.add(status(agent, "VmRSS") / 1024.0);
    series.heap.add(liveHeapKib(agent));

    series.insert.add(medianDownload(agent));
    long before = AgentProcess.number(agent.call("GET", "/v1/stats", null), "evictions", "count");
    agent.reconfigure(series.work, files(series.entries - WARM_UP));
    series.evict.add(medianDownload(agent));
    long evicted =
        AgentProcess.number(agent.call("GET", "/v1/stats", null), "evictions", "count") - before;
    if (evicted < WARM_UP + DOWNLOADS)
      setting.report().fault("each download must evict one: " + evicted + " evictions");
    agent.stop();
  }

  private static String files(int most) {
    return "quota: {files: " + most + "}";
  }

  private static double millisSince(long start) {
    return (System.nanoTime() - start) / 1e6;
  }

  /** Until files and rows have been compared, and the sum is that of the disk. */
  private static void awaitExact(AgentProcess agent, long allocated) throws Exception {
    long end = System.nanoTime() + MOST_SECONDS * 1_000_000_000;
    while (System.nanoTime() < end) {
      if (Files.readString(agent.log()).contains("Reconciler reconciled")
          && AgentProcess.number(agent.call("GET", "/v1/stats", null), "disk", "usedBytes")
              == allocated) {
        return;
      }
      Thread.sleep(20);
    }
    throw new IOException(
        "not exact after "
            + MOST_SECONDS
            + " s: "
            + allocated
            + " bytes are allocated, "
            + agent.call("GET", "/v1/stats", null)
            + "\n"
            + Children.tail(agent.log()));
  }

  /** A figure of /proc in KiB. */
  private static long status(AgentProcess agent, String name) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + agent.pid() + "/status"))) {
      if (line.startsWith(name + ":")) return Long.parseLong(line.replaceAll("\\D", ""));
    }
    throw new IOException("no " + name + " of process " + agent.pid());
  }

  /** What is left of the heap after a collection. */
  private static double liveHeapKib(AgentProcess agent) throws Exception {
    String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
    String pid = String.valueOf(agent.pid());
    Children.output(List.of(jcmd, pid, "GC.run"));
    String info = Children.output(List.of(jcmd, pid, "GC.heap_info"));
    List<Long> used =
        HEAP.matcher(info).results().map(part -> Long.parseLong(part.group(1))).toList();
    if (used.size() != 2) throw new IOException("no heap in " + info);
    return used.getFirst() + used.getLast();
  }

  /** The median of some hundred downloads of a few bytes that nobody has yet, in microseconds. */
  private double medianDownload(AgentProcess agent) throws IOException {
    var micros = new Samples();
    for (int i = 0; i < WARM_UP + DOWNLOADS; i++) {
      String body = "{\"url\":\"" + origin.url("/new/" + downloads++) + "\"}";
      long start = System.nanoTime();
      String reply = agent.call("POST", "/v1/prefetch", body);
      if (i >= WARM_UP) micros.add((System.nanoTime() - start) / 1e3);
      if (!AgentProcess.text(reply, "outcome").equals("miss"))
        setting.report().fault("a new file must be a miss: " + reply);
    }
    return micros.median();
  }

  // ---- the table

  private interface Figure {
    Samples of(Series series);
  }

  private void report(List<Series> all) {
    rows("ready", "start of the process to ready", "ms", all, series -> series.ready, "");
    rows(
        "first-hit",
        "start of the process to the first hit",
        "ms",
        all,
        series -> series.firstHit,
        "wanted: below 1,000");
    rows(
        "exact",
        "start of the process to files and rows compared, usedBytes exact",
        "ms",
        all,
        series -> series.exact,
        "wanted: below 60,000");
    rows(
        "rss",
        "resident memory after that",
        "MiB",
        all,
        series -> series.rss,
        "wanted: at most 64 more");
    rows("heap", "live heap after that", "KiB", all, series -> series.heap, "");
    rows(
        "insert",
        "download of a few new bytes, median of " + DOWNLOADS,
        "us",
        all,
        series -> series.insert,
        "wanted: ratio below 2");
    rows(
        "evict",
        "the same when each evicts one",
        "us",
        all,
        series -> series.evict,
        "wanted: ratio below 2");
  }

  private void rows(
      String id, String title, String unit, List<Series> all, Figure figure, String wanted) {
    setting.report().section("scale-" + id, "scale: " + title, unit);
    Samples floor = figure.of(all.getFirst());
    for (Series series : all) {
      boolean isFloor = series == all.getFirst();
      setting
          .report()
          .row(
              String.format(Locale.ROOT, "%s%,d entries", isFloor ? "floor: " : "", series.entries),
              figure.of(series),
              isFloor ? null : floor,
              isFloor ? "" : wanted);
    }
  }
}
