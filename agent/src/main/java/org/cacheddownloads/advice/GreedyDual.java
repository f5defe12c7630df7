package org.cacheddownloads.advice;

import java.util.Arrays;
import org.cacheddownloads.queues.KeyTable;
import org.cacheddownloads.queues.Queue;

/**
 * Evicts what has the least worth: how often it was asked for since it came, divided by its size or
 * not, plus the age of the cache at that time, which is the worth of the last victim. So what was
 * worth much long ago goes at last. Of equal worth, the least recently used goes.
 *
 * <p>By frequency and size it is GDSF (Cherkasova 1998, "Improving WWW Proxies Performance with
 * Greedy-Dual-Size-Frequency Caching Policy"), by frequency alone LFU with dynamic aging (Arlitt et
 * al. 2000). A request costs the logarithm of the number of keys.
 */
final class GreedyDual implements Policy {
  private final KeyTable slots = new KeyTable();
  private final Queue held = new Queue(slots); // for its sum
  private final boolean bySize;
  private final int maxKeys;
  private long capacity;
  private long dropped;
  private double age;
  private long clock;

  /** By slot. */
  private double[] worth = new double[0];

  private long[] lastUsed = new long[0];
  private int[] uses = new int[0];
  private int[] place = new int[0];

  /** A binary heap of slots; the least worth is at 0. */
  private int[] heap = new int[0];

  private GreedyDual(boolean bySize, long capacityBytes, int maxKeys) {
    this.bySize = bySize;
    this.capacity = capacityBytes;
    this.maxKeys = maxKeys;
  }

  static GreedyDual byFrequency(long capacityBytes, int maxKeys) {
    return new GreedyDual(false, capacityBytes, maxKeys);
  }

  static GreedyDual byFrequencyAndSize(long capacityBytes, int maxKeys) {
    return new GreedyDual(true, capacityBytes, maxKeys);
  }

  @Override
  public boolean request(long key, long bytes) {
    int slot = slots.find(key);
    if (slot != KeyTable.NONE && slots.bytes(slot) == bytes) {
      use(slot);
      down(place[slot]);
      return true;
    }
    if (slot != KeyTable.NONE) remove(slot);
    if (bytes > capacity) return false;
    while (held.bytes() > capacity - bytes) evict();
    if (held.count() == maxKeys) {
      evict();
      dropped++;
    }
    add(slots.add(key, bytes));
    return false;
  }

  @Override
  public void resize(long capacityBytes) {
    capacity = capacityBytes;
    while (held.bytes() > capacity) evict();
  }

  @Override
  public long bytes() {
    return held.bytes();
  }

  @Override
  public int keys() {
    return held.count();
  }

  @Override
  public long dropped() {
    return dropped;
  }

  private void add(int slot) {
    if (slot >= heap.length) grow();
    uses[slot] = 0;
    use(slot);
    int at = held.count();
    held.addLast(slot);
    put(slot, at);
    up(at);
  }

  private void grow() {
    int length = Math.max(64, heap.length + heap.length / 2);
    worth = Arrays.copyOf(worth, length);
    lastUsed = Arrays.copyOf(lastUsed, length);
    uses = Arrays.copyOf(uses, length);
    place = Arrays.copyOf(place, length);
    heap = Arrays.copyOf(heap, length);
  }

  private void use(int slot) {
    uses[slot]++;
    lastUsed[slot] = clock++;
    worth[slot] = age + worth(uses[slot], slots.bytes(slot));
  }

  private double worth(int times, long bytes) {
    return bySize ? times / (double) Math.max(1, bytes) : times;
  }

  private void evict() {
    int victim = heap[0];
    age = worth[victim];
    remove(victim);
  }

  /** The last of the heap takes the place of what goes. */
  private void remove(int slot) {
    int at = place[slot];
    int mover = heap[held.count() - 1];
    held.remove(slot);
    slots.remove(slot);
    if (mover == slot) return;
    put(mover, at);
    up(at);
    down(place[mover]);
  }

  private void up(int from) {
    int at = from;
    int slot = heap[at];
    while (at > 0 && goesBefore(slot, heap[(at - 1) / 2])) {
      put(heap[(at - 1) / 2], at);
      at = (at - 1) / 2;
    }
    put(slot, at);
  }

  private void down(int from) {
    int at = from;
    int slot = heap[at];
    int end = held.count();
    for (int child = 2 * at + 1; child < end; child = 2 * at + 1) {
      if (child + 1 < end && goesBefore(heap[child + 1], heap[child])) child++;
      if (!goesBefore(heap[child], slot)) break;
      put(heap[child], at);
      at = child;
    }
    put(slot, at);
  }

  private void put(int slot, int at) {
    heap[at] = slot;
    place[slot] = at;
  }

  private boolean goesBefore(int slot, int other) {
    int order = Double.compare(worth[slot], worth[other]);
    return order < 0 || (order == 0 && lastUsed[slot] < lastUsed[other]);
  }
}
