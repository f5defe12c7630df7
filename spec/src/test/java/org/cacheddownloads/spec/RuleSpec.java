package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.cacheddownloads.spec.Origin.Answer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** What {@code origins.rules} says of headers and concurrency holds for what it matches, alone. */
class RuleSpec {
  @RegisterExtension static final Origin origin = Origin.start();

  @RegisterExtension static final Origin other = Origin.start();

  @TempDir Path directory;

  private final AgentProcess agent = AgentProcess.with("fetch.attempts", 1);

  @AfterEach
  void end() {
    agent.close();
  }

  private void start(Map<?, ?>... rules) {
    agent.configure("origins.rules", List.of(rules));
    agent.start();
  }

  private static Map<String, Object> headers(String match, String name, Object value) {
    return Map.of("match", match, "headers", Map.of(name, value));
  }

  private Map<String, String> inFile(String value) throws IOException {
    return Map.of("file", Files.writeString(directory.resolve("token"), value + "\n").toString());
  }

  // ---- who gets the headers

  @Test
  void theHeadersOfARuleGoToWhatItMatchesAlone() throws IOException {
    start(
        Map.of(
            "match",
            origin.url("/private/*"),
            "headers",
            Map.of("Authorization", inFile("Bearer agent"), "X-Team", "cells")));
    origin.serve("/private/a", "a", "ETag: \"a\"");
    origin.serve("/public", "b", "ETag: \"b\"");

    agent.prefetch(origin.url("/private/a"));
    agent.prefetch(origin.url("/public"));

    assertThat(origin.lastRequest("/private/a").header("Authorization")).hasValue("Bearer agent");
    assertThat(origin.lastRequest("/private/a").header("X-Team")).hasValue("cells");
    assertThat(origin.lastRequest("/public").header("Authorization")).isEmpty();
    assertThat(origin.lastRequest("/public").header("X-Team")).isEmpty();
  }

  @Test
  void theFirstRuleThatMatchesDecides() {
    start(
        headers(origin.url("/first/*"), "X-Rule", "first"),
        headers(origin.url("/*"), "X-Rule", "second"));
    origin.serve("/first/a", "a", "ETag: \"a\"");
    origin.serve("/second", "b", "ETag: \"b\"");

    agent.prefetch(origin.url("/first/a"));
    agent.prefetch(origin.url("/second"));

    assertThat(origin.lastRequest("/first/a").header("X-Rule")).hasValue("first");
    assertThat(origin.lastRequest("/second").header("X-Rule")).hasValue("second");
  }

  @Test
  void aRedirectElsewhereLeavesTheHeadersBehind() {
    start(headers(origin.url("/*"), "Authorization", "Bearer agent"));
    origin.answer("/moved", 302, "Location: " + other.url("/target"));
    other.serve("/target", "there", "ETag: \"t\"");

    agent.prefetch(origin.url("/moved"));

    assertThat(origin.lastRequest("/moved").header("Authorization")).hasValue("Bearer agent");
    assertThat(other.lastRequest("/target").header("Authorization")).isEmpty();
  }

  @Test
  void aRedirectGetsTheHeadersOfTheRuleForWhereItLeads() {
    start(
        headers(origin.url("/*"), "Authorization", "Bearer one"),
        headers(other.url("/*"), "Authorization", "Bearer two"));
    origin.answer("/chain", 302, "Location: /chain2");
    origin.answer("/chain2", 302, "Location: " + other.url("/chain3"));
    other.serve("/chain3", "there", "ETag: \"t\"");

    agent.prefetch(origin.url("/chain"));

    assertThat(origin.lastRequest("/chain").header("Authorization")).hasValue("Bearer one");
    assertThat(origin.lastRequest("/chain2").header("Authorization")).hasValue("Bearer one");
    assertThat(other.lastRequest("/chain3").header("Authorization")).hasValue("Bearer two");
  }

  @Test
  void whatTheCallerSendsWins() {
    start(headers(origin.url("/*"), "Authorization", "Bearer agent"));
    origin.serve("/own", "own", "ETag: \"o\"");

    agent.prefetch(origin.url("/own"), "headers", Map.of("authorization", "Bearer own"));
    assertThat(origin.lastRequest("/own").header("Authorization")).hasValue("Bearer own");

    agent.prefetch(origin.urlAs("me", "word", "/own"));
    assertThat(origin.lastRequest("/own").header("Authorization").orElseThrow())
        .startsWith("Basic ");
  }

  // ---- files

  @Test
  void aChangedFileIsReadAgainWithoutAReload() throws IOException {
    start(headers(origin.url("/*"), "Authorization", inFile("Bearer old")));
    origin.serve("/rotated", "r", "ETag: \"r\"");
    agent.prefetch(origin.url("/rotated"));

    for (String token : List.of("Bearer one", "Bearer two")) { // of equal length, at once
      inFile(token);
      agent.prefetch(origin.url("/rotated"));
      assertThat(origin.lastRequest("/rotated").header("Authorization")).hasValue(token);
    }
  }

  @Test
  void aFileThatIsMissingOrUnfitIsNamedWithItsKeyAndNotShown() throws IOException {
    start(headers(origin.url("/*"), "Authorization", inFile("fine")));
    origin.serve("/a", "a", "ETag: \"a\"");
    Files.writeString(directory.resolve("token"), "c4n4ry\nc4n4ry");

    Problem unfit = agent.refused("c", "a", origin.url("/a")).is(504, "origin-unavailable");
    Files.delete(directory.resolve("token"));
    Problem missing = agent.refused("c", "a", origin.url("/a")).is(504, "origin-unavailable");

    assertThat(unfit.detail())
        .contains("headers.Authorization", origin.url("/*"), "origins.rules", "token", "one line");
    assertThat(missing.detail()).contains("headers.Authorization", "token", "no such file");
    assertThat(unfit.json().toString() + agent.log()).doesNotContain("c4n4ry");
    assertThat(origin.hits("/a")).isZero();
  }

