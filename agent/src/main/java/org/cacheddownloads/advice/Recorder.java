package org.cacheddownloads.advice;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Sees every request, and tells what other quotas would have made of them. Thread-safe; a request
 * takes less than a microsecond. Memory: at most 64 bytes for each of {@code maxKeys} keys, and for
 * the windows at most {@link #MOST_WINDOW_BYTES}; both grow from nothing.
 */
public final class Recorder {
  /** Buckets of all windows, and a copy of the present ones for an answer or a file. */
  static final long MOST_WINDOW_BYTES =
      (13 + 25 + 29 + 3) * (DistanceHistogram.MOST_HEAP_BYTES + 256);

  private final ReentrantLock lock = new ReentrantLock();

  /** One file is written at a time; nothing else waits for it. */
  private final ReentrantLock saving = new ReentrantLock();

  @GuardedBy("lock")
  private final State state;

  private final Optional<String> refusal;

  /**
   * A request for an object that was handed out.
   *
   * @param key hash of what the object is, spread evenly over 64 bits; equal keys are equal objects
   * @param allocatedBytes what it occupies, as the quota counts
   * @param bytes its size
   * @param fate how the agent came by it
   */
  public record Request(Instant at, long key, long allocatedBytes, long bytes, Fate fate) {}

  /** How the agent came by the bytes of a request, as far as a quota has to do with it. */
  public enum Fate {
    /** They were here. */
    HIT,
    /** They were not here, and were downloaded. */
    MISS,
    /** The origin sent them whatever was here; no quota would have helped. */
    FORCED,
    /** They may not be stored; no quota would have helped, and none is needed. */
    UNSTORED
  }

  private Recorder(State state, Optional<String> refusal) {
    this.state = state;
    this.refusal = refusal;
  }

  /**
   * One that knows nothing yet.
   *
   * @param maxKeys keys that it remembers, from 1 to 4,000,000; the least recently used are dropped
   */
  public static Recorder empty(int maxKeys, Instant now) {
    return new Recorder(new State(maxKeys, now), Optional.empty());
  }

  /**
   * One that goes on where {@link #save} left off. Without the file, and with one that cannot be
   * used ({@link #refusal} then says why), it knows nothing yet.
   */
  public static Recorder open(Path file, int maxKeys, Instant now) {
    try {
      return new Recorder(Snapshot.read(file, maxKeys), Optional.empty());
    } catch (NoSuchFileException e) {
      return empty(maxKeys, now);
    } catch (UnusableSnapshot e) {
      return refused(maxKeys, now, file + ": " + e.getMessage());
    } catch (IOException e) {
      return refused(maxKeys, now, file + " cannot be read: " + e);
    }
  }

  private static Recorder refused(int maxKeys, Instant now, String why) {
    return new Recorder(new State(maxKeys, now), Optional.of(why));
  }

  /** Why the file of {@link #open} was not used. */
  public Optional<String> refusal() {
    return refusal;
  }

  public void record(Request request) {
    lock.lock();
    try {
      state.record(request);
    } finally {
      lock.unlock();
    }
  }

  /**
   * An object came into the cache that nobody asked for by itself, such as the archive of a
   * directory: it takes room like others.
   */
  public void occupy(Instant at, long key, long allocatedBytes) {
    lock.lock();
    try {
      state.occupy(at, key, allocatedBytes);
    } finally {
      lock.unlock();
    }
  }

  /** A download of what had been evicted not long before, which a caller waited for. */
  public void regret(Instant at, long bytes, Duration waited) {
    lock.lock();
    try {
      state.regret(at, bytes, waited);
    } finally {
      lock.unlock();
    }
  }

  /** The policy on trial would have answered a request of so many bytes without a download. */
  public void ghostHit(Instant at, long bytes) {
    lock.lock();
    try {
      state.ghostHit(at, bytes);
    } finally {
      lock.unlock();
    }
  }

  /** What the window that ends now tells. */
  public Advice advise(Span span, Instant now) {
    State.Held held = held(span, now);
    Curve curve = held.curve();
    return new Advice(
        span,
        Instant.ofEpochMilli(held.fromMillis()),
        curve,
        held.workingSetUnits() * Curve.UNIT_BYTES,
        curve.sum(Counter.HITS),
        curve.sum(Counter.HIT_BYTES),
        curve.sum(Counter.GHOST_HITS),
        curve.sum(Counter.GHOST_HIT_BYTES),
        new Advice.Regrets(
            curve.sum(Counter.REGRETS),
            curve.sum(Counter.REGRET_BYTES),
            Duration.ofNanos(curve.sum(Counter.REGRET_NANOS))),
        curve.sum(Counter.DROPPED));
  }

  /** Allocated bytes of all that was asked for in the window that ends now, each object once. */
  public long workingSetBytes(Span span, Instant now) {
    return held(span, now).workingSetUnits() * Curve.UNIT_BYTES;
  }

  /** What to do with each key that is known. */
  interface Visitor {
    void visit(long key, long allocatedBytes);
  }

  /** Shows all keys, the least recently used first. Holds up requests. */
  void forEach(Visitor visitor) {
    lock.lock();
    try {
      state.stack.forEach((key, units) -> visitor.visit(key, (long) units * Curve.UNIT_BYTES));
    } finally {
      lock.unlock();
    }
  }

  private State.Held held(Span span, Instant now) {
    lock.lock();
    try {
      return state.held(span, now);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Writes all that is known into a file, which {@link #open} reads. Requests go on meanwhile; the
   * file has what was known when the last of it was copied. The file that was there before stays
   * until the new one is whole and on the disk.
   *
   * @throws IOException if it cannot be written; the file is then as it was
   */
  public void save(Path file) throws IOException {
    saving.lock();
    try {
      beginCopy();
      Snapshot.write(file, this::copyNext);
    } finally {
      saving.unlock();
    }
  }

  private void beginCopy() {
    lock.lock();
    try {
      state.stack.beginCopy();
    } finally {
      lock.unlock();
    }
  }

  private Optional<State.Rest> copyNext(Slots slots) {
    lock.lock();
    try {
      return state.stack.copyNext(slots) ? Optional.of(state.rest()) : Optional.empty();
    } finally {
      lock.unlock();
    }
  }
}
