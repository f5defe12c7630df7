package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.AgentClient.result;
import static org.cacheddownloads.spec.Origin.LONG_AGO;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPOutputStream;
import org.cacheddownloads.spec.Origin.Answer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a download costs at the origin, and what it is called: the outcomes, validators, freshness,
 * keys, checksums, mirrors and headers.
 */
class FetchSpec {
  @RegisterExtension static final AgentProcess agent = AgentProcess.with("fetch.attempts", 1);

  @RegisterExtension static final Origin origin = Origin.start();

  @RegisterExtension static final Origin other = Origin.start();

  // ---- miss, revalidated, updated

  @Test
  void firstDownloadIsAMissThatTellsEverything() {
    origin.serve(
        "/miss",
        "hello",
        "ETag: \"m\"",
        "Last-Modified: " + LONG_AGO,
        "Cache-Control: max-age=600");

    Download ruby =
        agent.download("miss", "ruby", origin.url("/miss"), "cacheKey", "buildpack-ruby");

    assertThat(ruby.status()).isEqualTo(201);
    assertThat(ruby.outcome()).isEqualTo("miss");
    assertThat(ruby.text("name")).isEqualTo("ruby");
    assertThat(ruby.text("url")).isEqualTo(origin.url("/miss"));
    assertThat(ruby.text("cacheKey")).isEqualTo("buildpack-ruby");
    assertThat(ruby.text("as")).isEqualTo("file");
    assertThat(ruby.digest()).isEqualTo(Content.sha256("hello"));
    assertThat(ruby.size()).isEqualTo(5);
    assertThat(ruby.bytesFetched()).isEqualTo(5);
    assertThat(ruby.path()).isEqualTo("/cached-downloads/ruby");
    assertThat(ruby.hostPath()).isEqualTo(agent.view("miss").resolve("ruby"));
    assertThat(ruby.text("etag")).isEqualTo("\"m\"");
    assertThat(ruby.text("lastModified")).isEqualTo("2020-01-01T00:00:00Z");
    assertThat(Instant.parse(ruby.text("freshUntil"))).isAfter(Instant.now());
    assertThat(ruby.content()).isEqualTo("hello");
  }

