package org.cacheddownloads.space;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.cacheddownloads.content.Checksum;
import org.cacheddownloads.content.ResumeNote;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.store.KeptIngest;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Downloads that were cut and wait to be gone on with: at most one for each question to an origin.
 * They count as partial bytes, are the first to go when space is needed, the oldest first, and
 * expire. Thread-safe; no I/O under its lock.
 */
public final class Partials {
  private static final Logger log = LoggerFactory.getLogger(Partials.class);

  private final Budget budget;
  private final Supplier<Duration> ttl;
  private final Clock clock;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final Map<Question, Partial> kept = new LinkedHashMap<>();

  /** To whom a partial download is of use: who sends the same to the same URL. */
  private record Question(String source, String sent) {
    static Question of(ResumeNote note) {
      return new Question(note.source(), note.sent());
    }
  }

  /**
   * @param ttl how long one is kept; asked anew each time
   */
  public Partials(Budget budget, Supplier<Duration> ttl, Clock clock) {
    this.ttl = ttl;
    this.budget = budget;
    this.clock = clock;
  }

  /**
   * Takes over a partial download that is laid aside. Of two for the same question the longer one
   * stays.
   */
  public void keep(Partial partial) throws IOException {
    partial.rest();
    Question question = Question.of(partial.note());
    Partial loser;
    lock.lock();
    try {
      Partial other = kept.get(question);
      if (other != null && other.size() >= partial.size()) {
        loser = partial;
      } else {
        loser = other;
        kept.remove(question); // so that the new one is the youngest
        kept.put(question, partial);
      }
    } finally {
      lock.unlock();
    }
    if (loser != partial) {
      budget.resting(partial.room().partialBytes());
      log.info(
          "laid aside a download that was cut source={} bytes={}",
          partial.note().source(),
          partial.size());
      if (loser != null) {
        budget.resting(-loser.room().partialBytes());
      }
    }
    if (loser != null) {
      loser.close();
    }
  }

  /** Finds what an earlier process left in an ingest directory. @return false if it is of no use */
  public boolean adopt(KeptIngest found, long allocatedBytes, long inodes) throws IOException {
    if (found.changed().plus(ttl.get()).isBefore(clock.instant())) {
      return false;
    }
    keep(new Partial(found, Reservation.found(budget, allocatedBytes, inodes)));
    return true;
  }

  /** Gives out the partial download for a question; whoever gets it owns it. */
  public Optional<Partial> take(
      String source, String sent, Checksum.@Nullable Algorithm algorithm) {
    Partial partial;
    lock.lock();
    try {
      partial = kept.remove(new Question(source, sent));
    } finally {
      lock.unlock();
    }
    if (partial == null) {
      return Optional.empty();
    }
    budget.resting(-partial.room().partialBytes());
    if (!partial.suits(algorithm)) {
      partial.close(); // it was not hashed for the checksum that is wanted now
      return Optional.empty();
    }
    return Optional.of(partial);
  }

  /** Drops the one that was laid aside first. @return false if there is none */
  boolean dropOldest() {
    Partial oldest;
    lock.lock();
    try {
      oldest = kept.values().stream().min(Comparator.comparing(Partial::since)).orElse(null);
      if (oldest == null) {
        return false;
      }
      kept.values().remove(oldest);
    } finally {
      lock.unlock();
    }
    drop(oldest, "space is needed");
    return true;
  }

  /** Drops those that were laid aside too long ago. */
  public void expire() {
    Instant end = clock.instant().minus(ttl.get());
    List<Partial> expired = new ArrayList<>();
    lock.lock();
    try {
      kept.values().removeIf(partial -> !partial.since().isAfter(end) && expired.add(partial));
    } finally {
      lock.unlock();
    }
    expired.forEach(partial -> drop(partial, "it expired"));
  }

  private void drop(Partial partial, String why) {
    budget.resting(-partial.room().partialBytes());
    log.info(
        "dropped a partial download source={} bytes={} why={}",
        partial.note().source(),
        partial.size(),
        why);
    try {
      partial.close();
    } catch (CacheException e) {
      log.warn("cannot remove a partial download, the next start will error={}", e.getMessage());
    }
  }

  /** How many wait. */
  public int count() {
    lock.lock();
    try {
      return kept.size();
    } finally {
      lock.unlock();
    }
  }
}
