package org.cacheddownloads.fetch;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.cacheddownloads.config.Config.Fetch;
import org.cacheddownloads.failure.CacheException.OriginUnavailable;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the health of each origin, so that nobody waits for one that is down and no
 * crowd of repetitions falls upon one that is weak. Thread-safe; no I/O.
 *
 * <p>A <em>circuit breaker</em>: after {@code fetch.breakerFailures} downloads in a row for which
 * an origin could not be reached or stayed silent, it is not asked for {@code fetch.breakerPause};
 * then one download tries, and the others go on failing at once until that one has an answer. Any
 * answer counts as health, also a refusal: an origin that says 503 is there, and says itself when
 * to come again.
 *
 * <p>A <em>retry budget</em>: so many repetitions of {@code fetch.retryBudget} may follow one
 * another at one origin; one comes back each second.
 */
public final class Breakers {
  /** Origins that are remembered; the one that was asked longest ago goes. */
  private static final int MOST = 10_000;

  private static final double BACK_PER_SECOND = 1;

  private final Supplier<Fetch> limits;
  private final Clock clock;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final Map<String, Health> origins =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Health> eldest) {
          return size() > MOST;
        }
      };

  private static final class Health {
    int failures;
    @Nullable Instant restsUntil;
    @Nullable Try probe;
    double repetitions;
    Instant countedAt;

    Health(double repetitions, Instant now) {
      this.repetitions = repetitions;
      this.countedAt = now;
    }
  }

  /**
   * @param limits asked anew each time
   */
  public Breakers(Supplier<Fetch> limits, Clock clock) {
    this.limits = limits;
    this.clock = clock;
  }

  /** A download that may ask an origin. Closed without a verdict it leaves things as they are. */
  final class Try implements AutoCloseable {
    private final String origin;
    private boolean isDecided;

    private Try(String origin) {
      this.origin = origin;
    }

    /** Whether it tries an origin that is down: others wait for what it finds, so it tries once. */
    boolean isProbe() {
      lock.lock();
      try {
        return health(origin).probe == this;
      } finally {
        lock.unlock();
      }
    }

    /** The origin answered, whatever it said. */
    void answered() {
      lock.lock();
      try {
        isDecided = true;
        Health health = health(origin);
        health.failures = 0;
        health.restsUntil = null;
        health.probe = null;
      } finally {
        lock.unlock();
      }
    }

    /** The download ended without any answer of the origin. */
    void failed() {
      lock.lock();
      try {
        if (isDecided) {
          return;
        }
        isDecided = true;
        Health health = health(origin);
        health.failures++;
        int most = limits.get().breakerFailures();
        if (most > 0 && health.failures >= most) {
          health.restsUntil = clock.instant().plus(limits.get().breakerPause());
        }
      } finally {
        lock.unlock();
        close();
      }
    }

    @Override
    public void close() {
      lock.lock();
      try {
        Health health = health(origin);
        if (health.probe == this) {
          health.probe = null;
        }
      } finally {
        lock.unlock();
      }
    }
  }

  /**
   * Begins a download.
   *
   * @throws OriginUnavailable if the origin is down and not to be asked now
   */
  Try enter(String origin) {
    lock.lock();
    try {
      Health health = health(origin);
      var attempt = new Try(origin);
      if (health.restsUntil == null || limits.get().breakerFailures() == 0) {
        return attempt;
      }
      Instant now = clock.instant();
      if (now.isBefore(health.restsUntil) || health.probe != null) {
        throw new OriginUnavailable(
            origin
                + " did not answer the last "
                + health.failures
                + " downloads; it is asked again "
                + (health.probe != null
                    ? "by another request just now"
                    : "in " + Duration.between(now, health.restsUntil).toMillis() + " ms")
                + " (fetch.breakerPause)",
            null);
      }
      health.probe = attempt;
      return attempt;
    } finally {
      lock.unlock();
    }
  }

  /** Whether an origin did not answer for so long that it rests, or is tried just now. */
  boolean isDown(String origin) {
    lock.lock();
    try {
      return limits.get().breakerFailures() > 0 && health(origin).restsUntil != null;
    } finally {
      lock.unlock();
    }
  }

  /** Takes one repetition out of the budget of an origin. @return false if there is none left */
  boolean mayRepeat(String origin) {
    lock.lock();
    try {
      int budget = limits.get().retryBudget();
      Health health = health(origin);
      Instant now = clock.instant();
      double seconds = Math.max(0, Duration.between(health.countedAt, now).toMillis() / 1000.0);
      health.repetitions = Math.min(budget, health.repetitions + seconds * BACK_PER_SECOND);
      health.countedAt = now;
      if (health.repetitions < 1) {
        return false;
      }
      health.repetitions--;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** How many origins rest now. */
  public int resting() {
    lock.lock();
    try {
      return (int) origins.values().stream().filter(health -> health.restsUntil != null).count();
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private Health health(String origin) {
    return origins.computeIfAbsent(
        origin, _ -> new Health(limits.get().retryBudget(), clock.instant()));
  }
}
