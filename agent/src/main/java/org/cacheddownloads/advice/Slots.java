package org.cacheddownloads.advice;

/** Some slots of the stack, on the way to the file. */
final class Slots {
  /** At least one page. */
  static final int MOST = 8 * Page.SLOTS;

  final long[] keys = new long[MOST];
  final int[] units = new int[MOST];
  final int[] minutes = new int[MOST];
  int size;

  void clear() {
    size = 0;
  }

  int room() {
    return MOST - size;
  }

  void add(long key, int keyUnits, int minute) {
    keys[size] = key;
    units[size] = keyUnits;
    minutes[size] = minute;
    size++;
  }
}
