package org.cacheddownloads.spec;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A mirror is asked beside a source that takes long, and one of them alone is gone on with. */
class HedgeSpec {
  @RegisterExtension
  static final AgentProcess agent =
      AgentProcess.with("fetch.hedgeAfter", "200ms", "fetch.negativeTtl", "0s");

  @RegisterExtension static final RawOrigin first = RawOrigin.start();
  @RegisterExtension static final RawOrigin second = RawOrigin.start();

  private static void serve(RawOrigin origin, String path, String body) {
    origin.script(
        path,
        connection -> {
          connection.head("200 OK", body.length(), "ETag: \"" + body + "\"");
          connection.send(body.getBytes(US_ASCII));
        });
  }

  private static Request asked(String path) {
    return AgentClient.prefetchRequest(
        first.url(path), "mirrors", List.of(second.url(path)), "timeout", "60s");
  }

  private static Download answered(Reply reply) {
    return new Download(reply.expect(200).status(), reply.json());
  }

  /** One after the other, the mirror would have its turn after half a minute. */
  @Test
  void theMirrorIsAskedBesideASourceThatIsSilent() {
    first.stayMute("/silent");
    serve(second, "/silent", "hello");

    Download download = answered(agent.send(asked("/silent")));

    assertThat(download.outcome()).isEqualTo("miss");
    assertThat(download.digest()).isEqualTo(Content.sha256("hello"));
    assertThat(download.json().path("durationMillis").asLong()).isLessThan(20_000);
    first.awaitHangUp("/silent");
  }

  @Test
  void theFirstToBeginGoesOnAndTheOtherIsLetGo() {
    second.stayMute("/late");
    first.script(
        "/late",
        connection -> {
          connection.awaitRelease();
          connection.head("200 OK", 5, "ETag: \"f\"");
          connection.send("first".getBytes(US_ASCII));
        });
    var reply = agent.sendAsync(asked("/late"));
    second.awaitHits("/late", 1);

    first.release("/late");

    assertThat(answered(AgentClient.result(reply)).digest()).isEqualTo(Content.sha256("first"));
    second.awaitHangUp("/late");
  }

  @Test
  void aSourceThatFailsIsNotWaitedFor() {
    try (AgentProcess slow = AgentProcess.running("fetch.hedgeAfter", "1h")) {
      first.say(
          "/gone", "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      serve(second, "/gone", "hello");
      assertThat(answered(slow.send(asked("/gone"))).digest()).isEqualTo(Content.sha256("hello"));
    }
  }

  /** It had begun, so the other was let go; now it is that one's turn all the same. */
  @Test
  void ifTheChosenOneFailsThoseThatAreLeftAreAsked() {
    try (AgentProcess once = AgentProcess.running("fetch.hedgeAfter", "1h", "fetch.attempts", 1)) {
      first.say("/cut", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nhel");
      serve(second, "/cut", "hello");
      assertThat(answered(once.send(asked("/cut"))).digest()).isEqualTo(Content.sha256("hello"));
    }
  }

  @Test
  void theProblemIsTheFirstOnesAndAttemptsListAll() {
    first.say("/none", "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    second.say("/none", "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");

    Problem problem = agent.send(asked("/none")).problem().is(502, "origin-rejected");

    assertThat(problem.originStatus()).isEqualTo(403);
    assertThat(problem.attempts()).hasSize(2);
    assertThat(problem.attempts().path(1).path("status").asInt()).isEqualTo(404);
  }

  @Test
  void aCallerThatHangsUpEndsThemAll() {
    first.stayMute("/both");
    second.stayMute("/both");
    try (Exchange _ = agent.open(asked("/both"))) {
      second.awaitHits("/both", 1);
    } // which hangs up
    first.awaitHangUp("/both");
    second.awaitHangUp("/both");
  }
}
