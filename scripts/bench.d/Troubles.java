import java.io.IOException;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.Locale;

/**
 * How fast callers hear of trouble: that there is no such file, and that an origin is down while an
 * older entry may be handed out.
 */
final class Troubles implements Scenario {
  private static final int CALLS = 200;
  private static final int WARM_UP = 100;

  /** More than fetch.breakerFailures. */
  private static final int FAILURES = 8;

  @Override
  public void run(Setting setting) throws Exception {
    absent(setting);
    down(setting);
  }

  private static void absent(Setting setting) throws Exception {
    var byAgent = new Samples();
    var direct = new Samples();
    SocketAddress nginx = setting.nginx().address();
    for (int run = 1; run <= setting.scale().runs(); run++) {
      Bench.progress("troubles, what does not exist, run " + run);
      var ours = new Samples();
      var theirs = new Samples();
      for (int i = 0; i < WARM_UP + CALLS; i++) {
        String path = "absent-" + run + "-" + i;
        String body = "{\"url\":\"" + setting.nginx().url(path) + "\"}";
        long start = System.nanoTime();
        int status = Http.ask(setting.agent().address(), "POST", "/v1/prefetch", body).status();
        long between = System.nanoTime();
        int origin = Http.ask(nginx, "GET", "/" + path, null).status();
        if (i >= WARM_UP) {
          ours.add((between - start) / 1e6);
          theirs.add((System.nanoTime() - between) / 1e6);
        }
        if (status != 502 || origin != 404)
          setting.report().fault("what is absent must be a 404, and 502: " + origin + ", " + status);
      }
      byAgent.add(ours.median());
      direct.add(theirs.median());
    }
    setting.report().section("absent", "troubles: the origin has no such file (404)", "ms");
    setting.report().row("agent", byAgent, direct, "median of " + CALLS + " calls a run");
    setting.report().row("floor: the origin itself", direct, null, "");
  }

  private static void down(Setting setting) throws Exception {
    var stale = new Samples();
    for (int run = 1; run <= setting.scale().runs(); run++) {
      Bench.progress("troubles, an origin that is down, run " + run);
      String known;
      String other;
      try (var origin = new SlowOrigin(1 << 10, Duration.ZERO)) {
        known = origin.url("/known");
        other = origin.url("/other");
        setting.agent().call("POST", "/v1/prefetch", "{\"url\":\"" + known + "\"}");
      }
      for (int i = 0; i < FAILURES; i++) ask(setting, "{\"url\":\"" + other + "\"}");
      double longest = 0;
      String body = "{\"url\":\"" + known + "\",\"maxStale\":\"1h\"}";
      for (int i = 0; i < CALLS; i++) {
        long start = System.nanoTime();
        Http.Reply reply = ask(setting, body);
        longest = Math.max(longest, (System.nanoTime() - start) / 1e6);
        if (!reply.body().contains("\"stale\"") && !reply.body().contains("\"coalesced\""))
          setting.report().fault("what may be stale must be handed out: " + reply);
      }
      stale.add(longest);
    }
    setting
        .report()
        .section("down", "troubles: the origin is down, a stale entry is allowed", "ms");
    setting
        .report()
        .row(
            String.format(Locale.ROOT, "agent: the longest of %d calls", CALLS),
            stale,
            null,
            "wanted: below 100");
  }

  private static Http.Reply ask(Setting setting, String body) throws IOException {
    return Http.ask(setting.agent().address(), "POST", "/v1/prefetch", body);
  }
}
