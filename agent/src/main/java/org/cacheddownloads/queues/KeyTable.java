package org.cacheddownloads.queues;

import java.util.Arrays;

/**
 * Keys in numbered slots, each with a size, a mark and a place in one {@link Queue}. Not
 * thread-safe.
 *
 * <p>Grows in small steps, so that no single request waits for a copy of everything: slots come in
 * chunks, and the hash table grows by one bucket at a time (Litwin 1980, "Linear hashing"). It
 * never shrinks. 33 bytes a slot, and a chunk of {@value #CHUNK} slots and one of buckets in
 * advance.
 */
public final class KeyTable {
  /** No slot. */
  public static final int NONE = -1;

  private static final int BITS = 10;
  private static final int CHUNK = 1 << BITS;
  private static final int WITHIN = CHUNK - 1;

  /** The fields of {@value #CHUNK} slots. */
  private static final class Chunk {
    final long[] key = new long[CHUNK];
    final long[] bytes = new long[CHUNK];
    final int[] chained = new int[CHUNK];
    final int[] before = new int[CHUNK];
    final int[] after = new int[CHUNK];
    final byte[] mark = new byte[CHUNK];
  }

  private Chunk[] chunks = new Chunk[0];

  /** The first slot of each bucket's chain. */
  private int[][] heads = new int[0][];

  private int buckets;

  /** The largest power of two that is at most {@code buckets}. */
  private int round = 1;

  private int count;
  private int used;
  private int free = NONE;

  public KeyTable() {
    addBucket();
  }

  public int count() {
    return count;
  }

  /** The slot of a key, or {@link #NONE}. */
  public int find(long key) {
    int slot = head(bucket(key));
    while (slot != NONE && key(slot) != key) slot = chained(slot);
    return slot;
  }

  /** Puts a key that is not there into a slot, which is in no queue and has the mark 0. */
  public int add(long key, long bytes) {
    int slot = free;
    if (slot == NONE) {
      slot = used++;
      if (slot >> BITS == chunks.length)
        chunks = Arrays.copyOf(chunks, Math.max(4, chunks.length * 2));
      if ((slot & WITHIN) == 0) chunks[slot >> BITS] = new Chunk();
    } else {
      free = after(slot);
    }
    Chunk chunk = chunks[slot >> BITS];
    chunk.key[slot & WITHIN] = key;
    chunk.bytes[slot & WITHIN] = bytes;
    chunk.mark[slot & WITHIN] = 0;
    chain(slot);
    if (++count > buckets) split();
    return slot;
  }

  /** Frees a slot that is in no queue. */
  public void remove(int slot) {
    int bucket = bucket(key(slot));
    int next = chained(slot);
    int at = head(bucket);
    if (at == slot) {
      heads[bucket >> BITS][bucket & WITHIN] = next;
    } else {
      while (chained(at) != slot) at = chained(at);
      chunks[at >> BITS].chained[at & WITHIN] = next;
    }
    after(slot, free);
    free = slot;
    count--;
  }

  public long key(int slot) {
    return chunks[slot >> BITS].key[slot & WITHIN];
  }

  public long bytes(int slot) {
    return chunks[slot >> BITS].bytes[slot & WITHIN];
  }

  void bytes(int slot, long bytes) {
    chunks[slot >> BITS].bytes[slot & WITHIN] = bytes;
  }

  public byte mark(int slot) {
    return chunks[slot >> BITS].mark[slot & WITHIN];
  }

  public void mark(int slot, int mark) {
    chunks[slot >> BITS].mark[slot & WITHIN] = (byte) mark;
  }

  int before(int slot) {
    return chunks[slot >> BITS].before[slot & WITHIN];
  }

  void before(int slot, int other) {
    chunks[slot >> BITS].before[slot & WITHIN] = other;
  }

  /** The slot behind one in its queue, or {@link #NONE}. */
  public int after(int slot) {
    return chunks[slot >> BITS].after[slot & WITHIN];
  }

  void after(int slot, int other) {
    chunks[slot >> BITS].after[slot & WITHIN] = other;
  }

  private int chained(int slot) {
    return chunks[slot >> BITS].chained[slot & WITHIN];
  }

  private int head(int bucket) {
    return heads[bucket >> BITS][bucket & WITHIN];
  }

  private void chain(int slot) {
    int bucket = bucket(key(slot));
    chunks[slot >> BITS].chained[slot & WITHIN] = head(bucket);
    heads[bucket >> BITS][bucket & WITHIN] = slot;
  }

  /** Mixes once more: keys may come from others, whose hashes may have low bits that are equal. */
  private int bucket(long key) {
    int hash = (int) ((key * 0x9e3779b97f4a7c15L) >>> 32);
    int bucket = hash & 2 * round - 1;
    return bucket < buckets ? bucket : bucket - round;
  }

  private void addBucket() {
    if (buckets >> BITS == heads.length)
      heads = Arrays.copyOf(heads, Math.max(4, heads.length * 2));
    if ((buckets & WITHIN) == 0) heads[buckets >> BITS] = new int[CHUNK];
    heads[buckets >> BITS][buckets & WITHIN] = NONE;
    buckets++;
  }

  /** Adds a bucket, and hands it its part of the chain that it was in until now. */
  private void split() {
    int old = buckets - round;
    int slot = head(old);
    heads[old >> BITS][old & WITHIN] = NONE;
    addBucket();
    while (slot != NONE) {
      int next = chained(slot);
      chain(slot);
      slot = next;
    }
    if (buckets == 2 * round) round = buckets;
  }
}
