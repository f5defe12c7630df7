package org.cacheddownloads.advice;

import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import org.cacheddownloads.content.Sizes;

/** Advice in one sentence for people. */
public final class Summary {
  /** What is gained by less is not worth a word. */
  private static final double WORTH = 0.01;

  /** A quota that is this many times too large is told of. */
  private static final int MUCH = 2;

  /** What shorter times tell of a day would be made up. */
  private static final Duration ENOUGH = Duration.ofMinutes(50);

  private static final Duration DAY = Duration.ofDays(1);

  private Summary() {}

  /**
   * What to do about the quota, and what that would gain.
   *
   * @param quotaBytes in force
   * @param now when the advice was made
   */
  public static String of(Advice advice, long quotaBytes, Instant now) {
    Curve curve = advice.curve();
    String window = words(advice.span());
    if (curve.requests() == 0) {
      return "No downloads were asked for in the last "
          + window
          + ", so there is nothing to tell yet.";
    }
    if (curve.coldRequests() == curve.requests()) {
      return "Nothing was asked for twice in the last "
          + window
          + ", so no quota would have saved a download.";
    }
    double ratio = curve.byteHitRatio(quotaBytes);
    long flat = curve.flatBytes();
    if (flat <= quotaBytes) {
      return flat <= quotaBytes / MUCH
          ? "A quota of %s would do as well as the present %s: the byte hit ratio would be %s instead of %s."
              .formatted(
                  size(flat), size(quotaBytes), ratio(curve.byteHitRatio(flat)), ratio(ratio))
          : "The quota of %s is enough: the byte hit ratio is %s, and a larger one would raise it by less than 0.01."
              .formatted(size(quotaBytes), ratio(ratio));
    }
    double doubled = curve.byteHitRatio(MUCH * quotaBytes);
    boolean doublingHelps = doubled - ratio >= WORTH;
    long better = doublingHelps ? MUCH * quotaBytes : flat;
    double reached = doublingHelps ? doubled : curve.byteHitRatio(flat);
    return "%s to %s would raise the byte hit ratio from %s to %s and %s; beyond %s hardly anything is gained."
        .formatted(
            doublingHelps
                ? "Doubling the quota"
                : "Doubling the quota gains little, but raising it",
            size(better),
            ratio(ratio),
            ratio(reached),
            saving((reached - ratio) * curve.bytes(), Duration.between(advice.from(), now)),
            size(flat));
  }

  private static String saving(double bytes, Duration covered) {
    return covered.compareTo(ENOUGH) < 0
        ? "would have saved about " + size((long) bytes) + " of downloads since the recording began"
        : "save about "
            + size((long) (bytes * DAY.toMillis() / covered.toMillis()))
            + " of downloads a day";
  }

  private static String words(Span span) {
    return switch (span) {
      case HOUR -> "hour";
      case DAY -> "24 hours";
      case WEEK -> "7 days";
    };
  }

  private static String ratio(double ratio) {
    return String.format(Locale.ROOT, "%.2f", ratio);
  }

  /** Without a decimal that says nothing. */
  private static String size(long bytes) {
    return Sizes.format(bytes).replace(".0 ", " ");
  }
}
