package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tools hear of what happens, and need not poll for it. */
class EventSpec {
  @RegisterExtension static final AgentProcess agent = AgentProcess.with();

  @RegisterExtension static final Origin origin = Origin.start();

  @Test
  void whoFollowsHearsOfFetchesReleasesAndEvictions() {
    origin.serve("/told", "hello", "ETag: \"t\"");
    try (Exchange stream = agent.open(Request.get("/v1/events"))) {
      awaitStream(stream);
      Download download = agent.download("told", "a/b", origin.url("/told") + "?secret=1");
      agent.release("told", "a/b");
      agent.release("told");
      agent.post("/v1/prune", "targetBytes", 0).expect(200);

      JsonNode fetched =
          next(stream, "fetched", event -> digestOf(event).equals(download.digest()));
      assertThat(fetched.path("outcome").asText()).isEqualTo("miss");
      assertThat(fetched.path("size").asLong()).isEqualTo(5);
      assertThat(fetched.path("bytesFetched").asLong()).isEqualTo(5);
      assertThat(fetched.path("url").asText()).isEqualTo(origin.url("/told"));
      JsonNode name = next(stream, "released", _ -> true);
      assertThat(name.path("container").asText()).isEqualTo("told");
      assertThat(name.path("name").asText()).isEqualTo("a/b");
      assertThat(next(stream, "released", _ -> true).path("name").isNull()).isTrue();
      JsonNode evicted =
          next(stream, "evicted", event -> digestOf(event).equals(download.digest()));
      assertThat(evicted.path("reason").asText()).isEqualTo("prune");
      assertThat(evicted.path("form").asText()).isEqualTo("file");
      assertThat(evicted.path("bytes").asLong()).isPositive();
      assertThat(evicted.path("id").asLong()).isGreaterThan(fetched.path("id").asLong());
    }
  }

  @Test
  void aNameThatASetLeavesOutIsReleased() {
    origin.serve("/left", "hello", "Cache-Control: max-age=600");
    agent.download("left", "out", origin.url("/left"));

    agent.declare("left", List.of()).expect(200);

    assertThat(kept("/v1/events?since=0&follow=0"))
        .anyMatch(
            event ->
                event.path("event").asText().equals("released")
                    && event.path("container").asText().equals("left")
                    && event.path("name").asText().equals("out"));
  }

  @Test
  void aHitIsNoEvent() {
    origin.serve("/hit", "hello", "Cache-Control: max-age=600");
    agent.prefetch(origin.url("/hit"));
    long before = last();

    agent.prefetch(origin.url("/hit"));

    assertThat(last()).isEqualTo(before);
  }

