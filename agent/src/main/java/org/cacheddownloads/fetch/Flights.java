package org.cacheddownloads.fetch;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Checksum;
import org.cacheddownloads.failure.Attempt;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.trace.Phase;
import org.cacheddownloads.trace.Trace;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One fetch at a time for each question; who asks the same while it runs waits for it. Thread-safe.
 *
 * <p>Each flight is a virtual thread of its own, so nobody's hanging up reaches it; when the last
 * who waits leaves, it is interrupted.
 */
public final class Flights {
  private static final Logger log = LoggerFactory.getLogger(Flights.class);

  private final Clock clock;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final Map<Question, Flight> running = new HashMap<>();

  @GuardedBy("lock")
  private int riders;

  /** What must be equal for two requests to share a flight; see the package. */
  record Question(CacheKey key, Optional<Checksum> checksum, String asked) {}

  /** The work of a flight; interrupted when nobody waits any more. */
  interface Work {
    Landing run(Flight flight);
  }

  public Flights(Clock clock) {
    this.clock = clock;
  }

  /** Joins the running flight of {@code question} or starts {@code work} as a new one. */
  Ride join(Question question, Instant deadline, Work work) {
    lock.lock();
    try {
      Flight flight = running.get(question);
      boolean leads = flight == null;
      if (flight == null) {
        flight = new Flight(question, null);
        running.put(question, flight);
      }
      return board(flight, leads, deadline, work);
    } finally {
      lock.unlock();
    }
  }

