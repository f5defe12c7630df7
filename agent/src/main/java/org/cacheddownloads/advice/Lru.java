package org.cacheddownloads.advice;

import org.cacheddownloads.queues.KeyTable;
import org.cacheddownloads.queues.Queue;

/** Evicts the least recently used, as the agent does unless told otherwise. */
final class Lru implements Policy {
  private final KeyTable slots = new KeyTable();
  private final Queue queue = new Queue(slots);
  private final int maxKeys;
  private long capacity;
  private long dropped;

  Lru(long capacityBytes, int maxKeys) {
    this.capacity = capacityBytes;
    this.maxKeys = maxKeys;
  }

  @Override
  public boolean request(long key, long bytes) {
    int slot = slots.find(key);
    if (slot != KeyTable.NONE && slots.bytes(slot) == bytes) {
      queue.remove(slot);
      queue.addLast(slot);
      return true;
    }
    if (slot != KeyTable.NONE) remove(slot);
    if (bytes > capacity) return false;
    evictTo(capacity - bytes);
    if (queue.count() == maxKeys) {
      remove(queue.first());
      dropped++;
    }
    queue.addLast(slots.add(key, bytes));
    return false;
  }

  @Override
  public void resize(long capacityBytes) {
    capacity = capacityBytes;
    evictTo(capacityBytes);
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

  private void evictTo(long bytes) {
    while (queue.bytes() > bytes) remove(queue.first());
  }

  private void remove(int slot) {
    queue.remove(slot);
    slots.remove(slot);
  }
}
