package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.AgentClient.downloadRequest;
import static org.cacheddownloads.spec.AgentClient.result;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Why a container waited: each request has a name, a line in the log, and times of its phases. */
class RequestSpec {
  @RegisterExtension
  static final AgentProcess agent =
      AgentProcess.with(
          "fetch.attempts",
          1,
          "fetch.perOrigin",
          1,
          "log.slowAfter",
          "700ms",
          "fetch.negativeTtl",
          "0s");

  @RegisterExtension static final Origin origin = Origin.start();
  @RegisterExtension static final RawOrigin rawOrigin = RawOrigin.start();

  private static final String UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";

  // ---- names

  @Test
  void everyReplyNamesItsRequest() {
    String first = agent.get("/v1/stats").header("X-Request-Id").orElseThrow();

    assertThat(first).matches(UUID);
    assertThat(agent.get("/v1/stats").header("X-Request-Id")).isPresent().isNotEqualTo(first);
    assertThat(agent.get("/readyz").header("X-Request-Id")).isPresent();
  }

  @Test
  void aFailureHasOneNameInItsReplyItsHeadersTheLogAndTheList() {
    origin.answer("/gone", 404);

    Reply reply = agent.send(downloadRequest("named", "a", origin.url("/gone")));

    String id = reply.header("X-Request-Id").orElseThrow();
    assertThat(reply.json().path("instance").asText()).isEqualTo("urn:uuid:" + id);
    assertThat(lineOf(agent, id))
        .contains("outcome=failed", "code=origin-rejected", "container=named", "name=a");
    JsonNode listed = listed("/v1/requests", id);
    assertThat(listed.path("code").asText()).isEqualTo("origin-rejected");
    assertThat(listed.path("outcome").asText()).isEqualTo("failed");
    assertThat(listed.path("bytes").asLong()).isZero();
  }

  @Test
  void aDownloadIsOneLineOfTheLog() {
    origin.serve("/line", "hello", "Cache-Control: max-age=600");
    String id = idOf("line", "a", origin.url("/line"));

    assertThat(lineOf(agent, id))
        .contains(
            " INFO ",
            "container=line",
            "name=a",
            "outcome=miss",
            "bytes=5",
            "fetched=5",
            "url=" + origin.url("/line"))
        .containsPattern(" key=[0-9a-f]{16} ")
        .containsPattern(" millis=[0-9]+ ")
        .containsPattern(" waitedFor=(origin|body|link|slot)$");
    String again = idOf("line", "b", origin.url("/line"));
    assertThat(keyIn(lineOf(agent, again))).isEqualTo(keyIn(lineOf(agent, id)));
  }

  private static String keyIn(String line) {
    return line.replaceFirst(".* key=([0-9a-f]+) .*", "$1");
  }

  @Test
  void everyDownloadOfASetHasItsLineUnderTheNameOfTheRequest() {
    origin.serve("/set", "hello", "Cache-Control: max-age=600");
    Reply reply =
        agent.declare(
            "set",
            List.of(
                Json.object("name", "a", "url", origin.url("/set")),
                Json.object("name", "b", "url", origin.url("/set"))));

    String id = reply.header("X-Request-Id").orElseThrow();
    assertThat(agent.log().lines().filter(line -> line.contains("request=" + id))).hasSize(2);
  }

  // ---- phases

  @Test
  void aSlowOriginIsNamedAsTheReason() {
    origin.serve("/slow", "hello", "ETag: \"s\"");
    origin.hold("/slow");
    CompletableFuture<Reply> reply =
        agent.sendAsync(downloadRequest("slow", "a", origin.url("/slow")));
    origin.awaitHits("/slow", 1);
    letASecondPass();
    origin.release("/slow");

    JsonNode slow = listed("/v1/requests?slow=1", id(result(reply)));

    assertThat(slow.path("waitedFor").asText()).isEqualTo("origin");
    assertThat(millis(slow, "origin")).isGreaterThan(700);
    assertThat(millis(slow, "origin"))
        .isLessThanOrEqualTo(slow.path("durationMillis").asDouble() + 1);
    assertThat(phases(slow)).contains("slot", "origin", "body", "link");
  }

  @Test
  void aWaitForASlotIsNamedAsTheReason() {
    origin.serve("/first", "hello", "ETag: \"s\"");
    origin.serve("/second", "hello", "ETag: \"s\"");
    origin.hold("/first");
    CompletableFuture<Reply> first =
        agent.sendAsync(downloadRequest("slot", "a", origin.url("/first")));
    origin.awaitHits("/first", 1);
    CompletableFuture<Reply> second =
        agent.sendAsync(downloadRequest("slot", "b", origin.url("/second")));
    agent.awaitMetric("cached_downloads_origin_queued", 1);
    letASecondPass();
    origin.release("/first");

    result(first);
    JsonNode waited = listed("/v1/requests?slow=1", id(result(second)));

    assertThat(waited.path("waitedFor").asText()).isEqualTo("slot");
    assertThat(agent.metric("cached_downloads_phase_seconds_sum", "phase", "slot"))
        .isGreaterThan(0.7);
  }

