package org.cacheddownloads.space;

/** How much must go before a reservation fits, and which limit says so. Never negative. */
record Shortage(long bytes, long files, EvictionReason reason) {

  boolean isNone() {
    return bytes <= 0 && files <= 0;
  }
}