  /** Starts a flight that nobody else can join, for a response that is for one only. */
  Ride alone(Question question, Instant deadline, Work work) {
    lock.lock();
    try {
      return board(new Flight(question, null), true, deadline, work);
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private Ride board(Flight flight, boolean leads, Instant deadline, Work work) {
    riders++;
    flight.riders++;
    flight.extend(deadline);
    if (leads) {
      flight.thread =
          Thread.ofVirtual()
              .name("flight")
              .unstarted(() -> flight.trace.run(() -> fly(flight, work)));
      flight.thread.start();
    }
    return new Ride(flight, leads, deadline);
  }

  private void fly(Flight flight, Work work) {
    Landing landing = null;
    RuntimeException failure = null;
    try {
      landing = work.run(flight);
    } catch (RuntimeException e) {
      failure = e;
    } catch (Error e) { // whatever it is, nobody must wait for ever
      failure = new IllegalStateException("the fetch ended by an error of the JVM", e);
    }
    lock.lock();
    try {
      running.remove(flight.question, flight); // first: nobody joins a flight that has ended
      flight.landing = landing;
      flight.failure = failure;
      flight.hasEnded = true;
      flight.changed.signalAll();
      if (flight.riders > 0) {
        landing = null; // the last to leave closes it
      }
    } finally {
      lock.unlock();
    }
    if (landing != null) {
      landing.close();
    }
    if (failure != null && !(failure instanceof CacheException)) {
      log.error("flight failed by a bug", failure);
    }
  }

  private void leave(Flight flight) {
    Landing landing = null;
    lock.lock();
    try {
      riders--;
      flight.riders--;
      if (flight.riders == 0) {
        landing = flight.landing;
        flight.landing = null;
        running.remove(flight.question, flight);
        if (!flight.hasEnded) {
          flight.giveUp();
        }
      }
    } finally {
      lock.unlock();
    }
    if (landing != null) {
      landing.close();
    }
  }

  /**
   * A fetch under way, as operators see it.
   *
   * @param url of the source that is asked now, without user info and query
   * @param phase what it is busy with, or null between two phases
   * @param totalBytes the announced length, or -1
   * @param waiters how many requests wait for it
   */
  public record Running(
      CacheKey key,
      String url,
      @Nullable Phase phase,
      long receivedBytes,
      long totalBytes,
      int waiters,
      Instant startedAt) {}

  /** The fetches that others can join, oldest first. */
  public List<Running> running() {
    lock.lock();
    try {
      return running.values().stream()
          .map(Flight::seen)
          .sorted(Comparator.comparing(Running::startedAt))
          .toList();
    } finally {
      lock.unlock();
    }
  }

  /** How many requests wait for a flight now. */
  public int waiters() {
    lock.lock();
    try {
      return riders;
    } finally {
      lock.unlock();
    }
  }

  /** A fetch under way, as its own work sees it. */
  final class Flight {
    private final Question question;
    private final @Nullable Flight trunk;
    private final Trace trace = Trace.current().part();
    private final Instant startedAt = clock.instant();
    private volatile String url = "";
    private final Condition changed = lock.newCondition();
    private @Nullable Thread thread;
    private @Nullable Landing landing;
    private @Nullable RuntimeException failure;
    private boolean hasEnded;
    private int riders;
    private volatile Instant deadline = Instant.MIN;
    private volatile long received;
    private volatile long total = -1;
    private volatile @Nullable String lastTrouble;
    private volatile List<Attempt> tried = List.of();

    private Flight(Question question, @Nullable Flight trunk) {
      this.question = question;
      this.trunk = trunk;
    }

    /**
     * A part of this flight that can be given up alone. It has the deadline of the whole, and what
     * it tells is told of the whole.
     */
    Flight branch() {
      return new Flight(question, this);
    }

    /** Begins the work of a branch on a thread of its own. */
    void start(Runnable work) {
      Thread own = Thread.ofVirtual().name("branch").unstarted(() -> trace.run(work));
      thread = own;
      own.start();
    }

    private final ReentrantLock interrupting = new ReentrantLock();
    private boolean isWhole;
    private boolean givenUp;

    /** Work on files, which an interrupt would leave half done. */
    interface FileWork<T extends @Nullable Object> {
      T run() throws IOException;
    }

    /**
     * Runs short work that is done to its end once it is begun; an interrupt comes after it. On the
     * flight's own thread.
     */
    <T extends @Nullable Object> T whole(FileWork<T> work) throws IOException {
      boolean interrupted;
      interrupting.lock();
      try {
        isWhole = true;
        interrupted = Thread.interrupted();
      } finally {
        interrupting.unlock();
      }
      try {
        return work.run();
      } finally {
        interrupting.lock();
        try {
          isWhole = false;
          if (interrupted || givenUp) {
            Thread.currentThread().interrupt();
          }
        } finally {
          interrupting.unlock();
        }
      }
    }

    /** Ends its work, as soon as that is not in the middle of something. */
    void giveUp() {
      interrupting.lock();
      try {
        givenUp = true;
        if (!isWhole && thread != null) {
          thread.interrupt();
        }
      } finally {
        interrupting.unlock();
      }
    }

    /** Which source it asks now. */
    void asks(String redactedUrl) {
      url = redactedUrl;
      if (trunk != null) {
        trunk.asks(redactedUrl);
      }
    }

    /** With the lock held. */
    private Running seen() {
      return new Running(
          question.key(), url, trace.now().orElse(null), received, total, riders, startedAt);
    }

    /** Counts where the time of a branch went as its own. */
    void follow(Flight branch) {
      trace.add(branch.trace);
    }

    private void extend(Instant riderDeadline) {
      if (riderDeadline.isAfter(deadline)) {
        deadline = riderDeadline;
      }
    }

    /** The latest deadline of those who wait. */
    Instant deadline() {
      return trunk == null ? deadline : trunk.deadline();
    }

    /**
     * @param totalBytes the announced length, or -1
     */
    void progress(long receivedBytes, long totalBytes) {
      received = receivedBytes;
      total = totalBytes;
      if (trunk != null) {
        trunk.progress(receivedBytes, totalBytes);
      }
    }

    /** What was tried so far, one item per source, for whom the deadline ends the waiting. */
    void tried(List<Attempt> attempts) {
      tried = List.copyOf(attempts);
      if (trunk != null) {
        trunk.tried(attempts);
      }
    }

    /** Why it was tried again, for whom the deadline ends the waiting. */
    void trouble(String what) {
      lastTrouble = what;
      if (trunk != null) {
        trunk.trouble(what);
      }
    }
  }

  /**
   * One request's part in a flight: to be closed after the bytes were linked, or when the request
   * gives up. Closing is idempotent.
   */
  final class Ride implements AutoCloseable {
    private final Flight flight;
    private final boolean leads;
    private final Instant deadline;
    private final AtomicBoolean open = new AtomicBoolean(true);

    private Ride(Flight flight, boolean leads, Instant deadline) {
      this.flight = flight;
      this.leads = leads;
      this.deadline = deadline;
    }

    /** Whether this request started the flight. */
    boolean leads() {
      return leads;
    }

    Instant deadline() {
      return deadline;
    }

    /** Where the time of the flight goes. */
    Trace trace() {
      return flight.trace;
    }

    long received() {
      return flight.received;
    }

    long total() {
      return flight.total;
    }

    @Nullable String lastTrouble() {
      return flight.lastTrouble;
    }

    List<Attempt> tried() {
      return flight.tried;
    }

    /**
     * Waits for the end of the flight, at most until {@code until}.
     *
     * @return empty if it has not ended by then
     * @throws CacheException how it failed
     */
    Optional<Landing> await(Instant until) {
      lock.lock();
      try {
        while (!flight.hasEnded) {
          Duration left = Duration.between(clock.instant(), until);
          if (left.isNegative() || left.isZero()) {
            return Optional.empty();
          }
          long _ =
              flight.changed.awaitNanos(
                  TimeUnit.MILLISECONDS.toNanos(Math.max(1, left.toMillis())));
        }
        if (flight.failure != null) {
          throw flight.failure;
        }
        return Optional.ofNullable(flight.landing);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new Busy("the caller hung up", e);
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void close() {
      if (open.getAndSet(false)) {
        leave(flight);
      }
    }
  }
}
