import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A real origin on a free port of the loopback. */
final class Nginx implements AutoCloseable {
  private final Process process;
  private final Path documents;
  private final int port;

  private Nginx(Process process, Path documents, int port) {
    this.process = process;
    this.documents = documents;
    this.port = port;
  }

  static Nginx start(Children children, Path work) throws Exception {
    Path directory = work.resolve("nginx");
    Path documents = Files.createDirectories(directory.resolve("www"));
    Files.createDirectories(directory.resolve("tmp"));
    int port = freePort();
    Files.writeString(
        directory.resolve("nginx.conf"),
        """
        %s
        daemon off;
        worker_processes auto;
        pid tmp/nginx.pid;
        error_log error.log;
        events {}
        http {
          access_log off;
          default_type application/octet-stream;
          client_body_temp_path tmp/body;
          proxy_temp_path tmp/proxy;
          fastcgi_temp_path tmp/fastcgi;
          uwsgi_temp_path tmp/uwsgi;
          scgi_temp_path tmp/scgi;
          sendfile on;
          keepalive_requests 1000000000;
          server {
            listen 127.0.0.1:%d backlog=4096;
            root www;
          }
        }
        """
            .formatted(
                System.getProperty("user.name").equals("root") ? "user root root;" : "", port));
    Path log = work.resolve("nginx.log");
    Process process =
        children.start(
            log,
            List.of("nginx", "-p", directory.toString(), "-e", "error.log", "-c", "nginx.conf"));
    for (int tries = 0; !listens(port); tries++) {
      if (tries == 100 || !process.isAlive()) {
        throw new IOException("nginx did not start:\n" + Children.tail(log));
      }
      Thread.sleep(100);
    }
    return new Nginx(process, documents, port);
  }

  private static int freePort() throws IOException {
    try (var probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return probe.getLocalPort();
    }
  }

  private static boolean listens(int port) {
    try (var socket = new Socket()) {
      socket.connect(new InetSocketAddress("127.0.0.1", port), 1_000);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** Where its files lie. */
  Path documents() {
    return documents;
  }

  SocketAddress address() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
  }

  String url(String name) {
    return "http://127.0.0.1:" + port + "/" + name;
  }

  @Override
  public void close() {
    process.destroy();
  }
}
