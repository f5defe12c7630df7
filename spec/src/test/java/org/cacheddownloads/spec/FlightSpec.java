package org.cacheddownloads.spec;

import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;
import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.AgentClient.result;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.cacheddownloads.spec.Origin.Answer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Who wants what is being fetched already waits for it: one request at the origin, however many
 * ask.
 */
class FlightSpec {
  private static final int CALLERS = 1000;
  private static final String WAITERS = "cached_downloads_flight_waiters";

  @RegisterExtension static final AgentProcess agent = AgentProcess.with("fetch.attempts", 1);

  @RegisterExtension static final Origin origin = Origin.start();

  @RegisterExtension static final RawOrigin rawOrigin = RawOrigin.start();

  @Test
  void aThousandCallersOfOneColdKeyMakeOneRequest() {
    origin.serve("/cold", "hello", "ETag: \"c\"");
    origin.hold("/cold");
    var calls = callAll("/cold");
    agent.awaitMetric(WAITERS, CALLERS - 1);

    origin.release("/cold");

    assertThat(outcomes(calls)).isEqualTo(Map.of("miss", 1L, "coalesced", CALLERS - 1L));
    assertThat(origin.hits("/cold")).isEqualTo(1);
    assertThat(calls).allSatisfy(call -> assertThat(result(call).content()).isEqualTo("hello"));
  }

  @Test
  void aThousandCallersWhoRevalidateMakeOneConditionalRequest() {
    origin.serve("/known", "hello", "ETag: \"k\"");
    agent.prefetch(origin.url("/known"));
    origin.hold("/known");
    var calls = callAll("/known");
    agent.awaitMetric(WAITERS, CALLERS - 1);

    origin.release("/known");

    assertThat(outcomes(calls)).isEqualTo(Map.of("revalidated", 1L, "coalesced", CALLERS - 1L));
    assertThat(origin.hits("/known")).isEqualTo(2);
    assertThat(origin.conditionalHits("/known")).isEqualTo(1);
  }

  @Test
  void aSetWithOneUrlUnderTwoNamesMakesOneRequest() {
    origin.serve("/twice", "hello", "ETag: \"t\"");

    agent
        .declare(
            "twice",
            List.of(Json.named("a", origin.url("/twice")), Json.named("b", origin.url("/twice"))))
        .expect(201);

    assertThat(origin.requests("/twice").stream().filter(request -> !request.isConditional()))
        .hasSize(1);
  }

  @Test
  void theFlightGoesOnWhenItsFirstCallerHangsUp() {
    origin.serve("/orphaned", "hello", "ETag: \"o\"");
    origin.hold("/orphaned");
    Exchange first =
        agent.open(AgentClient.downloadRequest("orphaned-1", "a", origin.url("/orphaned")));
    origin.awaitHits("/orphaned", 1);
    var second = agent.downloadAsync("orphaned-2", "a", origin.url("/orphaned"));
    agent.awaitMetric(WAITERS, 1);

    first.close();
    origin.release("/orphaned");

    assertThat(result(second).content()).isEqualTo("hello");
    assertThat(origin.hits("/orphaned")).isEqualTo(1);
  }

  @Test
  void theTransferEndsWhenItsLastCallerHangsUp() {
    rawOrigin.serveInHalves(
        "/abandoned", Content.random(2 * Content.MIB, "abandoned"), "ETag: \"a\"");
    Exchange only =
        agent.open(AgentClient.downloadRequest("abandoned", "a", rawOrigin.url("/abandoned")));
    rawOrigin.awaitHits("/abandoned", 1);

    only.close();

    rawOrigin.awaitHangUp("/abandoned");
    Eventually.eventually().until(() -> agent.metric("cached_downloads_origin_in_flight") == 0);
    assertThat(agent.knows("abandoned")).isFalse();
  }

  @Test
  void bytesThatMayNotBeStoredAreNeverShared() {
    serveNumbered("/secret", "Cache-Control: no-store");

    var two = twoAtOnce("/secret");

    assertThat(two).extracting(Download::outcome).containsExactly("uncached", "uncached");
    assertThat(two).extracting(Download::content).containsExactlyInAnyOrder("1", "2");
    assertThat(origin.hits("/secret")).isEqualTo(2);
  }

  @Test
  void bytesThatAreMerelyNotKeptAreSharedByThoseWhoWaited() {
    serveNumbered("/unkept");

    var two = twoAtOnce("/unkept");

    assertThat(two).extracting(Download::outcome).containsExactly("uncached", "uncached");
    assertThat(two).extracting(Download::content).containsExactly("1", "1");
    assertThat(origin.hits("/unkept")).isEqualTo(1);
  }

  @Test
  void callersWithOtherCredentialsDoNotShareAFlight() {
    origin.serve("/mine", "hello", "ETag: \"m\"");
    origin.hold("/mine");

    var alice =
        agent.downloadAsync(
            "alice", "a", origin.url("/mine"), "headers", Map.of("Authorization", "Bearer alice"));
    var bob =
        agent.downloadAsync(
            "bob", "a", origin.url("/mine"), "headers", Map.of("Authorization", "Bearer bob"));

    origin.awaitHits("/mine", 2);
    origin.release("/mine");
    assertThat(List.of(result(alice).content(), result(bob).content())).containsOnly("hello");
  }

  @Test
  void aFailureIsToldToAllWhoWaited() {
    origin.answer("/fails", 404);
    origin.hold("/fails");
    var first = agent.sendAsync(AgentClient.downloadRequest("fails-1", "a", origin.url("/fails")));
    origin.awaitHits("/fails", 1);
    var second = agent.sendAsync(AgentClient.downloadRequest("fails-2", "a", origin.url("/fails")));
    agent.awaitMetric(WAITERS, 1);

    origin.release("/fails");

    result(first).problem().is(502, "origin-rejected");
    result(second).problem().is(502, "origin-rejected");
    assertThat(origin.hits("/fails")).isEqualTo(1);
  }

  /** Each request gets a body of its own: its number. */
  private static void serveNumbered(String path, String... headers) {
    var number = new AtomicInteger();
    origin.script(path, _ -> Answer.ok(Integer.toString(number.incrementAndGet()), headers));
  }

  /** Two downloads of which the second waits for the first. */
  private static List<Download> twoAtOnce(String path) {
    origin.hold(path);
    var first = agent.downloadAsync("two" + path.substring(1), "first", origin.url(path));
    origin.awaitHits(path, 1);
    var second = agent.downloadAsync("two" + path.substring(1), "second", origin.url(path));
    agent.awaitMetric(WAITERS, 1);
    origin.release(path);
    return List.of(result(first), result(second));
  }

  private static List<CompletableFuture<Download>> callAll(String path) {
    return IntStream.range(0, CALLERS)
        .mapToObj(i -> agent.downloadAsync("caller-" + i, "a", origin.url(path)))
        .toList();
  }

  private static Map<String, Long> outcomes(List<CompletableFuture<Download>> calls) {
    return calls.stream()
        .map(call -> result(call).outcome())
        .collect(groupingBy(outcome -> outcome, counting()));
  }
}
