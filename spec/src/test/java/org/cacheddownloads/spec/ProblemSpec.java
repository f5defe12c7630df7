package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Json.named;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.cacheddownloads.spec.Origin.Answer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What goes wrong is told by its code, names what was wrong, and changes nothing. */
class ProblemSpec {
  private static final String DOWNLOADS = "/v1/containers/p/downloads/";

  @RegisterExtension static final AgentProcess agent = AgentProcess.with("fetch.attempts", 2);

  @RegisterExtension static final Origin origin = Origin.start();

  @RegisterExtension static final RawOrigin rawOrigin = RawOrigin.start();

  // ---- 400: bodies

  static Stream<Arguments> badDownloads() {
    return Stream.of(
        arguments("url", "{}"),
        arguments("url", "{'url':5}"),
        arguments("url", "{'url':null}"),
        arguments("url", "{'url':''}"),
        arguments("url", "{'url':'no scheme'}"),
        arguments("url", "{'url':'http://'}"),
        arguments("url", "{'url':'http:///path'}"),
        arguments("bogus", "{'url':'http://o/','bogus':1}"),
        arguments("name", "{'url':'http://o/','name':'n'}"),
        arguments("cacheKey", "{'url':'http://o/','cacheKey':''}"),
        arguments("cacheKey", "{'url':'http://o/','cacheKey':5}"),
        arguments("checksum", "{'url':'http://o/','checksum':'sha256:abc'}"),
        arguments("checksum", "{'url':'http://o/','checksum':'crc32:00000000'}"),
        arguments("checksum", "{'url':'http://o/','checksum':'d41d8cd98f00b204e9800998ecf8427e'}"),
        arguments("checksum", "{'url':'http://o/','checksum':'md5:" + "g".repeat(32) + "'}"),
        arguments("as", "{'url':'http://o/','as':'zip'}"),
        arguments("deliver", "{'url':'http://o/','deliver':'copy'}"),
        arguments("executable", "{'url':'http://o/','executable':'yes'}"),
        arguments("headers", "{'url':'http://o/','headers':'Accept: x'}"),
        arguments("headers", "{'url':'http://o/','headers':{'Bad Name':'x'}}"),
        arguments("headers", "{'url':'http://o/','headers':{'X':'a\\r\\nInjected: b'}}"),
        arguments("headers", "{'url':'http://o/','headers':{'X':5}}"),
        arguments("mirrors", "{'url':'http://o/','mirrors':'http://m/'}"),
        arguments("mirrors", "{'url':'http://o/','mirrors':[5]}"),
        arguments("mirrors", "{'url':'http://o/','mirrors':[{}]}"),
        arguments("mirrors", "{'url':'http://o/','mirrors':['no scheme']}"),
        arguments("mirrors", "{'url':'http://o/','mirrors':[{'url':'http://m/','bogus':1}]}"),
        arguments(
            "mirrors",
            "{'url':'http://o/','mirrors':[{'url':'http://m/','headers':{'Host':'x'}}]}"),
        arguments("maxAge", "{'url':'http://o/','maxAge':'soon'}"),
        arguments("maxAge", "{'url':'http://o/','maxAge':'-1s'}"),
        arguments("maxStale", "{'url':'http://o/','maxStale':'1 fortnight'}"),
        arguments("timeout", "{'url':'http://o/','timeout':true}"));
  }

