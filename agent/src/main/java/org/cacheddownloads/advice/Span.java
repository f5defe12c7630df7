package org.cacheddownloads.advice;

import java.time.Duration;

/** How far back advice looks. */
public enum Span {
  HOUR(Duration.ofHours(1), Duration.ofMinutes(5)),
  DAY(Duration.ofHours(24), Duration.ofHours(1)),
  WEEK(Duration.ofDays(7), Duration.ofHours(6));

  private final Duration length;
  private final Duration step;

  Span(Duration length, Duration step) {
    this.length = length;
    this.step = step;
  }

  /** The least that is covered; up to one {@link #step} more is. */
  public Duration length() {
    return length;
  }

  /** A window moves on by this much at a time; steps begin at multiples of it since 1970. */
  public Duration step() {
    return step;
  }
}
