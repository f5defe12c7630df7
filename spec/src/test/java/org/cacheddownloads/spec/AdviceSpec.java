package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How large the cache should be is told from the requests of the agent itself. */
class AdviceSpec {
  private static final String FRESH = "Cache-Control: max-age=86400";
  private static final int KIB = 1024;

  @RegisterExtension static final Origin origin = Origin.start();
  @RegisterExtension static final AgentProcess asked = AgentProcess.with();

  private static AgentProcess agent(String quota) {
    return AgentProcess.running("quota.bytes", quota, "quota.minFreeBytes", 0);
  }

  private static JsonNode advice(AgentProcess agent, String query) {
    return agent.get("/v1/advice" + query).expect(200).json();
  }

  /** Popular objects and rare ones, small and large, the same for each agent. */
  private static final class Requests {
    private static final int OBJECTS = 120;
    private static final int COUNT = 1_000;
    private final Random random = new Random(7);

    /** Serves what is asked for. */
    Requests() {
      for (int i = 0; i < OBJECTS; i++) {
        byte[] body = new byte[(1 + random.nextInt(64)) * 4 * KIB];
        random.nextBytes(body);
        origin.serve(path(i), body, FRESH);
      }
    }

    private static String path(int object) {
      return "/object/" + object;
    }

    Reached askFor(AgentProcess agent) {
      var choice = new Random(11);
      double hits = 0;
      double hitBytes = 0;
      double bytes = 0;
      for (int i = 0; i < COUNT; i++) {
        int object = (int) (OBJECTS * Math.pow(choice.nextDouble(), 2.5));
        Download download = agent.prefetch(origin.url(path(object)));
        bytes += download.size();
        if (download.outcome().equals("hit")) {
          hits++;
          hitBytes += download.size();
        }
      }
      return new Reached(hits / COUNT, hitBytes / bytes);
    }
  }

  private record Reached(double requestHitRatio, double byteHitRatio) {}

  /** An agent with one quota tells what it and agents with others reach. */
  @Test
  void whatIsPredictedForOtherQuotasIsWhatTheyReach() {
    var requests = new Requests();
    JsonNode predicted;
    try (AgentProcess agent = agent("3MiB")) {
      Reached reached = requests.askFor(agent);
      predicted = advice(agent, "?window=1h&quota=1MiB,3MiB,9MiB");
      assertThat(predicted.path("requests").asInt()).isEqualTo(Requests.COUNT);
      JsonNode actual = predicted.path("actual");
      assertThat(actual.path("requestHitRatio").asDouble()).isEqualTo(reached.requestHitRatio());
      assertThat(actual.path("byteHitRatio").asDouble())
          .isCloseTo(reached.byteHitRatio(), within(1e-9));
      assertThat(predicted.path("ghost").path("policy").asText()).isEqualTo("s3fifo");
      assertThat(predicted.path("ghost").path("requestHitRatio").asDouble()).isBetween(0.2, 0.9);
      isAsPredicted(reached, predicted.path("curve").path(1));
    }
    try (AgentProcess small = agent("1MiB");
        AgentProcess large = agent("9MiB")) {
      isAsPredicted(requests.askFor(small), predicted.path("curve").path(0));
      isAsPredicted(requests.askFor(large), predicted.path("curve").path(2));
    }
  }

  private static void isAsPredicted(Reached reached, JsonNode point) {
    assertThat(reached.requestHitRatio())
        .as("of requests, predicted %s", point)
        .isBetween(0.1, 0.97)
        .isCloseTo(point.path("requestHitRatio").asDouble(), within(0.02));
    assertThat(reached.byteHitRatio())
        .as("of bytes, predicted %s", point)
        .isCloseTo(point.path("byteHitRatio").asDouble(), within(0.02));
  }

  @Test
  void beforeTheFirstRequestThereIsNothingToTell() {
    try (AgentProcess agent = agent("10GiB")) {
      JsonNode advice = advice(agent, "");
      assertThat(advice.path("window").asText()).isEqualTo("PT24H");
      assertThat(advice.path("requests").asInt()).isZero();
      assertThat(advice.path("summary").asText()).contains("nothing to tell yet");
      assertThat(advice.path("curve").findValuesAsText("quotaBytes"))
          .containsExactly(
              "2684354560",
              "5368709120",
              "10737418240",
              "21474836480",
              "42949672960",
              "85899345920");
      assertThat(advice.path("trace").isNull()).isTrue();
    }
  }

