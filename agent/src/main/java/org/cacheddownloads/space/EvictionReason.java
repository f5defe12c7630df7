package org.cacheddownloads.space;

import java.util.Locale;

/** Which limit an eviction served. */
public enum EvictionReason {
  QUOTA,
  FILES,
  MIN_FREE,
  PRUNE;

  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
