package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.AgentClient.result;
import static org.cacheddownloads.spec.Eventually.eventually;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A download that is cut goes on where it was: within a request, in the next one, and after {@code
 * kill -9}; with a strong validator and an exact range only.
 */
class ResumeSpec {
  private static final int MIB = Content.MIB;
  private static final int WINDOW = 4 * MIB;
  private static final String ETAG = "ETag: \"v1\"";

  @RegisterExtension
  static final AgentProcess agent =
      AgentProcess.with("durability.flushInterval", "200ms", "log.level", "debug");

  @RegisterExtension static final RawOrigin origin = RawOrigin.start();

  private static byte[] body(String seed, int size) {
    return Content.random(size, seed);
  }

  private Download get(String path, byte[] body, Object... more) {
    Download download = agent.download("resume", path.substring(1), origin.url(path), more);
    assertThat(download.digest()).isEqualTo(Content.checksum("sha256", body));
    return download;
  }

  // ---- within one request

  @Test
  void aCutDownloadGoesOnWhereItWas() {
    byte[] bytes = body("on", 9 * MIB + 123);
    var script = new RangedBody(bytes, ETAG).cutAfter(3 * MIB, 2 * MIB + 5);
    origin.script("/on", script);

    Download download = get("/on", bytes);

    assertThat(download.outcome()).isEqualTo("miss");
    assertThat(script.asked())
        .containsExactly("-", "bytes=" + 3 * MIB + "-", "bytes=" + (5 * MIB + 5) + "-");
    assertThat(script.sent()).isEqualTo(bytes.length);
    assertThat(download.bytesFetched()).isEqualTo(bytes.length);
  }

  @Test
  void aDownloadCutTenTimesComesThroughWithFourAttempts() {
    byte[] bytes = body("ten", 40 * MIB);
    var random = new Random(11);
    var cuts =
        Stream.generate(() -> MIB + random.nextInt(2 * MIB)).limit(10).toArray(Integer[]::new);
    var script = new RangedBody(bytes, ETAG).cutAfter(cuts);
    origin.script("/ten", script);

    get("/ten", bytes);

    assertThat(script.asked()).hasSize(11);
    assertThat(script.sent()).isEqualTo(bytes.length);
  }

  /** Where it breaks is not where a window ends, and nothing of the whole is fetched twice. */
  @Test
  void aGibibyteCutTenTimesIsFetchedOnce() {
    var random = new Random(23);
    var script = new LongBody(1 << 30, ETAG);
    for (int i = 0; i < 10; i++) {
      script.cutAfter(2 * MIB + random.nextInt(90 * MIB));
    }
    origin.script("/gibibyte", script);

    Download download = agent.download("gibibyte", "a", origin.url("/gibibyte"), "timeout", "10m");

    assertThat(download.digest()).isEqualTo(script.digest());
    assertThat(script.cuts()).as("cuts").isEqualTo(10);
    assertThat(script.sent() - script.size()).isBetween(0L, 10L * WINDOW);
    agent.release("gibibyte");
  }

  @Test
  void anOldLastModifiedIsAStrongValidator() {
    byte[] bytes = body("date", 3 * MIB);
    var script =
        new RangedBody(
                bytes,
                "Last-Modified: Mon, 02 Mar 2026 10:00:00 GMT",
                "Date: Mon, 02 Mar 2026 11:00:00 GMT")
            .cutAfter(MIB);
    origin.script("/date", script);
    get("/date", bytes);
    assertThat(script.asked()).containsExactly("-", "bytes=" + MIB + "-");
  }

