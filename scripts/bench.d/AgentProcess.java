import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The agent under test: the built program on its default configuration. */
final class AgentProcess implements AutoCloseable {
  private static final int LONGEST_SOCKET_PATH = 107;
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private final Process process;
  private final Path socket;
  private final Path log;
  private final Path ownDirectory;

  private AgentProcess(Process process, Path socket, Path log, Path ownDirectory) {
    this.process = process;
    this.socket = socket;
    this.log = log;
    this.ownDirectory = ownDirectory;
  }

  static AgentProcess start(Children children, Path root, Path work) throws Exception {
    AgentProcess agent = launch(children, root, work, "");
    agent.awaitReady(100);
    return agent;
  }

  /**
   * Starts the process and does not wait for anything.
   *
   * @param work where its state is, or will be
   * @param settings further lines of its configuration
   */
  static AgentProcess launch(Children children, Path root, Path work, String settings)
      throws IOException {
    Path own = null;
    Path socket = work.resolve("agent.sock");
    if (socket.toString().length() > LONGEST_SOCKET_PATH) {
      own = Files.createTempDirectory("cached-downloads");
      socket = own.resolve("agent.sock");
    }
    Path log = work.resolve("agent.log");
    Path config = configure(work, socket, settings);
    Process process =
        children.start(
            log, List.of(root + "/scripts/agent", "serve", "--config", config.toString()));
    return new AgentProcess(process, socket, log, own);
  }

  private static Path configure(Path work, Path socket, String settings) throws IOException {
    Path config = work.resolve("agent.yaml");
    return Files.writeString(
        config,
        """
        state: '%s'
        socket: {path: '%s'}
        metrics: {address: null}
        %s
        """
            .formatted(quoted(work.resolve("state")), quoted(socket), settings));
  }

  /** Takes over other settings while it runs. */
  void reconfigure(Path work, String settings) throws IOException {
    configure(work, socket, settings);
    call("POST", "/v1/config/reload", "{}");
  }

  void awaitReady(int pollMillis) throws Exception {
    for (long end = System.nanoTime() + PATIENCE.toNanos(); !isReady(); ) {
      if (System.nanoTime() > end || !process.isAlive()) {
        throw new IOException("the agent did not get ready:\n" + Children.tail(log));
      }
      Thread.sleep(pollMillis);
    }
  }

  /** Stops it gracefully and waits for its end. */
  void stop() throws Exception {
    process.destroy();
    if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      throw new IOException("the agent did not stop:\n" + Children.tail(log));
    }
    close();
  }

  long pid() {
    return process.pid();
  }

  Path log() {
    return log;
  }

  private static String quoted(Path path) {
    return path.toString().replace("'", "''");
  }

  private boolean isReady() throws InterruptedException {
    try {
      return Http.ask(address(), "GET", "/readyz", null).status() == 200;
    } catch (IOException e) {
      return false;
    }
  }

  Path socket() {
    return socket;
  }

  SocketAddress address() {
    return UnixDomainSocketAddress.of(socket);
  }

  /** One call that must succeed. */
  String call(String method, String path, String body) throws IOException {
    Http.Reply reply = Http.ask(address(), method, path, body);
    if (reply.status() >= 300) {
      throw new IOException(
          method + " " + path + " answered " + reply.status() + ": " + reply.body());
    }
    return reply.body();
  }

  String version() throws IOException {
    return text(call("GET", "/v1/stats", null), "version");
  }

  /** Releases every container and evicts everything. */
  void empty() throws IOException {
    call("POST", "/v1/reconcile", "{\"live\":[]}");
    call("POST", "/v1/prune", "{\"targetBytes\":0}");
  }

  /** The counters of {@code /v1/stats} that the bench looks at. */
  record Counters(long revalidated, long coalesced, long others, long originRequests) {
    Counters minus(Counters before) {
      return new Counters(
          revalidated - before.revalidated,
          coalesced - before.coalesced,
          others - before.others,
          originRequests - before.originRequests);
    }
  }

  Counters counters() throws IOException {
    String stats = call("GET", "/v1/stats", null);
    long others = 0;
    for (String outcome : List.of("hit", "miss", "updated", "stale", "uncached")) {
      others += number(stats, "requests", outcome);
    }
    return new Counters(
        number(stats, "requests", "revalidated"),
        number(stats, "requests", "coalesced"),
        others,
        number(stats, "origin", "requests"));
  }

  /** The text of a field of a flat object. */
  static String text(String json, String field) throws IOException {
    return first(json, "\"" + field + "\"\\s*:\\s*\"([^\"]*)\"");
  }

  /** The number of a field of one of the objects in an object. */
  static long number(String json, String section, String field) throws IOException {
    String pattern = "\"" + section + "\"\\s*:\\s*\\{[^}]*?\"" + field + "\"\\s*:\\s*(\\d+)";
    return Long.parseLong(first(json, pattern));
  }

  private static String first(String text, String pattern) throws IOException {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    if (!matcher.find()) throw new IOException("no " + pattern + " in " + text);
    return matcher.group(1);
  }

  @Override
  public void close() throws IOException {
    if (ownDirectory != null) Bench.delete(ownDirectory);
  }
}
