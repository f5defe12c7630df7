package org.cacheddownloads.space;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.cacheddownloads.config.Config.Quota;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.InsufficientSpace;
import org.cacheddownloads.trace.Phase;
import org.cacheddownloads.trace.Trace;

/**
 * The sums of what lies on disk, and the right to add to it. Bytes are allocated blocks.
 * Thread-safe.
 *
 * <p>Used (in use, idle, partial, quarantine) plus reserved never exceeds {@code quota.bytes}; the
 * same for inodes and {@code quota.files}; and the file system keeps {@code quota.minFreeBytes}
 * beyond all that is reserved. Who reserves more than there is room for waits in the order of
 * coming, while the first in the queue evicts; a large reservation is so not starved by small ones.
 *
 * <p>The sums follow the disk: a caller charges after it wrote and within what it reserved, and
 * uncharges after it deleted.
 */
public final class Budget {
  private final Supplier<Quota> quota;
  private final LongSupplier freeBytes;
  private final Clock clock;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private final ArrayDeque<Object> queue = new ArrayDeque<>();

  @GuardedBy("lock")
  private long reservedBytes;

  @GuardedBy("lock")
  private long partialBytes;

  /** The part of the partial bytes that no download is writing now. */
  @GuardedBy("lock")
  private long restingBytes;

  @GuardedBy("lock")
  private long idleBytes;

  @GuardedBy("lock")
  private long inUseBytes;

  @GuardedBy("lock")
  private long quarantineBytes;

  /** Inodes on disk and reserved. */
  @GuardedBy("lock")
  private long files;

  /** Grows with everything that may have made room. */
  @GuardedBy("lock")
  private long changes;

  /** The first in the queue has evicted what it could and waits for a release. */
  @GuardedBy("lock")
  private boolean stuck;

  private Eviction eviction = (_, _) -> false;

  /** Makes room; the Evictor does. */
  interface Eviction {
    /** Evicts for {@code shortage} and tells whether anything went. */
    boolean evict(Shortage shortage, Supplier<Shortage> stillShort);
  }

  /** The sums at one instant. */
  public record Sums(
      long reservedBytes,
      long partialBytes,
      long idleBytes,
      long inUseBytes,
      long quarantineBytes,
      long files) {
    public long usedBytes() {
      return partialBytes + idleBytes + inUseBytes + quarantineBytes;
    }
  }

  /**
   * @param quota asked anew for each reservation: limits may change
   * @param freeBytes what the file system has left for this process; a fast call
   */
  public Budget(Supplier<Quota> quota, LongSupplier freeBytes, Clock clock) {
    this.quota = quota;
    this.freeBytes = freeBytes;
    this.clock = clock;
  }

  void evictBy(Eviction makesRoom) {
    this.eviction = makesRoom;
  }

  /**
   * Room for {@code bytes} and {@code inodes}, evicting and waiting as needed, at most until {@code
   * deadline} and {@code quota.waitForSpace}.
   *
   * @throws InsufficientSpace if it does not come in time, or at once if it could not fit an empty
   *     cache
   */
  public Reservation reserve(long bytes, long inodes, Instant deadline) {
    boolean _ = take(bytes, inodes, deadline, true);
    return new Reservation(this, bytes, inodes);
  }

  /**
   * Like {@link #reserve}, but empty as soon as eviction does not help and a release would have to
   * be waited for: for those who hold what others need meanwhile.
   */
  public Optional<Reservation> reserveByEvicting(long bytes, long inodes, Instant deadline) {
    return take(bytes, inodes, deadline, false)
        ? Optional.of(new Reservation(this, bytes, inodes))
        : Optional.empty();
  }

  /**
   * Like {@link #reserve}, but takes what is there before those who wait: for the few blocks of a
   * view's directory, so that hits go on.
   */
  public Reservation reserveSmall(long bytes, long inodes, Instant deadline) {
    if (bytes == 0 && inodes == 0) {
      return new Reservation(this, 0, 0);
    }
    long free = freeBytes.getAsLong();
    lock.lock();
    try {
      if (shortage(bytes, inodes, free).isNone()) {
        reservedBytes += bytes;
        files += inodes;
        return new Reservation(this, bytes, inodes);
      }
    } finally {
      lock.unlock();
    }
    return reserve(bytes, inodes, deadline);
  }

  /** More for a download that runs: before those who wait to begin, since they may wait for it. */
  void grow(long bytes, Instant deadline) {
    boolean _ = grow(bytes, 0, deadline, true);
  }

  /** Like {@link #grow}. @return false if a release would have to be waited for */
  boolean growByEvicting(long bytes, Instant deadline) {
    return grow(bytes, 0, deadline, false);
  }

