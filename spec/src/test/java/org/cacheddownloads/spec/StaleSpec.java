package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * When the origin fails, an older entry is handed out, but only as old as the caller accepts, and
 * never against the origin's word.
 */
class StaleSpec {
  @RegisterExtension
  static final AgentProcess agent =
      AgentProcess.with(
          "fetch.attempts", 1, "fetch.staleAfter", "200ms", "fetch.negativeTtl", "0s");

  @RegisterExtension static final Origin origin = Origin.start();

  @RegisterExtension static final RawOrigin rawOrigin = RawOrigin.start();

  @Test
  void aServerErrorIsCoveredByAnAcceptableEntry() {
    known("/error", "ETag: \"e\"");
    origin.answer("/error", 503);

    Download stale = agent.download("error", "a", origin.url("/error"), "maxStale", "1h");

    assertThat(stale.outcome()).isEqualTo("stale");
    assertThat(stale.content()).isEqualTo("hello");
    assertThat(stale.bytesFetched()).isZero();
  }

  @Test
  void withoutMaxStaleTheFailureIsTold() {
    known("/strict", "ETag: \"e\"");
    origin.answer("/strict", 503);

    agent.refused("strict", "a", origin.url("/strict")).is(502, "origin-rejected");
    agent
        .refused("strict", "a", origin.url("/strict"), "maxStale", "0s")
        .is(502, "origin-rejected");
  }

  @Test
  void theConfigurationHasADefaultForMaxStale() {
    try (AgentProcess lenient = AgentProcess.running("fetch.maxStale", "1h", "fetch.attempts", 1)) {
      origin.serve("/lenient", "hello", "ETag: \"e\"");
      lenient.prefetch(origin.url("/lenient"));
      origin.answer("/lenient", 500);

      assertThat(lenient.download("lenient", "a", origin.url("/lenient")).outcome())
          .isEqualTo("stale");
      lenient
          .refused("lenient", "b", origin.url("/lenient"), "maxStale", "0s")
          .is(502, "origin-rejected");
    }
  }

  @Test
  void aBrokenConnectionIsCovered() {
    rawOrigin.say(
        "/broken",
        "HTTP/1.1 200 OK\r\nETag: \"b\"\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
    agent.prefetch(rawOrigin.url("/broken"));
    rawOrigin.script("/broken", _ -> {}); // closes without a word

    assertThat(agent.download("broken", "a", rawOrigin.url("/broken"), "maxStale", "1h").outcome())
        .isEqualTo("stale");
  }

  @Test
  void anOriginThatIsSlowIsNotWaitedFor() {
    known("/slow", "ETag: \"e\"");
    origin.hold("/slow");

    Download stale = agent.download("slow", "a", origin.url("/slow"), "maxStale", "1h");

    assertThat(stale.outcome()).isEqualTo("stale");
    origin.release("/slow");
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 403, 404, 410})
  void theOriginsNoIsNeverCovered(int status) {
    known("/no/" + status, "ETag: \"e\"");
    origin.answer("/no/" + status, status);

    Problem problem =
        agent
            .refused("no", "a", origin.url("/no/" + status), "maxStale", "1h")
            .is(502, "origin-rejected");

    assertThat(problem.originStatus()).isEqualTo(status);
  }

  @ParameterizedTest
  @ValueSource(strings = {"max-age=0, must-revalidate", "no-cache", "max-age=600, no-cache"})
  void whatMustBeRevalidatedIsNeverStale(String cacheControl) {
    String path = "/must/" + cacheControl.replaceAll("[^a-z]", "");
    known(path, "ETag: \"e\"", "Cache-Control: " + cacheControl);
    origin.answer(path, 503);

    agent.refused("must", "a", origin.url(path), "maxStale", "1h").is(502, "origin-rejected");
  }

  @Test
  void whatMustBeRevalidatedIsAHitWhileFresh() {
    known("/must-fresh", "Cache-Control: max-age=600, must-revalidate");

    assertThat(agent.download("must-fresh", "a", origin.url("/must-fresh")).outcome())
        .isEqualTo("hit");
  }

  static Stream<String> tooStale() {
    return Stream.of("30m", "PT59M");
  }

  @ParameterizedTest
  @MethodSource("tooStale")
  void staleCountsFromTheEndOfFreshness(String tooShort) {
    String path = "/aged/" + tooShort;
    known(
        path,
        "ETag: \"e\"",
        "Cache-Control: max-age=3600",
        "Age: 7200"); // stale for an hour already
    origin.answer(path, 503);

    agent.refused("aged", "a", origin.url(path), "maxStale", tooShort).is(502, "origin-rejected");
    assertThat(agent.download("aged", "a", origin.url(path), "maxStale", "2h").outcome())
        .isEqualTo("stale");
  }

  @Test
  void theOriginMayAllowAStaleEntryByItself() {
    known("/sie", "ETag: \"e\"", "Cache-Control: max-age=0, stale-if-error=600");
    origin.answer("/sie", 503);

    assertThat(agent.download("sie", "a", origin.url("/sie")).outcome()).isEqualTo("stale");
    agent.refused("sie", "a", origin.url("/sie"), "maxStale", "0s").is(502, "origin-rejected");
  }

  @Test
  void whatTheOriginAllowsEnds() {
    known("/sie-over", "ETag: \"e\"", "Cache-Control: max-age=5, stale-if-error=10", "Age: 60");
    origin.answer("/sie-over", 503);

    agent.refused("sie", "a", origin.url("/sie-over")).is(502, "origin-rejected");
  }

  /** RFC 5861 section 3. */
  @Test
  void anEntryIsUsedWhileItIsValidatedIfTheOriginAllowsIt() {
    known("/swr", "ETag: \"e\"", "Cache-Control: max-age=0, stale-while-revalidate=600");
    origin.serve("/swr", "hello", "ETag: \"e\"", "Cache-Control: max-age=600");
    origin.hold("/swr");

    assertThat(agent.download("swr", "a", origin.url("/swr")).outcome()).isEqualTo("stale");

    origin.release("/swr");
    eventually()
        .untilAsserted(
            () ->
                assertThat(agent.download("swr", "a", origin.url("/swr")).outcome())
                    .isEqualTo("hit"));
    assertThat(origin.hits("/swr")).isEqualTo(2);
    assertThat(origin.lastRequest("/swr").isConditional()).isTrue();
  }

  @Test
  void whoAcceptsNothingStaleWaitsForTheValidation() {
    known("/swr-no", "ETag: \"e\"", "Cache-Control: max-age=0, stale-while-revalidate=600");

    assertThat(agent.download("swr", "a", origin.url("/swr-no"), "maxStale", "0s").outcome())
        .isEqualTo("revalidated");
  }

  @Test
  void whenTheOriginIsBackItIsAskedAgain() {
    known("/back", "ETag: \"e\"");
    origin.answer("/back", 503);
    agent.download("back", "a", origin.url("/back"), "maxStale", "1h");
    origin.serve("/back", "hello", "ETag: \"e\"");

    assertThat(agent.download("back", "a", origin.url("/back"), "maxStale", "1h").outcome())
        .isEqualTo("revalidated");
  }

  private static void known(String path, String... headers) {
    origin.serve(path, "hello", headers);
    assertThat(agent.prefetch(origin.url(path)).outcome()).isEqualTo("miss");
  }
}
