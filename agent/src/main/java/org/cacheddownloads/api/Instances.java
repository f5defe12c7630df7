package org.cacheddownloads.api;

import org.cacheddownloads.trace.Trace;

/** Names of single requests: the same in a reply, its headers and the log. */
final class Instances {
  private Instances() {}

  /** The name of the request that this thread works for. */
  static String current() {
    return "urn:uuid:" + Trace.current().id();
  }
}
