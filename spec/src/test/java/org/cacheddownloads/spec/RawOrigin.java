package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.cacheddownloads.spec.Eventually.eventually;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * An origin that writes what it is told, byte by byte: bodies that stop half way, that are too
 * short or too long, that drip or stall, connections that break. By path; a connection serves one
 * request, or what comes after a {@link #keepAlive} script too.
 */
final class RawOrigin implements AfterAllCallback, AutoCloseable {
  /** What happens on a connection once the request's head was read. */
  interface Script {
    void run(Connection connection) throws IOException, InterruptedException;
  }

  private final ServerSocket server;
  private final Map<String, Script> scripts = new ConcurrentHashMap<>();
  private final Set<String> kept = ConcurrentHashMap.newKeySet();
  private final Map<String, List<String>> heads = new ConcurrentHashMap<>();
  private final AtomicInteger connections = new AtomicInteger();
  private final Map<String, AtomicInteger> hits = new ConcurrentHashMap<>();
  private final Map<String, CountDownLatch> gates = new ConcurrentHashMap<>();
  private final Map<String, CountDownLatch> hangUps = new ConcurrentHashMap<>();

  private RawOrigin(ServerSocket server) {
    this.server = server;
  }

  static RawOrigin start() {
    return startOn("127.0.0.1", 0);
  }

  /** On an address of the loopback device, which may be {@code ::1}; port 0 takes a free one. */
  static RawOrigin startOn(String address, int port) {
    try {
      var origin = new RawOrigin(new ServerSocket(port, 200, InetAddress.getByName(address)));
      Thread.ofVirtual().start(origin::accept);
      return origin;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String url(String path) {
    return urlAs("127.0.0.1", path);
  }

  /** The URL of a path under a name or another address of this machine. */
  String urlAs(String host, String path) {
    return "http://" + host + ":" + port() + path;
  }

  int port() {
    return server.getLocalPort();
  }

  // ---- scripts

  void script(String path, Script script) {
    scripts.put(path, script);
  }

  /** Another request is read from the connection when the script has run, unless it was closed. */
  void keepAlive(String path, Script script) {
    kept.add(path);
    script(path, script);
  }

  /** Sends exactly this text, which is head and body, and closes. */
  void say(String path, String text) {
    script(path, connection -> connection.send(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** Announces all bytes, sends the first half, and the rest after {@link #release}. */
  void serveInHalves(String path, byte[] body, String... headers) {
    script(
        path,
        connection -> {
          connection.head("200 OK", body.length, headers);
          connection.send(Arrays.copyOf(body, body.length / 2));
          connection.awaitRelease();
          connection.send(Arrays.copyOfRange(body, body.length / 2, body.length));
        });
  }

  /** Never answers, until {@link #release}. */
  void stayMute(String path) {
    script(path, Connection::awaitRelease);
  }

  void release(String path) {
    gate(path).countDown();
  }

  // ---- what arrived

  int hits(String path) {
    return hits.computeIfAbsent(path, _ -> new AtomicInteger()).get();
  }

  /** The heads of the requests of a path as they came, each up to the empty line. */
  List<String> heads(String path) {
    return heads.getOrDefault(path, List.of());
  }

  /** Connections that were accepted, of all paths. */
  int connections() {
    return connections.get();
  }

  void awaitHits(String path, int atLeast) {
    eventually()
        .untilAsserted(
            () -> assertThat(hits(path)).as("requests of " + path).isGreaterThanOrEqualTo(atLeast));
  }

  /** Waits until the other side has closed a connection of this path. */
  void awaitHangUp(String path) {
    eventually().until(() -> hangUp(path).getCount() == 0);
  }

  /** One connection, after its request was read. */
  final class Connection {
    private final Socket socket;
    private final String path;
    private final String requestHead;
    private final int exchange;

    private Connection(Socket socket, String path, String requestHead, int exchange) {
      this.socket = socket;
      this.path = path;
      this.requestHead = requestHead;
      this.exchange = exchange;
    }

    /** Counts the requests of this connection from 1. */
    int exchange() {
      return exchange;
    }

    /** Ends the connection without a word. */
    void close() throws IOException {
      socket.close();
    }

    /** A header of the request, empty if it has none of that name. */
    String header(String name) {
      return requestHead
          .lines()
          .skip(1)
          .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name + ":"))
          .map(line -> line.substring(name.length() + 1).strip())
          .findFirst()
          .orElse("");
    }

    void head(String status, long length, String... headers) throws IOException {
      say(headOf(status, length, kept.contains(path) ? "keep-alive" : "close", headers));
    }

    /** A whole answer: 200 with this body. */
    void answer(String body, String... headers) throws IOException {
      byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
      head("200 OK", bytes.length, headers);
      send(bytes);
    }

    void say(String text) throws IOException {
      send(text.getBytes(StandardCharsets.UTF_8));
    }

    /** One byte after another, each after this pause, until all are sent or the other hangs up. */
    void drip(byte[] bytes, Duration pause) throws IOException, InterruptedException {
      for (byte one : bytes) {
        if (hangUp(path).await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
          return;
        }
        send(new byte[] {one});
      }
    }

    /** A whole answer whose length nobody is told. */
    void sendChunked(String status, byte[] body, String... headers) throws IOException {
      sendChunkedWithoutEnd(status, body, headers);
      send("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    }

    /** All of a body in a chunk, and then the connection ends without the last chunk. */
    void sendChunkedWithoutEnd(byte[] body, String... headers) throws IOException {
      sendChunkedWithoutEnd("200 OK", body, headers);
    }

    private void sendChunkedWithoutEnd(String status, byte[] body, String... headers)
        throws IOException {
      send(
          ("HTTP/1.1 "
                  + status
                  + "\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
                  + String.join("\r\n", headers)
                  + "\r\n\r\n"
                  + Integer.toHexString(body.length)
                  + "\r\n")
              .getBytes(StandardCharsets.US_ASCII));
      send(body);
      send("\r\n".getBytes(StandardCharsets.US_ASCII));
    }

    void send(byte[] bytes) throws IOException {
      socket.getOutputStream().write(bytes);
      socket.getOutputStream().flush();
    }

    void awaitRelease() throws InterruptedException {
      if (!gate(path).await(2, TimeUnit.MINUTES)) {
        fail("nobody released " + path);
      }
    }
  }

  // ---- inside

  private static String headOf(String status, long length, String connection, String... headers) {
    var head =
        new StringBuilder(
            "HTTP/1.1 "
                + status
                + "\r\nConnection: "
                + connection
                + "\r\nContent-Length: "
                + length
                + "\r\n");
    Arrays.stream(headers).forEach(header -> head.append(header).append("\r\n"));
    return head.append("\r\n").toString();
  }

  private CountDownLatch gate(String path) {
    return gates.computeIfAbsent(path, _ -> new CountDownLatch(1));
  }

  private CountDownLatch hangUp(String path) {
    return hangUps.computeIfAbsent(path, _ -> new CountDownLatch(1));
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        Thread.ofVirtual().start(() -> talk(socket));
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private void talk(Socket socket) {
    connections.incrementAndGet();
    try (socket) {
      int exchange = 1;
      while (exchange(socket, exchange) && !socket.isClosed()) {
        exchange++;
      }
    } catch (IOException e) {
      // The other side has hung up: awaitHangUp tells.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * @return whether the connection is kept
   */
  private boolean exchange(Socket socket, int number) throws IOException, InterruptedException {
    String head = readHead(socket.getInputStream());
    String path = head.substring(head.indexOf(" ") + 1).split("[ ?]", -1)[0];
    heads.computeIfAbsent(path, _ -> new CopyOnWriteArrayList<>()).add(head);
    hits.computeIfAbsent(path, _ -> new AtomicInteger()).incrementAndGet();
    boolean keep = kept.contains(path);
    if (!keep) { // else what comes next is a request
      Thread.ofVirtual().start(() -> watchForHangUp(socket, path));
    }
    scripts
        .getOrDefault(path, connection -> connection.head("404 Not Found", 0))
        .run(new Connection(socket, path, head, number));
    return keep;
  }

  private void watchForHangUp(Socket socket, String path) {
    try {
      if (socket.getInputStream().read() < 0) {
        hangUp(path).countDown();
      }
    } catch (IOException e) {
      if (!socket.isClosed()) {
        hangUp(path).countDown();
      }
    }
  }

  static String readHead(InputStream in) throws IOException {
    var head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int b = in.read();
      if (b < 0) {
        throw new IOException("no request");
      }
      head.append((char) b);
    }
    return head.toString();
  }

  @Override
  public void afterAll(ExtensionContext context) {
    close();
  }

  @Override
  public void close() {
    gates.values().forEach(CountDownLatch::countDown);
    try {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
