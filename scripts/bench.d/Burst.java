import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;

/**
 * A thousand callers want the same thing at the same moment, each for a container of its own, while
 * the origin takes its time. It must be asked once. Beside it: the callers ask the origin
 * themselves.
 */
final class Burst implements Scenario {
  private static final int CALLERS = 1_000;
  private static final int BODY_BYTES = 64 << 10;

  /** How often the longest delay is waited for. */
  private static final int LONG_RUNS = 1;

  /** What the callers do: method, path and body by the number of the caller. */
  private record Call(SocketAddress server, String method, IntFunction<String> path, String body) {}

  /**
   * @param millis from the start signal to the last reply, without the origin's delay
   * @param outcomes how many callers got which outcome, or status where it is none
   */
  private record Result(double millis, Map<String, Integer> outcomes, SlowOrigin.Count asked) {}

  @Override
  public void run(Setting setting) throws Exception {
    setting
        .report()
        .section(
            "burst",
            String.format(Locale.ROOT, "%,d callers of one key at once, 64 KiB", CALLERS),
            "ms from the first call to the last reply, without the origin's delay");
    for (int delaySeconds : setting.scale().delays()) {
      int runs = delaySeconds > 10 ? LONG_RUNS : setting.scale().runs();
      measure(setting, Duration.ofSeconds(delaySeconds), runs);
    }
  }

  private void measure(Setting setting, Duration delay, int runs) throws Exception {
    var cold = new Series("cold");
    var revalidating = new Series("all revalidate");
    var direct = new Series("floor: without a cache");
    String expectedMiss = "1 miss, " + (CALLERS - 1) + " coalesced";
    String expectedValid = "1 revalidated, " + (CALLERS - 1) + " coalesced";
    try (var origin = new SlowOrigin(BODY_BYTES, delay)) {
      var agent = setting.agent();
      for (int run = 1; run <= runs; run++) {
        Bench.progress(
            "burst, origin answers after " + delay.toSeconds() + " s, run " + run + " of " + runs);
        String body = "{\"url\":\"" + origin.url("/burst-" + run) + "\"}";
        var put =
            new Call(
                agent.address(), "PUT", i -> "/v1/containers/burst-" + i + "/downloads/file", body);
        cold.add(all(put, origin, delay));
        revalidating.add(all(put, origin, delay));
        agent.empty();
        direct.add(all(new Call(origin.address(), "GET", _ -> "/direct", null), origin, delay));
      }
    }
    String when = ", origin answers after " + delay.toSeconds() + " s";
    Report report = setting.report();
    report.row(cold.what + when, cold.millis, direct.millis, cold.note());
    report.row(revalidating.what + when, revalidating.millis, direct.millis, revalidating.note());
    report.row(direct.what, direct.millis, null, direct.note());
    for (Result result : cold.results) {
      if (result.asked().unconditional() != 1 || result.asked().conditional() != 0) {
        report.fault("a cold burst must ask the origin once: " + result);
      }
      if (!words(result.outcomes()).equals(expectedMiss)) {
        report.fault("a cold burst must be " + expectedMiss + ": " + result);
      }
    }
    for (Result result : revalidating.results) {
      if (result.asked().unconditional() != 0 || result.asked().conditional() != 1) {
        report.fault("a burst that revalidates must ask the origin once: " + result);
      }
      if (!words(result.outcomes()).equals(expectedValid)) {
        report.fault("a burst that revalidates must be " + expectedValid + ": " + result);
      }
    }
  }

  /** All callers connect, then all send at once. */
  private static Result all(Call call, SlowOrigin origin, Duration delay) throws Exception {
    var connected = new CountDownLatch(CALLERS);
    var start = new CountDownLatch(1);
    var outcomes = new TreeMap<String, Integer>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var replies = new ArrayList<Future<String>>();
      for (int i = 0; i < CALLERS; i++) {
        int number = i;
        replies.add(
            threads.submit(
                () -> {
                  try (Http http = connect(call.server(), connected)) {
                    start.await();
                    return outcome(http.send(call.method(), call.path().apply(number), call.body()));
                  }
                }));
      }
      connected.await();
      long before = System.nanoTime();
      start.countDown();
      for (Future<String> reply : replies) outcomes.merge(reply.get(), 1, Integer::sum);
      double millis = (System.nanoTime() - before) / 1e6 - delay.toMillis();
      return new Result(millis, outcomes, origin.countSinceLast());
    }
  }

  private static Http connect(SocketAddress server, CountDownLatch connected) throws Exception {
    try {
      return Http.connect(server);
    } finally {
      connected.countDown();
    }
  }

  private static String outcome(Http.Reply reply) throws Exception {
    if (reply.status() >= 300) return "status " + reply.status();
    return reply.body().startsWith("{") ? AgentProcess.text(reply.body(), "outcome") : "fetched";
  }

  private static String words(Map<String, Integer> outcomes) {
    return String.join(
        ", ",
        outcomes.entrySet().stream()
            .sorted(Map.Entry.comparingByValue())
            .map(outcome -> outcome.getValue() + " " + outcome.getKey())
            .toList());
  }

  private static final class Series {
    final String what;
    final Samples millis = new Samples();
    final List<Result> results = new ArrayList<>();

    Series(String what) {
      this.what = what;
    }

    void add(Result result) {
      results.add(result);
      millis.add(result.millis());
    }

    /** What was seen, of all runs if they agree. */
    String note() {
      return String.join(
          "; or ",
          results.stream()
              .map(result -> asked(result.asked()) + ": " + words(result.outcomes()))
              .distinct()
              .toList());
    }

    private static String asked(SlowOrigin.Count count) {
      int all = count.unconditional() + count.conditional();
      return String.format(
          Locale.ROOT,
          "%,d %sorigin request%s",
          all,
          count.conditional() == all ? "conditional " : "",
          all == 1 ? "" : "s");
    }
  }
}
