import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An origin that lets everybody wait for a while and counts who asks. Serves the same bytes under
 * every path, with an ETag and without freshness, so each use of them is validated.
 */
final class SlowOrigin implements AutoCloseable {
  private static final String ETAG = "\"bench\"";

  private final ServerSocket server;
  private final byte[] body;
  private final Duration delay;
  private final AtomicInteger unconditional = new AtomicInteger();
  private final AtomicInteger conditional = new AtomicInteger();
  private final Set<Socket> connections = ConcurrentHashMap.newKeySet();

  SlowOrigin(int bodyBytes, Duration delay) throws IOException {
    this.server = new ServerSocket(0, 4096, InetAddress.getLoopbackAddress());
    this.body = new byte[bodyBytes];
    this.delay = delay;
    Thread.startVirtualThread(this::acceptAll);
  }

  SocketAddress address() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), server.getLocalPort());
  }

  String url(String path) {
    return "http://127.0.0.1:" + server.getLocalPort() + path;
  }

  /** Requests since the last call: plain ones, and those with a validator. */
  record Count(int unconditional, int conditional) {}

  Count countSinceLast() {
    return new Count(unconditional.getAndSet(0), conditional.getAndSet(0));
  }

  private void acceptAll() {
    try {
      while (true) {
        Socket socket = server.accept();
        Thread.startVirtualThread(() -> serve(socket));
      }
    } catch (IOException e) {
      if (!server.isClosed()) System.err.println("bench: the slow origin ended: " + e);
    }
  }

  private void serve(Socket socket) {
    connections.add(socket);
    try (socket) {
      var in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
      while (in.readLine() != null) {
        boolean validates = false;
        boolean closes = false;
        for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
          String field = line.toLowerCase(Locale.ROOT);
          validates |= field.startsWith("if-none-match:");
          closes |= field.equals("connection: close");
        }
        (validates ? conditional : unconditional).incrementAndGet();
        Thread.sleep(delay);
        answer(socket.getOutputStream(), validates);
        if (closes) return;
      }
    } catch (SocketException e) {
      // the caller has gone
    } catch (IOException | InterruptedException e) {
      System.err.println("bench: the slow origin: " + e);
    } finally {
      connections.remove(socket);
    }
  }

  private void answer(OutputStream out, boolean validates) throws IOException {
    String head =
        validates
            ? "HTTP/1.1 304 Not Modified\r\nETag: " + ETAG + "\r\n\r\n"
            : "HTTP/1.1 200 OK\r\nETag: "
                + ETAG
                + "\r\nContent-Length: "
                + body.length
                + "\r\n\r\n";
    out.write(head.getBytes(StandardCharsets.ISO_8859_1));
    if (!validates) out.write(body);
    out.flush();
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket connection : connections) connection.close();
  }
}
