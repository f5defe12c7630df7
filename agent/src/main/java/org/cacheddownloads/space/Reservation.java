package org.cacheddownloads.space;

import java.time.Instant;

/**
 * Room that was promised to one writer. Bytes pass from reserved to partial as they are written,
 * and from there to idle by {@link #committed} or to nothing by closing. Used by one thread at a
 * time; closing is idempotent and gives back all that is left.
 */
public final class Reservation implements AutoCloseable {
  /**
   * What a file's size is rounded up to when it is promised; ext4, xfs and tmpfs allocate in these
   * units on this architecture.
   */
  public static final long BLOCK_BYTES = 4096;

  /**
   * Above this size a file may need blocks for its own extent tree, one for each {@link
   * #EXTENT_SPAN}.
   */
  private static final long EXTENT_SPAN = 16L << 20;

  private final Budget budget;
  private long reservedBytes;
  private long inodes;
  private long partialBytes;

  /** The part of the partial bytes that is not the body's. */
  private long besideBytes;

  Reservation(Budget budget, long bytes, long inodes) {
    this.budget = budget;
    this.reservedBytes = bytes;
    this.inodes = inodes;
  }

  /** What an earlier process left half written: it is there, whatever the limits say. */
  static Reservation found(Budget budget, long partialBytes, long inodes) {
    var found = new Reservation(budget, 0, inodes);
    found.partialBytes = partialBytes;
    budget.partialFound(partialBytes, inodes);
    return found;
  }

  /** The blocks that a file of {@code sizeBytes} may occupy at most. */
  public static long allocationOf(long sizeBytes) {
    long blocks = (sizeBytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
    return (blocks + sizeBytes / EXTENT_SPAN) * BLOCK_BYTES;
  }

  /**
   * Makes the promise at least {@code totalBytes} of allocation, counting what is written already.
   */
  public void ensure(long totalBytes, Instant deadline) {
    long missing = totalBytes - reservedBytes - partialBytes;
    if (missing > 0) {
      budget.grow(missing, deadline);
      reservedBytes += missing;
    }
  }

  /**
   * Like {@link #ensure}, unless a release would have to be waited for.
   *
   * @return whether it is promised
   */
  public boolean ensureByEvicting(long totalBytes, Instant deadline) {
    long missing = totalBytes - reservedBytes - partialBytes;
    if (missing > 0 && !budget.growByEvicting(missing, deadline)) {
      return false;
    }
    reservedBytes += Math.max(0, missing);
    return true;
  }

  /**
   * Promises so much more.
   *
   * @throws org.cacheddownloads.failure.CacheException.InsufficientSpace if it does not come in
   *     time
   */
  public void extend(long bytes, long moreInodes, Instant deadline) {
    budget.extend(bytes, moreInodes, deadline);
    reservedBytes += bytes;
    inodes += moreInodes;
  }

  /** Allocation promised in all. */
  public long totalBytes() {
    return reservedBytes + partialBytes;
  }

  /** {@code sizeBytes} in all are written, or will be in a moment. */
  public void wrote(long sizeBytes) {
    spend(roundedUp(sizeBytes) + besideBytes - partialBytes);
  }

  /** Files beside the body, {@code sizeBytes} in all, are written, or will be in a moment. */
  public void wroteBeside(long sizeBytes) {
    long more = Math.min(reservedBytes, roundedUp(sizeBytes) - besideBytes);
    if (more > 0) {
      besideBytes += more;
      spend(more);
    }
  }

  private void spend(long bytes) {
    long more = Math.min(reservedBytes, bytes);
    if (more > 0) {
      budget.reservedToPartial(more);
      reservedBytes -= more;
      partialBytes += more;
    }
  }

  private static long roundedUp(long sizeBytes) {
    return (sizeBytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
  }

  /**
   * The writing rests: what is not written is given back, and what is counts as what it really
   * occupies, body and beside.
   */
  void rest(long allocatedBytes) {
    spend(allocatedBytes - partialBytes);
    if (allocatedBytes < partialBytes) {
      budget.partialGone(partialBytes - allocatedBytes);
      partialBytes = allocatedBytes;
    }
    budget.release(reservedBytes, 0);
    reservedBytes = 0;
  }

  /** Bytes that count as partial now. */
  long partialBytes() {
    return partialBytes;
  }

  /** The written file is a blob now, and idle; one inode goes with it. */
  public void committed(long allocatedBytes) {
    budget.partialToIdle(partialBytes - besideBytes, allocatedBytes);
    partialBytes = besideBytes;
    inodes--;
  }

  /**
   * What was written is an idle object of the store now; what it did not take is still promised.
   */
  public void committedTree(long allocatedBytes, long made) {
    budget.reservedToIdle(allocatedBytes);
    reservedBytes -= allocatedBytes;
    inodes -= made;
  }

  /**
   * {@code bytes} and {@code made} inodes of this are in a view for good; negative bytes where
   * directories shrank.
   */
  public void spentInUse(long bytes, long made) {
    budget.reservedToInUse(bytes);
    reservedBytes -= bytes;
    inodes -= made;
  }

  @Override
  public void close() {
    if (partialBytes > 0) {
      budget.partialGone(partialBytes);
      partialBytes = 0;
    }
    if (reservedBytes != 0 || inodes != 0) {
      budget.release(reservedBytes, inodes);
      reservedBytes = 0;
      inodes = 0;
    }
  }
}
