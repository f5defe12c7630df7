package org.cacheddownloads.advice;

import java.time.Duration;
import java.time.Instant;

/**
 * What a window of time tells about the cache.
 *
 * @param from since when: the start of the window, or of the recording if that came later
 * @param curve what other quotas would have made of the requests
 * @param workingSetBytes allocated bytes of all that was asked for in the window, each object once
 * @param hits requests that the agent answered without a download
 * @param ghostHits requests that the policy on trial would have answered
 * @param droppedKeys keys that the bound on keys cost; see {@link Curve#exactBelowBytes}
 */
public record Advice(
    Span span,
    Instant from,
    Curve curve,
    long workingSetBytes,
    long hits,
    long hitBytes,
    long ghostHits,
    long ghostHitBytes,
    Regrets regrets,
    long droppedKeys) {

  /**
   * Downloads of what had been evicted not long before.
   *
   * @param waited by callers, in sum
   */
  public record Regrets(long count, long bytes, Duration waited) {}
}
