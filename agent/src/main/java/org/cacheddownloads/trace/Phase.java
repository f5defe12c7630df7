package org.cacheddownloads.trace;

import java.util.Locale;

/** What a request may be busy with, or wait for. */
public enum Phase {
  /** Waits for a fetch that another request has begun. */
  FLIGHT,
  /** Waits for one of {@code fetch.concurrency} and {@code fetch.perOrigin}. */
  SLOT,
  /** From the lookup of the name until the origin begins to answer. */
  ORIGIN,
  /** Receives the body, hashes it and writes it. */
  BODY,
  /** Pauses before an origin is asked again. */
  RETRY,
  /** Waits for room under the quota, also while others are evicted for it. */
  SPACE,
  /** Waits until the archive is unpacked, and for its turn. */
  UNPACK,
  /** Links into the view of a container. */
  LINK;

  /** As in metrics, logs and replies. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
