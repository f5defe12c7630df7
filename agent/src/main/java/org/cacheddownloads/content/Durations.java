package org.cacheddownloads.content;

import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Durations as people write them, in requests, in the configuration and on the command line: {@code
 * 30s} or ISO-8601 {@code PT30S}. Never negative and at most {@link #LONGEST}, so that a deadline
 * computed from one cannot overflow.
 */
public final class Durations {
  /** Ten years of 365 days: the longest duration that is accepted. */
  public static final Duration LONGEST = Duration.ofDays(3650);

  private static final Pattern SHORT = Pattern.compile("([0-9]{1,15})(ms|s|m|h|d)");
  private static final int QUOTED_CHARS = 40;

  private Durations() {}

  /**
   * Reads {@code 250ms}, {@code 30s}, {@code 5m}, {@code 1h}, {@code 7d} or ISO-8601.
   *
   * @throws IllegalArgumentException if the text has another form, is negative or above {@link
   *     #LONGEST}; the message is a sentence for whoever wrote the text
   */
  public static Duration parse(String text) {
    Duration duration = read(text);
    if (duration.isNegative())
      throw new IllegalArgumentException("a duration cannot be negative: " + quoted(text));
    if (duration.compareTo(LONGEST) > 0)
      throw new IllegalArgumentException(
          "a duration is at most 10 years (" + format(LONGEST) + "): " + quoted(text));
    return duration;
  }

  /**
   * The shortest form that {@link #parse} reads back as the same duration: {@code 90s}, {@code
   * 10m}, {@code 7d}, {@code 0s}.
   */
  public static String format(Duration duration) {
    if (duration.isZero()) return "0s";
    if (duration.isNegative() || duration.getNano() % 1_000_000 != 0) return duration.toString();
    if (duration.getNano() != 0) return duration.toMillis() + "ms";
    long seconds = duration.getSeconds();
    if (seconds % 86_400 == 0) return seconds / 86_400 + "d";
    if (seconds % 3_600 == 0) return seconds / 3_600 + "h";
    if (seconds % 60 == 0) return seconds / 60 + "m";
    return seconds + "s";
  }

  private static Duration read(String text) {
    Matcher parts = SHORT.matcher(text);
    if (!parts.matches()) return iso(text);
    long amount =
        Long.parseLong(parts.group(1)); // 15 digits: neither this nor Duration.ofDays can overflow
    return switch (parts.group(2)) {
      case "ms" -> Duration.ofMillis(amount);
      case "s" -> Duration.ofSeconds(amount);
      case "m" -> Duration.ofMinutes(amount);
      case "h" -> Duration.ofHours(amount);
      default -> saturatedDays(amount);
    };
  }

  private static Duration saturatedDays(long days) {
    return Duration.ofDays(Math.min(days, LONGEST.toDays() + 1));
  }

  private static Duration iso(String text) {
    try {
      return Duration.parse(text);
    } catch (DateTimeParseException e) {
      throw new IllegalArgumentException(
          "not a duration: "
              + quoted(text)
              + "; write a whole number with ms, s, m, h or d, such as 30s or 5m, or ISO-8601 such as PT30S",
          e);
    }
  }

  private static String quoted(String text) {
    return '"'
        + (text.length() <= QUOTED_CHARS ? text : text.substring(0, QUOTED_CHARS) + "…")
        + '"';
  }
}
