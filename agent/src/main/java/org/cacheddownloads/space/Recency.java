package org.cacheddownloads.space;

import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Times of use, in microseconds, each later than the one before, so that least recently used is a
 * total order. Thread-safe.
 */
public final class Recency {
  private final Clock clock;
  private final AtomicReference<Instant> last = new AtomicReference<>(Instant.EPOCH);

  public Recency(Clock clock) {
    this.clock = clock;
  }

  /** Lets all further times be after {@code seen}, whatever the clock says. */
  public void startAfter(Instant seen) {
    last.accumulateAndGet(seen, (a, b) -> a.isAfter(b) ? a : b);
  }

  public Instant next() {
    Instant now = clock.instant().truncatedTo(ChronoUnit.MICROS);
    return last.updateAndGet(
        before -> now.isAfter(before) ? now : before.plus(1, ChronoUnit.MICROS));
  }
}
