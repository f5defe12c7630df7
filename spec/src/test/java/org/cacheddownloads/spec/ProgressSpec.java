package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Who asks for NDJSON watches the bytes arrive. */
class ProgressSpec {
  private static final String NDJSON = "application/x-ndjson";

  @RegisterExtension static final AgentProcess agent = AgentProcess.with("fetch.attempts", 1);

  @RegisterExtension static final Origin origin = Origin.start();

  @RegisterExtension static final RawOrigin rawOrigin = RawOrigin.start();

  @Test
  void progressIsToldWhileBytesArriveAndTheDownloadAtTheEnd() {
    byte[] bytes = Content.random(2 * Content.MIB, "progress");
    rawOrigin.serveInHalves("/progress", bytes, "ETag: \"p\"");
    try (Exchange exchange = agent.open(request("progress", rawOrigin.url("/progress")))) {
      JsonNode half = firstLineWithBytes(exchange);
      assertThat(half.path("event").asText()).isEqualTo("progress");
      assertThat(half.path("bytes").asLong()).isLessThanOrEqualTo(Content.MIB);
      assertThat(half.path("total").asLong()).isEqualTo(2 * Content.MIB);

      rawOrigin.release("/progress");

      Reply whole = exchange.reply();
      Contract.check(
          Contract.Listener.SOCKET, request("progress", rawOrigin.url("/progress")), whole);
      JsonNode last = Json.parse(whole.text().lines().toList().getLast());
      assertThat(last.path("event").asText()).isEqualTo("done");
      assertThat(last.path("download").path("outcome").asText()).isEqualTo("miss");
      assertThat(last.path("download").path("digest").asText())
          .isEqualTo(Content.checksum("sha256", bytes));
      assertThat(agent.view("progress").resolve("a")).hasBinaryContent(bytes);
    }
  }

  /**
   * The origin holds back the second half, so this ends only if progress is told before the end.
   */
  private static JsonNode firstLineWithBytes(Exchange exchange) {
    for (String line = exchange.line(); line != null; line = exchange.line()) {
      JsonNode json = Json.parse(line);
      if (!json.path("event").asText().equals("progress") || json.path("bytes").asLong() > 0) {
        return json;
      }
    }
    throw new AssertionError("the stream ended without progress");
  }

  @Test
  void aHitIsOneLine() {
    origin.serve("/hit", "hello", "Cache-Control: max-age=600");
    agent.prefetch(origin.url("/hit"));

    Reply reply = agent.send(request("hit", origin.url("/hit"))).expect(200);

    assertThat(reply.contentType()).isEqualTo(NDJSON);
    JsonNode last = Json.parse(reply.text().lines().toList().getLast());
    assertThat(last.path("event").asText()).isEqualTo("done");
    assertThat(last.path("download").path("outcome").asText()).isEqualTo("hit");
  }

  @Test
  void aFailureIsTheLastLine() {
    origin.answer("/fails", 404);

    Reply reply = agent.send(request("fails", origin.url("/fails"))).expect(200);

    JsonNode last = Json.parse(reply.text().lines().toList().getLast());
    assertThat(last.path("event").asText()).isEqualTo("failed");
    new Problem(last.path("problem")).is(502, "origin-rejected");
    assertThat(agent.knows("fails")).isFalse();
  }

  @Test
  void anInvalidRequestIsRefusedBeforeTheStream() {
    Request request =
        Request.put("/v1/containers/c/downloads/a", Json.object("bogus", 1))
            .header("Accept", NDJSON)
            .deliberatelyBad();

    agent.send(request).problem().is(400, "invalid-request");
  }

  private static Request request(String container, String url) {
    return AgentClient.downloadRequest(container, "a", url).header("Accept", NDJSON);
  }
}