  /** The same for bytes and inodes together. */
  void extend(long bytes, long inodes, Instant deadline) {
    boolean _ = grow(bytes, inodes, deadline, true);
  }

  private boolean grow(long bytes, long inodes, Instant deadline, boolean patient) {
    long free = freeBytes.getAsLong();
    lock.lock();
    try {
      if (tryTake(bytes, inodes, free)) {
        return true;
      }
    } finally {
      lock.unlock();
    }
    return take(bytes, inodes, deadline, patient);
  }

  private boolean take(long bytes, long inodes, Instant callersDeadline, boolean patient) {
    if (bytes <= 0 && inodes <= 0) {
      return true;
    }
    Quota limits = quota.get();
    if (bytes > limits.bytes() || inodes > limits.files()) {
      throw insufficient(bytes, "more than the whole quota");
    }
    Instant patience = clock.instant().plus(limits.waitForSpace());
    Instant deadline = patience.isBefore(callersDeadline) ? patience : callersDeadline;
    Object ticket = new Object();
    long free = freeBytes.getAsLong();
    lock.lock();
    try {
      if (queue.isEmpty() && tryTake(bytes, inodes, free)) {
        return true;
      }
      queue.addLast(ticket);
    } finally {
      lock.unlock();
    }
    try (var _ = Trace.enter(Phase.SPACE)) {
      return awaitTurn(ticket, bytes, deadline, patient)
          && awaitRoom(bytes, inodes, deadline, patient);
    } finally {
      leave(ticket);
    }
  }

  private boolean awaitRoom(long bytes, long inodes, Instant deadline, boolean patient) {
    while (true) {
      long free = freeBytes.getAsLong();
      long seen;
      Shortage missing;
      boolean worthwhile;
      lock.lock();
      try {
        if (tryTake(bytes, inodes, free)) {
          return true;
        }
        seen = changes;
        missing = shortage(bytes, inodes, free);
        // Emptying the cache for a download that does not fit even then would help nobody.
        worthwhile = missing.bytes() <= idleBytes + restingBytes;
      } finally {
        lock.unlock();
      }
      if (!worthwhile || !eviction.evict(missing, () -> currentShortage(bytes, inodes))) {
        if (!patient) {
          return false;
        }
        awaitChange(seen, bytes, deadline);
      }
    }
  }

