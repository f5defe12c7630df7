package org.cacheddownloads.content;

import java.util.Locale;

/** How a download came about, as the contract defines the words. */
public enum Outcome {
  /** Served with no origin contact. */
  HIT,
  /** The origin said 304. */
  REVALIDATED,
  /** Fetched whole. */
  MISS,
  /** The key was known and a whole body came. */
  UPDATED,
  /** Waited for another caller's fetch. */
  COALESCED,
  /** The origin failed and an older entry was allowed. */
  STALE,
  /** The response may not be stored: handed out, dropped at last release. */
  UNCACHED;

  /** Whether bytes were handed out that did not have to come over the network for this request. */
  public boolean saved() {
    return this == HIT || this == REVALIDATED || this == COALESCED || this == STALE;
  }

  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  public static Outcome ofLabel(String label) {
    return valueOf(label.toUpperCase(Locale.ROOT));
  }
}
