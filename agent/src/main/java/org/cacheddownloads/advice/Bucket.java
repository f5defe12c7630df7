package org.cacheddownloads.advice;

/** What happened in one step of a window. Not thread-safe. */
final class Bucket {
  /** No request of the bucket met the bound on keys. */
  static final long UNBOUNDED = Long.MAX_VALUE;

  /** Start of the step, in steps since 1970. */
  final long step;

  final DistanceHistogram distances;
  private final long[] counts;

  /** Distances below this one are all there; from it on, some count as cold misses. */
  private long exactBelow = UNBOUNDED;

  private long largest;

  Bucket(long step) {
    this(step, new DistanceHistogram(), new long[Counter.values().length]);
  }

  private Bucket(long step, DistanceHistogram distances, long[] counts) {
    this.step = step;
    this.distances = distances;
    this.counts = counts;
  }

  static Bucket ofCoarseness(long step, int coarseness) {
    return new Bucket(
        step, DistanceHistogram.ofCoarseness(coarseness), new long[Counter.values().length]);
  }

  void add(Counter counter, long amount) {
    counts[counter.place] += amount;
  }

  long count(Counter counter) {
    return counts[counter.place];
  }

  /** An object of so many units was asked for. */
  void noteUnits(long units) {
    largest = Math.max(largest, units);
  }

  /** A request may have had a distance of at least so many units, and counts as a cold miss. */
  void noteBound(long units) {
    exactBelow = Math.min(exactBelow, units);
  }

  long exactBelow() {
    return exactBelow;
  }

  long largest() {
    return largest;
  }

  Bucket copy() {
    var copy = new Bucket(step, distances.copy(), counts.clone());
    copy.exactBelow = exactBelow;
    copy.largest = largest;
    return copy;
  }
}
