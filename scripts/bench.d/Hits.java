import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Revalidated hits per second over the socket: each asks the origin whether the bytes still hold.
 * Beside them: bare conditional requests to the same nginx by the same client.
 *
 * <p>Two arrangements. <b>Own URLs</b>: every connection wants a URL of its own for a container of
 * its own, so every hit is a conditional request at the origin; as h2load sends one body, each
 * connection is a process of it. <b>One URL</b>: all connections want the same URL, so those that
 * come while another is being validated wait for that one.
 */
final class Hits implements Scenario {
  private static final List<Integer> CONNECTIONS = List.of(1, 8, 64);
  private static final int FILES = 64;
  private static final int FILE_BYTES = 64 << 10;
  private static final Pattern RATE = Pattern.compile("finished in .*?, ([0-9.]+) req/s");
  private static final Pattern STATUSES =
      Pattern.compile("status codes: (\\d+) 2xx, (\\d+) 3xx, (\\d+) 4xx, (\\d+) 5xx");

  private Setting setting;
  private Path bodies;
  private String etag;

  private record Load(double perSecond, long succeeded, long notModified, long failed) {}

  @Override
  public void run(Setting setting) throws Exception {
    this.setting = setting;
    prepare();
    setting
        .report()
        .section("hits", "revalidated hits over the socket, 64 KiB files of nginx", "per second");
    for (int connections : CONNECTIONS) {
      measure("own URLs", connections, true);
      if (connections > 1) measure("one URL", connections, false);
    }
    setting.agent().empty();
  }

  private void prepare() throws Exception {
    bodies = Files.createDirectories(setting.work().resolve("bodies"));
    var random = new Random(1);
    for (int i = 0; i < FILES; i++) {
      byte[] bytes = new byte[FILE_BYTES];
      random.nextBytes(bytes);
      Files.write(setting.nginx().documents().resolve(name(i)), bytes);
      Files.writeString(body(i), "{\"url\":\"" + setting.nginx().url(name(i)) + "\"}");
      setting.agent().call("PUT", path(i), Files.readString(body(i)));
    }
    // The same time and size everywhere, hence one ETag for all.
    for (int i = 0; i < FILES; i++) {
      Files.setLastModifiedTime(
          setting.nginx().documents().resolve(name(i)),
          java.nio.file.attribute.FileTime.fromMillis(1_700_000_000_000L));
      setting.agent().call("PUT", path(i), Files.readString(body(i)));
    }
    var head =
        (HttpURLConnection) URI.create(setting.nginx().url(name(0))).toURL().openConnection();
    head.setRequestMethod("HEAD");
    etag = head.getHeaderField("ETag");
    int seconds = setting.scale().warmupSeconds();
    Bench.progress("hits, warming the agent up for " + 2 * seconds + " s");
    askAgent(8, true, seconds);
    askAgent(8, false, seconds);
  }

  private void measure(String arrangement, int connections, boolean own) throws Exception {
    var agent = new Samples();
    var nginx = new Samples();
    AgentProcess.Counters before = setting.agent().counters();
    int runs = setting.scale().runs();
    for (int run = 1; run <= runs; run++) {
      Bench.progress(
          "hits, " + connections + " connections, " + arrangement + ", run " + run + " of " + runs);
      Load hits = askAgent(connections, own, setting.scale().loadSeconds());
      agent.add(hits.perSecond());
      if (hits.succeeded() == 0 || hits.failed() + hits.notModified() > 0) {
        setting.report().fault("hits must succeed: " + hits);
      }
      Load bare = askNginx(connections, own);
      nginx.add(bare.perSecond());
      if (bare.notModified() == 0 || bare.failed() + bare.succeeded() > 0) {
        setting.report().fault("bare requests must be answered 304: " + bare);
      }
    }
    AgentProcess.Counters seen = setting.agent().counters().minus(before);
    if (seen.others() > 0) {
      setting.report().fault("hits must be revalidated or coalesced: " + seen);
    }
    String name =
        String.format("%2d connection%s, %s", connections, connections == 1 ? "" : "s", arrangement);
    setting.report().row(name, agent, nginx, note(seen));
    setting.report().row("   floor: bare conditional GETs", nginx, null, "");
  }

  private static String note(AgentProcess.Counters seen) {
    double all = seen.revalidated() + seen.coalesced();
    return String.format(
        Locale.ROOT,
        "%.0f %% revalidated, %.0f %% coalesced; %.2f origin requests per hit",
        100 * seen.revalidated() / all,
        100 * seen.coalesced() / all,
        seen.originRequests() / all);
  }

  private Load askAgent(int connections, boolean own, int seconds) throws Exception {
    var commands = new ArrayList<List<String>>();
    for (int i = 0; i < (own ? connections : 1); i++) {
      var command = h2load(own ? 1 : connections, seconds);
      command.addAll(
          List.of("-B", "unix:" + setting.agent().socket(), "-d", body(own ? i : 0).toString()));
      command.addAll(List.of("-H", ":method: PUT", "-H", "content-type: application/json"));
      command.add("http://localhost" + path(i));
      // One URL for all, but a container for each as far as h2load can spread them.
      for (int other = 1; !own && other < FILES; other++) {
        command.add("http://localhost" + path(other));
      }
      commands.add(command);
    }
    Load load = sum(commands);
    return load;
  }

  private Load askNginx(int connections, boolean own) throws Exception {
    var commands = new ArrayList<List<String>>();
    for (int i = 0; i < (own ? connections : 1); i++) {
      var command = h2load(own ? 1 : connections, setting.scale().loadSeconds());
      command.addAll(List.of("-H", "if-none-match: " + etag, setting.nginx().url(name(i))));
      commands.add(command);
    }
    return sum(commands);
  }

  private static List<String> h2load(int connections, int seconds) {
    return new ArrayList<>(
        List.of(
            "h2load",
            "--h1",
            "-c",
            String.valueOf(connections),
            "-D",
            String.valueOf(seconds),
            "--warm-up-time=1"));
  }

  /** Runs all commands at once and adds up what they report. */
  private static Load sum(List<List<String>> commands) throws IOException, InterruptedException {
    var processes = new ArrayList<Process>();
    for (List<String> command : commands) {
      processes.add(new ProcessBuilder(command).redirectErrorStream(true).start());
    }
    var sum = new Load(0, 0, 0, 0);
    for (Process process : processes) {
      String output = new String(process.getInputStream().readAllBytes());
      process.waitFor();
      Matcher rate = RATE.matcher(output);
      Matcher statuses = STATUSES.matcher(output);
      if (!rate.find() || !statuses.find()) throw new IOException("h2load says: " + output);
      sum =
          new Load(
              sum.perSecond() + Double.parseDouble(rate.group(1)),
              sum.succeeded() + Long.parseLong(statuses.group(1)),
              sum.notModified() + Long.parseLong(statuses.group(2)),
              sum.failed()
                  + Long.parseLong(statuses.group(3))
                  + Long.parseLong(statuses.group(4)));
    }
    return sum;
  }

  private static String name(int number) {
    return "file-" + number;
  }

  private Path body(int number) {
    return bodies.resolve(String.valueOf(number));
  }

  private static String path(int number) {
    return "/v1/containers/hits-" + number + "/downloads/file";
  }
}
