package org.cacheddownloads.advice;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The last buckets of time, as many as make a span, and the present one. Time is in milliseconds
 * since 1970 and never goes back. Not thread-safe.
 */
final class Window {
  private final long stepMillis;
  private final @Nullable Bucket[] ring;
  private @Nullable Bucket present;
  private long presentEnds;

  Window(Span span) {
    stepMillis = span.step().toMillis();
    ring = new Bucket[(int) (span.length().toMillis() / stepMillis) + 1];
  }

  /** The bucket to add to. */
  Bucket at(long millis) {
    Bucket bucket = present;
    if (bucket == null || millis >= presentEnds) {
      bucket = new Bucket(Math.floorDiv(millis, stepMillis));
      put(bucket);
    }
    return bucket;
  }

  boolean follows(Bucket bucket) {
    return bucket.step >= 0 && (present == null || bucket.step > present.step);
  }

  /** Makes a bucket that follows all before the present one. */
  void put(Bucket bucket) {
    ring[(int) Math.floorMod(bucket.step, (long) ring.length)] = bucket;
    present = bucket;
    presentEnds = (bucket.step + 1) * stepMillis;
  }

  /** Whether no bucket begins after this time. */
  boolean reaches(long millis) {
    return present == null || present.step <= Math.floorDiv(millis, stepMillis);
  }

  /**
   * The buckets that the window has at this time, oldest first. The present one is a copy, and
   * nobody adds to the others any more.
   */
  List<Bucket> buckets(long millis) {
    long first = firstStep(millis);
    return Arrays.stream(ring)
        .filter(Objects::nonNull)
        .filter(bucket -> bucket.step >= first)
        .map(bucket -> bucket == present ? bucket.copy() : bucket)
        .sorted(Comparator.comparingLong(bucket -> bucket.step))
        .toList();
  }

  /** When the window begins. */
  long start(long millis) {
    return firstStep(millis) * stepMillis;
  }

  private long firstStep(long millis) {
    return Math.floorDiv(millis, stepMillis) - ring.length + 1;
  }
}