  private boolean awaitTurn(Object ticket, long bytes, Instant deadline, boolean patient) {
    lock.lock();
    try {
      while (!ticket.equals(queue.peekFirst())) {
        if (stuck && !patient) {
          return false;
        }
        awaitUntil(deadline, bytes);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void awaitChange(long seen, long bytes, Instant deadline) {
    lock.lock();
    try {
      stuck = true;
      changed.signalAll(); // to those who do not want to wait for this
      try {
        while (changes == seen) {
          awaitUntil(deadline, bytes);
        }
      } finally {
        stuck = false;
      }
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  @SuppressWarnings("WaitNotInLoop") // its callers loop
  private void awaitUntil(Instant deadline, long bytes) {
    Duration left = Duration.between(clock.instant(), deadline);
    if (left.isNegative() || left.isZero()) {
      throw insufficient(bytes, "all the rest is in use or being written");
    }
    try {
      // A floor of free space can be met by others than us, without a signal: look again now and
      // then.
      long nanos = Math.min(left.toNanos(), TimeUnit.SECONDS.toNanos(1));
      if (changed.awaitNanos(nanos) <= 0 && queue.peekFirst() != null) {
        changes++;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Busy("the request was given up while it waited for space", e);
    }
  }

  private void leave(Object ticket) {
    lock.lock();
    try {
      queue.remove(ticket);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private boolean tryTake(long bytes, long inodes, long free) {
    if (!shortage(bytes, inodes, free).isNone()) {
      return false;
    }
    reservedBytes += bytes;
    files += inodes;
    return true;
  }

  private Shortage currentShortage(long bytes, long inodes) {
    long free = freeBytes.getAsLong();
    lock.lock();
    try {
      return shortage(bytes, inodes, free);
    } finally {
      lock.unlock();
    }
  }

  /** By how much the present state plus {@code bytes} and {@code inodes} breaks a limit. */
  @GuardedBy("lock")
  private Shortage shortage(long bytes, long inodes, long free) {
    Quota limits = quota.get();
    long overQuota = usedBytes() + reservedBytes + bytes - limits.bytes();
    long belowFloor = bytes == 0 ? 0 : limits.minFreeBytes() + reservedBytes + bytes - free;
    long tooMany = Math.max(0, files + inodes - limits.files());
    if (belowFloor > Math.max(0, overQuota)) {
      return new Shortage(belowFloor, tooMany, EvictionReason.MIN_FREE);
    }
    return new Shortage(
        Math.max(0, overQuota),
        tooMany,
        overQuota > 0 ? EvictionReason.QUOTA : EvictionReason.FILES);
  }

  @GuardedBy("lock")
  private long usedBytes() {
    return partialBytes + idleBytes + inUseBytes + quarantineBytes;
  }

  private InsufficientSpace insufficient(long bytes, String why) {
    Quota limits = quota.get();
    Sums now = sums();
    return new InsufficientSpace(
        "no room for "
            + bytes
            + " bytes: "
            + why
            + "; release downloads, raise quota.bytes ("
            + limits.bytes()
            + ") or free space on the file system (quota.minFreeBytes is "
            + limits.minFreeBytes()
            + ")",
        bytes,
        now.inUseBytes(),
        limits.bytes());
  }

  /** Evicts down to limits that were lowered. What is in use stays. */
  public void enforce() {
    Shortage excess = currentShortage(0, 0);
    if (!excess.isNone()) {
      eviction.evict(excess, () -> currentShortage(0, 0));
    }
  }

  /** Partial bytes that no download is writing now. */
  long restingBytes() {
    lock.lock();
    try {
      return restingBytes;
    } finally {
      lock.unlock();
    }
  }

  public Sums sums() {
    lock.lock();
    try {
      return new Sums(reservedBytes, partialBytes, idleBytes, inUseBytes, quarantineBytes, files);
    } finally {
      lock.unlock();
    }
  }

  /** The sums as a start finds them. */
  public void start(long idle, long inUse, long quarantine, long inodes) {
    change(0, 0, idle, inUse, quarantine, inodes);
  }

  // ---- changes of what lies on disk ----

  void release(long bytes, long inodes) {
    change(-bytes, 0, 0, 0, 0, -inodes);
  }

  void reservedToPartial(long bytes) {
    change(-bytes, bytes, 0, 0, 0, 0);
  }

  void partialToIdle(long partial, long idle) {
    change(0, -partial, idle, 0, 0, 0);
  }

  void partialGone(long bytes) {
    change(0, -bytes, 0, 0, 0, 0);
  }

  /** An earlier process left a download half written. */
  void partialFound(long bytes, long inodes) {
    change(0, bytes, 0, 0, 0, inodes);
  }

  /** A download was laid aside, or (negative) was taken up again or dropped. */
  void resting(long bytes) {
    lock.lock();
    try {
      restingBytes += bytes;
      changes++;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  void reservedToIdle(long bytes) {
    change(-bytes, 0, bytes, 0, 0, 0);
  }

  void reservedToInUse(long bytes) {
    change(-bytes, 0, 0, bytes, 0, 0);
  }

  /** Something idle is held by a view now. */
  public void idleToInUse(long bytes) {
    change(0, 0, -bytes, bytes, 0, 0);
  }

  /** A view holds an inode that was given up by the store, and uncharged, a moment ago. */
  public void orphanToInUse(long bytes, long inodes) {
    change(0, 0, 0, bytes, 0, inodes);
  }

  /** The last view let go of something that stays in the store. */
  public void inUseToIdle(long bytes) {
    change(0, 0, bytes, -bytes, 0, 0);
  }

  /** Something that only views held is off the disk, such as a directory of a view. */
  public void inUseGone(long bytes, long inodes) {
    change(0, 0, 0, -bytes, 0, -inodes);
  }

  /** Something idle was deleted. */
  public void idleGone(long bytes, long inodes) {
    change(0, 0, -bytes, 0, 0, -inodes);
  }

  /** Something idle was moved to quarantine. */
  public void idleToQuarantine(long bytes) {
    change(0, 0, -bytes, 0, bytes, 0);
  }

  /** Files that nobody knew were found and put into quarantine. */
  public void quarantined(long bytes, long inodes) {
    change(0, 0, 0, 0, bytes, inodes);
  }

  /** An idle blob occupies other blocks than was thought, as the file system allocates late. */
  public void idleResized(long moreBytes) {
    change(0, 0, moreBytes, 0, 0, 0);
  }

  /** The same for a blob that is in use. */
  public void inUseResized(long moreBytes) {
    change(0, 0, 0, moreBytes, 0, 0);
  }

  /** There are {@code more} files than was thought, or fewer. */
  public void inodesRecounted(long more) {
    change(0, 0, 0, 0, 0, more);
  }

  private void change(
      long reserved, long partial, long idle, long inUse, long quarantine, long inodes) {
    lock.lock();
    try {
      reservedBytes += reserved;
      partialBytes += partial;
      idleBytes += idle;
      inUseBytes += inUse;
      quarantineBytes += quarantine;
      files += inodes;
      changes++;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
