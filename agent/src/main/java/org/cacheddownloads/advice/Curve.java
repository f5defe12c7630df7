package org.cacheddownloads.advice;

import java.util.List;
import java.util.OptionalLong;
import java.util.function.ToLongFunction;

/**
 * What a cache of any quota that evicts the least recently used would have made of the requests of
 * a window. Immutable.
 *
 * <p>Quotas are in bytes of allocated blocks, as the agent counts them. The curve is exact for few
 * different distances and right to about a hundredth of the quota for many (see {@link
 * DistanceHistogram}), as long as objects keep their size and the quota is at least that of the
 * largest of them. Below {@link #largestBytes} it is a lower bound: it counts as if an object that
 * is larger than the quota pushed out all others, whereas the agent refuses it and keeps them.
 */
public final class Curve {
  /** Allocated space is counted in blocks of so many bytes. */
  static final int UNIT_BYTES = 512;

  private static final double FLAT = 0.01;

  private final List<Bucket> buckets;
  private final long requests;
  private final long bytes;

  /**
   * @param buckets nobody adds to them any more
   */
  Curve(List<Bucket> buckets) {
    this.buckets = buckets;
    this.requests = sum(Counter.REQUESTS);
    this.bytes = sum(Counter.BYTES);
  }

  /** Blocks of an object: at least 1, so that an empty file counts too; at most 1 TiB of them. */
  static int units(long allocatedBytes) {
    long blocks = Math.ceilDiv(allocatedBytes, UNIT_BYTES);
    return Math.clamp(blocks, 1, Integer.MAX_VALUE);
  }

  long sum(Counter counter) {
    return sum(bucket -> bucket.count(counter));
  }

  private long sum(ToLongFunction<Bucket> part) {
    return buckets.stream().mapToLong(part).sum();
  }

  public long requests() {
    return requests;
  }

  /** Sizes of what was asked for. */
  public long bytes() {
    return bytes;
  }

  /** Requests that no quota could have answered: they were the first for their key. */
  public long coldRequests() {
    return sum(Counter.COLD_REQUESTS);
  }

  public long coldBytes() {
    return sum(Counter.COLD_BYTES);
  }

  /** The share of the requests that would have been hits, from 0 to 1; 0 without requests. */
  public double hitRatio(long quotaBytes) {
    double hits = 0;
    for (Bucket bucket : buckets) {
      hits += bucket.distances.requestsWithin(quotaBytes / UNIT_BYTES);
    }
    return requests == 0 ? 0 : hits / requests;
  }

  /** The share of the bytes that would have been hits, from 0 to 1; 0 without requests. */
  public double byteHitRatio(long quotaBytes) {
    return bytes == 0 ? 0 : hitBytes(quotaBytes / UNIT_BYTES) / bytes;
  }

  private double hitBytes(long units) {
    double hitBytes = 0;
    for (Bucket bucket : buckets) {
      hitBytes += bucket.distances.bytesWithin(units);
    }
    return hitBytes;
  }

  /** The quota at which the last hit is won: more would have changed nothing. */
  public long fullBytes() {
    long units = 0;
    for (Bucket bucket : buckets) {
      units = Math.max(units, bucket.distances.largest());
    }
    return units * UNIT_BYTES;
  }

  /** The smallest quota from which on at most 0.01 of byte hit ratio is still to be won. */
  public long flatBytes() {
    long enough = fullBytes() / UNIT_BYTES;
    double wanted = hitBytes(enough) - FLAT * bytes;
    long tooSmall = -1;
    while (enough - tooSmall > 1) {
      long middle = tooSmall + (enough - tooSmall) / 2;
      if (hitBytes(middle) >= wanted) {
        enough = middle;
      } else {
        tooSmall = middle;
      }
    }
    return enough * UNIT_BYTES;
  }

  /**
   * From this quota on the curve may be too low, since the bound on keys made the stack forget keys
   * that were asked for again; empty if that never mattered.
   */
  public OptionalLong exactBelowBytes() {
    return buckets.stream()
        .mapToLong(Bucket::exactBelow)
        .filter(units -> units != Bucket.UNBOUNDED)
        .map(units -> units * UNIT_BYTES)
        .min();
  }

  /** The largest object that was asked for; 0 if none was. */
  public long largestBytes() {
    return buckets.stream().mapToLong(Bucket::largest).max().orElse(0) * UNIT_BYTES;
  }
}
