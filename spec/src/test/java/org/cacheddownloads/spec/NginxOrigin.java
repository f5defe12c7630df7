package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;

import java.io.IOException;
import java.io.UncheckedIOException;
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

  private final Transport transport;

  private enum Transport {
    CLEAR,
    TLS,
    TLS_WITH_HTTP2
  }

  private NginxOrigin(Transport transport, String directives) throws IOException {
    this.transport = transport;
    Files.createDirectories(directory.resolve("files"));
    nginx = launch(directives);
  }

  static NginxOrigin start() {
    return startWith("");
  }

  /** With further directives of the server, such as {@code limit_rate 1m;}. */
  static NginxOrigin startWith(String directives) {
    try {
      return new NginxOrigin(Transport.CLEAR, directives);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** With TLS and HTTP/2, under a certificate made for this: {@link #certificate}. */
  static NginxOrigin startTls(String directives) {
    return startTls(Transport.TLS_WITH_HTTP2, directives);
  }

  /** With TLS, under such a certificate, where only HTTP/1.1 is spoken. */
  static NginxOrigin startTlsWithoutHttp2() {
    return startTls(Transport.TLS, "");
  }

  private static NginxOrigin startTls(Transport transport, String directives) {
    try {
      return new NginxOrigin(transport, directives);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The certificate of the server, which no authority has signed, as a file to be trusted. */
  Path certificate() {
    return directory.resolve("cert.pem");
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
    if (isTls() && !Files.exists(certificate())) {
      makeCertificate();
    }
    Files.writeString(directory.resolve("nginx.conf"), configuration(directives));
    String program = Project.tool("nginx", "nginx-light");
    Child started =
        Child.start(
            directory,
            directory.resolve("log"),
            List.of(program, "-p", directory.toString(), "-c", "nginx.conf", "-e", "error.log"));
    eventually().until(() -> Project.listensOn(port));
    return started;
  }

  private String listening() {
    return switch (transport) {
      case CLEAR -> "";
      case TLS -> " ssl";
      case TLS_WITH_HTTP2 -> " ssl http2";
    };
  }

  private boolean isTls() {
    return transport != Transport.CLEAR;
  }

  private void makeCertificate() {
    Child.Outcome made =
        Child.run(
            List.of(
                Project.tool("openssl", "openssl"),
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=origin.test",
                "-addext",
                "subjectAltName=DNS:origin.test,IP:127.0.0.1,IP:::1",
                "-keyout",
                directory.resolve("key.pem").toString(),
                "-out",
                certificate().toString()));
    assertThat(made.exit()).as("openssl said: %s", made.errors()).isZero();
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
              log_format connections '$connection $server_protocol $uri $status $body_bytes_sent';
              access_log access.log line; access_log connections.log connections;
              server { listen 127.0.0.1:%1$d%2$s; listen [::1]:%1$d%2$s; root files; %3$s }
            }
            """
        .formatted(
            port,
            listening(),
            (isTls() ? "ssl_certificate cert.pem; ssl_certificate_key key.pem; " : "")
                + directives);
  }

  String url(String path) {
    return urlAs("127.0.0.1", path);
  }

  String urlAs(String host, String path) {
    return (isTls() ? "https://" : "http://") + host + ":" + port + path;
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

  /** What nginx logged of each request that ended, in order. */
  List<Served> served() {
    try {
      return Files.readAllLines(directory.resolve("connections.log")).stream()
          .map(line -> line.split(" ", -1))
          .map(row -> new Served(row[0], row[1], row[2], row[3], Long.parseLong(row[4])))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A request as nginx logged it.
   *
   * @param connection nginx's number of the connection
   * @param bytes of the body that were sent
   */
  record Served(String connection, String protocol, String path, String status, long bytes) {}

  @Override
  public void close() {
    nginx.close();
    Project.delete(directory);
  }
}
