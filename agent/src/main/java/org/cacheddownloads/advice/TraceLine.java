package org.cacheddownloads.advice;

import java.util.HexFormat;

/**
 * One request as it is recorded.
 *
 * @param millis when it ended, since 1970
 * @param key hash of the key of the cache
 * @param bytes size of the object, at least 0
 * @param allocatedBytes what it takes of the quota, at least 0
 * @param outcome the word of {@link org.cacheddownloads.content.Outcome}, or another one without
 *     commas and line ends; empty when not known
 * @param durationMillis how long it took, at least 0
 */
public record TraceLine(
    long millis, long key, long bytes, long allocatedBytes, String outcome, long durationMillis) {
  /** The names of the columns, which are the first line of a file. */
  static final String HEADER = "time,key,size,allocated,outcome,duration";

  /** Without a line end. */
  String text() {
    return millis
        + ","
        + HexFormat.of().toHexDigits(key)
        + ","
        + bytes
        + ","
        + allocatedBytes
        + ","
        + outcome
        + ","
        + durationMillis;
  }
}
