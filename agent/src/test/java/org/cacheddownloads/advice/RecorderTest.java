package org.cacheddownloads.advice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class RecorderTest {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
  private static final long MIB = 1 << 20;

  private final Recorder recorder = Recorder.empty(1_000, START);

  private void request(Duration after, long identity, long mib) {
    recorder.record(
        new Recorder.Request(
            START.plus(after),
            LruStackTest.hash(identity),
            mib * MIB,
            mib * MIB,
            identity == 1 ? Recorder.Fate.HIT : Recorder.Fate.MISS));
  }

  private Advice advice(Span span, Duration after) {
    return recorder.advise(span, START.plus(after));
  }

  @Test
  void theRatiosOfAFewRequestsAreAsCountedByHand() {
    for (int i = 0; i < 2; i++) {
      request(Duration.ZERO, 1, 10);
      request(Duration.ZERO, 2, 20);
      request(Duration.ZERO, 2, 20);
    }
    Advice advice = advice(Span.HOUR, Duration.ofMinutes(1));
    Curve curve = advice.curve();
    assertEquals(6, curve.requests());
    assertEquals(100 * MIB, curve.bytes());
    assertEquals(2, curve.coldRequests());
    assertEquals(30 * MIB, curve.coldBytes());
    assertEquals(0, curve.hitRatio(20 * MIB - 1));
    assertEquals(2 / 6.0, curve.hitRatio(20 * MIB));
    assertEquals(0.4, curve.byteHitRatio(30 * MIB - 1));
    assertEquals(4 / 6.0, curve.hitRatio(30 * MIB));
    assertEquals(0.7, curve.byteHitRatio(30 * MIB), 1e-9);
    assertEquals(30 * MIB, curve.flatBytes());
    assertEquals(30 * MIB, curve.fullBytes());
    assertEquals(20 * MIB, curve.largestBytes());
    assertEquals(30 * MIB, advice.workingSetBytes());
    assertEquals(2, advice.hits());
    assertEquals(20 * MIB, advice.hitBytes());
    assertEquals(START, advice.from());
  }

  @Test
  void eachWindowHasItsOwnRequestsAndWorkingSet() {
    request(Duration.ofDays(1), 1, 1);
    request(Duration.ofDays(6), 2, 2);
    request(Duration.ofDays(6).plusHours(22), 3, 4);
    request(Duration.ofDays(7), 1, 1);
    Duration now = Duration.ofDays(7).plusMinutes(10);
    assertEquals(4, advice(Span.WEEK, now).curve().requests());
    assertEquals(7 * MIB, advice(Span.WEEK, now).workingSetBytes());
    assertEquals(START, advice(Span.WEEK, now).from());
    assertEquals(3, advice(Span.DAY, now).curve().requests());
    assertEquals(7 * MIB, advice(Span.DAY, now).workingSetBytes());
    assertEquals(1, advice(Span.HOUR, now).curve().requests());
    assertEquals(MIB, advice(Span.HOUR, now).workingSetBytes());
    assertEquals(START.plus(now).minus(Duration.ofMinutes(60)), advice(Span.HOUR, now).from());
    assertEquals(1, advice(Span.HOUR, now).curve().hitRatio(7 * MIB));
    assertEquals(0, advice(Span.HOUR, now.plusHours(2)).curve().requests());
    assertEquals(0, advice(Span.HOUR, now.plusHours(2)).workingSetBytes());
  }

  @Test
  void regretsAndTheHitsOfAPolicyOnTrialAreAddedUp() {
    recorder.regret(START, 10, Duration.ofMillis(5));
    recorder.ghostHit(START, 3);
    recorder.ghostHit(START, 4);
    recorder.regret(START.plusSeconds(7_200), 20, Duration.ofMillis(7));
    Advice day = advice(Span.DAY, Duration.ofHours(2));
    assertEquals(new Advice.Regrets(2, 30, Duration.ofMillis(12)), day.regrets());
    assertEquals(2, day.ghostHits());
    assertEquals(7, day.ghostHitBytes());
    Advice hour = advice(Span.HOUR, Duration.ofHours(2));
    assertEquals(new Advice.Regrets(1, 20, Duration.ofMillis(7)), hour.regrets());
    assertEquals(0, hour.ghostHits());
  }

  /** A clock that was a year ahead for a moment neither stops the windows nor ages what comes. */
  @Test
  void timeGoesOnAfterAClockIsSetBack() {
    request(Duration.ofDays(365), 1, 1);
    request(Duration.ZERO, 2, 1);
    assertEquals(2, advice(Span.HOUR, Duration.ZERO).curve().requests());
    request(Duration.ofHours(2), 1, 1);
    Advice hour = advice(Span.HOUR, Duration.ofHours(2));
    assertEquals(1, hour.curve().requests());
    assertEquals(1, hour.curve().hitRatio(2 * MIB));
    assertEquals(START.plus(Duration.ofHours(1)), hour.from());
  }

  /** Threads that come in another order than they read the clock do not make time run faster. */
  @Test
  void timeDoesNotRunFasterWhenRequestsComeOutOfOrder() {
    for (int i = 0; i < 100_000; i++) {
      request(Duration.ofMillis(i % 2 * 100L), 1, 1);
    }
    assertEquals(100_000, advice(Span.HOUR, Duration.ofMinutes(59)).curve().requests());
  }

  @Test
  void requestsOfManyThreadsAllCount() throws Exception {
    int threads = 8;
    var ready = new CountDownLatch(threads);
    var done = new ArrayList<Future<?>>();
    try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int t = 0; t < threads; t++) {
        int first = t;
        done.add(
            executor.submit(
                () -> {
                  ready.countDown();
                  ready.await();
                  for (int i = 0; i < 5_000; i++) {
                    request(Duration.ZERO, first + i % 700, 1);
                    if (i % 500 == 0) {
                      advice(Span.WEEK, Duration.ZERO);
                    }
                  }
                  return null;
                }));
      }
      for (Future<?> each : done) {
        each.get();
      }
    }
    Curve curve = advice(Span.WEEK, Duration.ZERO).curve();
    assertEquals(40_000, curve.requests());
    assertEquals(707, curve.coldRequests());
    assertEquals(39_293 / 40_000.0, curve.hitRatio(707 * MIB), 1e-9);
  }

  @Test
  void theWindowsTakeAtMostSixMebibytes() {
    assertThat(Recorder.MOST_WINDOW_BYTES).isLessThan(6 * MIB);
    var histogram = new DistanceHistogram();
    for (long distance = 1; distance < 1_000_000; distance++) {
      histogram.record(distance * distance, 1);
    }
    assertThat(histogram.heapBytes()).isLessThanOrEqualTo(DistanceHistogram.MOST_HEAP_BYTES);
  }

  /** Half a year of a cell: nothing grows but with the keys, up to their bound. */
  @Test
  void aSoakOfManyWeeksStaysWithinItsBounds() {
    var state = new State(5_000, START);
    Iterator<Access> requests = Workload.MIXED.requests(3);
    for (int i = 0; i < 1_000_000; i++) {
      Access access = requests.next();
      state.record(
          new Recorder.Request(
              START.plusSeconds(16L * i),
              access.key(),
              access.bytes(),
              access.bytes(),
              Recorder.Fate.MISS));
      if (i % 50_000 == 0) {
        assertThat(state.stack.pages()).isLessThanOrEqualTo(LruStack.mostPages(5_001));
        for (Span span : Span.values()) {
          List<Bucket> buckets =
              state.window(span).buckets(START.plusSeconds(16L * i).toEpochMilli());
          assertThat(buckets.size())
              .isLessThanOrEqualTo((int) span.length().dividedBy(span.step()) + 1);
          assertThat(buckets)
              .allMatch(bucket -> bucket.distances.bins() <= DistanceHistogram.MOST_BINS);
        }
      }
    }
    assertEquals(5_000, state.stack.keys());
    assertThat(state.stack.dropped()).isPositive();
  }
}
