package org.cacheddownloads.fetch;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.cacheddownloads.failure.Attempt;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.fetch.Flights.Question;

/**
 * Remembers for {@code fetch.negativeTtl} that an origin said 404 or 410, so that a storm of
 * callers asks once. At most {@link #MOST} questions; the oldest go. Thread-safe.
 */
final class Refusals {
  private static final int MOST = 10_000;

  private final Clock clock;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final Map<Question, Refusal> remembered = new LinkedHashMap<>();

  private record Refusal(CacheException failure, Instant until) {}

  Refusals(Clock clock) {
    this.clock = clock;
  }

  void remember(Question question, CacheException failure, Duration ttl) {
    Integer status = failure.originStatus();
    if (status == null || !isAbsence(status) || !saidAll(failure) || ttl.isZero()) {
      return;
    }
    lock.lock();
    try {
      remembered.remove(question);
      remembered.put(question, new Refusal(failure, clock.instant().plus(ttl)));
      if (remembered.size() > MOST) {
        remembered.remove(remembered.keySet().iterator().next());
      }
    } finally {
      lock.unlock();
    }
  }

  /** Whether every source said that there is no such thing: one that is down may have it. */
  private static boolean saidAll(CacheException failure) {
    return failure.attempts().stream()
        .map(Attempt::status)
        .allMatch(status -> status != null && isAbsence(status));
  }

  private static boolean isAbsence(int status) {
    return status == 404 || status == 410;
  }

  Optional<CacheException> recall(Question question) {
    lock.lock();
    try {
      Refusal refusal = remembered.get(question);
      if (refusal == null) {
        return Optional.empty();
      }
      if (clock.instant().isBefore(refusal.until())) {
        return Optional.of(refusal.failure());
      }
      remembered.remove(question);
      return Optional.empty();
    } finally {
      lock.unlock();
    }
  }
}
