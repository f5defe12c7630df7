package org.cacheddownloads.advice;

import org.jspecify.annotations.Nullable;

/**
 * Where the slot of a key is: an open hash table (linear probing) cut by the first bits of the keys
 * into segments of about 256 keys, which grow on their own, by half, so that no single access moves
 * more than a few hundred cells. A cell is a position and the 32 bits of the key that follow those
 * of the segment: whatever moves cells about need not look at slots, which lie all over the memory.
 */
final class KeyIndex {
  static final int NONE = -1;

  private static final int SEGMENT_KEYS = 256;
  private static final int FIRST_CELLS = 8;
  private static final long EMPTY = 0;

  private final Pages pages;
  private final int segmentBits;
  private final long[] @Nullable [] segments;
  private final int[] sizes;

  /**
   * @param maxKeys what it will hold at most, which decides how many segments there are
   */
  KeyIndex(Pages pages, int maxKeys) {
    this.pages = pages;
    this.segmentBits = 32 - Integer.numberOfLeadingZeros((maxKeys - 1) / SEGMENT_KEYS);
    this.segments = new long[1 << segmentBits][];
    this.sizes = new int[1 << segmentBits];
  }

  /** Notes where a key is now. @return where it was, or {@link #NONE} */
  int put(long key, int position) {
    int s = segmentOf(key);
    long[] cells = segments[s];
    long wanted = cell(key, position);
    if (cells != null) {
      int at = home(wanted, cells.length);
      while (cells[at] != EMPTY) {
        long cell = cells[at];
        if (cell >>> 32 == wanted >>> 32 && pages.keyAt(positionIn(cell)) == key) {
          cells[at] = wanted;
          return positionIn(cell);
        }
        at = next(at, cells.length);
      }
    }
    insert(roomIn(s), wanted);
    sizes[s]++;
    return NONE;
  }

  /** A known key goes to another slot. */
  void move(long key, int from, int to) {
    long[] cells = cells(segmentOf(key));
    cells[find(cells, cell(key, from))] = cell(key, to);
  }

  /** Forgets a known key. Cells behind it move up, so that none is cut off from its home. */
  void remove(long key, int position) {
    int s = segmentOf(key);
    long[] cells = cells(s);
    int gap = find(cells, cell(key, position));
    for (int at = next(gap, cells.length); cells[at] != EMPTY; at = next(at, cells.length)) {
      int home = home(cells[at], cells.length);
      boolean reachable = gap < at ? gap < home && home <= at : gap < home || home <= at;
      if (!reachable) {
        cells[gap] = cells[at];
        gap = at;
      }
    }
    cells[gap] = EMPTY;
    sizes[s]--;
  }

  private static int find(long[] cells, long wanted) {
    int at = home(wanted, cells.length);
    while (cells[at] != wanted) {
      at = next(at, cells.length);
    }
    return at;
  }

  /** The cells of a segment, with room for one more key: at most two of three are taken. */
  private long[] roomIn(int s) {
    long[] cells = segments[s];
    if (cells == null) {
      cells = new long[FIRST_CELLS];
      segments[s] = cells;
    } else if (sizes[s] * 3 >= cells.length * 2) {
      cells = grown(cells);
      segments[s] = cells;
    }
    return cells;
  }

  private static long[] grown(long[] cells) {
    var larger = new long[cells.length + cells.length / 2];
    for (long cell : cells) {
      if (cell != EMPTY) {
        insert(larger, cell);
      }
    }
    return larger;
  }

  private static void insert(long[] cells, long cell) {
    int at = home(cell, cells.length);
    while (cells[at] != EMPTY) {
      at = next(at, cells.length);
    }
    cells[at] = cell;
  }

  @SuppressWarnings("NullAway") // a known key has its segment
  private long[] cells(int s) {
    return segments[s];
  }

  private int segmentOf(long key) {
    return (int) (key >>> 32 >>> (32 - segmentBits));
  }

  /** The bits of the key, spread over the cells. */
  private static int home(long cell, int cells) {
    return (int) (((cell >>> 32) * cells) >>> 32);
  }

  /** Never {@link #EMPTY}. */
  private long cell(long key, int position) {
    return ((key << segmentBits) & 0xffff_ffff_0000_0000L) | (position + 1);
  }

  private static int positionIn(long cell) {
    return (int) cell - 1;
  }

  private static int next(int at, int length) {
    return at + 1 == length ? 0 : at + 1;
  }

  long heapBytes() {
    long bytes = segments.length * (8L + 4);
    for (long[] cells : segments) {
      bytes += cells == null ? 0 : 16 + 8L * cells.length;
    }
    return bytes;
  }
}
