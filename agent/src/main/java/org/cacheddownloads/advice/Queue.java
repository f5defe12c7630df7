package org.cacheddownloads.advice;

/** KeyTable one behind the other, with the sum of their sizes. A slot is in one queue at a time. */
final class Queue {
  private final KeyTable slots;
  private int first = KeyTable.NONE;
  private int last = KeyTable.NONE;
  private int count;
  private long bytes;

  Queue(KeyTable slots) {
    this.slots = slots;
  }

  int count() {
    return count;
  }

  long bytes() {
    return bytes;
  }

  /** The slot that came first, or {@link KeyTable#NONE}. */
  int first() {
    return first;
  }

  void addLast(int slot) {
    slots.before(slot, last);
    slots.after(slot, KeyTable.NONE);
    if (last == KeyTable.NONE) first = slot;
    else slots.after(last, slot);
    last = slot;
    count++;
    bytes += slots.bytes(slot);
  }

  void remove(int slot) {
    int before = slots.before(slot);
    int after = slots.after(slot);
    if (before == KeyTable.NONE) first = after;
    else slots.after(before, after);
    if (after == KeyTable.NONE) last = before;
    else slots.before(after, before);
    count--;
    bytes -= slots.bytes(slot);
  }
}