  @ParameterizedTest
  @MethodSource("badDownloads")
  void aBadFieldOfADownloadIsNamed(String field, String body) {
    Request request =
        Request.of("PUT", DOWNLOADS + "a").json(body.replace('\'', '"')).deliberatelyBad();

    assertThat(agent.send(request).problem().is(400, "invalid-request").field()).contains(field);
    assertThat(agent.knows("p")).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"{", "[]", "null", "\"text\"", "", "{\"url\":\"http://o/\"} {}"})
  void aBodyThatIsNoObjectIsInvalid(String body) {
    agent
        .send(Request.of("PUT", DOWNLOADS + "a").json(body).deliberatelyBad())
        .problem()
        .is(400, "invalid-request");
  }

  static Stream<Arguments> badRequests() {
    return Stream.of(
        arguments("PUT", "/v1/containers/p", "downloads", "{}"),
        arguments("PUT", "/v1/containers/p", "downloads", "{'downloads':5}"),
        arguments("PUT", "/v1/containers/p", "name", "{'downloads':[{'url':'http://o/'}]}"),
        arguments(
            "PUT", "/v1/containers/p", "name", "{'downloads':[{'name':'../a','url':'http://o/'}]}"),
        arguments(
            "PUT",
            "/v1/containers/p",
            "bogus",
            "{'downloads':[{'name':'a','url':'http://o/','bogus':1}]}"),
        arguments("PUT", "/v1/containers/p", "bogus", "{'downloads':[],'bogus':1}"),
        arguments(
            "PUT", "/v1/containers/p", "expiresAfter", "{'downloads':[],'expiresAfter':'later'}"),
        arguments(
            "PUT",
            "/v1/containers/p",
            "name",
            "{'downloads':[{'name':'a','url':'http://o/'},{'name':'a','url':'http://o/'}]}"),
        arguments("POST", "/v1/containers/p/renew", "expiresAfter", "{}"),
        arguments("POST", "/v1/containers/p/renew", "bogus", "{'expiresAfter':'1h','bogus':1}"),
        arguments("POST", "/v1/reconcile", "live", "{}"),
        arguments("POST", "/v1/reconcile", "live", "{'live':['../c']}"),
        arguments("POST", "/v1/reconcile", "bogus", "{'live':[],'bogus':1}"),
        arguments("POST", "/v1/prefetch", "url", "{}"),
        arguments("POST", "/v1/prefetch", "name", "{'url':'http://o/','name':'a'}"),
        arguments("POST", "/v1/prune", "targetBytes", "{'targetBytes':-1}"),
        arguments("POST", "/v1/prune", "olderThan", "{'olderThan':'yesterday'}"),
        arguments("POST", "/v1/prune", "dryRun", "{'dryRun':'maybe'}"),
        arguments("POST", "/v1/prune", "bogus", "{'bogus':1}"),
        arguments("POST", "/v1/verify", "digest", "{'digest':'md5:00'}"),
        arguments("POST", "/v1/verify", "bogus", "{'bogus':1}"));
  }

  @ParameterizedTest
  @MethodSource("badRequests")
  void aBadFieldOfAnyRequestIsNamed(String method, String path, String field, String body) {
    Request request = Request.of(method, path).json(body.replace('\'', '"')).deliberatelyBad();

    assertThat(agent.send(request).problem().is(400, "invalid-request").field()).contains(field);
    assertThat(agent.knows("p")).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Host",
        "Range",
        "If-Range",
        "If-None-Match",
        "If-Match",
        "If-Modified-Since",
        "If-Unmodified-Since",
        "Accept-Encoding",
        "Connection",
        "Keep-Alive",
        "Transfer-Encoding",
        "Content-Length",
        "TE",
        "Trailer",
        "Upgrade",
        "range"
      })
  void headersThatBelongToTheAgentAreRefusedByName(String header) {
    Request request =
        Request.put(
                DOWNLOADS + "a",
                Json.download(origin.url("/forbidden"), "headers", Map.of(header, "x")))
            .deliberatelyBad();

    Problem problem = agent.send(request).problem().is(400, "invalid-request");

    assertThat(problem.field() + " " + problem.detail()).containsIgnoringCase(header);
    assertThat(origin.hits("/forbidden")).isZero();
  }

  // ---- 400: names, ids, parameters

  static Stream<String> badNames() {
    return Stream.of(
        "..",
        ".",
        "%2e%2e",
        "%2E",
        "a/..",
        "a/../b",
        "a/%2e%2e/b",
        "./a",
        "a%2Fb",
        "a%2fb",
        "a//b",
        "/a",
        "a/",
        "a%00b",
        "%zz",
        "%",
        "%ff",
        ".cached-downloads",
        ".cached-downloads-too",
        "a/.cached-downloads/b",
        "%2Ecached-downloads",
        "n".repeat(256),
        "%C3%BC".repeat(128),
        "1/2/3/4/5/6/7/8/9");
  }

  @ParameterizedTest
  @MethodSource("badNames")
  void aBadNameIsInvalid(String name) {
    Request request =
        Request.put(DOWNLOADS + name, Json.download(origin.url("/bad-name"))).deliberatelyBad();

    assertThat(agent.send(request).problem().is(400, "invalid-request").field()).contains("name");
    assertThat(origin.hits("/bad-name")).isZero();
    assertThat(agent.knows("p")).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {".hidden", "-dash", "a%20b", "%2e%2e", "a%2Fb", "%C3%BC", "a:b"})
  void aBadContainerIdIsInvalid(String id) {
    agent
        .send(
            Request.put(
                    "/v1/containers/" + id + "/downloads/a", Json.download(origin.url("/bad-id")))
                .deliberatelyBad())
        .problem()
        .is(400, "invalid-request");
    agent
        .send(Request.get("/v1/containers/" + id).deliberatelyBad())
        .problem()
        .is(400, "invalid-request");
    assertThat(origin.hits("/bad-id")).isZero();
  }

  @Test
  void aContainerIdHasAtMost128Characters() {
    agent.declare("c".repeat(128), List.of()).expect(201);
    agent
        .send(
            Request.put("/v1/containers/" + "c".repeat(129), Json.object("downloads", List.of()))
                .deliberatelyBad())
        .problem()
        .is(400, "invalid-request");
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/entries?limit=0, limit",
    "/v1/entries?limit=many, limit",
    "/v1/containers?limit=-1, limit"
  })
  void aBadParameterIsNamed(String target, String field) {
    assertThat(
            agent
                .send(Request.get(target).deliberatelyBad())
                .problem()
                .is(400, "invalid-request")
                .field())
        .contains(field);
  }

  // ---- 403

  @ParameterizedTest
  @ValueSource(
      strings = {
        "file:///etc/passwd",
        "ftp://127.0.0.1/a",
        "gopher://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://169.254.0.1/",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fd00:ec2::254]/"
      })
  void whatIsOutsideThePolicyIsNotAskedFor(String url) {
    agent.refused("p", "a", url).is(403, "origin-not-allowed");
  }

  @Test
  void aRedirectMustNotLeaveThePolicyEither() {
    origin.answer("/to-metadata", 302, "Location: http://169.254.169.254/latest");

    agent.refused("p", "a", origin.url("/to-metadata")).is(403, "origin-not-allowed");
  }

  @Test
  void aHostThatIsNotAllowedIsNotAskedFor() {
    origin.serve("/allowed", "hello", "ETag: \"a\"");
    try (AgentProcess strict = AgentProcess.running("origins.allow", List.of("127.0.0.1"))) {
      strict
          .refused("p", "a", origin.url("/allowed").replace("127.0.0.1", "localhost"))
          .is(403, "origin-not-allowed");

      assertThat(strict.download("p", "a", origin.url("/allowed")).outcome()).isEqualTo("miss");
      assertThat(origin.hits("/allowed")).isEqualTo(1);
    }
  }

  @Test
  void aUserWhoIsNotListedMayNotUseTheSocket() {
    try (AgentProcess strict = AgentProcess.running("socket.allowUids", List.of(54321))) {
      strict.get("/v1/stats").problem().is(403, "peer-not-allowed");
    }
  }

  // ---- 404, 405, 413

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/v1",
        "/v1/nothing",
        "/v2/stats",
        "/v1/stats/more",
        "/v1/containers/c/nothing",
        "/metrics/more"
      })
  void anUnknownPathIsNotFound(String path) {
    agent.send(Request.get(path).deliberatelyBad()).problem().is(404, "not-found");
  }

  @Test
  void whatIsNotThereIsNotFound() {
    agent.get("/v1/containers/absent").problem().is(404, "not-found");
    agent.get("/v1/entries/absent").problem().is(404, "not-found");
    agent.get("/v1/blobs/sha256:" + "0".repeat(64)).problem().is(404, "not-found");
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /v1/containers/c/downloads/a",
    "POST, /v1/containers/c",
    "PUT, /v1/containers",
    "GET, /v1/prefetch",
    "GET, /v1/containers/c/renew",
    "PUT, /v1/entries/k",
    "DELETE, /v1/stats",
    "DELETE, /v1/blobs/sha256:0",
    "POST, /metrics",
    "POST, /readyz",
    "PATCH, /v1/config"
  })
  void anotherMethodIsNotAllowed(String method, String path) {
    agent.send(Request.of(method, path).deliberatelyBad()).problem().is(405, "method-not-allowed");
  }

  @Test
  void aBodyOverOneMebibyteIsTooLarge() {
    Request request =
        Request.put(
                DOWNLOADS + "a", Json.download("http://o/", "cacheKey", "k".repeat(Content.MIB)))
            .deliberatelyBad();

    agent.send(request).problem().is(413, "too-large");
    assertThat(agent.knows("p")).isFalse();
  }

  @Test
  void aDownloadOverTheLargestAllowedIsTooLarge() {
    origin.serve("/large/known", Content.random(2048, "known"), "ETag: \"l\"");
    origin.serveInChunks("/large/unknown", Content.random(2048, "unknown"), "ETag: \"l\"");
    origin.serve("/large/exactly", Content.random(1024, "exactly"), "ETag: \"l\"");
    try (AgentProcess small = AgentProcess.running("fetch.maxBytes", "1KiB", "fetch.attempts", 1)) {
      small.refused("p", "a", origin.url("/large/known")).is(413, "too-large");
      small.refused("p", "a", origin.url("/large/unknown")).is(413, "too-large");

      assertThat(small.download("p", "a", origin.url("/large/exactly")).size()).isEqualTo(1024);
      assertThat(small.stat("disk.partialBytes")).isZero();
    }
  }

  // ---- 502, 504: what origins do

  @ParameterizedTest
  @CsvSource({"401, 1", "403, 1", "404, 1", "410, 1", "429, 2", "500, 2", "503, 2"})
  void aRefusalOfTheOriginIsToldWithItsStatus(int status, int requests) {
    origin.answer("/status/" + status, Answer.status(status, "Retry-After: 0"));

    Problem problem =
        agent
            .refused("p", "a", origin.url("/status/" + status + "?sig=1"))
            .is(502, "origin-rejected");

    assertThat(problem.originStatus()).isEqualTo(status);
    assertThat(Json.texts(problem.attempts(), "url"))
        .containsExactly(origin.url("/status/" + status));
    assertThat(Json.texts(problem.attempts(), "status")).containsExactly(Integer.toString(status));
    assertThat(Json.texts(problem.attempts(), "requests"))
        .containsExactly(Integer.toString(requests));
    assertThat(origin.hits("/status/" + status)).isEqualTo(requests);
  }

  @ParameterizedTest
  @CsvSource({"204", "206", "300"})
  void aStatusThatIsNoDownloadIsABadResponse(int status) {
    origin.answer(
        "/odd/" + status,
        new Answer(
            status,
            status == 204 ? new byte[0] : utf8("hello"),
            "ETag: \"o\"",
            "Content-Range: bytes 0-4/10"));

    agent.refused("p", "a", origin.url("/odd/" + status)).is(502, "bad-response");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/short         | Content-Length: 100         | only this",
        "/cut-chunk     | Transfer-Encoding: chunked  | 5~hello~",
        "/half-a-chunk  | Transfer-Encoding: chunked  | ff~hello",
        "/two-lengths   | Content-Length: 5~Content-Length: 6 | hello!"
      })
  void aBodyThatIsNotWhatItsHeadSaysIsABadResponse(String path, String headers, String body) {
    String lines = "HTTP/1.1 200 OK~ETag: \"b\"~" + headers + "~~" + body;
    rawOrigin.say(path, lines.replace("~", "\r\n"));

    agent.refused("p", "a", rawOrigin.url(path)).is(502, "bad-response");

    assertThat(agent.knows("p")).isFalse();
    assertThat(agent.keys()).doesNotContain(rawOrigin.url(path));
  }

  @Test
  void anOriginThatRefusesTheConnectionIsUnavailable() {
    Problem problem =
        agent
            .refused("p", "a", "http://127.0.0.1:" + Project.freePort() + "/")
            .is(504, "origin-unavailable");

    assertThat(Json.texts(problem.attempts(), "code")).containsExactly("origin-unavailable");
    assertThat(problem.attempts().path(0).path("status").isNull()).isTrue();
  }

  @Test
  void anOriginWithoutAnAddressIsUnavailable() {
    agent.refused("p", "a", "http://nowhere.invalid/a").is(504, "origin-unavailable");
  }

  @Test
  void anOriginThatSpeaksNoTlsIsUnavailable() {
    agent
        .refused("p", "a", origin.url("/tls").replace("http:", "https:"))
        .is(504, "origin-unavailable");
  }

  @Test
  void theDeadlineOfTheRequestEndsIt() {
    rawOrigin.stayMute("/mute");

    agent.refused("p", "a", rawOrigin.url("/mute"), "timeout", "1s").is(504, "timeout");

    rawOrigin.awaitHangUp("/mute");
  }

  @Test
  void aMissingDownloadIsRememberedForAWhilePerCredentials() {
    origin.answer("/missing", 404);
    try (AgentProcess remembering =
        AgentProcess.running("fetch.negativeTtl", "1h", "fetch.attempts", 1)) {
      remembering.refused("p", "a", origin.url("/missing")).is(502, "origin-rejected");
      Problem again =
          remembering.refused("p", "b", origin.url("/missing")).is(502, "origin-rejected");

      assertThat(again.originStatus()).isEqualTo(404);
      assertThat(origin.hits("/missing")).isEqualTo(1);
      remembering.refused(
          "p", "a", origin.url("/missing"), "headers", Map.of("Authorization", "Bearer other"));
      assertThat(origin.hits("/missing")).isEqualTo(2);
    }
  }

  // ---- nothing changes

  static Stream<Arguments> failures() {
    return Stream.of(
        arguments("rejected", Answer.status(404), 502),
        arguments("mismatch", Answer.ok("other bytes", "ETag: \"n\""), 502),
        arguments("redirected", Answer.status(302, "Location: file:///etc/passwd"), 403));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("failures")
  void aFailedPutChangesNothing(String name, Answer failure, int status) {
    String path = "/unchanged/" + name;
    origin.serve(path, path, "ETag: \"h\"");
    agent.download("unchanged-" + name, "a", origin.url(path));
    JsonNode before = agent.container("unchanged-" + name);
    origin.answer(path, failure);

    Problem problem =
        agent.refused(
            "unchanged-" + name, "a", origin.url(path), "checksum", Content.sha256("never seen"));
    agent.refused(
        "unchanged-" + name, "b", origin.url(path), "checksum", Content.sha256("never seen"));

    assertThat(problem.status()).isEqualTo(status);
    assertThat(agent.container("unchanged-" + name)).isEqualTo(before);
    assertThat(agent.view("unchanged-" + name).resolve("a")).hasContent(path);
    assertThat(agent.entry(origin.url(path)).path("references").asInt()).isEqualTo(1);
  }

  @Test
  void oneBadItemRefusesTheWholeSet() {
    origin.serve("/whole", "hello", "ETag: \"w\"");
    var body =
        Json.object(
            "downloads",
            List.of(
                named("a", origin.url("/whole")),
                named("b", origin.url("/whole"), "checksum", "none")));

    agent
        .send(Request.put("/v1/containers/whole", body).deliberatelyBad())
        .problem()
        .is(400, "invalid-request");

    assertThat(agent.knows("whole")).isFalse();
    assertThat(origin.hits("/whole")).isZero();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
