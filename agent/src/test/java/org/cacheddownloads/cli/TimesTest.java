package org.cacheddownloads.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TimesTest {
  @ParameterizedTest
  @CsvSource({
    "PT0S, 0s",
    "PT0.812S, 812 ms",
    "PT4.9S, 4s",
    "PT1M, 1m",
    "PT1M20S, 1m 20s",
    "PT3H5M10S, 3h 5m",
    "PT52H, 2d 4h",
    "PT48H, 2d"
  })
  void spansHaveAtMostTwoUnits(Duration span, String expected) {
    assertEquals(expected, Times.span(span));
  }

  @ParameterizedTest
  @CsvSource({
    "2026-11-20T12:00:00Z, now",
    "2026-11-20T11:59:56Z, 4s ago",
    "2026-11-19T12:00:00Z, 1d ago",
    "2026-11-20T12:59:00Z, in 59m",
    "-, -"
  })
  void distancesAreFromNow(String time, String expected) {
    assertEquals(expected, Times.distance(time, Instant.parse("2026-11-20T12:00:00Z")));
  }
}
