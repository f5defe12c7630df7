package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Origins that lie, stall, drip, send in circles and throttle. */
class HostileOriginSpec {
  /** Far above the limits that are set here, far below the defaults. */
  private static final Duration SOON = Duration.ofSeconds(20);

  /** Asks once, with limits of a second, and never leaves an origin alone that stays silent. */
  @RegisterExtension
  static final AgentProcess agent =
      AgentProcess.with(
          "fetch.attempts",
          1,
          "fetch.connectTimeout",
          "1s",
          "fetch.firstByteTimeout",
          "1s",
          "fetch.idleTimeout",
          "1s",
          "fetch.minRate",
          "1KiB",
          "fetch.minRateWindow",
          "2s",
          "fetch.breakerFailures",
          0,
          "fetch.negativeTtl",
          "0s");

  /** Asks as often as it does by default. */
  @RegisterExtension
  static final AgentProcess patient = AgentProcess.with("fetch.negativeTtl", "0s");

  @RegisterExtension static final RawOrigin origin = RawOrigin.start();
  @RegisterExtension static final RawOrigin other = RawOrigin.start();

  /** The problem, which must come long before the deadline of the request. */
  private static Problem soon(AgentProcess agent, String url, Object... more) {
    return replySoon(agent, url, more).problem();
  }

