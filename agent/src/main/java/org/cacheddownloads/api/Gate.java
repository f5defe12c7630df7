package org.cacheddownloads.api;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.cacheddownloads.failure.CacheException.Draining;
import org.cacheddownloads.failure.CacheException.NotReady;

/** Lets requests in when the agent is ready, and none any more when it drains. Thread-safe. */
public final class Gate {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition left = lock.newCondition();

  @GuardedBy("lock")
  private State state = State.STARTING;

  @GuardedBy("lock")
  private int inside;

  private enum State {
    STARTING,
    OPEN,
    DRAINING
  }

  /**
   * @throws NotReady or {@link Draining} when requests are not let in
   */
  void enter() {
    lock.lock();
    try {
      switch (state) {
        case STARTING -> throw new NotReady("the agent is starting; try again in a moment", null);
        case DRAINING -> throw new Draining();
        case OPEN -> inside++;
      }
    } finally {
      lock.unlock();
    }
  }

  void leave() {
    lock.lock();
    try {
      inside--;
      left.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Recovery is complete. */
  public void open() {
    lock.lock();
    try {
      if (state == State.STARTING) {
        state = State.OPEN;
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Lets nobody in any more and waits for those inside. @return whether all left within {@code
   * patience}
   */
  public boolean drain(Duration patience) throws InterruptedException {
    lock.lock();
    try {
      state = State.DRAINING;
      long nanos = patience.toNanos();
      while (inside > 0 && nanos > 0) {
        nanos = left.awaitNanos(nanos);
      }
      return inside == 0;
    } finally {
      lock.unlock();
    }
  }

  /** Whether requests are let in. */
  public boolean isOpen() {
    lock.lock();
    try {
      return state == State.OPEN;
    } finally {
      lock.unlock();
    }
  }

  boolean isDraining() {
    lock.lock();
    try {
      return state == State.DRAINING;
    } finally {
      lock.unlock();
    }
  }

  /** Why requests are not served now; empty when they are. */
  List<String> reasons() {
    var reasons = new ArrayList<String>();
    lock.lock();
    try {
      switch (state) {
        case STARTING -> reasons.add("starting: the views are being read");
        case DRAINING -> reasons.add("draining: the agent is stopping");
        case OPEN -> {}
      }
    } finally {
      lock.unlock();
    }
    return reasons;
  }
}
