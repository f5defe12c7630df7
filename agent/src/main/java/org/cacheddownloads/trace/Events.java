package org.cacheddownloads.trace;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What happened lately, numbered from 1 since the agent started. The last {@link #KEPT} are kept:
 * readers follow at their own pace, and who is too slow sees by the numbers what it missed. Nobody
 * who tells an event waits for a reader. Thread-safe.
 */
public final class Events {
  /** So many events are kept. */
  public static final int KEPT = 1024;

  private final Clock clock;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition told = lock.newCondition();

  @GuardedBy("lock")
  private final ArrayDeque<Event> kept = new ArrayDeque<>();

  @GuardedBy("lock")
  private long last;

  @GuardedBy("lock")
  private boolean ended;

  /** Of what kind an event is. */
  public enum Kind {
    /** Bytes came from an origin and are in the store. */
    FETCHED("fetched"),
    /** A blob or a tree was deleted to make room, or because it was asked for. */
    EVICTED("evicted"),
    /** A container, or one name of it, was released. */
    RELEASED("released"),
    /** Bytes differ from their digest and are not handed out any more. */
    QUARANTINED("quarantined"),
    /** The configuration was read again. */
    CONFIG_CHANGED("config-changed");

    private final String label;

    Kind(String label) {
      this.label = label;
    }

    /** As in replies. */
    public String label() {
      return label;
    }
  }

  /**
   * One event.
   *
   * @param id one more than that of the event before
   * @param facts texts, numbers, booleans and lists of texts by name, in order; no secrets
   */
  public record Event(long id, Instant at, Kind kind, Map<String, @Nullable Object> facts) {}

  public Events(Clock clock) {
    this.clock = clock;
  }

  /**
   * Tells everybody who follows.
   *
   * @param namesAndFacts a name, its fact, the next name and so on
   */
  public void tell(Kind kind, @Nullable Object... namesAndFacts) {
    var facts = new LinkedHashMap<String, @Nullable Object>();
    for (int i = 0; i < namesAndFacts.length; i += 2) {
      facts.put(String.valueOf(namesAndFacts[i]), namesAndFacts[i + 1]);
    }
    lock.lock();
    try {
      if (kept.size() == KEPT) {
        kept.removeFirst();
      }
      kept.addLast(new Event(++last, clock.instant(), kind, Collections.unmodifiableMap(facts)));
      told.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** The number of the newest event; 0 if there was none. */
  public long last() {
    lock.lock();
    try {
      return last;
    } finally {
      lock.unlock();
    }
  }

  /** The events after number {@code id} that are still kept, oldest first. */
  public List<Event> after(long id) {
    lock.lock();
    try {
      return kept.stream().filter(event -> event.id() > id).toList();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until there is an event after number {@code id}.
   *
   * @return false if there is none within {@code patience}
   * @throws InterruptedException if the reader is gone
   */
  public boolean await(long id, Duration patience) throws InterruptedException {
    long nanos = patience.toNanos();
    lock.lock();
    try {
      while (last <= id && !ended && nanos > 0) {
        nanos = told.awaitNanos(nanos);
      }
      return last > id;
    } finally {
      lock.unlock();
    }
  }

  /** Whether there will be no more, so that readers should leave. */
  public boolean hasEnded() {
    lock.lock();
    try {
      return ended;
    } finally {
      lock.unlock();
    }
  }

  /** Lets those who follow leave: the agent drains. */
  public void end() {
    lock.lock();
    try {
      ended = true;
      told.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