  @Test
  void whoWaitsForTheFetchOfAnotherIsToldSo() {
    origin.serve("/shared", "hello", "ETag: \"s\"");
    origin.hold("/shared");
    CompletableFuture<Reply> first =
        agent.sendAsync(downloadRequest("shared", "a", origin.url("/shared")));
    origin.awaitHits("/shared", 1);
    CompletableFuture<Reply> second =
        agent.sendAsync(downloadRequest("shared", "b", origin.url("/shared")));
    agent.awaitMetric("cached_downloads_flight_waiters", 2);
    letASecondPass();
    origin.release("/shared");

    result(first);
    JsonNode coalesced = listed("/v1/requests?slow=1", id(result(second)));

    assertThat(coalesced.path("outcome").asText()).isEqualTo("coalesced");
    assertThat(coalesced.path("waitedFor").asText()).isEqualTo("flight");
    assertThat(phases(coalesced)).doesNotContain("origin", "body");
  }

  @Test
  void aDirectoryIsUnpackedAndLinked() {
    origin.serve(
        "/tree.tar",
        new RawTar().file("a", "hello".getBytes(StandardCharsets.UTF_8)).end(),
        "ETag: \"t\"");

    JsonNode directory =
        listed(
            "/v1/requests",
            id(
                agent.send(
                    downloadRequest("tree", "a", origin.url("/tree.tar"), "as", "directory"))));

    assertThat(phases(directory)).contains("body", "unpack", "link");
    assertThat(agent.metric("cached_downloads_phase_seconds_count", "phase", "unpack"))
        .isGreaterThanOrEqualTo(1);
  }

  @Test
  void onlyWhatTookLongIsAmongTheSlowOnes() {
    origin.serve("/quick", "hello", "Cache-Control: max-age=600");
    agent.prefetch(origin.url("/quick"));
    String id = idOf("quick", "a", origin.url("/quick"));

    assertThat(listed("/v1/requests", id).path("outcome").asText()).isEqualTo("hit");
    assertThat(phases(listed("/v1/requests", id))).containsExactly("link");
    assertThat(all("/v1/requests?slow=1"))
        .allMatch(item -> item.path("durationMillis").asLong() >= 700);
  }

  @Test
  void aBadFlagIsRefused() {
    agent
        .send(Request.get("/v1/requests?slow=maybe").deliberatelyBad())
        .problem()
        .is(400, "invalid-request");
  }

  /** By the agent's own clock. */
  private static void letASecondPass() {
    long before = agent.stat("uptimeSeconds");
    eventually().until(() -> agent.stat("uptimeSeconds") > before + 1);
  }

  private static String idOf(String container, String name, String url) {
    return id(agent.send(downloadRequest(container, name, url)));
  }

  private static String id(Reply reply) {
    return reply.expect(200, 201).header("X-Request-Id").orElseThrow();
  }

  private static List<JsonNode> all(String target) {
    JsonNode requests = agent.get(target).expect(200).json().path("requests");
    return StreamSupport.stream(requests.spliterator(), false).toList();
  }

  private static boolean isOf(JsonNode item, String id) {
    return item.path("instance").asText().equals("urn:uuid:" + id);
  }

  private static JsonNode listed(String target, String id) {
    return all(target).stream().filter(item -> isOf(item, id)).findFirst().orElseThrow();
  }

  private static List<String> phases(JsonNode item) {
    return item.path("phases").findValuesAsText("phase");
  }

  private static double millis(JsonNode item, String phase) {
    return StreamSupport.stream(item.path("phases").spliterator(), false)
        .filter(each -> each.path("phase").asText().equals(phase))
        .findFirst()
        .orElseThrow()
        .path("millis")
        .asDouble();
  }

  private static String lineOf(AgentProcess agent, String id) {
    return agent
        .log()
        .lines()
        .filter(line -> line.contains("request=" + id))
        .findFirst()
        .orElseThrow();
  }

  // ---- forms of the log

  @Test
  void asJsonALineHasItsFactsByName() {
    try (AgentProcess json = AgentProcess.running("log.format", "json")) {
      origin.serve("/json", "hello", "Cache-Control: max-age=600");
      String id =
          json.send(downloadRequest("json", "a", origin.url("/json")))
              .header("X-Request-Id")
              .orElseThrow();

      JsonNode line =
          json.log()
              .lines()
              .filter(each -> each.contains(id))
              .map(Json::parse)
              .findFirst()
              .orElseThrow();
      assertThat(line.path("level").asText()).isEqualTo("INFO");
      assertThat(line.path("kvpList").findValue("request").asText()).isEqualTo(id);
      assertThat(line.path("kvpList").findValue("outcome").asText()).isEqualTo("miss");
      assertThat(line.path("kvpList").findValue("container").asText()).isEqualTo("json");
    }
  }

  /** systemd tells with JOURNAL_STREAM that standard error leads to the journal. */
  @Test
  void linesForTheJournalBeginWithTheirPriority() throws IOException {
    try (AgentProcess journal = AgentProcess.with()) {
      journal.environment("JOURNAL_STREAM", deviceAndInode(journal.scratch("agent.log")));
      journal.start();
      assertThat(journal.log().lines()).allMatch(line -> line.matches("<[34567]>.*"));
      assertThat(journal.log().lines())
          .anyMatch(line -> line.startsWith("<6>") && line.contains("ready state="));
    }
  }

  @Test
  void linesForAnythingElseDoNot() {
    try (AgentProcess plain = AgentProcess.with().environment("JOURNAL_STREAM", "1:2")) {
      plain.start();
      assertThat(plain.log().lines()).noneMatch(line -> line.startsWith("<"));
    }
  }

  private static String deviceAndInode(Path log) throws IOException {
    if (!Files.exists(log)) {
      Files.createFile(log);
    }
    var attributes = Files.readAttributes(log, "unix:dev,ino");
    return attributes.get("dev") + ":" + attributes.get("ino");
  }
}
