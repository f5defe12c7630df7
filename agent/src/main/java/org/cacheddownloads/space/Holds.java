package org.cacheddownloads.space;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CacheException.Busy;

/**
 * Who holds which stored object now: pins of requests under way, and views. Thread-safe; no I/O
 * under its lock. Its size is that of what is in use.
 *
 * <p>Views are the memory's copy of the link counts. They are counted per inode as well, because a
 * blob that ran out of links gets a second inode while old views keep the first.
 */
public final class Holds {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition doomLifted = lock.newCondition();

  @GuardedBy("lock")
  private final Map<Stored, Hold> held = new HashMap<>();

  @GuardedBy("lock")
  private final Map<Long, Inode> byInode = new HashMap<>();

  @GuardedBy("lock")
  private final Set<Stored> doomed = new HashSet<>();

  private static final class Hold {
    int pins;
    int views;

    boolean isFree() {
      return pins == 0 && views == 0;
    }
  }

  private static final class Inode {
    final Stored stored;
    int views;
    long bytes;
    long inodes;
    boolean orphan;

    Inode(Stored stored, long bytes, long inodes, boolean orphan) {
      this.stored = stored;
      this.bytes = bytes;
      this.inodes = inodes;
      this.orphan = orphan;
    }

    Effect effect(Change change) {
      return new Effect(change, bytes, inodes);
    }
  }

  /** What it meant that a view took or gave back a link. */
  public enum Change {
    /** Other views hold the inode as well. */
    NONE,
    /** It was idle and is in use now, or the other way round. */
    IDLE_OR_IN_USE,
    /** It had no name in the store any more, and now it is gone from the disk. */
    GONE
  }

  /** The change, and what the object that it is about occupies. */
  public record Effect(Change change, long bytes, long inodes) {}

  /**
   * Keeps an object from being evicted until the pin is closed. If it is being deleted this waits
   * for the end of that, so the caller finds it there or not there, never half gone. The object
   * need not exist: a commit pins first.
   *
   * @param whenFree called after the last hold went, on the thread that let go
   */
  public Pin pin(Stored stored, Consumer<Stored> whenFree) {
    boolean interrupted = false;
    lock.lock();
    try {
      long end = System.nanoTime() + PATIENCE.toNanos();
      while (doomed.contains(stored)) {
        long nanos = end - System.nanoTime();
        if (nanos <= 0) {
          throw new Busy(
              "the disk takes longer than " + PATIENCE.toSeconds() + " s to delete a file", null);
        }
        try {
          long _ = doomLifted.awaitNanos(nanos);
        } catch (InterruptedException e) {
          interrupted = true; // a deletion is short, and who pins has work to finish or undo
        }
      }
      held.computeIfAbsent(stored, _ -> new Hold()).pins++;
      return new Pin(this, stored, whenFree);
    } finally {
      lock.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Ends a pin and tells whether nobody holds the object any more. */
  @SuppressWarnings("NullAway") // get() of a key that a pin proves to be there
  boolean unpin(Stored stored) {
    lock.lock();
    try {
      Hold hold = held.get(stored);
      hold.pins--;
      return removeIfFree(stored, hold);
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private boolean removeIfFree(Stored stored, Hold hold) {
    if (hold.isFree()) {
      held.remove(stored);
      return true;
    }
    return false;
  }

  /**
   * A view made a link to {@code inode}.
   *
   * @param bytes that the object occupies, all of a tree
   * @param inodes that the object has
   * @param orphan whether the inode has no name in the store
   */
  public Effect linked(Stored stored, long inode, long bytes, long inodes, boolean orphan) {
    lock.lock();
    try {
      held.computeIfAbsent(stored, _ -> new Hold()).views++;
      Inode counted = byInode.computeIfAbsent(inode, _ -> new Inode(stored, bytes, inodes, orphan));
      counted.views++;
      return counted.effect(counted.views == 1 ? Change.IDLE_OR_IN_USE : Change.NONE);
    } finally {
      lock.unlock();
    }
  }

  /** A view deleted its link to {@code inode}. */
  @SuppressWarnings("NullAway") // both keys are there since linked()
  public Effect unlinked(Stored stored, long inode) {
    lock.lock();
    try {
      Hold hold = held.get(stored);
      hold.views--;
      removeIfFree(stored, hold);
      Inode counted = byInode.get(inode);
      counted.views--;
      if (counted.views > 0) {
        return counted.effect(Change.NONE);
      }
      byInode.remove(inode);
      return counted.effect(counted.orphan ? Change.GONE : Change.IDLE_OR_IN_USE);
    } finally {
      lock.unlock();
    }
  }

  /**
   * The store gave up its own name of {@code inode}. @return whether views hold it, so that its
   * bytes stay for now
   */
  public boolean orphaned(long inode) {
    lock.lock();
    try {
      Inode counted = byInode.get(inode);
      if (counted == null) {
        return false;
      }
      counted.orphan = true;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * The file system has given {@code inode} other blocks. @return whether views hold it, so that
   * this counts as in use
   */
  boolean resized(long inode, long bytes, long inodes) {
    lock.lock();
    try {
      Inode counted = byInode.get(inode);
      if (counted == null) {
        return false;
      }
      counted.bytes = bytes;
      counted.inodes = inodes;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Whether views hold {@code inode} although the store has given up its own name of it. */
  public boolean isOrphan(long inode) {
    lock.lock();
    try {
      Inode counted = byInode.get(inode);
      return counted != null && counted.orphan;
    } finally {
      lock.unlock();
    }
  }

  /**
   * The store's own name of an object has vanished. @return the inode that it had, if views hold
   * that, so that its bytes stay for now
   */
  OptionalLong lostItsName(Stored stored) {
    lock.lock();
    try {
      for (Map.Entry<Long, Inode> inode : byInode.entrySet()) {
        Inode counted = inode.getValue();
        if (counted.stored.equals(stored) && !counted.orphan) {
          counted.orphan = true;
          return OptionalLong.of(inode.getKey());
        }
      }
      return OptionalLong.empty();
    } finally {
      lock.unlock();
    }
  }

  /** Whether a pin or a view holds the object. */
  public boolean isHeld(Stored stored) {
    lock.lock();
    try {
      return held.containsKey(stored);
    } finally {
      lock.unlock();
    }
  }

  /** All that a pin or a view holds. */
  Set<Stored> all() {
    lock.lock();
    try {
      return Set.copyOf(held.keySet());
    } finally {
      lock.unlock();
    }
  }

  /** Whether a view holds the object; pins do not count. */
  public boolean isInUse(Stored stored) {
    lock.lock();
    try {
      Hold hold = held.get(stored);
      return hold != null && hold.views > 0;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Marks an object for deletion. @return false if somebody holds it or somebody else deletes it
   */
  boolean doom(Stored stored) {
    lock.lock();
    try {
      return !held.containsKey(stored) && doomed.add(stored);
    } finally {
      lock.unlock();
    }
  }

  /** The deletion is complete, catalog and all, or was given up. */
  void liftDoom(Stored stored) {
    lock.lock();
    try {
      doomed.remove(stored);
      doomLifted.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** How many objects of the store are held now. */
  public int size() {
    lock.lock();
    try {
      return held.size();
    } finally {
      lock.unlock();
    }
  }
}