  @Test
  void aNewNameIsCreatedAndAKnownOneIsNot() {
    origin.serve("/created", "hello", "ETag: \"c\"");

    assertThat(agent.download("created", "a", origin.url("/created")).status()).isEqualTo(201);
    assertThat(agent.download("created", "a", origin.url("/created")).status()).isEqualTo(200);
    assertThat(agent.download("created", "b", origin.url("/created")).status()).isEqualTo(201);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/strong | ETag: \"s\"     | If-None-Match",
        "/weak   | ETag: W/\"w\"   | If-None-Match",
        "/date   | Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT | If-Modified-Since"
      })
  void unchangedBytesAreRevalidated(String path, String validator, String condition) {
    origin.serve(path, "hello", validator);
    agent.download("revalidated", path.substring(1), origin.url(path));

    Download again = agent.download("revalidated", path.substring(1), origin.url(path));

    assertThat(again.outcome()).isEqualTo("revalidated");
    assertThat(again.bytesFetched()).isZero();
    assertThat(again.content()).isEqualTo("hello");
    assertThat(origin.lastRequest(path).header(condition))
        .hasValue(validator.substring(validator.indexOf(' ') + 1));
  }

  @Test
  void anotherContainerIsRevalidatedToo() {
    origin.serve("/second", "hello", "ETag: \"s\"");
    agent.download("second-1", "a", origin.url("/second"));

    assertThat(agent.download("second-2", "a", origin.url("/second")).outcome())
        .isEqualTo("revalidated");
  }

  @Test
  void a304WithoutItsETagLeadsToOneUnconditionalRequest() {
    origin.script(
        "/bare",
        request ->
            request.isConditional() ? Answer.status(304) : Answer.ok("hello", "ETag: \"b\""));
    agent.download("bare", "a", origin.url("/bare"));

    Download again = agent.download("bare", "a", origin.url("/bare"));

    assertThat(again.outcome()).isEqualTo("updated");
    assertThat(origin.requests("/bare").stream().map(Origin.Received::isConditional))
        .containsExactly(false, true, false);
  }

  @Test
  void a304ThatSaysNothingConfirmsWhatHadADateAlone() {
    origin.script(
        "/dated",
        request ->
            request.isConditional()
                ? Answer.status(304)
                : Answer.ok("hello", "Last-Modified: " + Origin.LONG_AGO));
    agent.download("dated", "a", origin.url("/dated"));

    assertThat(agent.download("dated", "a", origin.url("/dated")).outcome())
        .isEqualTo("revalidated");
  }

  @Test
  void allValidatorsGoBackAsTheyCame() {
    origin.serve("/both", "hello", "ETag: W/\"b\"", "Last-Modified: not a date at all");
    agent.download("both", "a", origin.url("/both"));
    agent.download("both", "a", origin.url("/both"));

    Origin.Received asked = origin.lastRequest("/both");
    assertThat(asked.header("If-None-Match")).hasValue("W/\"b\"");
    assertThat(asked.header("If-Modified-Since")).hasValue("not a date at all");
  }

  /** RFC 9111 section 3.2: only what the 304 names is replaced. */
  @Test
  void a304LeavesStandingWhatItDoesNotName() {
    String soon = Origin.date(Instant.now().plusSeconds(600));
    origin.script(
        "/partly",
        request ->
            request.isConditional()
                ? Answer.status(304, "ETag: \"p\"", "Expires: " + soon)
                : Answer.ok("hello", "ETag: \"p\"", "Cache-Control: no-cache"));
    agent.download("partly", "a", origin.url("/partly"));
    agent.download("partly", "a", origin.url("/partly"));

    assertThat(agent.download("partly", "a", origin.url("/partly")).outcome())
        .isEqualTo("revalidated");
  }

  @Test
  void a304ThatForbidsToStoreIsUsedOnce() {
    origin.script(
        "/forbids",
        request ->
            request.isConditional()
                ? Answer.status(304, "ETag: \"f\"", "Cache-Control: max-age=600, no-store")
                : Answer.ok("hello", "ETag: \"f\"", "Cache-Control: max-age=0"));
    agent.download("forbids", "a", origin.url("/forbids"));
    agent.download("forbids", "a", origin.url("/forbids"));

    assertThat(agent.download("forbids", "a", origin.url("/forbids")).outcome())
        .isEqualTo("revalidated");
    assertThat(origin.hits("/forbids")).isEqualTo(3);
  }

  @Test
  void newBytesAreAnUpdate() {
    origin.serve("/updated", "old", "ETag: \"1\"");
    agent.download("updated", "a", origin.url("/updated"));
    origin.serve("/updated", "newer", "ETag: \"2\"");

    Download again = agent.download("updated", "a", origin.url("/updated"));

    assertThat(again.outcome()).isEqualTo("updated");
    assertThat(again.bytesFetched()).isEqualTo(5);
    assertThat(again.content()).isEqualTo("newer");
  }

  @Test
  void theSameBytesSentAgainAreAnUpdateToo() {
    origin.answer("/ignores-conditions", Answer.ok("same", "ETag: \"1\""));
    Download first = agent.download("ignores", "a", origin.url("/ignores-conditions"));

    Download again = agent.download("ignores", "a", origin.url("/ignores-conditions"));

    assertThat(again.outcome()).isEqualTo("updated");
    assertThat(again.digest()).isEqualTo(first.digest());
  }

  @Test
  void aStatusOf203IsADownload() {
    origin.answer(
        "/transformed", new Answer(203, "hello".getBytes(StandardCharsets.UTF_8), "ETag: \"t\""));

    assertThat(agent.download("transformed", "a", origin.url("/transformed")).content())
        .isEqualTo("hello");
  }

  @Test
  void anEmptyBodyIsADownload() {
    origin.serve("/empty", "", "ETag: \"e\"");

    Download empty = agent.download("empty", "a", origin.url("/empty"));

    assertThat(empty.size()).isZero();
    assertThat(empty.digest()).isEqualTo(Content.sha256(""));
    assertThat(empty.bytes()).isEmpty();
  }

  // ---- freshness

  @ParameterizedTest
  @ValueSource(strings = {"Cache-Control: max-age=600", "Expires: in an hour"})
  void freshBytesAreAHitWithoutContact(String header) {
    String path = "/fresh/" + header.substring(0, 3);
    origin.serve(
        path,
        "hello",
        header.replace("in an hour", Origin.date(Instant.now().plus(Duration.ofHours(1)))));
    agent.download("fresh", path.substring(1), origin.url(path));

    Download again = agent.download("fresh", path.substring(1), origin.url(path));

    assertThat(again.outcome()).isEqualTo("hit");
    assertThat(again.bytesFetched()).isZero();
    assertThat(origin.hits(path)).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/aged         | Cache-Control: max-age=60          | Age: 61",
        "/no-cache     | Cache-Control: max-age=60, no-cache | X-A: b",
        "/expired      | Expires: Wed, 01 Jan 2020 00:00:00 GMT | X-A: b",
        "/expires-zero | Expires: 0                         | X-A: b",
        "/max-age-wins | Cache-Control: max-age=0           | Expires: Fri, 01 Jan 2100 00:00:00 GMT",
        "/no-heuristic | Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT | X-A: b"
      })
  void whatIsNotFreshIsAskedFor(String path, String header, String more) {
    origin.serve(path, "hello", "ETag: \"e\"", header, more);
    agent.download("not-fresh", path.substring(1), origin.url(path));

    assertThat(agent.download("not-fresh", path.substring(1), origin.url(path)).outcome())
        .isEqualTo("revalidated");
    assertThat(origin.hits(path)).isEqualTo(2);
  }

  @Test
  void a304RefreshesTheFreshness() {
    origin.serve("/refreshed", "hello", "ETag: \"e\"");
    agent.download("refreshed", "a", origin.url("/refreshed"));
    origin.serve("/refreshed", "hello", "ETag: \"e\"", "Cache-Control: max-age=600");
    agent.download("refreshed", "a", origin.url("/refreshed"));

    assertThat(agent.download("refreshed", "a", origin.url("/refreshed")).outcome())
        .isEqualTo("hit");
    assertThat(origin.hits("/refreshed")).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"1h", "PT1H"})
  void maxAgeAcceptsAStoredEntryThatOld(String maxAge) {
    String path = "/max-age/" + maxAge;
    origin.serve(path, "hello", "ETag: \"e\"");
    agent.download("max-age", maxAge, origin.url(path));

    assertThat(agent.download("max-age", maxAge, origin.url(path), "maxAge", maxAge).outcome())
        .isEqualTo("hit");
    assertThat(origin.hits(path)).isEqualTo(1);
  }

  @Test
  void aMaxAgeOfZeroAsks() {
    origin.serve("/max-age/0", "hello", "ETag: \"e\"");
    agent.download("max-age-0", "a", origin.url("/max-age/0"));

    assertThat(agent.download("max-age-0", "a", origin.url("/max-age/0"), "maxAge", "0s").outcome())
        .isEqualTo("revalidated");
  }

  @Test
  void whatVariesIsAskedForAgain() {
    origin.script(
        "/varies",
        request ->
            Answer.ok(
                request.header("Accept-Language").orElse("none"),
                "Vary: Accept-Language",
                "Cache-Control: max-age=600"));
    String url = origin.url("/varies");

    assertThat(
            agent
                .download("varies", "a", url, "headers", Map.of("Accept-Language", "de"))
                .content())
        .isEqualTo("de");
    assertThat(
            agent
                .download("varies", "b", url, "headers", Map.of("Accept-Language", "fr"))
                .content())
        .isEqualTo("fr");
    assertThat(
            agent
                .download("varies", "c", url, "headers", Map.of("Accept-Language", "de"))
                .content())
        .isEqualTo("de");
  }

  // ---- uncached

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/no-validators | X-Nothing: useful",
        "/no-store | Cache-Control: no-store",
        "/no-store-etag | ETag: \"e\"; Cache-Control: no-store, max-age=600"
      })
  void whatMayNotBeStoredIsHandedOutAndForgotten(String path, String headers) {
    origin.answer(path, Answer.ok("hello", headers.split("; ", -1)));

    Download first = agent.download("uncached" + path.substring(1), "a", origin.url(path));
    Download again = agent.download("uncached" + path.substring(1), "b", origin.url(path));

    assertThat(List.of(first.outcome(), again.outcome())).containsOnly("uncached");
    assertThat(first.content()).isEqualTo("hello");
    assertThat(origin.hits(path)).isEqualTo(2);
    assertThat(origin.conditionalHits(path)).isZero();
    assertThat(agent.keys()).doesNotContain(origin.url(path));
  }

  @Test
  void uncachedBytesAreDroppedAtTheLastRelease() {
    origin.answer("/dropped", Answer.ok("dropped at the last release"));
    Download dropped = agent.download("dropped", "a", origin.url("/dropped"));

    agent.release("dropped");

    Eventually.eventually().until(() -> !agent.hasBlob(dropped.digest()));
  }

  // ---- odd 304s

  @Test
  void a304ToAnUnconditionalRequestLeadsToOneMore() {
    var requests = new AtomicInteger();
    origin.script(
        "/odd",
        _ ->
            requests.incrementAndGet() == 1
                ? Answer.status(304)
                : Answer.ok("hello", "ETag: \"o\""));

    assertThat(agent.download("odd", "a", origin.url("/odd")).outcome()).isEqualTo("miss");
    assertThat(origin.hits("/odd")).isEqualTo(2);
    assertThat(origin.conditionalHits("/odd")).isZero();
  }

  @Test
  void a304ForAnotherETagLeadsToOneUnconditionalRequest() {
    origin.serve("/odd-etag", "old", "ETag: \"1\"");
    agent.download("odd-etag", "a", origin.url("/odd-etag"));
    origin.script(
        "/odd-etag",
        request ->
            request.isConditional()
                ? Answer.status(304, "ETag: \"2\"")
                : Answer.ok("new", "ETag: \"2\""));

    Download again = agent.download("odd-etag", "a", origin.url("/odd-etag"));

    assertThat(again.outcome()).isEqualTo("updated");
    assertThat(again.content()).isEqualTo("new");
    assertThat(origin.hits("/odd-etag")).isEqualTo(3);
  }

  // ---- keys

  @Test
  void aCacheKeyWithAnotherUrlIsFetchedWithoutTheOldValidators() {
    origin.serve("/key/1", "one", "ETag: \"same\"");
    origin.serve("/key/2", "two", "ETag: \"same\"");
    agent.download("key", "a", origin.url("/key/1"), "cacheKey", "shared-key");

    Download second = agent.download("key", "b", origin.url("/key/2"), "cacheKey", "shared-key");

    assertThat(second.outcome()).isEqualTo("updated");
    assertThat(second.content()).isEqualTo("two");
    assertThat(origin.lastRequest("/key/2").isConditional()).isFalse();
  }

  @Test
  void eachQueryIsAKeyOfItsOwnAndIsNeverShown() {
    origin.serve("/query", "hello", "ETag: \"q\"");
    Download one = agent.download("query", "a", origin.url("/query?sig=one"));
    Download two = agent.download("query", "b", origin.url("/query?sig=two"));
    Download again = agent.download("query", "c", origin.url("/query?sig=one"));

    assertThat(List.of(one.outcome(), two.outcome(), again.outcome()))
        .containsExactly("miss", "miss", "revalidated");
    assertThat(origin.lastRequest("/query").target()).isEqualTo("/query?sig=one");
    assertThat(one.text("url")).isEqualTo(origin.url("/query"));
    assertThat(agent.keys()).contains(keyOf("/query", "sig=one"), keyOf("/query", "sig=two"));
  }

  @Test
  void fragmentAndUserInfoAreNotPartOfTheKey() {
    origin.serve("/plain-key", "hello", "ETag: \"p\"");

    agent.prefetch(origin.urlAs("user", "password", "/plain-key#part"));

    assertThat(agent.keys()).contains(origin.url("/plain-key"));
  }

  private static String keyOf(String path, String query) {
    return origin.url(path)
        + "?q="
        + Content.sha256(query).substring("sha256:".length()).substring(0, 16);
  }

  // ---- checksums

  @ParameterizedTest
  @ValueSource(strings = {"sha256", "md5", "sha1", "sha512"})
  void bytesOfAKnownChecksumAreAHitWhereverTheyCameFrom(String algorithm) {
    String body = "known by " + algorithm;
    String checksum = Content.checksum(algorithm, body.getBytes(StandardCharsets.UTF_8));
    origin.serve("/checksum/1/" + algorithm, body, "ETag: \"c\"");
    agent.prefetch(origin.url("/checksum/1/" + algorithm), "checksum", checksum);

    Download second =
        agent.download(
            "checksum", algorithm, origin.url("/checksum/2/" + algorithm), "checksum", checksum);

    assertThat(second.outcome()).isEqualTo("hit");
    assertThat(second.content()).isEqualTo(body);
    assertThat(origin.hits("/checksum/2/" + algorithm)).isZero();
  }

  @Test
  void bytesFetchedWithoutAChecksumAreKnownByTheirSha256() {
    origin.serve("/unsummed", "unsummed", "ETag: \"c\"");
    agent.prefetch(origin.url("/unsummed"));

    Download second =
        agent.download(
            "unsummed", "a", origin.url("/unsummed"), "checksum", Content.sha256("unsummed"));

    assertThat(second.outcome()).isEqualTo("hit");
    assertThat(origin.hits("/unsummed")).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"sha256", "md5", "sha1", "sha512"})
  void otherBytesThanTheChecksumSaysAreRefused(String algorithm) {
    String path = "/mismatch/" + algorithm;
    origin.serve(path, "not what was wanted", "ETag: \"m\"");
    String wanted = Content.checksum(algorithm, "wanted".getBytes(StandardCharsets.UTF_8));

    Problem problem =
        agent
            .refused("mismatch-" + algorithm, "a", origin.url(path), "checksum", wanted)
            .is(502, "checksum-mismatch");

    assertThat(Json.texts(problem.attempts(), "code")).containsExactly("checksum-mismatch");
    assertThat(agent.knows("mismatch-" + algorithm)).isFalse();
    assertThat(agent.keys()).doesNotContain(origin.url(path));
  }

  // ---- forms

  @Test
  void filesAreReadOnlyAndExecutableWhenAsked() {
    origin.serve("/tool", "#!/bin/sh", "ETag: \"t\"");

    assertThat(agent.download("modes", "plain", origin.url("/tool")).mode()).isEqualTo("0444");
    Download executable = agent.download("modes", "tool", origin.url("/tool"), "executable", true);
    assertThat(executable.mode()).isEqualTo("0555");
    assertThat(executable.content()).isEqualTo("#!/bin/sh");
    assertThat(agent.download("modes", "plain", origin.url("/tool")).mode()).isEqualTo("0444");
  }

  @Test
  void prefetchFillsTheCacheWithoutAReference() {
    origin.serve("/prefetched", "prefetched", "ETag: \"p\"");

    Download prefetched = agent.prefetch(origin.url("/prefetched"));

    assertThat(prefetched.outcome()).isEqualTo("miss");
    assertThat(agent.entry(origin.url("/prefetched")).path("references").asInt()).isZero();
    assertThat(agent.download("prefetched", "a", origin.url("/prefetched")).outcome())
        .isEqualTo("revalidated");
    assertThat(agent.entry(origin.url("/prefetched")).path("references").asInt()).isEqualTo(1);
  }

  @Test
  void aCodedBodyIsStoredAsItWasSent() throws IOException {
    byte[] coded = gzip("hello");
    origin.serve("/coded", coded, "ETag: \"g\"", "Content-Encoding: gzip");

    Download download = agent.download("coded", "a", origin.url("/coded"));

    assertThat(download.bytes()).isEqualTo(coded);
    assertThat(origin.lastRequest("/coded").header("Accept-Encoding")).hasValue("identity");
  }

  private static byte[] gzip(String text) throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(bytes)) {
      gzip.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  // ---- mirrors, headers, redirects

  @Test
  void aMirrorIsTriedAfterTheUrlFailed() {
    origin.answer("/gone", 404);
    other.serve("/mirror", "hello", "ETag: \"m\"");

    Download download =
        agent.download(
            "mirror", "a", origin.url("/gone"), "mirrors", List.of(other.url("/mirror")));

    assertThat(download.outcome()).isEqualTo("miss");
    assertThat(download.content()).isEqualTo("hello");
  }

  /** One request at once for each origin: the redirect must not hold its own origin's place. */
  @Test
  void aRedirectTakesThePlaceOfWhereItLeads() throws Exception {
    try (AgentProcess narrow = AgentProcess.running("fetch.perOrigin", 1)) {
      origin.answer("/led", Answer.status(302, "Location: " + other.url("/far")));
      other.serve("/far", "hello", "ETag: \"f\"");
      other.hold("/far");
      var led = narrow.prefetchAsync(origin.url("/led"));
      other.awaitHits("/far", 1);
      origin.serve("/near", "near", "ETag: \"n\"");
      assertThat(narrow.prefetch(origin.url("/near")).outcome()).isEqualTo("miss");

      other.serve("/far-2", "far", "ETag: \"f2\"");
      var waiting = narrow.prefetchAsync(other.url("/far-2"));
      narrow.awaitMetric("cached_downloads_origin_queued", 1);
      assertThat(other.hits("/far-2")).isZero();

      other.release("/far");
      assertThat(AgentClient.result(led).outcome()).isEqualTo("miss");
      assertThat(AgentClient.result(waiting).outcome()).isEqualTo("miss");
    }
  }

  /** By the default limits it would have a minute for its first byte. */
  @Test
  void aUrlThatStaysSilentLeavesTimeForItsMirrors() {
    origin.hold("/silent");
    other.serve("/speaking", "hello", "ETag: \"s\"");

    Download download =
        agent.download(
            "silent",
            "a",
            origin.url("/silent"),
            "mirrors",
            List.of(other.url("/speaking")),
            "timeout",
            "6s");

    assertThat(download.content()).isEqualTo("hello");
    origin.release("/silent");
  }

  @Test
  void aMirrorIsTriedAfterAChecksumMismatch() {
    origin.serve("/bad-copy", "bad", "ETag: \"b\"");
    other.serve("/good-copy", "good", "ETag: \"g\"");

    Download download =
        agent.download(
            "good-copy",
            "a",
            origin.url("/bad-copy"),
            "mirrors",
            List.of(other.url("/good-copy")),
            "checksum",
            Content.sha256("good"));

    assertThat(download.content()).isEqualTo("good");
  }

  @Test
  void theProblemIsTheFirstSourcesAndAttemptsListAll() {
    origin.answer("/gone-too", 404);
    other.answer("/broken", 503);

    Problem problem =
        agent
            .refused(
                "all-fail",
                "a",
                origin.url("/gone-too?sig=1"),
                "mirrors",
                List.of(other.url("/broken?sig=2")))
            .is(502, "origin-rejected");

    assertThat(problem.originStatus()).isEqualTo(404);
    assertThat(Json.texts(problem.attempts(), "url"))
        .containsExactly(origin.url("/gone-too"), other.url("/broken"));
    assertThat(Json.texts(problem.attempts(), "status")).containsExactly("404", "503");
    assertThat(Json.texts(problem.attempts(), "code"))
        .containsExactly("origin-rejected", "origin-rejected");
    assertThat(Json.texts(problem.attempts(), "requests")).containsExactly("1", "1");
  }

  @Test
  void headersGoToTheOriginOfTheUrlAlone() {
    origin.answer("/private", 404);
    origin.answer("/private-copy", 404);
    other.serve("/public-copy", "hello", "ETag: \"p\"");

    agent.download(
        "headers",
        "a",
        origin.url("/private"),
        "headers",
        Map.of("Authorization", "Bearer token", "X-Tenant", "t"),
        "mirrors",
        List.of(origin.url("/private-copy"), other.url("/public-copy")));

    assertThat(origin.lastRequest("/private").header("Authorization")).hasValue("Bearer token");
    assertThat(origin.lastRequest("/private-copy").header("Authorization"))
        .hasValue("Bearer token");
    assertThat(other.lastRequest("/public-copy").header("Authorization")).isEmpty();
    assertThat(other.lastRequest("/public-copy").header("X-Tenant")).isEmpty();
  }

  @Test
  void aMirrorGetsItsOwnHeaders() {
    origin.answer("/private-2", 404);
    other.serve("/mirror-2", "hello", "ETag: \"p\"");

    agent.download(
        "mirror-headers",
        "a",
        origin.url("/private-2"),
        "headers",
        Map.of("Authorization", "Bearer first"),
        "mirrors",
        List.of(
            Map.of(
                "url",
                other.url("/mirror-2"),
                "headers",
                Map.of("Authorization", "Bearer second"))));

    assertThat(other.lastRequest("/mirror-2").header("Authorization")).hasValue("Bearer second");
  }

  @Test
  void userInfoIsSentAsBasicCredentials() {
    origin.serve("/basic", "hello", "ETag: \"b\"");

    agent.prefetch(origin.urlAs("user", "password", "/basic"));

    assertThat(origin.lastRequest("/basic").header("Authorization"))
        .hasValue("Basic dXNlcjpwYXNzd29yZA==");
  }

  @Test
  void aRedirectIsFollowedButCredentialsStayAtTheirOrigin() {
    origin.answer("/moved", 302, "Location: " + other.url("/target?sig=1"));
    other.serve("/target", "hello", "ETag: \"t\"");

    Download download =
        agent.download(
            "moved", "a", origin.url("/moved"), "headers", Map.of("Authorization", "Bearer token"));

    assertThat(download.content()).isEqualTo("hello");
    assertThat(download.text("url")).isEqualTo(origin.url("/moved"));
    assertThat(other.lastRequest("/target").header("Authorization")).isEmpty();
  }

  // ---- connections

  /**
   * An error page in chunks ends without a word before; its connection is another's then, or is
   * closed, but not both.
   */
  @Test
  void anErrorPageOfUnknownLengthBreaksNoOtherDownload() {
    origin.answer("/error-page", 500);
    for (int round = 0; round < 150; round++) {
      String path = "/beside-errors/" + round;
      origin.serve(path, "hello", "ETag: \"h\"");
      var failing =
          agent.sendAsync(
              AgentClient.prefetchRequest(origin.url("/error-page"), "cacheKey", "error" + round));
      var other = agent.prefetchAsync(origin.url(path));

      assertThat(result(other).outcome()).isEqualTo("miss");
      result(failing).problem().is(502, "origin-rejected");
    }
  }
}
