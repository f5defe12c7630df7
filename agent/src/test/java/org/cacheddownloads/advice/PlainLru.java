package org.cacheddownloads.advice;

import java.util.LinkedHashMap;

/** The cache that curves tell of, as it is: one quota, and the least recently used goes. */
final class PlainLru {
  private final LinkedHashMap<Long, Integer> held = new LinkedHashMap<>(16, 0.75f, true);
  private final long quota;
  private long units;
  long hits;
  long hitBytes;

  /**
   * @param quota in units
   */
  PlainLru(long quota) {
    this.quota = quota;
  }

  /** What is larger than the quota is not stored, and evicts nobody. */
  void request(long key, int keyUnits, long bytes) {
    if (held.get(key) != null) {
      hits++;
      hitBytes += bytes;
      return;
    }
    if (keyUnits > quota) {
      return;
    }
    var eldest = held.entrySet().iterator();
    while (units + keyUnits > quota) {
      units -= eldest.next().getValue();
      eldest.remove();
    }
    held.put(key, keyUnits);
    units += keyUnits;
  }
}