  static Stream<Arguments> notResumable() {
    return Stream.of(
        Arguments.of("weak ETag", List.of("ETag: W/\"v1\"")),
        Arguments.of("no validator", List.of("Cache-Control: max-age=60")),
        Arguments.of(
            "Last-Modified in the second of the answer",
            List.of(
                "Last-Modified: Mon, 02 Mar 2026 10:00:00 GMT",
                "Date: Mon, 02 Mar 2026 10:00:00 GMT")),
        Arguments.of("no-store", List.of(ETAG, "Cache-Control: no-store")),
        Arguments.of("Accept-Ranges: none", List.of(ETAG, "Accept-Ranges: none")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("notResumable")
  void whatHasNoStrongValidatorIsFetchedFromTheStart(String why, List<String> headers) {
    byte[] bytes = body(why, 2 * MIB);
    String path = "/" + why.replaceAll("[^a-zA-Z]", "-");
    var script = new RangedBody(bytes, headers.toArray(new String[0])).cutAfter(MIB);
    origin.script(path, script);
    get(path, bytes);
    assertThat(script.asked()).containsExactly("-", "-");
  }

  @Test
  void aChangedRepresentationIsFetchedFromTheStart() {
    byte[] before = body("before", 6 * MIB);
    byte[] after = body("after", 5 * MIB);
    var first = new RangedBody(before, ETAG).cutAfter(5 * MIB);
    var second = new RangedBody(after, "ETag: \"v2\"").changed();
    origin.script(
        "/changed", connection -> (first.asked().isEmpty() ? first : second).run(connection));

    get("/changed", after);

    assertThat(second.asked()).containsExactly("bytes=" + 5 * MIB + "-");
    assertThat(second.sent()).isEqualTo(after.length);
  }

  /** Some origins and proxies give a body one tag in all codings. */
  @Test
  void aCodedBodyIsNotGoneOnWith() {
    byte[] bytes = body("coded", 3 * MIB);
    var coded = new RangedBody(bytes, ETAG, "Content-Encoding: gzip").cutAfter(2 * MIB);
    var plain = new RangedBody(bytes, ETAG);
    origin.script(
        "/coded", connection -> (coded.asked().isEmpty() ? coded : plain).run(connection));

    get("/coded", bytes);

    assertThat(plain.asked()).containsExactly("-");
  }

  @Test
  void anOriginThatIgnoresRangesIsReadFromTheStart() {
    byte[] bytes = body("ignores", 3 * MIB);
    var script = new RangedBody(bytes, ETAG).withoutRanges().cutAfter(2 * MIB);
    origin.script("/ignores", script);
    get("/ignores", bytes);
    assertThat(script.asked()).containsExactly("-", "bytes=" + 2 * MIB + "-");
  }

  /** Answers to {@code Range: bytes=2097152-} of 3 MiB that are not what was asked for. */
  static Stream<Arguments> wrongParts() {
    int size = 3 * MIB;
    return Stream.of(
        part("one byte earlier", -1, size - 1, size, ETAG),
        part("one byte later", 1, size - 1, size, ETAG),
        part("from the start", -2 * MIB, size - 1, size, ETAG),
        part("another total", 0, size - 1, size + 1, ETAG),
        part("an end behind the total", 0, size, size, ETAG),
        part("another ETag", 0, size - 1, size, "ETag: \"v2\""),
        part("no ETag", 0, size - 1, size, "Server: x"),
        part("a coding", 0, size - 1, size, ETAG + "\r\nContent-Encoding: gzip"),
        Arguments.of(
            "no Content-Range",
            (RangedBody.Reply)
                (connection, from) -> {
                  connection.head("206 Partial Content", size - from, ETAG);
                  connection.send(new byte[size - from]);
                }),
        Arguments.of(
            "many parts",
            (RangedBody.Reply)
                (connection, _) -> {
                  connection.head(
                      "206 Partial Content",
                      5,
                      ETAG,
                      "Content-Type: multipart/byteranges; boundary=x");
                  connection.send("--x--".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
                }),
        Arguments.of(
            "a range that cannot be satisfied",
            (RangedBody.Reply)
                (connection, _) ->
                    connection.head(
                        "416 Range Not Satisfiable", 0, "Content-Range: bytes */" + size)));
  }

  private static Arguments part(String what, int shift, int last, int total, String etag) {
    return Arguments.of(
        what,
        (RangedBody.Reply)
            (connection, from) -> {
              int first = from + shift;
              connection.head(
                  "206 Partial Content",
                  last - first + 1,
                  etag,
                  "Content-Range: bytes " + first + "-" + last + "/" + total);
              connection.send(new byte[last - first + 1]);
            });
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongParts")
  void aPartThatIsNotTheRestIsNotUsed(String what, RangedBody.Reply wrong) {
    byte[] bytes = body(what, 3 * MIB);
    String path = "/wrong-" + what.replaceAll("[^a-zA-Z]", "-");
    var script = new RangedBody(bytes, ETAG).cutAfter(2 * MIB).answeringRanges(wrong);
    origin.script(path, script);
    get(path, bytes);
    assertThat(script.asked()).containsExactly("-", "bytes=" + 2 * MIB + "-", "-");
  }

  @Test
  void aPartThatEndsTooEarlyIsGoneOnWith() {
    byte[] bytes = body("short", 3 * MIB);
    var script = new RangedBody(bytes, ETAG).cutAfter(MIB);
    origin.script(
        "/short",
        connection -> {
          if (script.asked().size() == 1) { // a part of the rest: RFC 9110 section 15.3.7 allows it
            script.answeringRanges(
                (c, from) -> {
                  c.head(
                      "206 Partial Content",
                      MIB,
                      ETAG,
                      "Content-Range: bytes " + from + "-" + (from + MIB - 1) + "/" + 3 * MIB);
                  c.send(Arrays.copyOfRange(bytes, from, from + MIB));
                });
          }
          script.run(connection);
        });
    get("/short", bytes);
    assertThat(script.asked()).containsExactly("-", "bytes=" + MIB + "-", "bytes=" + 2 * MIB + "-");
  }

  @Test
  void whenAllHadComeBeforeTheCutNothingIsFetchedAgain() {
    byte[] bytes = body("all", 5 * MIB);
    var script = new RangedBody(bytes, ETAG);
    origin.script(
        "/all",
        connection -> {
          if (script.asked().isEmpty() && connection.header("range").isEmpty()) {
            script.answeringRanges(
                (c, _) ->
                    c.head("416 Range Not Satisfiable", 0, "Content-Range: bytes */" + 5 * MIB));
            connection.sendChunkedWithoutEnd(bytes, ETAG);
          } else {
            script.run(connection);
          }
        });
    get("/all", bytes);
    assertThat(script.asked()).containsExactly("bytes=" + 5 * MIB + "-");
    assertThat(script.sent()).isZero();
  }

  @Test
  void aWrongChecksumIsNotGoneOnWith() {
    byte[] bytes = body("sum", 9 * MIB);
    var script = new RangedBody(bytes, ETAG);
    origin.script("/sum", script);
    agent.refused("resume", "sum", origin.url("/sum"), "checksum", Content.sha256("other"));
    get("/sum", bytes);
    assertThat(script.asked()).containsExactly("-", "-");
  }

  // ---- in the next request

  /** A partial download of {@code kept} bytes, whose one request failed. */
  private RangedBody leavePartial(AgentProcess agent, String path, byte[] bytes, int kept) {
    var script = new RangedBody(bytes, ETAG).cutAfter(kept, 0, 0, 0);
    origin.script(path, script);
    Problem problem = agent.refused("partial", "p", origin.url(path), "timeout", "30s");
    assertThat(problem.code()).isEqualTo("bad-response");
    return script;
  }

  @Test
  void theNextRequestGoesOnWhereAFailedOneWas() {
    agent.post("/v1/prune", "targetBytes", 0).expect(200); // what other tests have laid aside
    byte[] bytes = body("next", 12 * MIB);
    RangedBody script = leavePartial(agent, "/next", bytes, 7 * MIB + 77);
    eventually()
        .untilAsserted(
            () ->
                assertThat(agent.stat("disk.partialBytes"))
                    .isEqualTo(DiskUsage.of(agent.state(), "ingest"))
                    .isBetween(7L * MIB, 8L * MIB));
    double resumed = agent.metric("cached_downloads_resumed_bytes_total");

    Download download = get("/next", bytes);

    assertThat(download.bytesFetched()).isEqualTo(5 * MIB - 77);
    assertThat(script.sent()).isEqualTo(bytes.length);
    assertThat(agent.metric("cached_downloads_resumed_bytes_total") - resumed)
        .isEqualTo(7 * MIB + 77);
    assertThat(agent.stat("disk.partialBytes")).isZero();
  }

  @Test
  void whatACallerWhoHungUpLeftIsGoneOnWith() {
    byte[] bytes = body("hangup", 12 * MIB);
    origin.serveInHalves("/hangup", bytes, ETAG);
    try (Exchange _ =
        agent.open(AgentClient.downloadRequest("resume", "h", origin.url("/hangup")))) {
      agent.awaitMetric("cached_downloads_disk_partial_bytes", 5 * MIB);
    }
    origin.awaitHangUp("/hangup");
    origin.release("/hangup");
    eventually().until(() -> agent.metric("cached_downloads_flight_waiters") == 0);
    eventually().until(() -> agent.log().contains("laid aside a download that was cut"));
    var script = new RangedBody(bytes, ETAG);
    origin.script("/hangup", script);

    Download download = get("/hangup", bytes);

    assertThat(download.bytesFetched()).isLessThan(8 * MIB);
    assertThat(script.asked().getFirst()).startsWith("bytes=");
  }

  @Test
  void anotherCallersCredentialsDoNotGoOnWithIt() {
    byte[] bytes = body("secret", 9 * MIB);
    var script = new RangedBody(bytes, ETAG).cutAfter(6 * MIB, 0, 0, 0);
    origin.script("/secret", script);
    agent.refused(
        "resume",
        "s",
        origin.url("/secret"),
        "headers",
        Json.object("Authorization", "Bearer one"));
    agent.download(
        "resume",
        "s",
        origin.url("/secret"),
        "headers",
        Json.object("Authorization", "Bearer two"));
    assertThat(script.asked().getLast()).isEqualTo("-");
  }

  // ---- after kill -9

  @Test
  void aRestartedAgentGoesOnWhereTheKilledOneWas() {
    agent.post("/v1/prune", "targetBytes", 0).expect(200); // what other tests have laid aside
    byte[] bytes = body("killed", 20 * MIB);
    origin.serveInHalves("/killed", bytes, ETAG);
    var call = agent.prefetchAsync(origin.url("/killed"));
    eventually().until(() -> agent.stat("disk.partialBytes") >= 10 * MIB);
    agent.restart();
    origin.release("/killed");
    assertThat(call).failsWithin(java.time.Duration.ofSeconds(60));
    assertThat(agent.stat("disk.partialBytes"))
        .isEqualTo(DiskUsage.of(agent.state(), "ingest"))
        .isBetween(8L * MIB, 11L * MIB);
    var script = new RangedBody(bytes, ETAG);
    origin.script("/killed", script);

    Download download = get("/killed", bytes);

    assertThat(download.outcome()).isEqualTo("miss");
    assertThat(script.asked()).containsExactly("bytes=" + 2 * WINDOW + "-");
    assertThat(download.bytesFetched()).isEqualTo(bytes.length - 2 * WINDOW);
    assertThat(agent.stat("disk.partialBytes")).isZero();
  }

  /** Which file of a partial download rots, at which byte, and where the agent goes on then. */
  static Stream<Arguments> rot() {
    return Stream.of(
        Arguments.of("data", 100, "-"),
        Arguments.of("data", WINDOW + 5, "bytes=" + WINDOW + "-"),
        Arguments.of("resume", 5, "-"),
        Arguments.of("resume", 60, "-"));
  }

  @ParameterizedTest(name = "byte {1} of {0}")
  @MethodSource("rot")
  void aPartialDownloadThatRottedIsNotBelieved(String file, int at, String goesOn)
      throws IOException {
    try (AgentProcess mine = AgentProcess.running()) {
      byte[] bytes = body("rot", 14 * MIB);
      String path = "/rot-" + file + at;
      leavePartial(mine, path, bytes, 10 * MIB);
      mine.kill9();
      flipBit(ingestFile(mine, file), at);
      mine.start();
      var script = new RangedBody(bytes, ETAG);
      origin.script(path, script);

      Download download = mine.download("c", "a", origin.url(path));

      assertThat(download.digest()).isEqualTo(Content.checksum("sha256", bytes));
      assertThat(script.asked()).containsExactly(goesOn);
      assertThat(DiskUsage.of(mine.state())).isEqualTo(mine.stat("disk.usedBytes"));
    }
  }

  private static Path ingestFile(AgentProcess agent, String name) throws IOException {
    try (var paths = Files.walk(agent.state().resolve("ingest"))) {
      return paths.filter(path -> path.endsWith(name)).findFirst().orElseThrow();
    }
  }

  private static void flipBit(Path file, int at) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[at] ^= 1;
    Files.setPosixFilePermissions(
        file, java.nio.file.attribute.PosixFilePermissions.fromString("rw-r--r--"));
    Files.write(file, bytes);
  }

  // ---- how long it stays

  @Test
  void aPartialDownloadExpires() {
    try (AgentProcess mine = AgentProcess.running("durability.partialTtl", "1s")) {
      leavePartial(mine, "/expires", body("expires", 9 * MIB), 6 * MIB);
      eventually().until(() -> mine.stat("disk.partialBytes") == 0);
      assertThat(DiskUsage.of(mine.state(), "ingest")).isZero();
    }
  }

  @Test
  void aPartialDownloadGoesBeforeAnyBlob() {
    try (AgentProcess mine =
        AgentProcess.running("quota.bytes", 20 * MIB, "quota.minFreeBytes", 0)) {
      byte[] first = body("blob", 4 * MIB);
      origin.script("/blob", new RangedBody(first, ETAG));
      mine.prefetch(origin.url("/blob"));
      leavePartial(mine, "/goes", body("goes", 9 * MIB), 7 * MIB);
      byte[] large = body("large", 12 * MIB);
      origin.script("/large", new RangedBody(large, ETAG));

      assertThat(mine.prefetch(origin.url("/large")).outcome()).isEqualTo("miss");

      assertThat(mine.stat("disk.partialBytes")).isZero();
      assertThat(mine.hasBlob(Content.checksum("sha256", first))).isTrue();
      assertThat(mine.stat("evictions.count")).isZero();
    }
  }

  @Test
  void aPruneOfEverythingTakesPartialDownloadsToo() {
    try (AgentProcess mine = AgentProcess.running()) {
      leavePartial(mine, "/pruned", body("pruned", 9 * MIB), 6 * MIB);
      long freed =
          mine.post("/v1/prune", "targetBytes", 0).expect(200).json().path("freedBytes").asLong();
      assertThat(freed).isBetween(6L * MIB, 7L * MIB);
      assertThat(DiskUsage.of(mine.state(), "ingest")).isZero();
    }
  }

  @Test
  void manyCallersOfACutDownloadShareIt() {
    byte[] bytes = body("many", 8 * MIB);
    var script = new RangedBody(bytes, ETAG).cutAfter(5 * MIB);
    origin.script("/many", script);
    var calls =
        Stream.iterate(0, i -> i + 1)
            .limit(20)
            .map(i -> agent.downloadAsync("many-" + i, "a", origin.url("/many")))
            .toList();
    calls.forEach(
        call -> assertThat(result(call).digest()).isEqualTo(Content.checksum("sha256", bytes)));
    assertThat(script.sent()).isEqualTo(bytes.length);
  }
}
