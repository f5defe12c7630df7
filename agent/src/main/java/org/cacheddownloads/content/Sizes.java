package org.cacheddownloads.content;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sizes as people write them: {@code 10GiB}, {@code 500MB}, {@code 1.5 GiB} or a plain number of
 * bytes. {@code kB} to {@code TB} count by 1,000, {@code KiB} to {@code TiB} by 1,024. Never
 * negative; at most {@link Long#MAX_VALUE} bytes.
 */
public final class Sizes {
  private static final Pattern FORM =
      Pattern.compile("([0-9]{1,19}(?:\\.[0-9]{1,12})?) ?([A-Za-z]{0,3})");
  private static final Map<String, Long> UNITS =
      Map.of(
          "", 1L,
          "b", 1L,
          "kb", 1_000L,
          "mb", 1_000_000L,
          "gb", 1_000_000_000L,
          "tb", 1_000_000_000_000L,
          "kib", 1L << 10,
          "mib", 1L << 20,
          "gib", 1L << 30,
          "tib", 1L << 40);
  private static final BigDecimal LARGEST = BigDecimal.valueOf(Long.MAX_VALUE);
  private static final String[] BINARY = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  private static final int QUOTED_CHARS = 40;

  private Sizes() {}

  /**
   * Reads a size in bytes. Units in any case, one space before the unit allowed, decimals allowed
   * where the result is whole.
   *
   * @throws IllegalArgumentException if the text has another form, is negative or does not fit; the
   *     message is a sentence for whoever wrote the text
   */
  public static long parse(String text) {
    Matcher parts = FORM.matcher(text);
    if (!parts.matches()) throw notASize(text);
    Long unit = UNITS.get(parts.group(2).toLowerCase(Locale.ROOT));
    if (unit == null) throw notASize(text);
    BigDecimal bytes = new BigDecimal(parts.group(1)).multiply(BigDecimal.valueOf(unit));
    if (bytes.compareTo(LARGEST) > 0)
      throw new IllegalArgumentException(
          "a size is at most " + Long.MAX_VALUE + " bytes: " + quoted(text));
    if (bytes.stripTrailingZeros().scale() > 0)
      throw new IllegalArgumentException(
          "a size is a whole number of bytes, and this is not: " + quoted(text));
    return bytes.longValueExact();
  }

  /**
   * A size to be read by people, to one decimal of the largest binary unit that fits: {@code 512
   * B}, {@code 10.0 GiB}.
   */
  public static String format(long bytes) {
    if (bytes < 0) return "-" + format(bytes == Long.MIN_VALUE ? Long.MAX_VALUE : -bytes);
    if (bytes < 1024) return bytes + " B";
    double amount = bytes;
    int unit = 0;
    while (amount >= 1023.95
        && unit < BINARY.length - 1) { // what would be printed as 1024.0 is 1.0 of the next unit
      amount /= 1024;
      unit++;
    }
    return String.format(Locale.ROOT, "%.1f %s", amount, BINARY[unit]);
  }

  private static IllegalArgumentException notASize(String text) {
    return new IllegalArgumentException(
        "not a size: "
            + quoted(text)
            + "; write a whole number of bytes, or a number with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 500MB or 10GiB");
  }

  private static String quoted(String text) {
    return '"'
        + (text.length() <= QUOTED_CHARS ? text : text.substring(0, QUOTED_CHARS) + "…")
        + '"';
  }
}
