package org.cacheddownloads.archive;

import org.cacheddownloads.space.Reservation;

/**
 * Room that was promised and is not spent yet. It is fetched in steps that grow with what was
 * spent, so that small files do not ask one by one. Used by one thread.
 */
final class Purse {
  private static final long SMALLEST_STEP = 64 * 1024;
  private static final long LARGEST_STEP = 16 << 20;
  private static final long SMALLEST_INODE_STEP = 16;
  private static final long LARGEST_INODE_STEP = 1024;

  /** What one name costs its directory at most, beside its bytes, and its leaves half empty. */
  private static final long NAME_OVERHEAD = 16;

  private static final long NAME_FACTOR = 3;

  /** Both lines, without their texts. */
  private static final long FIXED_LINE_BYTES = 260;

  /** A text may have three bytes for one in the manifest. */
  private static final long LINE_FACTOR = 4;

  /** Files of a ledger are larger. */
  private static final long BYTES_OF_FILE = 4 << 20;

  private final Room room;
  private long bytesLeft;
  private long inodesLeft;
  private long bytesSpent;
  private long inodesSpent;
  private long linesBytes = BYTES_OF_FILE; // the manifest is there from the first line on

  Purse(Room room) {
    this.room = room;
  }

  /** A new directory, and its name in the one above. */
  void directory(int nameBytes) {
    spend(Reservation.BLOCK_BYTES + nameCost(nameBytes), 1);
  }

  /** A new symlink or empty file, and its name. */
  void inode(int nameBytes) {
    spend(nameCost(nameBytes), 1);
  }

  /** One more name of an inode that is paid for. */
  void name(int nameBytes) {
    spend(nameCost(nameBytes), 0);
  }

  /** A file grows from one size to another. */
  void growth(long fromBytes, long toBytes) {
    spend(Reservation.allocationOf(toBytes) - Reservation.allocationOf(fromBytes), 0);
  }

  /**
   * Lines about an entry in the manifest and in the files of a {@link Ledger}, at most.
   *
   * @param textBytes of its path and target
   */
  void lines(int textBytes) {
    long bytes = FIXED_LINE_BYTES + LINE_FACTOR * textBytes;
    linesBytes += bytes;
    if (linesBytes >= BYTES_OF_FILE) {
      linesBytes -= BYTES_OF_FILE;
      spend(bytes + Reservation.BLOCK_BYTES, 1);
    } else {
      spend(bytes, 0);
    }
  }

  private static long nameCost(int nameBytes) {
    return NAME_FACTOR * (NAME_OVERHEAD + nameBytes);
  }

  private void spend(long bytes, long inodes) {
    if (bytes > bytesLeft || inodes > inodesLeft) {
      long moreBytes =
          bytes <= bytesLeft
              ? 0
              : Math.max(
                  bytes - bytesLeft, Math.clamp(bytesSpent / 4, SMALLEST_STEP, LARGEST_STEP));
      long moreInodes =
          inodes <= inodesLeft
              ? 0
              : Math.clamp(inodesSpent / 4, SMALLEST_INODE_STEP, LARGEST_INODE_STEP);
      room.reserve(moreBytes, moreInodes);
      bytesLeft += moreBytes;
      inodesLeft += moreInodes;
    }
    bytesLeft -= bytes;
    inodesLeft -= inodes;
    bytesSpent += bytes;
    inodesSpent += inodes;
  }
}
