package org.cacheddownloads.advice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class CurveTest {
  private static final int MILLION = 1_000_000;
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  /** All at one moment, so that the window has them all. */
  private static Advice advice(int maxKeys, Iterable<Access> requests) {
    var recorder = Recorder.empty(maxKeys, START);
    for (Access each : requests) {
      recorder.record(
          new Recorder.Request(
              START,
              each.key(),
              each.bytes(),
              each.bytes(),
              each.key() % 2 == 0 ? Recorder.Fate.HIT : Recorder.Fate.MISS));
    }
    return recorder.advise(Span.WEEK, START);
  }

  /**
   * @return the largest error of request and byte hit ratio over the quotas
   */
  private static double worstError(Curve curve, List<Access> requests, long... quotas) {
    double worst = 0;
    for (long quota : quotas) {
      var lru = new PlainLru(quota / 512);
      long bytes = 0;
      for (Access each : requests) {
        lru.request(each.key(), Curve.units(each.bytes()), each.bytes());
        bytes += each.bytes();
      }
      double requestError = Math.abs(curve.hitRatio(quota) - (double) lru.hits / requests.size());
      double byteError = Math.abs(curve.byteHitRatio(quota) - (double) lru.hitBytes / bytes);
      worst = Math.max(worst, Math.max(requestError, byteError));
    }
    return worst;
  }

  /** From the largest object on, and beyond what all need, each twice as much. */
  private static long[] quotas(Curve curve) {
    return Stream.iterate(
            Math.max(curve.largestBytes(), 512),
            quota -> quota < curve.fullBytes() * 2,
            quota -> quota * 2)
        .mapToLong(Long::longValue)
        .toArray();
  }

  @ParameterizedTest
  @EnumSource
  void aMillionRequestsOfACellHaveTheRatiosOfPlainCaches(Workload workload) {
    var requests = new ArrayList<Access>(MILLION);
    Iterator<Access> stream = workload.requests(7);
    while (requests.size() < MILLION) {
      requests.add(stream.next());
    }
    Curve curve = advice(MILLION, requests).curve();
    double error = worstError(curve, requests, quotas(curve));
    assertThat(error).as("error of %s", workload).isLessThanOrEqualTo(0.02);
  }

  static Stream<List<Access>> hardOnes() {
    var random = new SplittableRandom(1);
    var loops = new ArrayList<Access>();
    for (int i = 0; loops.size() < MILLION; i++) {
      // Two loops side by side whose distances differ by a thousandth, and a third within them.
      loops.add(object(i % 3_000, 20L << 20));
      loops.add(object(10_000 + i % 2_997, 20L << 20));
      loops.add(object(20_000 + i % 40, 3L << 20));
    }
    var sizes = new ArrayList<Access>();
    while (sizes.size() < MILLION) {
      long identity = (long) (200_000 * Math.pow(random.nextDouble(), 4));
      var ofIdentity = new SplittableRandom(identity);
      sizes.add(object(identity, (long) Math.pow(2, 10 + 21 * ofIdentity.nextDouble())));
    }
    return Stream.of(loops, sizes);
  }

  private static Access object(long identity, long bytes) {
    return new Access(0, LruStackTest.hash(identity), bytes);
  }

  /** Loops, which have cliffs; and sizes evenly spread over the octaves from 1 KiB to 2 GiB. */
  @ParameterizedTest
  @MethodSource("hardOnes")
  void aMillionHardRequestsHaveTheRatiosOfPlainCaches(List<Access> requests) {
    Curve curve = advice(MILLION, requests).curve();
    assertThat(worstError(curve, requests, quotas(curve))).isLessThanOrEqualTo(0.02);
    // Where the curve rises most, and right before.
    long cliff = curve.flatBytes();
    assertThat(worstError(curve, requests, cliff - 512, cliff)).isLessThanOrEqualTo(0.02);
  }

  @Property(tries = 100)
  void fewRequestsHaveTheRatiosOfPlainCachesAtEachQuota(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 60) int identities,
      @ForAll @IntRange(min = 1, max = 8) int blocks) {
    var random = new SplittableRandom(seed);
    var requests = new ArrayList<Access>();
    for (int i = 0; i < 400; i++) {
      long identity = random.nextInt(identities);
      requests.add(object(identity, 512 * (1 + identity % blocks)));
    }
    Curve curve = advice(1_000, requests).curve();
    for (long quota = curve.largestBytes(); quota < curve.fullBytes() + 2_048; quota += 512) {
      assertThat(worstError(curve, requests, quota)).isLessThan(1e-9);
    }
    for (long quota = 0; quota < curve.largestBytes(); quota += 512) {
      var lru = new PlainLru(quota / 512);
      requests.forEach(r -> lru.request(r.key(), Curve.units(r.bytes()), r.bytes()));
      assertThat(curve.hitRatio(quota)).isLessThanOrEqualTo((double) lru.hits / 400 + 1e-9);
    }
  }

  @Test
  void theCurveIsFlatFromWhereAHundredthOfTheBytesIsLeftToWin() {
    var bucket = new Bucket(0);
    bucket.add(Counter.REQUESTS, 3);
    bucket.add(Counter.BYTES, 1_000);
    bucket.distances.record(100, 985);
    bucket.distances.record(200, 6);
    bucket.distances.record(300, 9);
    var curve = new Curve(List.of(bucket));
    assertEquals(200 * 512, curve.flatBytes());
    assertEquals(300 * 512, curve.fullBytes());
    assertEquals(0.991, curve.byteHitRatio(300 * 512 - 1), 1e-9);
  }

  @Test
  void nothingAskedForIsNothingToTell() {
    Curve curve = advice(10, List.of()).curve();
    assertEquals(0, curve.requests());
    assertEquals(0, curve.hitRatio(Long.MAX_VALUE));
    assertEquals(0, curve.byteHitRatio(0));
    assertEquals(0, curve.flatBytes());
    assertEquals(0, curve.fullBytes());
    assertEquals(0, curve.largestBytes());
    assertEquals(OptionalLong.empty(), curve.exactBelowBytes());
  }

  /** What the bound on keys costs is told, and below the quota that is told nothing is wrong. */
  @Property(tries = 50)
  void belowTheQuotaThatIsToldTheBoundOnKeysCostsNothing(
      @ForAll long seed, @ForAll @IntRange(min = 5, max = 60) int maxKeys) {
    var random = new SplittableRandom(seed);
    var requests = new ArrayList<Access>();
    for (int i = 0; i < 2_000; i++) {
      long identity = (long) (100 * Math.pow(random.nextDouble(), 2));
      requests.add(object(identity, 512 * (1 + identity % 7)));
    }
    Advice bounded = advice(maxKeys, requests);
    Curve curve = bounded.curve();
    Curve exact = advice(1_000, requests).curve();
    assertThat(bounded.droppedKeys()).isPositive();
    long told = curve.exactBelowBytes().orElseThrow();
    assertThat(told).isGreaterThan(maxKeys * 512L);
    for (long quota = 0; quota < told; quota += 512) {
      assertThat(curve.hitRatio(quota)).isCloseTo(exact.hitRatio(quota), within(1e-9));
    }
    assertThat(curve.hitRatio(Long.MAX_VALUE)).isLessThan(exact.hitRatio(Long.MAX_VALUE));
    assertThat(curve.coldRequests()).isGreaterThan(exact.coldRequests());
  }

  @Test
  void emptyAndHugeFilesHaveUnitsToo() {
    assertEquals(1, Curve.units(0));
    assertEquals(1, Curve.units(512));
    assertEquals(2, Curve.units(513));
    assertEquals(Integer.MAX_VALUE, Curve.units(Long.MAX_VALUE));
  }
}
