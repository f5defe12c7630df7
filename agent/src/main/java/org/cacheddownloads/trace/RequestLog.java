package org.cacheddownloads.trace;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The last requests for downloads, and the last slow ones among them. Thread-safe. */
public final class RequestLog {
  /** So many of all, and so many of the slow ones. */
  public static final int KEPT = 100;

  private final Supplier<Duration> slowAfter;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final ArrayDeque<Served> last = new ArrayDeque<>(KEPT);

  @GuardedBy("lock")
  private final ArrayDeque<Served> slow = new ArrayDeque<>(KEPT);

  /**
   * A request for a download that has ended.
   *
   * @param id as in its reply and in the log
   * @param at when it began
   * @param container {@code -} for a prefetch, like {@code name}
   * @param outcome {@code failed} if it did, and then {@code code} says how
   * @param bytes size of what was handed out; 0 if it failed
   */
  public record Served(
      String id,
      Instant at,
      String container,
      String name,
      String key,
      String url,
      String outcome,
      @Nullable String code,
      long bytes,
      Duration took,
      Map<Phase, Duration> phases) {
    /** The phase that it was in for the longest, or null if it was in none. */
    public @Nullable Phase waitedFor() {
      return phases.entrySet().stream()
          .max(Map.Entry.comparingByValue())
          .map(Map.Entry::getKey)
          .orElse(null);
    }
  }

  /**
   * @param slowAfter from when on a request is a slow one; asked anew for each
   */
  public RequestLog(Supplier<Duration> slowAfter) {
    this.slowAfter = slowAfter;
  }

  public void add(Served served) {
    boolean isSlow = served.took().compareTo(slowAfter.get()) >= 0;
    lock.lock();
    try {
      keep(last, served);
      if (isSlow) {
        keep(slow, served);
      }
    } finally {
      lock.unlock();
    }
  }

  private static void keep(ArrayDeque<Served> ring, Served served) {
    if (ring.size() == KEPT) {
      ring.removeFirst();
    }
    ring.addLast(served);
  }

  /** The last ones, newest first. */
  public List<Served> last() {
    lock.lock();
    try {
      return List.copyOf(last.reversed());
    } finally {
      lock.unlock();
    }
  }

  /** The last slow ones, newest first. */
  public List<Served> slow() {
    lock.lock();
    try {
      return List.copyOf(slow.reversed());
    } finally {
      lock.unlock();
    }
  }
}
