package org.cacheddownloads.advice;

import java.util.ArrayList;
import java.util.List;

/**
 * Plays requests over caches of several policies and quotas at once, each of which begins empty.
 * Not thread-safe.
 *
 * <p>Memory is bounded: {@value #KEYS_IN_ALL} keys are remembered, by all caches together, each the
 * same part of them, and {@value Distinct#MOST_KEYS} to count first requests.
 */
public final class Simulation {
  /** The most caches at once. */
  public static final int MOST_CACHES = 64;

  /** At 65 bytes: 48 MiB. */
  private static final int KEYS_IN_ALL = 3 << 18;

  private final List<Cache> caches = new ArrayList<>();
  private final Distinct distinct = new Distinct();
  private long requests;
  private long bytes;
  private long neverKept;
  private long neverKeptBytes;

  private static final class Cache {
    final Policy.Kind kind;
    final long quotaBytes;
    final Policy policy;
    long hits;
    long hitBytes;

    Cache(Policy.Kind kind, long quotaBytes, int maxKeys) {
      this.kind = kind;
      this.quotaBytes = quotaBytes;
      policy = kind.of(quotaBytes, maxKeys);
    }
  }

  /**
   * What came of it.
   *
   * @param coldRequests those for an object that had not been asked for before or may not be kept,
   *     so that no cache could have had it; exact unless {@code estimated}
   */
  public record Result(
      long requests,
      long bytes,
      long coldRequests,
      long coldBytes,
      boolean estimated,
      List<Line> lines) {
    /** The request hit ratio of a cache without a limit. */
    public double mostHits() {
      return 1 - ratio(coldRequests, requests);
    }

    /** The byte hit ratio of a cache without a limit. */
    public double mostHitBytes() {
      return 1 - ratio(coldBytes, bytes);
    }

    public double hitRatio(Line line) {
      return ratio(line.hits(), requests);
    }

    public double byteHitRatio(Line line) {
      return ratio(line.hitBytes(), bytes);
    }

    private static double ratio(long part, long whole) {
      return whole == 0 ? 0 : Math.clamp(part / (double) whole, 0, 1);
    }
  }

  /**
   * One cache.
   *
   * @param dropped keys that went because the simulation remembers no more; above 0 the cache would
   *     have hit more often
   */
  public record Line(Policy.Kind kind, long quotaBytes, long hits, long hitBytes, long dropped) {}

  /**
   * @throws IllegalArgumentException if these are more than {@value #MOST_CACHES} caches
   */
  public Simulation(List<Policy.Kind> kinds, List<Long> quotas) {
    int count = kinds.size() * quotas.size();
    if (count > MOST_CACHES)
      throw new IllegalArgumentException("at most " + MOST_CACHES + " caches, not " + count);
    for (Policy.Kind kind : kinds) {
      for (long quota : quotas) caches.add(new Cache(kind, quota, KEYS_IN_ALL / count));
    }
  }

  /**
   * Asks all caches.
   *
   * @param size what a hit saves
   * @param allocated what the object takes of the quota
   */
  public void request(long key, long size, long allocated) {
    requests++;
    bytes += size;
    distinct.add(key, size, allocated);
    for (Cache cache : caches) {
      if (!cache.policy.request(key, allocated)) continue;
      cache.hits++;
      cache.hitBytes += size;
    }
  }

  /** A request that counts, for an object that no cache may keep. */
  public void requestUncacheable(long size) {
    requests++;
    bytes += size;
    neverKept++;
    neverKeptBytes += size;
  }

  public Result result() {
    return new Result(
        requests,
        bytes,
        distinct.count() + neverKept,
        distinct.bytes() + neverKeptBytes,
        distinct.estimated(),
        caches.stream()
            .map(
                cache ->
                    new Line(
                        cache.kind,
                        cache.quotaBytes,
                        cache.hits,
                        cache.hitBytes,
                        cache.policy.dropped()))
            .toList());
  }
}
