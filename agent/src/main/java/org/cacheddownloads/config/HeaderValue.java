package org.cacheddownloads.config;

import java.nio.file.Path;

/**
 * The value of a request header, as text or as the file that holds it. A secret: {@code toString}
 * does not show it.
 */
public sealed interface HeaderValue {
  /** A value written in the configuration itself; visible ASCII, spaces and tabs. */
  record Text(String value) implements HeaderValue {
    @Override
    public String toString() {
      return "redacted";
    }
  }

  /**
   * An absolute path; the file is read by whoever sends the header, each time anew, so that a
   * secret can be rotated without a reload.
   */
  record InFile(Path file) implements HeaderValue {}
}
