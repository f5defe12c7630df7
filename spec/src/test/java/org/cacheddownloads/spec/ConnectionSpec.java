package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Connections to origins: how they are named, kept, repeated and given up. */
class ConnectionSpec {
  /** One attempt, so that whatever is repeated all the same shows. */
  @RegisterExtension static final AgentProcess agent = AgentProcess.with("fetch.attempts", 1);

  // ---- names

  @Test
  void anIpv6OriginIsNamedInBrackets() {
    try (RawOrigin origin = RawOrigin.startOn("::1", 0)) {
      origin.script("/six", connection -> connection.answer("six"));
      assertThat(agent.prefetch(origin.urlAs("[::1]", "/six")).size()).isEqualTo(3);
      assertThat(origin.heads("/six").getFirst())
          .containsIgnoringCase("\r\nHost: [::1]:" + origin.port() + "\r\n");
    }
  }

  // ---- connections that are kept

  @Test
  void aKeptConnectionServesTheNextDownloadToo() {
    try (RawOrigin origin = RawOrigin.start()) {
      origin.keepAlive("/a", connection -> connection.answer("first"));
      origin.keepAlive("/b", connection -> connection.answer("second"));
      agent.prefetch(origin.url("/a"));
      agent.prefetch(origin.url("/b"));
      assertThat(origin.connections()).isEqualTo(1);
    }
  }

  /** What the origin closes while the next request is on its way is no failure of that request. */
  @Test
  void aConnectionClosedJustWhenItIsReusedCostsNoAttempt() {
    try (RawOrigin origin = RawOrigin.start()) {
      origin.keepAlive("/kept", connection -> connection.answer("kept"));
      origin.keepAlive(
          "/closed",
          connection -> {
            if (connection.exchange() > 1) {
              connection.close();
            } else {
              connection.answer("on a fresh one");
            }
          });
      agent.prefetch(origin.url("/kept"));

      Download download = agent.prefetch(origin.url("/closed"));

      assertThat(download.digest()).isEqualTo(Content.sha256("on a fresh one"));
      assertThat(origin.hits("/closed")).isEqualTo(2);
      assertThat(origin.connections()).isEqualTo(2);
    }
  }

  @Test
  void aConnectionClosedAfterItsAnswerIsNotUsedAgain() {
    try (RawOrigin origin = RawOrigin.start()) {
      origin.keepAlive(
          "/x",
          connection -> {
            connection.answer("x", "ETag: \"x\"");
            connection.close();
          });
      for (int i = 0; i < 20; i++) {
        agent.prefetch(origin.url("/x"));
      }
      assertThat(origin.hits("/x")).isEqualTo(20);
    }
  }

  /** On a connection of its own the origin has no excuse. */
  @Test
  void aRequestIsRepeatedOnceOnly() {
    try (RawOrigin origin = RawOrigin.start()) {
      origin.keepAlive("/kept", connection -> connection.answer("kept"));
      origin.keepAlive("/never", RawOrigin.Connection::close);
      agent.prefetch(origin.url("/kept"));
      Problem problem = agent.refused("connection", "never", origin.url("/never"));
      assertThat(problem.code()).isEqualTo("origin-unavailable");
      assertThat(origin.hits("/never")).isEqualTo(2);
    }
  }

  /** An answer that is late is not repeated: whoever is slow would be asked twice as often. */
  @Test
  void aHeadThatNeverComesOnAKeptConnectionIsNotAskedForAgain() {
    try (RawOrigin origin = RawOrigin.start()) {
      origin.keepAlive("/kept", connection -> connection.answer("kept"));
      origin.keepAlive("/mute", RawOrigin.Connection::awaitRelease);
      agent.prefetch(origin.url("/kept"));
      Problem problem = agent.refused("connection", "mute", origin.url("/mute"), "timeout", "1s");
      assertThat(problem.code()).isEqualTo("timeout");
      assertThat(origin.hits("/mute")).isEqualTo(1);
    }
  }

  // ---- what comes behind a body

  private static final String WRONG = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong";

  /** The surplus looks like an answer, and comes with the last byte of the body. */
  @Test
  void whatComesBehindABodyIsNotTheNextAnswer() {
    try (RawOrigin origin = RawOrigin.start()) {
      origin.keepAlive(
          "/long",
          connection ->
              connection.say(
                  "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 5\r\n\r\nright" + WRONG));
      for (int i = 0; i < 20; i++) {
        assertThat(agent.prefetch(origin.url("/long")).digest()).isEqualTo(Content.sha256("right"));
      }
    }
  }

  /** The same while others wait for the connection, so that it is used at once. */
  @Test
  void whatComesBehindABodyIsNotTheAnswerOfWhoWaited() {
    try (RawOrigin origin = RawOrigin.start();
        AgentProcess narrow = AgentProcess.running("fetch.attempts", 1, "fetch.perOrigin", 1)) {
      var all = new ArrayList<CompletableFuture<Download>>();
      for (int i = 0; i < 50; i++) {
        String path = "/long" + i;
        origin.keepAlive(
            path,
            connection ->
                connection.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nright" + WRONG));
        all.add(narrow.prefetchAsync(origin.url(path)));
      }
      all.forEach(one -> assertThat(one.join().digest()).isEqualTo(Content.sha256("right")));
    }
  }

  /** Surplus of the body's own kind, which comes when the next request is already sent. */
  @Test
  void surplusThatIsNoAnswerCostsTheNextDownloadNothing() {
    try (RawOrigin origin = RawOrigin.start()) {
      origin.keepAlive("/long", connection -> connection.answer("right"));
      origin.keepAlive(
          "/next",
          connection -> {
            if (connection.exchange() > 1) {
              connection.say("more of the body before\r\n\r\n");
            } else {
              connection.answer("next");
            }
          });
      agent.prefetch(origin.url("/long"));
      assertThat(agent.prefetch(origin.url("/next")).digest()).isEqualTo(Content.sha256("next"));
    }
  }
}
