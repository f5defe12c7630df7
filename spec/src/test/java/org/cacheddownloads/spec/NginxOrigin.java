package org.cacheddownloads.spec;

import static org.cacheddownloads.spec.Eventually.eventually;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/** A real nginx that serves a directory, with its own ETags, ranges and 304s. */
final class NginxOrigin implements AutoCloseable {
  private final Path directory = Project.temporaryDirectory();
  private final int port = Project.freePort();
  private Child nginx;

  private NginxOrigin(String directives) throws IOException {
    Files.createDirectories(directory.resolve("files"));
    nginx = launch(directives);
  }

  static NginxOrigin start() {
    return startWith("");
  }

  /** With further directives of the server, such as {@code limit_rate 1m;}. */
  static NginxOrigin startWith(String directives) {
    try {
      return new NginxOrigin(directives);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Breaks all connections, and serves the same files on the same port again, without further
   * directives.
   */
  void crashAndRestart() {
    nginx.kill9();
    try {
      nginx = launch("");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Child launch(String directives) throws IOException {
    Files.writeString(directory.resolve("nginx.conf"), configuration(directives));
    String program = Project.tool("nginx", "nginx-light");
    Child started =
        Child.start(
            directory,
            directory.resolve("log"),
            List.of(program, "-p", directory.toString(), "-c", "nginx.conf", "-e", "error.log"));
    eventually().until(this::listens);
    return started;
  }

  private String configuration(String directives) {
    return """
            daemon off;
            master_process off;
            pid nginx.pid;
            error_log error.log;
            events {}
            http {
              client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
              log_format line '$request_method $uri $status';
              access_log access.log line;
              server { listen 127.0.0.1:%d; root files; %s }
            }
            """
        .formatted(port, directives);
  }

  private boolean listens() {
    try (var socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  String url(String path) {
    return "http://127.0.0.1:" + port + path;
  }

  /** Writes a file, in place of the old one where there is one. */
  void write(String path, String content) {
    write(path, content.getBytes(StandardCharsets.UTF_8));
  }

  void write(String path, byte[] content) {
    try {
      Path file = directory.resolve("files" + path);
      Files.write(directory.resolve("new"), content);
      Files.move(directory.resolve("new"), file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What nginx logged: method, path and status of each request, in order. */
  List<String> requests() {
    try {
      return Files.readAllLines(directory.resolve("access.log"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    nginx.close();
    Project.delete(directory);
  }
}
