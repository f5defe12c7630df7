package org.cacheddownloads.config;

import java.nio.file.Path;

/**
 * The value of a request header, as text or as the file that holds it. A secret: {@code toString}
 * does not show it.
 */
public sealed interface HeaderValue {
  /** Whether a text can be sent: visible ASCII, with spaces and tabs only between. */
  static boolean isValid(String text) {
    return Values.HEADER_TEXT.matcher(text).matches();
  }

  /** A value written in the configuration itself; visible ASCII, spaces and tabs. */
  record Text(String value) implements HeaderValue {
    @Override
    public String toString() {
      return "redacted";
    }
  }

  /**
   * An absolute path; the file is read by whoever sends the header, and again once it has changed,
   * so that a secret can be rotated without a reload.
   */
  record InFile(Path file) implements HeaderValue {}
}
