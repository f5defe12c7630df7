package org.cacheddownloads.advice;

import java.io.IOException;

/** A file is no trace; the message is a sentence that names the line, and has no path. */
public final class InvalidTrace extends IOException {
  InvalidTrace(long line, String what) {
    super("line " + line + ": " + what);
  }
}
