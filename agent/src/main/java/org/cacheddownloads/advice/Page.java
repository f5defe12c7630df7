package org.cacheddownloads.advice;

import org.jspecify.annotations.Nullable;

/**
 * A run of slots of the stack, the least recently used first. A slot is written once, and dead from
 * when its key is used again; only {@link LruStack} and {@link PageList} change one.
 */
final class Page {
  static final int SLOTS = 256;

  /** Of a page on the heap, without its slots. */
  static final long HEAP_BYTES = 72;

  /** What positions in this page begin with. */
  final int id;

  /** Shared with the other pages of a chunk; the slots of this page begin at {@link #base}. */
  final Chunk chunk;

  final int base;

  /** Slots written so far. */
  int used;

  /** No slot before this one is alive. */
  int first;

  int live;

  /** Units of all live slots. */
  long sum;

  /** Where its sum stands in the list: larger for newer pages, with gaps. */
  int rank;

  @Nullable Page older;
  @Nullable Page newer;

  Page(int id, Chunk chunk) {
    this.id = id;
    this.chunk = chunk;
    this.base = id % Chunk.PAGES * SLOTS;
  }

  long key(int slot) {
    return chunk.keys[base + slot];
  }

  /** 0: the slot is dead. */
  int units(int slot) {
    return chunk.units[base + slot];
  }

  /** When the slot was written. */
  int minute(int slot) {
    return chunk.minutes[base + slot];
  }

  boolean lives(int slot) {
    return units(slot) != 0;
  }

  /** Writes a slot, and leaves all sums to the caller. */
  void set(int slot, long key, int units, int minute) {
    chunk.keys[base + slot] = key;
    chunk.units[base + slot] = units;
    chunk.minutes[base + slot] = minute;
  }

  void kill(int slot) {
    chunk.units[base + slot] = 0;
  }

  int position(int slot) {
    return id * SLOTS + slot;
  }

  boolean isFull() {
    return used == SLOTS;
  }

  /** Units of the live slots from {@code slot} on. */
  long unitsFrom(int slot) {
    if (slot - first > used - slot) {
      return sumOf(slot, used);
    }
    return sum - sumOf(first, slot);
  }

  private long sumOf(int from, int to) {
    int[] units = chunk.units;
    long total = 0;
    for (int at = base + from; at < base + to; at++) {
      total += units[at];
    }
    return total;
  }

  /** The first live slot; there has to be one. */
  int firstLive() {
    while (!lives(first)) {
      first++;
    }
    return first;
  }

  /** Whether it has a live slot that was written before this minute. */
  boolean startsBefore(int minute) {
    return live > 0 && minute(firstLive()) < minute;
  }

  void clear() {
    used = 0;
    first = 0;
    live = 0;
    sum = 0;
    older = null;
    newer = null;
  }
}
