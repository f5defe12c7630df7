package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * A real Prometheus with the project's own scrape configuration, in which only target and interval
 * are replaced.
 */
final class PrometheusServer implements AutoCloseable {
  private static final String TARGET = "127.0.0.1:9758";

  private final Path directory = Project.temporaryDirectory();
  private final int port = Project.freePort();
  private final HttpClient http = HttpClient.newHttpClient();
  private final Child prometheus;

  private PrometheusServer(InetSocketAddress target) throws IOException {
    copyDashboards();
    Path file = directory.resolve("prometheus.yml");
    String config = Files.readString(file);
    assertThat(config).as("the target in metrics-dashboards/prometheus.yml").contains(TARGET);
    Files.writeString(
        file,
        config
            .replace(TARGET, "127.0.0.1:" + target.getPort())
            .replaceAll("(scrape_interval|scrape_timeout|evaluation_interval): *\\S+", "$1: 1s"));
    prometheus =
        Child.start(
            directory,
            directory.resolve("log"),
            List.of(
                Project.tool("prometheus", "prometheus"),
                "--config.file=" + file,
                "--storage.tsdb.path=" + directory.resolve("data"),
                "--web.listen-address=127.0.0.1:" + port));
  }

  static PrometheusServer scraping(InetSocketAddress target) {
    try {
      return new PrometheusServer(target);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits until a query has a value, and that value is this. */
  void awaitValue(String query, double expected) {
    eventually()
        .ignoreException(UncheckedIOException.class)
        .untilAsserted(
            () -> {
              assertThat(prometheus.isAlive()).as(prometheus.output()).isTrue();
              assertThat(values(query)).as(query).containsExactly(expected);
            });
  }

  /** The series that an expression has now; an error of Prometheus fails the test. */
  List<JsonNode> query(String expression) {
    JsonNode reply = get("/api/v1/query?query=" + Request.encoded(expression));
    assertThat(reply.path("status").asText()).as("%s: %s", expression, reply).isEqualTo("success");
    assertThat(reply.at("/data/resultType").asText()).as(expression).isEqualTo("vector");
    return stream(reply.at("/data/result"));
  }

  /** The series of an expression over the last {@code seconds}, a value for each of them. */
  List<JsonNode> history(String expression, long end, long seconds) {
    JsonNode reply =
        get(
            "/api/v1/query_range?query=%s&start=%d&end=%d&step=1"
                .formatted(Request.encoded(expression), end - seconds, end));
    assertThat(reply.path("status").asText()).as("%s: %s", expression, reply).isEqualTo("success");
    return stream(reply.at("/data/result"));
  }

  /** What Prometheus itself says of the rules it evaluates. */
  List<JsonNode> rules() {
    return stream(get("/api/v1/rules").at("/data/groups")).stream()
        .flatMap(group -> stream(group.path("rules")).stream())
        .toList();
  }

  /** How many scrapes there were until now. */
  int scrapes() {
    List<Double> counted = values("count_over_time(up[1h])");
    return counted.isEmpty() ? 0 : counted.getFirst().intValue();
  }

  /** When the last scrape was, in whole seconds since the Unix epoch. */
  long lastScrape() {
    return values("max(timestamp(up))").getFirst().longValue();
  }

  /** Waits for one more scrape than there were. */
  void awaitScrape() {
    int before = scrapes();
    eventually().until(() -> scrapes() > before);
  }

  private static List<JsonNode> stream(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).toList();
  }

  private List<Double> values(String query) {
    JsonNode result = get("/api/v1/query?query=" + Request.encoded(query)).at("/data/result");
    return result.findValues("value").stream().map(value -> value.path(1).asDouble()).toList();
  }

  private JsonNode get(String target) {
    try {
      var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + target)).build();
      return Json.parse(http.send(request, HttpResponse.BodyHandlers.ofString()).body());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Rule files are named relative to the configuration. */
  private void copyDashboards() throws IOException {
    try (Stream<Path> files = Files.list(Project.ROOT.resolve("metrics-dashboards"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, directory.resolve(file.getFileName()));
      }
    }
  }

  @Override
  public void close() {
    prometheus.close();
    http.close();
    Project.delete(directory);
  }
}
