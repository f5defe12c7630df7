package org.cacheddownloads.fetch;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongUnaryOperator;
import org.cacheddownloads.content.Freshness;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.BadResponse;
import org.cacheddownloads.failure.CacheException.OriginRejected;
import org.cacheddownloads.failure.CacheException.OriginUnavailable;
import org.cacheddownloads.failure.CacheException.TimedOut;

/** Whether and when a source is asked again. Pure. */
final class Retry {
  private static final Duration FIRST = Duration.ofMillis(200);
  private static final Duration LONGEST = Duration.ofSeconds(10);
  private static final Duration MOST_SPREAD = Duration.ofSeconds(1);
  private static final Set<Integer> STATUSES = Set.of(408, 425, 429);

  private Retry() {}

  /**
   * Connection faults, silence, 5xx and the statuses that mean "later" are worth another try; what
   * the origin decided is not, and no fault that will be the same again. A name that is unknown now
   * may be known in a moment.
   */
  static boolean isWorthwhile(CacheException failure) {
    return switch (failure) {
      case OriginUnavailable e -> e.retryable();
      case TimedOut _ -> true;
      case BadResponse e -> e.isCut();
      case OriginRejected e -> e.originStatus() >= 500 || STATUSES.contains(e.originStatus());
      default -> false;
    };
  }

  /**
   * Whether the failure is one that a stale entry may stand in for (RFC 5861 section 4): not what
   * the origin said deliberately.
   */
  static boolean isOutage(CacheException failure) {
    return switch (failure) {
      case OriginUnavailable _, TimedOut _ -> true;
      case BadResponse e -> e.isCut();
      case OriginRejected e -> e.originStatus() >= 500;
      default -> false;
    };
  }

  /**
   * How long to pause before try number {@code next} (the first repetition is 1): exponential with
   * full jitter, or what the origin asks for and up to a tenth more, so that not all who were sent
   * away come back at once.
   *
   * @param randomBelow a random number from 0 to its argument, exclusive
   */
  static Duration pause(int next, Optional<Duration> retryAfter, LongUnaryOperator randomBelow) {
    if (retryAfter.isPresent()) {
      long spread = Math.min(MOST_SPREAD.toMillis(), retryAfter.get().toMillis() / 10);
      return retryAfter.get().plusMillis(randomBelow.applyAsLong(spread + 1));
    }
    long ceiling = Math.min(LONGEST.toMillis(), FIRST.toMillis() << Math.min(next - 1, 16));
    return Duration.ofMillis(randomBelow.applyAsLong(ceiling + 1));
  }

  /** A {@code Retry-After} value as a duration (RFC 9110 section 10.2.3): seconds or a date. */
  static Optional<Duration> retryAfter(Optional<String> header, Instant now) {
    return header
        .map(String::strip)
        .flatMap(
            text -> {
              if (!text.isEmpty()
                  && text.length() < 10
                  && text.chars().allMatch(c -> c >= '0' && c <= '9')) {
                return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
              }
              return Freshness.date(text)
                  .map(date -> date.isAfter(now) ? Duration.between(now, date) : Duration.ZERO);
            });
  }
}
