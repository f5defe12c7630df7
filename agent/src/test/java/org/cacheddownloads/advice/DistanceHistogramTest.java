package org.cacheddownloads.advice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class DistanceHistogramTest {
  @Test
  void anEmptyOneHasNothingWithinAnyDistance() {
    var none = new DistanceHistogram();
    assertEquals(0, none.requestsWithin(Long.MAX_VALUE));
    assertEquals(0, none.bytesWithin(Long.MAX_VALUE));
    assertEquals(0, none.largest());
  }

  /** A loop over 20 GiB fits into 20 GiB, and into one block less it does not. */
  @Test
  void aSingleDistanceIsKeptToTheUnit() {
    var loop = new DistanceHistogram();
    long distance = (20L << 30) / 512;
    for (int i = 0; i < 1_000; i++) {
      loop.record(distance, 5);
    }
    assertEquals(0, loop.requestsWithin(distance - 1));
    assertEquals(1_000, loop.requestsWithin(distance));
    assertEquals(5_000, loop.bytesWithin(distance));
    assertEquals(1, loop.bins());
  }

  @Test
  void betweenTwoDistancesOfOneBinOneIsWithin() {
    var two = new DistanceHistogram();
    long distance = 1L << 30;
    two.record(distance, 1);
    two.record(distance + 1_000, 1);
    assertEquals(1, two.bins());
    assertEquals(0, two.requestsWithin(distance - 1));
    assertEquals(1, two.requestsWithin(distance));
    assertEquals(1, two.requestsWithin(distance + 999));
    assertEquals(2, two.requestsWithin(distance + 1_000));
  }

  @Test
  void smallDistancesHaveABinEach() {
    var small = new DistanceHistogram();
    for (int distance = 1; distance <= 512; distance++) {
      small.record(distance, distance);
    }
    assertEquals(512, small.bins());
    for (int distance = 0; distance <= 512; distance++) {
      assertEquals(distance, small.requestsWithin(distance));
      assertEquals(distance * (distance + 1) / 2.0, small.bytesWithin(distance));
    }
  }

  /** However far the distances are spread: the error is in the bin. */
  @Property(tries = 50)
  void theErrorIsAtMostWhatLiesInOneBin(
      @ForAll long seed, @ForAll @IntRange(min = 0, max = 45) int octaves) {
    var random = new SplittableRandom(seed);
    var histogram = new DistanceHistogram();
    long[] distances = new long[5_000];
    for (int i = 0; i < distances.length; i++) {
      distances[i] = Math.max(1, (long) Math.pow(2, 3 + octaves * random.nextDouble()));
      histogram.record(distances[i], 1);
    }
    Arrays.sort(distances);
    assertThat(histogram.bins()).isLessThanOrEqualTo(DistanceHistogram.MOST_BINS);
    double width = 1 + Math.pow(2, histogram.coarseness() - 20);
    for (int i = 0; i < 200; i++) {
      long at = distances[random.nextInt(distances.length)] + random.nextInt(2);
      assertThat(histogram.requestsWithin(at))
          .isBetween(
              (double) upTo(distances, (long) (at / width) - 1),
              (double) upTo(distances, (long) (at * width) + 1));
    }
    assertEquals(distances.length, histogram.requestsWithin(distances[distances.length - 1]));
    assertEquals(0, histogram.requestsWithin(distances[0] - 1));
    assertThat(histogram.copy().requestsWithin(distances[2_500]))
        .isCloseTo(histogram.requestsWithin(distances[2_500]), within(1e-9));
  }

  private static int upTo(long[] sorted, long distance) {
    int count = 0;
    while (count < sorted.length && sorted[count] <= distance) {
      count++;
    }
    return count;
  }

  /** Two loops side by side, over 20 GiB and 10 MiB more: each has its own edge. */
  @Test
  void fewDistancesAreKeptApart() {
    var loops = new DistanceHistogram();
    long one = (20L << 30) / 512;
    long other = one + (10L << 20) / 512;
    for (int i = 0; i < 1_000; i++) {
      loops.record(one, 1);
      loops.record(other, 1);
    }
    assertEquals(0, loops.requestsWithin(one - 1));
    assertEquals(1_000, loops.requestsWithin(one));
    assertEquals(1_000, loops.requestsWithin(other - 1));
    assertEquals(2_000, loops.requestsWithin(other));
  }

  /** From 1 MiB to 1 TiB. */
  @Test
  void ofManyDistancesOver20Octaves64AnOctaveAreToldApart() {
    var histogram = new DistanceHistogram();
    var random = new SplittableRandom(1);
    for (int i = 0; i < 100_000; i++) {
      histogram.record((long) Math.pow(2, 11 + 20 * random.nextDouble()), 1);
    }
    assertEquals(20 * 64, histogram.bins());
  }

  @Test
  void binsAreNeverMoreThanTheBound() {
    var histogram = new DistanceHistogram();
    var random = new SplittableRandom(1);
    for (int i = 0; i < 1_000_000; i++) {
      histogram.record(1 + (random.nextLong() >>> 1 >>> random.nextInt(63)), 1);
    }
    assertThat(histogram.bins()).isBetween(300, DistanceHistogram.MOST_BINS);
    assertEquals(1_000_000, histogram.requestsWithin(Long.MAX_VALUE));
  }
}
