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
import org.cacheddownloads.config.Config;
import org.cacheddownloads.config.Rule;
import org.cacheddownloads.config.UrlPattern;
import org.cacheddownloads.content.SourceUrl;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.TimedOut;
import org.cacheddownloads.trace.Phase;
import org.cacheddownloads.trace.Trace;
import org.jspecify.annotations.Nullable;

/**
 * The right to have a request at an origin: at most {@code fetch.perOrigin} for each and {@code
 * fetch.concurrency} in all. What a rule of {@code origins.rules} with a {@code concurrency} of its
 * own matches has that many at each origin, and counts by itself. Origins take turns; within one
 * origin the first to come is the first served, so a stalled origin with a long queue delays nobody
 * else's. Thread-safe.
 */
public final class Slots {
  private final Supplier<Config> config;
  private final Clock clock;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final Map<Lane, ArrayDeque<Ticket>> queues = new LinkedHashMap<>();

  @GuardedBy("lock")
  private final Map<Lane, Integer> taken = new HashMap<>();

  @GuardedBy("lock")
  private int inFlight;

  @GuardedBy("lock")
  private int queued;

  /** What has a limit of its own: an origin, or what a rule matches there. */
  private record Lane(String origin, @Nullable UrlPattern rule) {}

  private static final class Ticket {
    final Condition granted;
    boolean isGranted;

    Ticket(Condition granted) {
      this.granted = granted;
    }
  }

  /** A slot that is taken until it is closed; closing is idempotent. */
  public final class Slot implements AutoCloseable {
    private final Lane lane;
    private boolean open = true;

    private Slot(Lane lane) {
      this.lane = lane;
    }

    @Override
    public void close() {
      if (open) {
        open = false;
        give(lane);
      }
    }
  }

  /**
   * @param config asked anew whenever a slot is given
   */
  public Slots(Supplier<Config> config, Clock clock) {
    this.config = config;
    this.clock = clock;
  }

  /**
   * Waits for a slot at the origin of {@code url} until {@code deadline}.
   *
   * @throws TimedOut if none became free
   */
  Slot take(SourceUrl url, Instant deadline) {
    Lane lane = lane(url);
    try (var _ = Trace.enter(Phase.SLOT)) {
      return take(lane, deadline);
    }
  }

  private Slot take(Lane lane, Instant deadline) {
    lock.lock();
    try {
      var ticket = new Ticket(lock.newCondition());
      queues.computeIfAbsent(lane, _ -> new ArrayDeque<>()).addLast(ticket);
      queued++;
      grant();
      try {
        await(ticket, deadline);
      } finally {
        queued--;
        if (!ticket.isGranted) {
          remove(lane, ticket);
        }
      }
      return new Slot(lane);
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
  private void remove(Lane lane, Ticket ticket) {
    ArrayDeque<Ticket> queue = queues.get(lane);
    if (queue != null) {
      queue.remove(ticket);
      if (queue.isEmpty()) {
        queues.remove(lane);
      }
    }
  }

  private void give(Lane lane) {
    lock.lock();
    try {
      inFlight--;
      taken.merge(lane, -1, (a, b) -> a + b == 0 ? null : a + b);
      grant();
    } finally {
      lock.unlock();
    }
  }

  /** Gives what is free to the origins in turn: the one served goes to the end of the line. */
  @GuardedBy("lock")
  private void grant() {
    Config now = config.get();
    boolean progress = true;
    while (progress && inFlight < now.fetch().concurrency()) {
      progress = false;
      for (var queue : queues.entrySet()) {
        if (taken.getOrDefault(queue.getKey(), 0) < most(queue.getKey(), now)) {
          grantFirst(queue.getKey(), queue.getValue());
          progress = true;
          break; // the map has changed
        }
      }
    }
  }

  @GuardedBy("lock")
  private void grantFirst(Lane lane, ArrayDeque<Ticket> queue) {
    Ticket first = queue.removeFirst();
    first.isGranted = true;
    first.granted.signal();
    inFlight++;
    taken.merge(lane, 1, Integer::sum);
    queues.remove(lane);
    if (!queue.isEmpty()) {
      queues.put(lane, queue);
    }
  }

  private Lane lane(SourceUrl url) {
    return new Lane(
        url.origin(),
        Rules.find(config.get().origins().rules(), url)
            .filter(rule -> rule.concurrency() != null)
            .map(Rule::match)
            .orElse(null));
  }

  /** A rule that is gone since the lane was made leaves it the limit of every origin. */
  private static int most(Lane lane, Config now) {
    if (lane.rule() != null) {
      for (Rule rule : now.origins().rules()) {
        Integer most = rule.concurrency();
        if (rule.match().equals(lane.rule()) && most != null) {
          return most;
        }
      }
    }
    return now.fetch().perOrigin();
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
