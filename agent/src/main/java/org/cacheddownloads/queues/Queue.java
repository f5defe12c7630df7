package org.cacheddownloads.queues;

/**
 * Slots of a {@link KeyTable} one behind the other, with the sum of their sizes. A slot is in one
 * queue at a time. Not thread-safe.
 */
public final class Queue {
  private final KeyTable slots;
  private int first = KeyTable.NONE;
  private int last = KeyTable.NONE;
  private int count;
  private long bytes;

  public Queue(KeyTable slots) {
    this.slots = slots;
  }

  public int count() {
    return count;
  }

  public long bytes() {
    return bytes;
  }

  /** The slot that came first, or {@link KeyTable#NONE}. */
  public int first() {
    return first;
  }

  public void addLast(int slot) {
    slots.before(slot, last);
    slots.after(slot, KeyTable.NONE);
    if (last == KeyTable.NONE) first = slot;
    else slots.after(last, slot);
    last = slot;
    count++;
    bytes += slots.bytes(slot);
  }

  /** Gives a slot of this queue another size; it keeps its place. */
  void resize(int slot, long slotBytes) {
    bytes += slotBytes - slots.bytes(slot);
    slots.bytes(slot, slotBytes);
  }

  public void remove(int slot) {
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