  /** Asked for in turn, they hit only where all of them fit: what LRU is bad at. */
  @Test
  void regretsAndTheColdFloorAreCounted() {
    for (String name : List.of("x", "y", "z")) {
      byte[] body = new byte[400 * KIB];
      new Random(name.hashCode()).nextBytes(body);
      origin.serve("/loop/" + name, body, FRESH);
    }
    try (AgentProcess agent = agent("1MiB")) {
      for (int round = 0; round < 3; round++) {
        for (String name : List.of("x", "y", "z")) {
          assertThat(agent.prefetch(origin.url("/loop/" + name), "cacheKey", name).outcome())
              .isEqualTo("miss");
        }
      }
      JsonNode advice = advice(agent, "?quota=1MiB,2MiB");
      assertThat(advice.path("regrets").path("count").asInt()).isEqualTo(6);
      assertThat(advice.path("regrets").path("bytes").asInt()).isEqualTo(6 * 400 * KIB);
      assertThat(advice.path("regrets").path("waitSeconds").asDouble()).isPositive();
      assertThat(advice.path("coldMiss").path("requestRatio").asDouble())
          .isCloseTo(1 / 3.0, within(1e-9));
      assertThat(advice.path("curve").findValuesAsText("requestHitRatio").getFirst())
          .isEqualTo("0.0");
      assertThat(advice.path("curve").path(1).path("byteHitRatio").asDouble())
          .isCloseTo(2 / 3.0, within(1e-9));
      assertThat(advice.path("flatBytes").asInt()).isEqualTo(1200 * KIB);
      assertThat(advice.path("workingSetBytes").asInt()).isEqualTo(1200 * KIB);
      assertThat(advice.path("summary").asText())
          .contains("Doubling the quota to 2 MiB", "from 0.00 to 0.67", "beyond 1.2 MiB");
    }
  }

  @Test
  void aRestartForgetsNothing() {
    origin.serve("/kept", "kept", FRESH);
    try (AgentProcess agent = agent("1GiB")) {
      agent.prefetch(origin.url("/kept"));
      agent.prefetch(origin.url("/kept"));
      agent.sigterm();
      assertThat(agent.awaitExit()).isZero();
      agent.start();
      agent.prefetch(origin.url("/kept"));
      JsonNode advice = advice(agent, "?window=7d&quota=1GiB");
      assertThat(advice.path("requests").asInt()).isEqualTo(3);
      assertThat(advice.path("curve").path(0).path("requestHitRatio").asDouble())
          .isCloseTo(2 / 3.0, within(1e-9));
      agent.assertUsedIsAllocated();
    }
  }

  @Test
  void theBoundOnKeysIsToldOf() {
    IntStream.range(0, 4).forEach(i -> origin.serve("/bound/" + i, "bound " + i, FRESH));
    try (AgentProcess agent =
        AgentProcess.running("quota.bytes", "1GiB", "quota.minFreeBytes", 0, "advice.maxKeys", 3)) {
      for (int i = 0; i < 5; i++) {
        agent.prefetch(origin.url("/bound/" + i % 4));
      }
      JsonNode bound = advice(agent, "").path("bound");
      assertThat(bound.path("maxKeys").asInt()).isEqualTo(3);
      assertThat(bound.path("droppedKeys").asInt()).isEqualTo(2);
      assertThat(bound.path("exactBelowBytes").asInt()).isEqualTo(4 * 4 * KIB);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "?window=2h,     window, '1h, 24h or 7d'",
    "?window=,       window, '1h, 24h or 7d'",
    "?quota=10GiB%2C, quota, not a size",
    "?quota=0,       quota, above 0",
    "?quota=a,       quota, not a size",
  })
  void badQuestionsAreRefused(String query, String field, String reason) {
    Problem problem = asked.get("/v1/advice" + query).problem();
    assertThat(problem.status()).isEqualTo(400);
    assertThat(problem.field()).isEqualTo(field);
    assertThat(problem.detail()).contains(reason);
  }

  private static void reload(AgentProcess agent) {
    agent.send(Request.of("POST", "/v1/config/reload")).expect(200);
  }

  /** Recording is switched on and off while the agent runs. */
  @Test
  void requestsAreRecordedForSimulations() throws IOException {
    origin.serve("/recorded", "recorded", FRESH);
    try (AgentProcess agent = agent("1GiB")) {
      Path trace = agent.scratch("trace.csv");
      agent.prefetch(origin.url("/recorded"));
      assertThat(trace).doesNotExist();

      agent.configure("advice.trace", trace.toString()).writeConfig();
      reload(agent);
      agent.prefetch(origin.url("/recorded?token=canary"));
      agent.prefetch(origin.url("/recorded"));
      JsonNode told = advice(agent, "").path("trace");
      assertThat(told.path("state").asText()).isEqualTo("writing");
      assertThat(told.path("file").asText()).isEqualTo(trace.toString());

      agent.configure("advice.trace", null).writeConfig();
      reload(agent);
      agent.prefetch(origin.url("/recorded"));
      List<String> lines = Files.readAllLines(trace);
      assertThat(lines).hasSize(3);
      assertThat(lines.get(0)).isEqualTo("time,key,size,allocated,outcome,duration");
      assertThat(lines.get(1)).matches("[0-9]{13},[0-9a-f]{16},8,4096,miss,[0-9]+");
      assertThat(lines.get(2)).matches("[0-9]{13},[0-9a-f]{16},8,4096,hit,[0-9]+");
      assertThat(advice(agent, "").path("trace").isNull()).isTrue();
    }
  }
}
