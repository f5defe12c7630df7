package org.cacheddownloads.advice;

/** The slots of some pages, in arrays so long that their headers stay in the processor's caches. */
final class Chunk {
  static final int PAGES = 16;
  static final long HEAP_BYTES = 3 * 16 + 24 + PAGES * Page.SLOTS * (8 + 4 + 4);

  final long[] keys = new long[PAGES * Page.SLOTS];
  final int[] units = new int[PAGES * Page.SLOTS];
  final int[] minutes = new int[PAGES * Page.SLOTS];
}
