package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * An origin that is down costs nobody time after the first few: it is not asked for a while, and
 * what may be stale is handed out at once. One that is weak is not flooded with repetitions.
 */
class BreakerSpec {
  @RegisterExtension static final RawOrigin origin = RawOrigin.start();

  private static final String WHOLE =
      "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";

  private static AgentProcess agent(String pause) {
    return AgentProcess.running(
        "fetch.attempts",
        1,
        "fetch.breakerFailures",
        2,
        "fetch.breakerPause",
        pause,
        "fetch.negativeTtl",
        "0s");
  }

  private static void takeDown(AgentProcess agent, String path) {
    origin.script(path, _ -> {}); // closes without a word
    for (int i = 0; i < 2; i++) {
      agent.refused("down", "a", origin.url(path)).is(504, "origin-unavailable");
    }
    assertThat(agent.metric("cached_downloads_origins_resting")).isEqualTo(1);
  }

  @Test
  void anOriginThatIsDownIsNotAskedAndTheAnswerIsImmediate() {
    try (AgentProcess agent = agent("1h")) {
      origin.say("/known", WHOLE);
      agent.prefetch(origin.url("/known"));
      takeDown(agent, "/down");
      int before = origin.hits("/known");
      Instant start = Instant.now();

      Download stale = agent.download("c", "a", origin.url("/known"), "maxStale", "1h");
      Problem problem = agent.refused("c", "b", origin.url("/known")).is(504, "origin-unavailable");

      assertThat(stale.outcome()).isEqualTo("stale");
      assertThat(stale.content()).isEqualTo("hello");
      assertThat(problem.detail()).contains("did not answer the last 2 downloads");
      assertThat(problem.json().path("retryable").asBoolean()).isTrue();
      assertThat(problem.attempts().path(0).path("requests").asInt()).isZero();
      assertThat(origin.hits("/known")).isEqualTo(before);
      assertThat(Duration.between(start, Instant.now())) // fetch.staleAfter is five seconds
          .isLessThan(Duration.ofSeconds(4));
    }
  }

  @Test
  void anotherOriginIsNotConcerned() {
    try (AgentProcess agent = agent("1h");
        Origin other = Origin.start()) {
      takeDown(agent, "/down");
      other.serve("/here", "hello", "ETag: \"e\"");
      assertThat(agent.download("c", "a", other.url("/here")).outcome()).isEqualTo("miss");
    }
  }

  @Test
  void afterThePauseOneDownloadTriesAndItsAnswerHealsTheOrigin() {
    try (AgentProcess agent = agent("1s")) {
      takeDown(agent, "/down");
      origin.say("/back", WHOLE);
      int before = origin.hits("/back");
      eventually()
          .untilAsserted(
              () ->
                  assertThat(
                          agent
                              .send(AgentClient.downloadRequest("c", "a", origin.url("/back")))
                              .status())
                      .isEqualTo(201));
      assertThat(origin.hits("/back")).isEqualTo(before + 1);
      assertThat(agent.metric("cached_downloads_origins_resting")).isZero();
    }
  }

  @Test
  void anyAnswerIsASignOfLife() {
    try (AgentProcess agent = agent("1h");
        Origin refusing = Origin.start()) {
      refusing.answer("/busy", 503);
      for (int i = 0; i < 5; i++) {
        agent.refused("c", "a", refusing.url("/busy")).is(502, "origin-rejected");
      }
      assertThat(refusing.hits("/busy")).isEqualTo(5);
    }
  }

  @Test
  void repetitionsStopWithTheBudgetOfTheOrigin() {
    try (AgentProcess agent = AgentProcess.running("fetch.attempts", 4, "fetch.retryBudget", 2);
        Origin weak = Origin.start()) {
      weak.answer("/weak", 503);
      agent.refused("c", "a", weak.url("/weak")).is(502, "origin-rejected");
      assertThat(weak.hits("/weak")).isEqualTo(3);
    }
  }
}
