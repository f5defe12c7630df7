package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.cacheddownloads.spec.Origin.Answer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Secrets appear nowhere, and nobody gets bytes on another caller's authority. */
class SecretSpec {
  private static final String CANARY = "c4n4ry-9d1f";

  @RegisterExtension static final Origin origin = Origin.start();

  @RegisterExtension static final Origin other = Origin.start();

  @RegisterExtension
  static final AgentProcess agent =
      AgentProcess.with(
          "fetch.attempts",
          2,
          "log.level",
          "debug",
          "fetch.negativeTtl",
          "0s",
          "origins.rules",
          List.of(
              Map.of(
                  "match",
                  origin.url("/ruled"),
                  "headers",
                  Map.of("X-Agent", CANARY, "X-Filed", Map.of("file", secretFile()))),
              Map.of(
                  "match",
                  "http://proxied.test/*",
                  "proxy",
                  "http://user:" + CANARY + "@127.0.0.1:" + Project.freePort())));

  /** A file of the operator's, whose value has the canary. */
  private static String secretFile() {
    try {
      Path file = Files.createTempFile("cd-", ".secret");
      file.toFile().deleteOnExit();
      return Files.writeString(file, "filed " + CANARY + "\n").toString();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- secrets appear nowhere

  /** The canary, and what Base64 makes of it as the password of the user info. */
  private static final List<String> TRACES =
      List.of(CANARY, "YzRuNHJ5LTlkMWY", "M0bjRyeS05ZDFm", "jNG40cnktOWQxZ");

  @Test
  void secretsAppearInNoReplyLogMetricOrFile() throws IOException {
    var seen = new ArrayList<String>();
    origin.serve("/ok", "hello", "ETag: \"o\"");
    origin.serve("/ruled", "ruled", "ETag: \"u\"");
    origin.serve("/mismatch", "mismatch", "ETag: \"m\"");
    origin.answer("/refused", Answer.status(403));
    origin.answer("/broken", Answer.status(500, "Retry-After: 0"));
    origin.answer("/signed", Answer.status(302, "Location: " + other.url("/gone?sig=" + CANARY)));

    for (String path :
        List.of(
            "/ok",
            "/ok",
            "/ruled",
            "/proxied",
            "/refused",
            "/broken",
            "/signed",
            "/mismatch",
            "/unreachable",
            "/policy")) {
      seen.add(agent.send(secretRequest(path)).toString());
      seen.add(streamed(secretRequest(path)));
    }
    for (String target :
        List.of(
            "/v1/containers",
            "/v1/containers/secret",
            "/v1/entries",
            "/v1/stats",
            "/v1/config",
            "/metrics")) {
      seen.add(agent.get(target).toString());
    }
    Path process = Path.of("/proc/" + agent.pid());
    seen.add(Files.readString(process.resolve("cmdline"))); // what ps shows
    seen.add(Files.readString(process.resolve("environ")));
    agent.sigterm();
    agent.awaitExit();
    seen.add(agent.log());
    agent.start();
    seen.add(agent.get("/v1/entries").toString());

    assertThat(origin.requests("/ok"))
        .allSatisfy(request -> assertThat(request.target() + request.headers()).contains(CANARY));
    assertThat(origin.requests("/ruled"))
        .isNotEmpty()
        .allSatisfy(
            request -> {
              assertThat(request.header("X-Agent")).hasValue(CANARY);
              assertThat(request.header("X-Filed")).hasValue("filed " + CANARY);
            });
    assertThat(seen).allSatisfy(text -> assertThat(text).doesNotContain(TRACES));
    assertThat(filesWithTraces()).isEmpty();
  }

  /**
   * A request with the canary in its headers, in the user info and query of its URL, and in the
   * query of its mirror.
   */
  private static Request secretRequest(String path) {
    String authority =
        switch (path) {
          case "/unreachable" -> "127.0.0.1:" + Project.freePort();
          case "/policy" -> "169.254.169.254";
          case "/proxied" -> "proxied.test";
          default -> origin.authority();
        };
    ObjectNode body =
        Json.download(
            "http://user:" + CANARY + "@" + authority + path + "?sig=" + CANARY,
            "headers",
            Map.of("X-Token", CANARY, "Cookie", "session=" + CANARY),
            "mirrors",
            List.of(other.url("/mirror?sig=" + CANARY)));
    if (path.equals("/mismatch")) {
      body.put("checksum", Content.sha256("never seen"));
    }
    return Request.put(Request.downloadPath("secret", path.substring(1)), body);
  }

  private static String streamed(Request request) {
    return agent.send(request.header("Accept", "application/x-ndjson")).toString();
  }

  private static List<Path> filesWithTraces() throws IOException {
    try (Stream<Path> files = Files.walk(agent.state())) {
      return files
          .filter(file -> Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS))
          .filter(SecretSpec::hasTraces)
          .toList();
    }
  }

  private static boolean hasTraces(Path file) {
    try {
      String bytes = Files.readString(file, StandardCharsets.ISO_8859_1) + file;
      return TRACES.stream().anyMatch(bytes::contains);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- on nobody else's authority

  private static final Map<String, String> ALICE = Map.of("Authorization", "Bearer alice");
  private static final Map<String, String> BOB = Map.of("Authorization", "Bearer bob");

  @Test
  void freshBytesFetchedWithCredentialsAreAskedForWithTheAskersOwn() {
    onlyFor("Bearer alice", "/alice", "Cache-Control: max-age=600", "ETag: \"a\"");
    agent.download("alice", "a", origin.url("/alice"), "headers", ALICE);

    agent.refused("bob", "a", origin.url("/alice"), "headers", BOB).is(502, "origin-rejected");
    agent.refused("nobody", "a", origin.url("/alice")).is(502, "origin-rejected");

    assertThat(origin.requests("/alice").get(1).header("Authorization")).hasValue("Bearer bob");
    assertThat(origin.requests("/alice").get(2).header("Authorization")).isEmpty();
    assertThat(agent.download("alice", "a", origin.url("/alice"), "headers", ALICE).outcome())
        .isEqualTo("hit");
  }

  @Test
  void whoMayHaveTheBytesTooIsRevalidatedWithTheirOwnCredentials() {
    origin.serve("/both", "both", "Cache-Control: max-age=600", "ETag: \"b\"");
    agent.download("both-1", "a", origin.url("/both"), "headers", ALICE);

    Download bobs = agent.download("both-2", "a", origin.url("/both"), "headers", BOB);

    assertThat(bobs.outcome()).isEqualTo("revalidated");
    assertThat(origin.lastRequest("/both").header("Authorization")).hasValue("Bearer bob");
  }

  @Test
  void aChecksumIsAHitOnRestrictedBytesOnlyWithTheSameCredentials() {
    onlyFor("Bearer alice", "/restricted", "ETag: \"r\"");
    String wanted = Content.sha256("/restricted");
    agent.download("restricted", "a", origin.url("/restricted"), "headers", ALICE);

    Download again =
        agent.download(
            "restricted", "b", origin.url("/restricted"), "headers", ALICE, "checksum", wanted);
    assertThat(again.outcome()).isEqualTo("hit");
    assertThat(origin.hits("/restricted")).isEqualTo(1);

    agent
        .refused("thief-1", "a", origin.url("/restricted"), "headers", BOB, "checksum", wanted)
        .is(502, "origin-rejected");
    agent
        .refused("thief-2", "a", origin.url("/restricted"), "checksum", wanted)
        .is(502, "origin-rejected");
    agent
        .refused("thief-3", "a", other.url("/nothing-here"), "checksum", wanted)
        .is(502, "origin-rejected");
  }

  @Test
  void bytesThatAreAlsoPublicAreNotRestricted() {
    origin.serve("/private-copy", "published", "ETag: \"p\"");
    other.serve("/public-copy", "published", "ETag: \"p\"");
    agent.prefetch(origin.url("/private-copy"), "headers", ALICE);
    agent.prefetch(other.url("/public-copy"));

    assertThat(
            agent
                .prefetch(other.url("/elsewhere"), "checksum", Content.sha256("published"))
                .outcome())
        .isEqualTo("hit");
  }

  @Test
  void headersThatOnlyDescribeTheAskerAreNoCredentials() {
    origin.serve("/described", "described", "Cache-Control: max-age=600");
    agent.prefetch(
        origin.url("/described"),
        "headers",
        Map.of("User-Agent", "one", "Accept", "a/b", "Accept-Language", "de"));

    assertThat(
            agent
                .prefetch(origin.url("/described"), "headers", Map.of("User-Agent", "two"))
                .outcome())
        .isEqualTo("hit");
  }

  /** The path itself is the body; who has other credentials gets 401. */
  private static void onlyFor(String authorization, String path, String... headers) {
    origin.script(
        path,
        request ->
            request.header("Authorization").filter(authorization::equals).isPresent()
                ? Answer.ok(path, headers)
                : Answer.status(401));
  }
}
