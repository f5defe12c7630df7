package org.cacheddownloads.cli;

import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;

/** Times as people say them. */
final class Times {
  private Times() {}

  /** To two units: {@code 812 ms}, {@code 4s}, {@code 1m 20s}, {@code 3h 5m}, {@code 2d 4h}. */
  static String span(Duration span) {
    if (span.compareTo(Duration.ofSeconds(1)) < 0)
      return span.isZero() ? "0s" : span.toMillis() + " ms";
    if (span.toMinutes() < 1) return span.toSeconds() + "s";
    if (span.toHours() < 1) return two(span.toMinutes(), "m", span.toSecondsPart(), "s");
    if (span.toDays() < 1) return two(span.toHours(), "h", span.toMinutesPart(), "m");
    return two(span.toDays(), "d", span.toHoursPart(), "h");
  }

  /**
   * How far an RFC 3339 time is from {@code now}: {@code 4s ago}, {@code in 3h 5m}; other text is
   * left as it is.
   */
  static String distance(String time, Instant now) {
    try {
      Duration age = Duration.between(Instant.parse(time), now);
      if (age.abs().compareTo(Duration.ofSeconds(1)) < 0) return "now";
      return age.isNegative() ? "in " + span(age.negated()) : span(age) + " ago";
    } catch (DateTimeParseException e) {
      return time;
    }
  }

  private static String two(long large, String largeUnit, long small, String smallUnit) {
    return large + largeUnit + (small == 0 ? "" : " " + small + smallUnit);
  }
}
