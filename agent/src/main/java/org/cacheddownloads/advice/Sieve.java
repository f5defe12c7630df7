package org.cacheddownloads.advice;

import org.cacheddownloads.queues.KeyTable;
import org.cacheddownloads.queues.Queue;

/**
 * SIEVE (Zhang et al., NSDI 2024, "SIEVE is Simpler than LRU"): a queue that nothing moves in. A
 * hand goes from the oldest to the newest and around; it evicts what was not asked for since it
 * last came by.
 */
final class Sieve implements Policy {
  private static final int ASKED_AGAIN = 1;

  private final KeyTable slots = new KeyTable();
  private final Queue queue = new Queue(slots);
  private final int maxKeys;
  private int hand = KeyTable.NONE;
  private long capacity;
  private long dropped;

  Sieve(long capacityBytes, int maxKeys) {
    this.capacity = capacityBytes;
    this.maxKeys = maxKeys;
  }

  @Override
  public boolean request(long key, long bytes) {
    int slot = slots.find(key);
    if (slot != KeyTable.NONE && slots.bytes(slot) == bytes) {
      slots.mark(slot, ASKED_AGAIN);
      return true;
    }
    if (slot != KeyTable.NONE) remove(slot);
    if (bytes > capacity) return false;
    while (queue.bytes() > capacity - bytes) evict();
    if (queue.count() == maxKeys) {
      evict();
      dropped++;
    }
    queue.addLast(slots.add(key, bytes));
    return false;
  }

  @Override
  public void resize(long capacityBytes) {
    capacity = capacityBytes;
    while (queue.bytes() > capacity) evict();
  }

  @Override
  public long bytes() {
    return queue.bytes();
  }

  @Override
  public int keys() {
    return queue.count();
  }

  @Override
  public long dropped() {
    return dropped;
  }

  private void evict() {
    int at = hand == KeyTable.NONE ? queue.first() : hand;
    while (slots.mark(at) == ASKED_AGAIN) {
      slots.mark(at, 0);
      at = slots.after(at) == KeyTable.NONE ? queue.first() : slots.after(at);
    }
    hand = at;
    remove(at);
  }

  private void remove(int slot) {
    if (slot == hand) hand = slots.after(slot);
    queue.remove(slot);
    slots.remove(slot);
  }
}
