package org.cacheddownloads.metrics;

import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Hosts as values of a label: the first {@value #MOST} that are seen since the start by their own
 * names, all others as {@value #OTHER}, so that no caller can make series without end. Thread-safe.
 */
final class Hosts {
  static final int MOST = 50;
  static final String OTHER = "other";

  private final Set<String> known = ConcurrentHashMap.newKeySet();

  String label(String host) {
    String name = host.toLowerCase(Locale.ROOT);
    return known.contains(name) || admitted(name) ? name : OTHER;
  }

  private synchronized boolean admitted(String name) {
    return known.contains(name) || (known.size() < MOST && known.add(name));
  }
}
