package org.cacheddownloads.api;

import java.util.UUID;

/** Names of single occurrences: the same in a reply and in the log. */
final class Instances {
  private Instances() {}

  static String next() {
    return "urn:uuid:" + UUID.randomUUID();
  }
}
