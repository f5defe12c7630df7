package org.cacheddownloads.fetch;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.fetch.Flights.Flight;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the sources of one download in order, and the next one beside one that takes longer than
 * {@code fetch.hedgeAfter} to begin its answer. The first to begin one goes on alone; if it fails
 * later, those that are left are asked. Each source is asked on a thread of its own; all of them
 * have ended when {@link #fly} returns. Belongs to the thread of the flight.
 */
final class Hedge {
  private static final Logger log = LoggerFactory.getLogger(Hedge.class);
  private static final long LONGEST_END_SECONDS = 60;

  private final Flight flight;
  private final Duration hedgeAfter;
  private final int sources;
  private final Work work;
  private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final List<Branch> running = new ArrayList<>();
  private int started;
  private @Nullable Branch chosen;

  /** Asks one source. */
  interface Work {
    /**
     * Brings in the bytes of one source.
     *
     * @param began to be told when an answer begins that is a download
     */
    Landing run(Flight branch, int source, Runnable began);
  }

  /** What becomes of a failure: thrown at once, or remembered until the last source has failed. */
  interface Failures {
    /** Throws {@code failure} if no other source would cure it. */
    void add(int source, CacheException failure);

    /** What is told when no source is left. */
    CacheException told();
  }

  private static final class Branch {
    final int source;
    final Flight flight;

    Branch(int source, Flight flight) {
      this.source = source;
      this.flight = flight;
    }
  }

  private sealed interface Event {
    Branch branch();

    record Began(Branch branch) implements Event {}

    record Landed(Branch branch, Landing landing) implements Event {}

    record Failed(Branch branch, RuntimeException failure) implements Event {}
  }

  Hedge(Flight flight, Duration hedgeAfter, int sources, Work work) {
    this.flight = flight;
    this.hedgeAfter = hedgeAfter;
    this.sources = sources;
    this.work = work;
  }

  Landing fly(Failures failures) {
    try {
      start();
      while (true) {
        Event event = next();
        switch (event) {
          case null -> start();
          case Event.Began(Branch branch) -> choose(branch);
          case Event.Landed(Branch branch, Landing landing) -> {
            running.remove(branch);
            flight.follow(branch.flight);
            return landing;
          }
          case Event.Failed(Branch branch, RuntimeException failure) -> {
            running.remove(branch);
            failed(branch, failure, failures);
          }
        }
      }
    } finally {
      end();
    }
  }

  private void failed(Branch branch, RuntimeException failure, Failures failures) {
    if (!(failure instanceof CacheException told)) {
      throw failure;
    }
    failures.add(branch.source, told);
    if (chosen == branch) {
      chosen = null;
    }
    if (started < sources) {
      start();
    } else if (running.isEmpty()) {
      throw failures.told();
    }
  }

  private void start() {
    var branch = new Branch(started++, flight.branch());
    running.add(branch);
    branch.flight.start(
        () -> {
          try {
            events.add(
                new Event.Landed(
                    branch,
                    work.run(
                        branch.flight, branch.source, () -> events.add(new Event.Began(branch)))));
          } catch (RuntimeException e) {
            events.add(new Event.Failed(branch, e));
          }
        });
  }

  /** The others are given up; those that end in spite of it are closed. */
  private void choose(Branch branch) {
    if (chosen != null || !running.contains(branch)) {
      return;
    }
    chosen = branch;
    List<Branch> others = running.stream().filter(other -> other != branch).toList();
    running.retainAll(List.of(branch));
    end(others);
  }

  /** What happens next, or null if the next source is to be asked beside the others. */
  private @Nullable Event next() {
    boolean mayStart = chosen == null && started < sources;
    long millis = mayStart ? hedgeAfter.toMillis() : TimeUnit.SECONDS.toMillis(LONGEST_END_SECONDS);
    try {
      while (true) {
        Event event = events.poll(millis, TimeUnit.MILLISECONDS);
        if (event != null || mayStart) {
          return event;
        } // else the sources have deadlines of their own
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Busy("nobody waits for this download any more", e);
    }
  }

  private void end() {
    List<Branch> left = List.copyOf(running);
    running.clear();
    end(left);
  }

  /** Gives them up and waits until they have ended: each holds a slot and space. */
  private void end(List<Branch> branches) {
    branches.forEach(branch -> branch.flight.giveUp());
    var left = new ArrayList<>(branches);
    var others = new ArrayList<Event>();
    boolean interrupted = Thread.interrupted();
    while (!left.isEmpty()) {
      try {
        Event event = events.poll(LONGEST_END_SECONDS, TimeUnit.SECONDS);
        if (event == null) {
          log.error("a source that was given up did not end within {} s", LONGEST_END_SECONDS);
          break;
        }
        if (!left.contains(event.branch())) {
          others.add(event);
          continue;
        }
        if (event instanceof Event.Landed(_, Landing landing)) {
          landing.close();
        }
        if (!(event instanceof Event.Began)) {
          left.remove(event.branch());
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    events.addAll(others);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
