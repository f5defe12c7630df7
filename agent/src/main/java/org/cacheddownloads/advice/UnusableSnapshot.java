package org.cacheddownloads.advice;

import java.io.IOException;

/** A file that is not, or no longer, what {@link Snapshot} wrote; the message says how it shows. */
final class UnusableSnapshot extends IOException {
  UnusableSnapshot(String message) {
    super(message);
  }
}
