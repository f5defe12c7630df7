package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Request.encoded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a request would lead to is told, without doing it; and what is being done. */
class ExplainSpec {
  @RegisterExtension
  static final AgentProcess agent =
      AgentProcess.with(
          "fetch.attempts",
          1,
          "fetch.negativeTtl",
          "1h",
          "fetch.breakerFailures",
          1,
          "fetch.breakerPause",
          "1h",
          "origins.rules",
          List.of(Json.object("match", "http://127.0.0.1/ruled*", "concurrency", 3)));

  @RegisterExtension static final Origin origin = Origin.start();
  @RegisterExtension static final RawOrigin rawOrigin = RawOrigin.start();

  private static JsonNode explain(String url) {
    return agent.get("/v1/explain?url=" + encoded(url)).expect(200).json();
  }

  private static JsonNode explainKey(String key) {
    return agent.get("/v1/explain?key=" + encoded(key)).expect(200).json();
  }

  private static void is(JsonNode told, String decision, String reason) {
    assertThat(told.path("decision").asText()).as("decision of %s", told).isEqualTo(decision);
    assertThat(told.path("reason").asText()).contains(reason);
  }

  @Test
  void whatIsNotKnownIsFetched() {
    JsonNode told = explain(origin.url("/never") + "?token=secret");

    is(told, "fetch", "nothing is known");
    assertThat(told.path("entry").isNull()).isTrue();
    assertThat(told.path("policy").path("allowed").asBoolean()).isTrue();
    assertThat(told.path("policy").path("concurrency").asInt()).isEqualTo(8);
    assertThat(told.toString()).doesNotContain("secret");
    assertThat(origin.hits("/never")).isZero();
  }

  @Test
  void whatIsFreshIsAHit() {
    origin.serve("/fresh", "hello", "Cache-Control: max-age=600", "ETag: \"f\"");
    Download download = agent.prefetch(origin.url("/fresh"));

    JsonNode told = explain(origin.url("/fresh"));

    is(told, "hit", "fresh until 2");
    assertThat(told.path("entry").path("digest").asText()).isEqualTo(download.digest());
    assertThat(told.path("freshUntil").asText()).isNotEmpty();
    assertThat(told.path("validator").path("etag").asText()).isEqualTo("\"f\"");
    assertThat(told.path("mustRevalidate").asBoolean()).isFalse();
    assertThat(origin.hits("/fresh")).isEqualTo(1);
    is(explainKey(told.path("key").asText()), "hit", "fresh until 2");
  }

  @Test
  void whatIsNotFreshIsValidated() {
    origin.serve("/ask", "hello", "ETag: \"a\"");
    agent.prefetch(origin.url("/ask"));

    is(explain(origin.url("/ask")), "revalidate", "asked with its ETag \"a\"");
    is(explain(origin.url("/ask")), "revalidate", "did not say how long");
    assertThat(agent.prefetch(origin.url("/ask")).outcome()).isEqualTo("revalidated");
  }

  @Test
  void whatTheOriginWantsToBeAskedForIsToldSo() {
    origin.serve("/no-cache", "hello", "ETag: \"n\"", "Cache-Control: no-cache, max-age=600");
    agent.prefetch(origin.url("/no-cache"));

    JsonNode told = explain(origin.url("/no-cache"));

    is(told, "revalidate", "no-cache");
    assertThat(told.path("mustRevalidate").asBoolean()).isTrue();
  }

  @Test
  void whatWasFetchedWithCredentialsIsNotPromisedToOthers() {
    origin.serve("/private", "hello", "ETag: \"p\"", "Cache-Control: max-age=600");
    agent.prefetch(
        origin.url("/private"), "headers", Json.object("Authorization", "Bearer canary"));

    JsonNode told = explain(origin.url("/private"));

    assertThat(told.path("decision").asText()).isNotEqualTo("hit");
    assertThat(told.toString()).doesNotContain("canary");
  }

  @Test
  void whatIsRefusedIsToldWhy() {
    JsonNode told = explain("http://169.254.169.254/latest/meta-data");

    is(told, "refuse", "169.254.169.254");
    assertThat(told.path("policy").path("allowed").asBoolean()).isFalse();
    is(explain("ftp://127.0.0.1/x"), "refuse", "ftp");
  }

