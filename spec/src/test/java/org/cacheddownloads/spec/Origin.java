package org.cacheddownloads.spec;

import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.ok;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.options;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.github.tomakehurst.wiremock.WireMockServer;
import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.extension.ResponseDefinitionTransformerV2;
import com.github.tomakehurst.wiremock.http.ResponseDefinition;
import com.github.tomakehurst.wiremock.stubbing.ServeEvent;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * An origin whose answers the tests script, by path (WireMock). It counts requests when they
 * arrive, and can hold them until the test lets go. Headers are written as {@code "Name: value"}.
 */
final class Origin implements BeforeAllCallback, AfterAllCallback, AutoCloseable {
  /** An HTTP date long ago, so that it is a validator to be trusted. */
  static final String LONG_AGO = "Wed, 01 Jan 2020 00:00:00 GMT";

  private static final DateTimeFormatter HTTP_DATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH)
          .withZone(ZoneOffset.UTC);

  private final Map<String, Function<Received, Answer>> scripts = new ConcurrentHashMap<>();
  private final Map<String, CountDownLatch> held = new ConcurrentHashMap<>();
  private final List<Received> received = new CopyOnWriteArrayList<>();
  private final WireMockServer server =
      new WireMockServer(
          options()
              .dynamicPort()
              .bindAddress("127.0.0.1")
              .containerThreads(64)
              .disableRequestJournal()
              .extensions(new ScriptedAnswers()));

  static Origin start() {
    var origin = new Origin();
    origin.server.start();
    origin.server.stubFor(any(anyUrl()).willReturn(ok()));
    return origin;
  }

  /** A request as it arrived. {@code target} has the query. */
  record Received(String method, String target, Map<String, String> headers) {
    Optional<String> header(String name) {
      return Optional.ofNullable(headers.get(name));
    }

    boolean isConditional() {
      return headers.keySet().stream()
          .anyMatch(name -> name.toLowerCase(Locale.ROOT).startsWith("if-"));
    }

    String path() {
      return target.split("\\?", -1)[0];
    }
  }

  /**
   * A scripted answer. Without a {@code Content-Length} among its headers the body goes out in
   * chunks, its length unknown.
   */
  static final class Answer {
    private final int status;
    private final byte[] body;
    private final List<String> headers;

    Answer(int status, byte[] body, String... headers) {
      this.status = status;
      this.body = body;
      this.headers = List.of(headers);
    }

    static Answer status(int status, String... headers) {
      return new Answer(status, new byte[0], headers);
    }

    static Answer ok(String body, String... headers) {
      return new Answer(200, body.getBytes(StandardCharsets.UTF_8), headers);
    }

    private ResponseDefinition definition() {
      ResponseDefinitionBuilder response =
          ResponseDefinitionBuilder.responseDefinition().withStatus(status);
      headers.forEach(
          header ->
              response.withHeader(
                  header.substring(0, header.indexOf(':')),
                  header.substring(header.indexOf(':') + 1).strip()));
      return body.length == 0 ? response.build() : response.withBody(body).build();
    }

    private Optional<String> header(String name) {
      return headers.stream()
          .filter(header -> header.startsWith(name + ": "))
          .map(header -> header.substring(name.length() + 2))
          .findFirst();
    }
  }

  // ---- scripts

  /**
   * Answers with these bytes, or with 304 when a validator among the headers matches what the
   * request asks.
   */
  void serve(String path, byte[] body, String... headers) {
    var whole = new Answer(200, body, with(headers, "Content-Length: " + body.length));
    Answer unchanged = Answer.status(304, headers);
    script(path, request -> matches(request, whole) ? unchanged : whole);
  }

  void serve(String path, String body, String... headers) {
    serve(path, body.getBytes(StandardCharsets.UTF_8), headers);
  }

  /** The same bytes for ever, whatever is asked; their length is not announced. */
  void serveInChunks(String path, byte[] body, String... headers) {
    answer(path, new Answer(200, body, headers));
  }

  /** The same answer whatever is asked. */
  void answer(String path, Answer answer) {
    script(path, _ -> answer);
  }

  void answer(String path, int status, String... headers) {
    answer(path, Answer.status(status, headers));
  }

  void script(String path, Function<Received, Answer> script) {
    scripts.put(path, script);
  }

  /** From now on requests of this path wait for {@link #release}. */
  void hold(String path) {
    held.put(path, new CountDownLatch(1));
  }

  /** Lets the held requests of this path go on, and those that come later too. */
  void release(String path) {
    var latch = held.remove(path);
    if (latch != null) {
      latch.countDown();
    }
  }

  /** A time as HTTP writes it. */
  static String date(Instant time) {
    return HTTP_DATE.format(time);
  }

  // ---- what arrived

  String url(String path) {
    return "http://" + authority() + path;
  }

  String authority() {
    return "127.0.0.1:" + server.port();
  }

  /** The URL of a path with user info. */
  String urlAs(String user, String password, String path) {
    return "http://" + user + ":" + password + "@" + authority() + path;
  }

  List<Received> requests(String path) {
    return received.stream().filter(request -> request.path().equals(path)).toList();
  }

  int hits(String path) {
    return requests(path).size();
  }

  long conditionalHits(String path) {
    return requests(path).stream().filter(Received::isConditional).count();
  }

  Received lastRequest(String path) {
    return requests(path).getLast();
  }

  /** Waits until this many requests of a path have arrived. */
  void awaitHits(String path, int atLeast) {
    eventually()
        .untilAsserted(
            () -> assertThat(hits(path)).as("requests of " + path).isGreaterThanOrEqualTo(atLeast));
  }

  // ---- inside

  private static String[] with(String[] headers, String more) {
    return Stream.concat(Stream.of(headers), Stream.of(more)).toArray(String[]::new);
  }

  /**
   * RFC 9110 section 13.1: If-None-Match is compared weakly, and If-Modified-Since counts only
   * without it.
   */
  private static boolean matches(Received request, Answer whole) {
    Optional<String> etag = whole.header("ETag");
    Optional<String> asked = request.header("If-None-Match");
    if (asked.isPresent()) {
      return etag.isPresent() && opaque(asked.get()).equals(opaque(etag.get()));
    }
    return request.header("If-Modified-Since").isPresent()
        && request.header("If-Modified-Since").equals(whole.header("Last-Modified"));
  }

  private static String opaque(String etag) {
    return etag.startsWith("W/") ? etag.substring(2) : etag;
  }

  private final class ScriptedAnswers implements ResponseDefinitionTransformerV2 {
    @Override
    public ResponseDefinition transform(ServeEvent event) {
      Received request = read(event);
      received.add(request);
      awaitRelease(request.path());
      return scripts
          .getOrDefault(request.path(), _ -> Answer.status(404))
          .apply(request)
          .definition();
    }

    @Override
    public String getName() {
      return "scripted";
    }

    private Received read(ServeEvent event) {
      var headers = new TreeMap<String, String>(String.CASE_INSENSITIVE_ORDER);
      var request = event.getRequest();
      request
          .getHeaders()
          .all()
          .forEach(
              header ->
                  headers.put(header.key(), String.join(", ", new ArrayList<>(header.values()))));
      URI uri = URI.create(request.getUrl());
      return new Received(
          request.getMethod().value(),
          uri.getRawPath() + (uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery()),
          headers);
    }

    private void awaitRelease(String path) {
      try {
        CountDownLatch latch = held.get(path);
        if (latch != null && !latch.await(2, TimeUnit.MINUTES)) {
          fail("nobody released " + path);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void beforeAll(ExtensionContext context) {}

  @Override
  public void afterAll(ExtensionContext context) {
    close();
  }

  @Override
  public void close() {
    held.values().forEach(CountDownLatch::countDown);
    server.stop();
  }
}