  @Test
  void aMirrorIsTriedWhereTheHeaderOfTheFirstSourceHasNoValue() {
    start(headers(origin.url("/*"), "Authorization", Map.of("file", "/nowhere/token")));
    other.serve("/mirror", "m", "ETag: \"m\"");

    Download download = agent.prefetch(origin.url("/a"), "mirrors", List.of(other.url("/mirror")));

    assertThat(download.outcome()).isEqualTo("miss");
    assertThat(other.lastRequest("/mirror").header("Authorization")).isEmpty();
  }

  // ---- whose bytes they are

  @Test
  void whatTheAgentsCredentialFetchedIsForAllWhoAskWithIt() throws IOException {
    start(headers(origin.url("/*"), "Authorization", inFile("Bearer agent")));
    onlyFor("Bearer agent", "/shared", "Cache-Control: private, max-age=600", "ETag: \"s\"");

    assertThat(agent.download("one", "a", origin.url("/shared")).outcome()).isEqualTo("miss");
    assertThat(agent.download("two", "a", origin.url("/shared")).outcome()).isEqualTo("hit");
    assertThat(
            agent
                .download(
                    "three", "a", origin.url("/elsewhere"), "checksum", Content.sha256("/shared"))
                .outcome())
        .isEqualTo("hit");
    assertThat(origin.hits("/shared")).isEqualTo(1);
  }

  @Test
  void whoAsksWithAnotherCredentialOrOutsideTheRuleIsNotGivenThem() throws IOException {
    start(headers(origin.url("/ruled/*"), "Authorization", inFile("Bearer agent")));
    onlyFor("Bearer agent", "/ruled/a", "Cache-Control: max-age=600", "ETag: \"s\"");
    agent.prefetch(origin.url("/ruled/a"));
    String checksum = Content.sha256("/ruled/a");

    agent
        .refused(
            "own", "a", origin.url("/ruled/a"), "headers", Map.of("Authorization", "Bearer own"))
        .is(502, "origin-rejected");
    agent
        .refused("outside", "a", other.url("/nothing"), "checksum", checksum)
        .is(502, "origin-rejected");
  }

  @Test
  void aRotatedCredentialIsAskedAboutOnce() throws IOException {
    start(headers(origin.url("/*"), "Authorization", inFile("Bearer old")));
    origin.serve("/kept", "kept", "Cache-Control: max-age=600", "ETag: \"k\"");
    agent.prefetch(origin.url("/kept"));

    inFile("Bearer new");

    assertThat(agent.prefetch(origin.url("/kept")).outcome()).isEqualTo("revalidated");
    assertThat(agent.prefetch(origin.url("/kept")).outcome()).isEqualTo("hit");
    assertThat(origin.hits("/kept")).isEqualTo(2);
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

  // ---- concurrency

  @Test
  void aRuleHasAConcurrencyOfItsOwn() {
    start(Map.of("match", origin.url("/few/*"), "concurrency", 1));
    for (String path : List.of("/few/1", "/few/2", "/many/1", "/many/2")) {
      origin.serve(path, path, "ETag: \"x\"");
      origin.hold(path);
    }
    var first = agent.prefetchAsync(origin.url("/few/1"));
    origin.awaitHits("/few/1", 1);
    var second = agent.prefetchAsync(origin.url("/few/2"));
    eventually().until(() -> agent.stat("origin.queued") == 1);
    var third = agent.prefetchAsync(origin.url("/many/1"));
    var fourth = agent.prefetchAsync(origin.url("/many/2"));
    origin.awaitHits("/many/1", 1);
    origin.awaitHits("/many/2", 1);

    assertThat(origin.hits("/few/2")).isZero();
    for (String path : List.of("/few/1", "/few/2", "/many/1", "/many/2")) {
      origin.release(path);
    }
    List.of(first, second, third, fourth)
        .forEach(each -> assertThat(AgentClient.result(each).outcome()).isEqualTo("miss"));
    assertThat(origin.hits("/few/2")).isEqualTo(1);
  }

  // ---- the configuration

  @Test
  void rulesAreShownWithoutTheirSecretsAndReloadedLive() {
    start(
        Map.of(
            "match",
            origin.url("/*"),
            "headers",
            Map.of("X-Rule", "c4n4ry", "Cookie", Map.of("file", "/run/cookie")),
            "proxy",
            "none"));
    JsonNode shown = agent.get("/v1/config").expect(200).json().at("/origins/rules/0");
    assertThat(shown.path("match").asText()).isEqualTo(origin.url("/*"));
    assertThat(shown.at("/headers/X-Rule").asText()).isEqualTo("redacted");
    assertThat(shown.at("/headers/Cookie/file").asText()).isEqualTo("/run/cookie");
    assertThat(shown.path("proxy").asText()).isEqualTo("none");

    agent
        .configure("origins.rules", List.of(headers(origin.url("/*"), "X-Rule", "after")))
        .writeConfig();
    JsonNode reloaded = agent.send(Request.of("POST", "/v1/config/reload")).expect(200).json();

    assertThat(Json.texts(reloaded.path("changed"))).containsExactly("origins.rules");
    origin.serve("/reloaded", "r", "ETag: \"r\"");
    agent.prefetch(origin.url("/reloaded"));
    assertThat(origin.lastRequest("/reloaded").header("X-Rule")).hasValue("after");
  }
}