  @Test
  void anAbsenceThatIsRememberedIsToldSo() {
    origin.answer("/absent", 404);
    agent.refused("absent", "a", origin.url("/absent"));

    is(explain(origin.url("/absent")), "refuse", "fetch.negativeTtl");
  }

  @Test
  void anOriginThatRestsIsToldSo() {
    try (RawOrigin resting = RawOrigin.start()) {
      resting.say(
          "/rests",
          "HTTP/1.1 200 OK\r\nETag: \"r\"\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
      agent.prefetch(resting.url("/rests"));
      resting.script("/rests", _ -> {});
      agent.refused("rests", "a", resting.url("/rests"));

      is(explain(resting.url("/rests")), "revalidate", "given a rest");
    }
  }

  @Test
  void whoHoldsItAndWhenItWouldGoIsTold() {
    origin.serve("/held", "held", "Cache-Control: max-age=600");
    origin.serve("/idle", "idle", "Cache-Control: max-age=600");
    agent.download("holder", "a/b", origin.url("/held"));
    agent.prefetch(origin.url("/idle"));

    JsonNode held = explain(origin.url("/held"));
    JsonNode idle = explain(origin.url("/idle"));

    assertThat(held.path("heldBy").toString())
        .contains("\"container\":\"holder\"", "\"name\":\"a/b\"");
    assertThat(held.path("evictionRank").isNull()).isTrue();
    assertThat(idle.path("heldBy")).isEmpty();
    assertThat(idle.path("evictionRank").path("position").asLong())
        .isBetween(1L, idle.path("evictionRank").path("of").asLong());
    agent.prefetch(origin.url("/idle"));
    JsonNode used = explain(origin.url("/idle")).path("evictionRank");
    assertThat(used.path("position").asLong()).isLessThanOrEqualTo(used.path("of").asLong());
  }

  @Test
  void theRuleOfAUrlIsNamed() {
    JsonNode policy = explain("http://127.0.0.1/ruled/x").path("policy");

    assertThat(policy.path("rule").asText()).contains("/ruled*");
    assertThat(policy.path("concurrency").asInt()).isEqualTo(3);
    assertThat(explain("http://127.0.0.1/other").path("policy").path("rule").isNull()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "?url=http://a/&key=b", "?key=", "?url=nonsense", "?colour=red"})
  void whatMakesNoSenseIsRefused(String query) {
    agent
        .send(Request.get("/v1/explain" + query).deliberatelyBad())
        .problem()
        .is(400, "invalid-request");
  }

  // ---- fetches

  @Test
  void fetchesUnderWayAreListedWithTheirProgress() {
    byte[] bytes = Content.random(2 * Content.MIB, "listed");
    rawOrigin.serveInHalves("/listed", bytes, "ETag: \"l\"");
    CompletableFuture<Download> first =
        agent.downloadAsync("listed", "a", rawOrigin.url("/listed") + "?token=canary");
    CompletableFuture<Download> second =
        agent.downloadAsync("listed", "b", rawOrigin.url("/listed") + "?token=canary");
    Eventually.eventually()
        .until(
            () ->
                running().path("bytes").asLong() == Content.MIB
                    && running().path("waiters").asInt() == 2);

    JsonNode running = running();
    assertThat(running.path("total").asLong()).isEqualTo(2 * Content.MIB);
    assertThat(running.path("phase").asText()).isEqualTo("body");
    assertThat(running.path("url").asText()).isEqualTo(rawOrigin.url("/listed"));
    assertThat(running.toString()).doesNotContain("canary");
    rawOrigin.release("/listed");

    AgentClient.result(first);
    AgentClient.result(second);
    assertThat(running().isMissingNode()).isTrue();
  }

  private static JsonNode running() {
    for (JsonNode fetch : agent.get("/v1/fetches").expect(200).json().path("fetches")) {
      if (fetch.path("url").asText().endsWith("/listed")) {
        return fetch;
      }
    }
    return MissingNode.getInstance();
  }
}
