package org.cacheddownloads.advice;

/**
 * Counts different objects and their bytes: all of them as long as they are few, then only those
 * whose hash is below a bound, which halves whenever there are too many (adaptive sampling,
 * Flajolet 1990); what is counted then stands for all. Not thread-safe.
 */
final class Distinct {
  /** Up to here it is exact; above, 8 to 16 MiB of memory are taken. */
  static final int MOST_KEYS = 1 << 20;

  private static final int FEWEST_CELLS = 1 << 10;

  /** Open addressing; 0 is an empty cell. */
  private long[] cells = new long[FEWEST_CELLS];

  private final long[] bytesByZeros = new long[Long.SIZE + 1];
  private final long[] countByZeros = new long[Long.SIZE + 1];
  private int count;

  /** Of a hash that counts, the upper bits that are 0. */
  private int zeros;

  /** Equal keys of other sizes are other objects, as they are for a {@link Policy}. */
  void add(long key, long bytes, long allocatedBytes) {
    long hash = Workload.mixed(key ^ Workload.mixed(allocatedBytes));
    if (hash == 0 || Long.numberOfLeadingZeros(hash) < zeros || !put(hash)) return;
    int level = Long.numberOfLeadingZeros(hash);
    bytesByZeros[level] += bytes;
    countByZeros[level]++;
    count++;
    if (count == MOST_KEYS) halve();
    else if (count > cells.length / 4 * 3) rehash(cells.length * 2);
  }

  boolean estimated() {
    return zeros > 0;
  }

  long count() {
    return (long) count << zeros;
  }

  long bytes() {
    long sum = 0;
    for (int level = zeros; level <= Long.SIZE; level++) sum += bytesByZeros[level];
    return sum << zeros;
  }

  private void halve() {
    count -= (int) countByZeros[zeros];
    zeros++;
    rehash(cells.length);
  }

  private void rehash(int length) {
    long[] old = cells;
    cells = new long[length];
    for (long hash : old) {
      if (hash != 0 && Long.numberOfLeadingZeros(hash) >= zeros) put(hash);
    }
  }

  /** Whether it was not there. By the lower bits, since the upper ones say whether it counts. */
  private boolean put(long hash) {
    int mask = cells.length - 1;
    int at = (int) hash & mask;
    while (cells[at] != 0) {
      if (cells[at] == hash) return false;
      at = at + 1 & mask;
    }
    cells[at] = hash;
    return true;
  }
}