  private static Reply replySoon(AgentProcess agent, String url, Object... more) {
    try {
      return agent
          .sendAsync(AgentClient.prefetchRequest(url, more))
          .get(SOON.toSeconds(), TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("no reply within " + SOON, e);
    } catch (InterruptedException | ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  // ---- slow

  @Test
  void aDripEndsByTheMinimumRate() {
    origin.script(
        "/drip",
        connection -> {
          connection.head("200 OK", 1000);
          connection.drip(new byte[1000], Duration.ofMillis(100));
        });
    assertThat(soon(agent, origin.url("/drip")).is(504, "timeout").detail())
        .contains("fetch.minRate");
    origin.awaitHangUp("/drip");
  }

  /** A 404 is told when its head is there, whatever becomes of the page behind it. */
  @Test
  void aRefusalIsToldBeforeItsPageIsThere() {
    origin.script(
        "/page",
        connection -> {
          connection.head("404 Not Found", 1000);
          connection.awaitRelease();
        });
    Instant start = Instant.now();
    soon(agent, origin.url("/page")).is(502, "origin-rejected");
    assertThat(Duration.between(start, Instant.now()))
        .isLessThan(Duration.ofSeconds(4)); // the rest has five to come
    origin.release("/page");
  }

  @Test
  void silenceWithinABodyEndsByTheIdleTimeout() {
    origin.serveInHalves("/silent", new byte[100_000]);
    assertThat(soon(agent, origin.url("/silent")).is(504, "timeout").detail())
        .contains("fetch.idleTimeout");
    origin.awaitHangUp("/silent");
  }

  @Test
  void anOriginThatNeverAnswersEndsByTheFirstByteTimeout() {
    origin.stayMute("/mute");
    soon(agent, origin.url("/mute")).is(504, "timeout");
    origin.awaitHangUp("/mute");
  }

  @Test
  void aHeadThatDripsEndsByTheFirstByteTimeout() {
    origin.script(
        "/dripping-head",
        connection -> {
          connection.say("HTTP/1.1 200 OK\r\nX-Long: ");
          connection.drip(
              "a".repeat(1000).getBytes(StandardCharsets.UTF_8), Duration.ofMillis(100));
        });
    soon(agent, origin.url("/dripping-head")).is(504, "timeout");
    origin.awaitHangUp("/dripping-head");
  }

  @Test
  void anAddressThatAnswersToNobodyEndsByTheConnectTimeout() {
    try (BlackHole hole = BlackHole.on("127.0.0.1", 0)) {
      assertThat(soon(agent, "http://127.0.0.1:" + hole.port() + "/x").is(504, "timeout").detail())
          .contains("connect");
    }
  }

  /** It accepts the connection and waits for a request in cleartext. */
  @Test
  void aHandshakeOfTlsThatStallsEndsByTheConnectTimeout() {
    assertThat(soon(agent, origin.url("/x").replace("http:", "https:")).is(504, "timeout").detail())
        .contains("connect");
  }

  // ---- large

  @Test
  void aHeadOver64KibibytesIsABadResponse() {
    origin.script(
        "/long-head", connection -> connection.answer("x", "X-Long: " + "a".repeat(70 * 1024)));
    soon(agent, origin.url("/long-head")).is(502, "bad-response");
  }

  @Test
  void aBodyWithoutAnEndStopsAtTheRoomThereIs() {
    origin.script(
        "/endless",
        connection -> {
          connection.say(
              "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
          byte[] chunk = new byte[256 * 1024];
          while (true) { // until the agent hangs up
            connection.say(Integer.toHexString(chunk.length) + "\r\n");
            connection.send(chunk);
            connection.say("\r\n");
          }
        });
    try (AgentProcess small =
        AgentProcess.running("quota.bytes", 32 << 20, "quota.waitForSpace", "1s")) {
      soon(small, origin.url("/endless")).is(507, "insufficient-space");
      eventually().until(() -> small.stats().path("disk").path("usedBytes").asLong() == 0);
      assertThat(small.stats().path("disk").path("reservedBytes").asLong()).isZero();
      small.assertUsedIsAllocated();
      assertThat(small.keys()).isEmpty();
    }
  }

  // ---- redirects

  private static String redirects(String path, int count) {
    for (int i = 0; i < count; i++) {
      String to = i + 1 < count ? path + (i + 1) : path + "end";
      origin.script(path + i, connection -> connection.head("302 Found", 0, "Location: " + to));
    }
    origin.script(path + "end", connection -> connection.answer("there"));
    return origin.url(path + "0");
  }

  @Test
  void tenRedirectsAreFollowed() {
    assertThat(agent.prefetch(redirects("/ten/", 10)).size()).isEqualTo(5);
  }

  @Test
  void elevenRedirectsAreTooMany() {
    soon(agent, redirects("/eleven/", 11)).is(502, "bad-response");
    assertThat(origin.hits("/eleven/end")).isZero();
  }

  @Test
  void aRedirectToItselfEnds() {
    origin.script("/loop", connection -> connection.head("302 Found", 0, "Location: /loop"));
    soon(agent, origin.url("/loop")).is(502, "bad-response");
    assertThat(origin.hits("/loop")).isEqualTo(11);
  }

  @ParameterizedTest
  @ValueSource(ints = {301, 302, 303, 307, 308})
  void redirectsAreFollowed(int status) {
    String path = "/moved/" + status + "/from";
    origin.script(
        path, connection -> connection.head(status + " Moved", 0, "Location: ../to?s=" + status));
    origin.script("/moved/to", connection -> connection.answer("there"));
    assertThat(agent.prefetch(origin.url(path)).size()).isEqualTo(5);
    assertThat(origin.heads("/moved/to").getLast()).startsWith("GET /moved/to?s=" + status + " ");
  }

  @ParameterizedTest
  @ValueSource(ints = {301, 302, 303, 307, 308})
  void aRedirectWithoutLocationIsABadResponse(int status) {
    String path = "/nowhere/" + status;
    origin.script(path, connection -> connection.head(status + " Moved", 0));
    soon(agent, origin.url(path)).is(502, "bad-response");
  }

  /** Each signature serves one request, so whoever asks again has to ask for another one. */
  @Test
  void whatIsAskedAgainStartsAtTheFirstUrl() {
    byte[] bytes = Content.random(5 * Content.MIB, "signed");
    var signatures = new AtomicInteger();
    origin.script(
        "/start",
        connection ->
            connection.head(
                "302 Found", 0, "Location: /signed?sig=" + signatures.incrementAndGet()));
    var body = new RangedBody(bytes, "ETag: \"v1\"").cutAfter(2 * Content.MIB);
    origin.script(
        "/signed",
        connection -> {
          long uses =
              origin.heads("/signed").stream()
                  .filter(head -> head.startsWith("GET /signed?sig=" + signatures.get() + " "))
                  .count();
          if (uses == 1) {
            body.run(connection);
          } else {
            connection.head("403 Forbidden", 0);
          }
        });
    Download download = patient.prefetch(origin.url("/start"));
    assertThat(download.digest()).isEqualTo(Content.checksum("sha256", bytes));
    assertThat(signatures).hasValue(2);
    assertThat(body.asked()).containsExactly("-", "bytes=" + 2 * Content.MIB + "-");
  }

  @Test
  void secretsOfTheCallerStayAtTheFirstOriginAlsoOnTheWayBack() {
    origin.script(
        "/hop", connection -> connection.head("307 Away", 0, "Location: " + other.url("/hop")));
    other.script(
        "/hop",
        connection -> connection.head("307 Back", 0, "Location: " + origin.url("/hop-end")));
    origin.script("/hop-end", connection -> connection.answer("there"));
    Object headers = Map.of("Authorization", "Bearer t", "Cookie", "c=1", "X-Api-Key", "k");

    agent.prefetch(origin.url("/hop"), "headers", headers);

    assertThat(origin.heads("/hop").getFirst())
        .containsIgnoringCase("\r\nAuthorization: Bearer t\r\n")
        .containsIgnoringCase("\r\nCookie: c=1\r\n")
        .containsIgnoringCase("\r\nX-Api-Key: k\r\n");
    for (String head :
        List.of(other.heads("/hop").getFirst(), origin.heads("/hop-end").getFirst())) {
      assertThat(head)
          .doesNotContainIgnoringCase("\r\nAuthorization:")
          .doesNotContainIgnoringCase("\r\nCookie:")
          .doesNotContainIgnoringCase("\r\nX-Api-Key:");
    }
  }

  // ---- validators

  /** Two replicas behind one name, of which each knows its own ETag only. */
  @Test
  void replicasWithETagsOfTheirOwnServeTheSameBytes() {
    var requests = new AtomicInteger();
    origin.script(
        "/replicas",
        connection -> {
          String etag = "\"r" + requests.getAndIncrement() % 2 + "\"";
          if (connection.header("if-none-match").equals(etag)) {
            connection.head("304 Not Modified", 0, "ETag: " + etag);
          } else {
            connection.answer("same", "ETag: " + etag);
          }
        });
    var outcomes = new ArrayList<String>();
    for (int i = 0; i < 4; i++) {
      Download download = agent.prefetch(origin.url("/replicas"));
      assertThat(download.digest()).isEqualTo(Content.sha256("same"));
      outcomes.add(download.outcome());
    }
    assertThat(outcomes).containsExactly("miss", "updated", "updated", "updated");
  }

  /** Some servers mark the ETag of a body that they code, also when they say 304 to the other. */
  @Test
  void a304WithTheETagOfAnotherCodingLeadsToOneUnconditionalRequest() {
    origin.script(
        "/coded",
        connection -> {
          if (connection.header("if-none-match").isEmpty()) {
            connection.answer("plain", "ETag: \"v1\"");
          } else {
            connection.head("304 Not Modified", 0, "ETag: \"v1-gzip\"");
          }
        });
    assertThat(agent.prefetch(origin.url("/coded")).outcome()).isEqualTo("miss");
    assertThat(agent.prefetch(origin.url("/coded")).outcome()).isEqualTo("updated");
    assertThat(origin.hits("/coded")).isEqualTo(3);
    assertThat(origin.heads("/coded")).allMatch(head -> head.contains("identity"));
  }

  /** The origin says 304 to whatever is conditional. */
  @Test
  void a304IsNeverTakenForAnotherQuery() {
    origin.script(
        "/queries",
        connection -> {
          String target = origin.heads("/queries").getLast().split(" ", -1)[1];
          if (connection.header("if-none-match").isEmpty()) {
            connection.answer(target, "ETag: \"same\"");
          } else {
            connection.head("304 Not Modified", 0, "ETag: \"same\"");
          }
        });
    for (String query : List.of("?v=1", "?v=2")) {
      assertThat(agent.prefetch(origin.url("/queries") + query).digest())
          .isEqualTo(Content.sha256("/queries" + query));
    }
    for (String query : List.of("?v=3", "?v=4")) {
      assertThat(agent.prefetch(origin.url("/queries") + query, "cacheKey", "one").digest())
          .isEqualTo(Content.sha256("/queries" + query));
    }
  }

  @Test
  void aDateThatNobodyCanReadGoesBackAsItCame() {
    String date = "yesterday, about 12 o'clock (CET)";
    origin.script(
        "/odd-date",
        connection -> {
          if (connection.header("if-modified-since").isEmpty()) {
            connection.answer("old", "Last-Modified: " + date);
          } else {
            connection.head("304 Not Modified", 0);
          }
        });
    agent.prefetch(origin.url("/odd-date"));
    assertThat(agent.prefetch(origin.url("/odd-date")).outcome()).isEqualTo("revalidated");
    assertThat(origin.heads("/odd-date").getLast())
        .containsIgnoringCase("\r\nIf-Modified-Since: " + date + "\r\n");
  }

  @Test
  void anETagIsNoChecksum() {
    String md5 =
        Content.checksum("md5", "wanted".getBytes(StandardCharsets.UTF_8))
            .substring("md5:".length());
    origin.script("/etag", connection -> connection.answer("another", "ETag: \"" + md5 + "\""));
    origin.script("/wanted", connection -> connection.answer("wanted", "ETag: \"w\""));
    assertThat(agent.prefetch(origin.url("/etag")).outcome()).isEqualTo("miss");

    Download wanted = agent.prefetch(origin.url("/wanted"), "checksum", "md5:" + md5);

    assertThat(wanted.outcome()).isEqualTo("miss");
    assertThat(wanted.digest()).isEqualTo(Content.sha256("wanted"));
  }

  // ---- what may be shared

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/private  | Cache-Control: private, max-age=600",
        "/vary-all | Cache-Control: max-age=600~Vary: *"
      })
  void whatIsForOneRequestIsNotServedFromTheStore(String path, String headers) {
    var number = new AtomicInteger();
    origin.script(
        path,
        connection ->
            connection.answer(
                "body " + number.incrementAndGet(), ("ETag: \"e\"~" + headers).split("~", -1)));
    for (int i = 1; i <= 2; i++) {
      Download download = agent.prefetch(origin.url(path));
      assertThat(download.digest()).isEqualTo(Content.sha256("body " + i));
    }
  }

  @Test
  void whatHasASharedMaximumAgeIsNeverServedStale() {
    origin.script(
        "/shared",
        connection -> {
          if (origin.hits("/shared") == 1) {
            connection.answer("x", "ETag: \"x\"", "Cache-Control: s-maxage=0");
          } else {
            connection.head("500 Down", 0);
          }
        });
    agent.prefetch(origin.url("/shared"));
    soon(agent, origin.url("/shared"), "maxStale", "1h").is(502, "origin-rejected");
  }

  // ---- throttled

  /** Says when to come back to the first request, and answers the next ones. */
  private static AtomicLong comeBack(String path, String retryAfter) {
    var pauseNanos = new AtomicLong();
    var first = new AtomicLong();
    origin.script(
        path,
        connection -> {
          if (first.compareAndSet(0, System.nanoTime())) {
            connection.head("503 Later", 0, "Retry-After: " + retryAfter);
          } else {
            pauseNanos.compareAndSet(0, System.nanoTime() - first.get());
            connection.answer("now");
          }
        });
    return pauseNanos;
  }

  /** By itself the agent would be back after at most 200 ms. */
  @Test
  void anOriginIsLeftAloneForTheSecondsItSays() {
    AtomicLong pause = comeBack("/seconds", "2");
    patient.prefetch(origin.url("/seconds"));
    assertThat(Duration.ofNanos(pause.get())).isGreaterThan(Duration.ofMillis(1900));
  }

  @Test
  void anOriginIsLeftAloneUntilTheDateItSays() {
    AtomicLong pause = comeBack("/date", Origin.date(Instant.now().plusSeconds(4)));
    patient.prefetch(origin.url("/date"));
    assertThat(Duration.ofNanos(pause.get())).isGreaterThan(Duration.ofMillis(1500));
  }

  @ParameterizedTest
  @ValueSource(strings = {"3600", "date"})
  void whoIsToComeBackAfterTheDeadlineIsToldAtOnce(String when) {
    String retryAfter = when.equals("date") ? Origin.date(Instant.now().plusSeconds(3600)) : when;
    comeBack("/late/" + when, retryAfter);
    assertThat(
            soon(patient, origin.url("/late/" + when), "timeout", "60s")
                .is(504, "timeout")
                .detail())
        .contains("503");
    assertThat(origin.hits("/late/" + when)).isEqualTo(1);
  }

  @Test
  void whoWaitsToAskAgainHoldsNoPlace() {
    try (AgentProcess narrow = AgentProcess.running("fetch.perOrigin", 1)) {
      comeBack("/throttled", "60");
      origin.script("/free", connection -> connection.answer("free"));
      try (Exchange _ = narrow.open(AgentClient.prefetchRequest(origin.url("/throttled")))) {
        origin.awaitHits("/throttled", 1);
        assertThat(replySoon(narrow, origin.url("/free")).status()).isEqualTo(200);
      }
    }
  }

  @Test
  void anOriginThatStallsDelaysNoOther() {
    var callers = new ArrayList<Exchange>();
    try {
      for (int i = 0; i < 1000; i++) {
        origin.stayMute("/stalled/" + i);
        callers.add(patient.open(AgentClient.prefetchRequest(origin.url("/stalled/" + i))));
      }
      eventually().until(() -> patient.stats().path("origin").path("queued").asInt() > 900);
      other.script("/prompt", connection -> connection.answer("prompt"));
      assertThat(replySoon(patient, other.url("/prompt")).status()).isEqualTo(200);
    } finally {
      callers.forEach(Exchange::close);
    }
  }
}
