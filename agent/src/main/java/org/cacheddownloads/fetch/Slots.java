package org.cacheddownloads.fetch;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.cacheddownloads.config.Config.Fetch;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.TimedOut;

/**
 * The right to have a request at an origin: at most {@code fetch.perOrigin} for each and {@code
 * fetch.concurrency} in all. Origins take turns; within one origin the first to come is the first
 * served, so a stalled origin with a long queue delays nobody else's. Thread-safe.
 */
public final class Slots {
  private final Supplier<Fetch> limits;
  private final Clock clock;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final Map<String, ArrayDeque<Ticket>> queues = new LinkedHashMap<>();

  @GuardedBy("lock")
  private final Map<String, Integer> taken = new HashMap<>();

  @GuardedBy("lock")
  private int inFlight;

  @GuardedBy("lock")
  private int queued;

  private static final class Ticket {
    final Condition granted;
    boolean isGranted;

    Ticket(Condition granted) {
      this.granted = granted;
    }
  }

  /** A slot that is taken until it is closed; closing is idempotent. */
  public final class Slot implements AutoCloseable {
    private final String origin;
    private boolean open = true;

    private Slot(String origin) {
      this.origin = origin;
    }

    @Override
    public void close() {
      if (open) {
        open = false;
        give(origin);
      }
    }
  }

  /**
   * @param limits asked anew whenever a slot is given
   */
  public Slots(Supplier<Fetch> limits, Clock clock) {
    this.limits = limits;
    this.clock = clock;
  }

  /**
   * Waits for a slot at {@code origin} until {@code deadline}.
   *
   * @throws TimedOut if none became free
   */
  Slot take(String origin, Instant deadline) {
    lock.lock();
    try {
      var ticket = new Ticket(lock.newCondition());
      queues.computeIfAbsent(origin, _ -> new ArrayDeque<>()).addLast(ticket);
      queued++;
      grant();
      try {
        await(ticket, deadline);
      } finally {
        queued--;
        if (!ticket.isGranted) {
          remove(origin, ticket);
        }
      }
      return new Slot(origin);
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private void await(Ticket ticket, Instant deadline) {
    try {
      while (!ticket.isGranted) {
        Duration left = Duration.between(clock.instant(), deadline);
        if (left.isNegative() || left.isZero()) {
          throw new TimedOut(
              "the deadline passed while waiting for one of fetch.concurrency and fetch.perOrigin slots",
              null);
        }
        long _ = ticket.granted.awaitNanos(left.toNanos());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      if (!ticket.isGranted) {
        throw new Busy("the request was given up while it waited for a download slot", e);
      }
    }
  }

  @GuardedBy("lock")
  private void remove(String origin, Ticket ticket) {
    ArrayDeque<Ticket> queue = queues.get(origin);
    if (queue != null) {
      queue.remove(ticket);
      if (queue.isEmpty()) {
        queues.remove(origin);
      }
    }
  }

  private void give(String origin) {
    lock.lock();
    try {
      inFlight--;
      taken.merge(origin, -1, (a, b) -> a + b == 0 ? null : a + b);
      grant();
    } finally {
      lock.unlock();
    }
  }

  /** Gives what is free to the origins in turn: the one served goes to the end of the line. */
  @GuardedBy("lock")
  private void grant() {
    Fetch now = limits.get();
    boolean progress = true;
    while (progress && inFlight < now.concurrency()) {
      progress = false;
      for (var origin : queues.entrySet()) {
        if (taken.getOrDefault(origin.getKey(), 0) < now.perOrigin()) {
          grantFirst(origin.getKey(), origin.getValue());
          progress = true;
          break; // the map has changed
        }
      }
    }
  }

  @GuardedBy("lock")
  private void grantFirst(String origin, ArrayDeque<Ticket> queue) {
    Ticket first = queue.removeFirst();
    first.isGranted = true;
    first.granted.signal();
    inFlight++;
    taken.merge(origin, 1, Integer::sum);
    queues.remove(origin);
    if (!queue.isEmpty()) {
      queues.put(origin, queue);
    }
  }

  public int inFlight() {
    lock.lock();
    try {
      return inFlight;
    } finally {
      lock.unlock();
    }
  }

  public int queued() {
    lock.lock();
    try {
      return queued;
    } finally {
      lock.unlock();
    }
  }
}
