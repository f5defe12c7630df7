package org.cacheddownloads.spec;

import static org.cacheddownloads.spec.Eventually.eventually;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.cacheddownloads.spec.CertificateAuthority.Pair;

/** A real nginx that speaks TLS and answers every path with the path. */
final class TlsOrigin implements AutoCloseable {
  private final Path directory = Project.temporaryDirectory();
  private final int port = Project.freePort();
  private final Child nginx;

  private TlsOrigin(String servers) {
    try {
      Files.writeString(directory.resolve("nginx.conf"), configuration(servers));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    nginx =
        Child.start(
            directory,
            directory.resolve("log"),
            List.of(
                Project.tool("nginx", "nginx-light"),
                "-p",
                directory.toString(),
                "-c",
                "nginx.conf",
                "-e",
                "error.log"));
    eventually().until(() -> Project.listensOn(port));
  }

  /** With this certificate, and further directives, such as {@code ssl_protocols TLSv1.2;}. */
  static TlsOrigin with(Pair pair, String... directives) {
    return new TlsOrigin(server("_", pair, String.join(" ", directives)));
  }

  /** With one certificate for a name that clients say (SNI), and another one for all else. */
  static TlsOrigin withNames(Pair otherwise, String name, Pair forName) {
    return new TlsOrigin(server("_", otherwise, "") + server(name, forName, ""));
  }

  private static String server(String name, Pair pair, String directives) {
    return """
              server {
                listen 127.0.0.1:PORT ssl; server_name %s;
                ssl_certificate %s; ssl_certificate_key %s;
                location / { add_header ETag '"same"'; return 200 $request_uri; }
                location /plain { return 302 http://127.0.0.1:1/; }
                %s
              }
            """
        .formatted(name, pair.certificate(), pair.key(), directives);
  }

  private String configuration(String servers) {
    return """
            daemon off;
            master_process off;
            pid nginx.pid;
            error_log error.log;
            events {}
            http {
              client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
              log_format line '$request_uri $status $ssl_protocol $ssl_server_name $ssl_client_s_dn';
              access_log access.log line;
            """
        + servers.replace("PORT", Integer.toString(port))
        + "}\n";
  }

  String url(String path) {
    return "https://localhost:" + port + path;
  }

  int port() {
    return port;
  }

  /** Path, status, version, name the client said and who the client is, of each request so far. */
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