  @Test
  void onlyTheKindsThatAreWantedCome() {
    origin.serve("/kinds", "hello", "ETag: \"k\"");
    agent.download("kinds", "a", origin.url("/kinds"));
    agent.release("kinds");

    assertThat(kept("/v1/events?since=0&follow=0&kind=released,evicted"))
        .isNotEmpty()
        .allMatch(event -> Set.of("released", "evicted").contains(event.path("event").asText()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"kind=eaten", "since=-1", "since=x", "follow=2", "colour=1"})
  void whatMakesNoSenseIsRefused(String query) {
    agent
        .send(Request.get("/v1/events?" + query).deliberatelyBad())
        .problem()
        .is(400, "invalid-request");
  }

  @Test
  void whoWasAwayForTooLongIsToldHowMuchIsGone() {
    origin.serve("/many", "hello", "Cache-Control: max-age=600");
    agent.prefetch(origin.url("/many"));
    for (int i = 0; i < 1030; i++) {
      agent.download("many", "a", origin.url("/many"));
      agent.release("many");
    }
    long last = last();

    try (Exchange stream = agent.open(Request.get("/v1/events?since=0"))) {
      JsonNode missed = Json.parse(String.valueOf(stream.line()));
      assertThat(missed.path("event").asText()).isEqualTo("missed");
      assertThat(missed.path("count").asLong()).isEqualTo(last - 1024);
      assertThat(missed.path("id").asLong()).isEqualTo(last - 1024);
      assertThat(Json.parse(String.valueOf(stream.line())).path("id").asLong())
          .isEqualTo(last - 1023);
    }
  }

  @Test
  void damageIsToldWhenItIsFound() throws IOException {
    origin.serve("/damaged", "hello", "ETag: \"d\"");
    Download download = agent.prefetch(origin.url("/damaged"));
    Path blob = agent.blob(download.digest());
    Files.delete(blob);
    Files.writeString(blob, "jello");

    agent.post("/v1/verify", "digest", download.digest()).expect(200);

    assertThat(kept("/v1/events?since=0&follow=0&kind=quarantined"))
        .anyMatch(
            event -> digestOf(event).equals(download.digest()) && !event.path("inUse").asBoolean());
  }

  @Test
  void aChangedConfigurationIsToldHoweverItWasRead() {
    try (AgentProcess own = AgentProcess.running()) {
      own.configure("quota.bytes", "7GiB");
      own.writeConfig();
      own.send(Request.of("POST", "/v1/config/reload")).expect(200);
      own.configure("fetch.attempts", 2);
      own.writeConfig();
      own.sighup();
      eventually().until(() -> kept(own, "/v1/events?since=0&follow=0").size() == 2);

      List<JsonNode> changes = kept(own, "/v1/events?since=0&follow=0");
      assertThat(changes.getFirst().path("event").asText()).isEqualTo("config-changed");
      assertThat(changes.getFirst().path("changed").toString()).isEqualTo("[\"quota.bytes\"]");
      assertThat(changes.getLast().path("changed").toString()).isEqualTo("[\"fetch.attempts\"]");
    }
  }

  /** Who follows is no work that has to be finished: the stream ends and the agent with it. */
  @Test
  void aDrainEndsTheStreams() {
    try (AgentProcess own = AgentProcess.running("drain.timeout", "5m");
        Exchange stream = own.open(Request.get("/v1/events"))) {
      awaitStream(stream);

      own.sigterm();

      assertThat(own.awaitExit()).isZero();
    }
  }

  @Test
  void readersThatHangUpMakeRoomForOthers() {
    for (int round = 0; round < 3; round++) {
      var streams = new ArrayList<Exchange>();
      for (int i = 0; i < 64; i++) {
        streams.add(awaitedStream());
      }
      agent.send(Request.get("/v1/events")).problem().is(503, "busy");
      streams.forEach(Exchange::close);
      eventually()
          .until(
              () -> {
                try (Exchange stream = agent.open(Request.get("/v1/events?since=0"))) {
                  return stream.status() == 200;
                }
              });
    }
  }

  private static Exchange awaitedStream() {
    Exchange stream = agent.open(Request.get("/v1/events"));
    awaitStream(stream);
    return stream;
  }

  /** The head is sent when the reader is known: what happens from then on, it hears of. */
  private static void awaitStream(Exchange stream) {
    assertThat(stream.status()).isEqualTo(200);
  }

  private static String digestOf(JsonNode event) {
    return event.path("digest").asText();
  }

  private static JsonNode next(Exchange stream, String kind, Predicate<JsonNode> wanted) {
    for (String line = stream.line(); line != null; line = stream.line()) {
      JsonNode event = Json.parse(line);
      if (event.path("event").asText().equals(kind) && wanted.test(event)) {
        return event;
      }
    }
    throw new AssertionError("the stream ended without " + kind);
  }

  private static List<JsonNode> kept(String target) {
    return kept(agent, target);
  }

  private static List<JsonNode> kept(AgentProcess agent, String target) {
    return agent.get(target).expect(200).text().lines().map(Json::parse).toList();
  }

  private static long last() {
    List<JsonNode> all = kept("/v1/events?since=0&follow=0");
    return all.isEmpty() ? 0 : all.getLast().path("id").asLong();
  }
}
