package org.cacheddownloads.advice;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * What a cache of so many bytes would hold if it evicted by one rule; it holds keys and sizes
 * alone, and never bytes. Not thread-safe.
 *
 * <p>Every policy takes an object of another size than before for another object: the one before is
 * gone, and the request a miss. An object larger than the capacity is a miss that stores and evicts
 * nothing else. No policy is told of objects in use, which a real cache must not evict.
 */
public interface Policy {
  /** The rules there are. */
  enum Kind {
    /** Evicts the least recently used. */
    LRU("lru"),
    /** Three queues, first in first out, so that what is asked for once does not stay. */
    S3FIFO("s3fifo"),
    /** One queue with a hand that spares once what was asked for again. */
    SIEVE("sieve"),
    /** Evicts the least frequently used; what is new counts from where the last victim stood. */
    LFU_DA("lfu-da"),
    /** The same by frequency per byte: prefers many small objects to few large ones. */
    GDSF("gdsf");

    private final String word;

    Kind(String word) {
      this.word = word;
    }

    /** As people write it. */
    public String word() {
      return word;
    }

    /** The kind of this name, in any case. */
    public static Optional<Kind> named(String name) {
      String asked = name.toLowerCase(Locale.ROOT);
      return Arrays.stream(values()).filter(kind -> kind.word.equals(asked)).findFirst();
    }

    /**
     * An empty cache of this kind.
     *
     * @param maxKeys how many keys it remembers at most, held or not; about 40 bytes of memory each
     *     (65 of {@code lfu-da} and {@code gdsf}), taken when they come
     */
    public Policy of(long capacityBytes, int maxKeys) {
      return switch (this) {
        case LRU -> new Lru(capacityBytes, maxKeys);
        case S3FIFO -> new S3Fifo(capacityBytes, maxKeys);
        case SIEVE -> new Sieve(capacityBytes, maxKeys);
        case LFU_DA -> GreedyDual.byFrequency(capacityBytes, maxKeys);
        case GDSF -> GreedyDual.byFrequencyAndSize(capacityBytes, maxKeys);
      };
    }
  }

  /**
   * Asks for an object, which is held afterwards if it fits at all.
   *
   * @return whether it was held before
   */
  boolean request(long key, long bytes);

  /** Sets how much may be held from now on, and evicts down to it. */
  void resize(long capacityBytes);

  /** The sizes of all that is held; never above the capacity. */
  long bytes();

  /** How many keys are held; never above {@code maxKeys}. */
  int keys();

  /**
   * How often a key was let go because {@code maxKeys} were there, and not for want of room. Above
   * 0, a cache without that bound would hit more often.
   */
  long dropped();
}
