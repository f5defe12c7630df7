package org.cacheddownloads.content;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DurationsTest {
  @ParameterizedTest
  @CsvSource({
    "0s, PT0S",
    "250ms, PT0.25S",
    "30s, PT30S",
    "5m, PT5M",
    "1h, PT1H",
    "7d, PT168H",
    "3650d, PT87600H",
    "PT30S, PT30S",
    "PT0.5S, PT0.5S",
    "P1DT1H, PT25H"
  })
  void bothFormsAreRead(String text, Duration expected) {
    assertEquals(expected, Durations.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "30",
        "s",
        "30 s",
        "30S",
        "1.5h",
        "-5s",
        "1w",
        "30s ",
        "1h30m",
        "٣s",
        "9999999999999999s",
        "P1Y"
      })
  void otherFormsAreRefusedNamingTheAcceptedOnes(String text) {
    var refusal = assertThrows(IllegalArgumentException.class, () -> Durations.parse(text));
    assertTrue(
        refusal.getMessage().contains("30s") && refusal.getMessage().contains("PT30S"),
        refusal.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"PT-1S", "-PT1S", "P-1D"})
  void negativeIsRefused(String text) {
    var refusal = assertThrows(IllegalArgumentException.class, () -> Durations.parse(text));
    assertTrue(refusal.getMessage().contains("negative"), refusal.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "3651d",
        "999999999999999d",
        "999999999999999h",
        "PT9999999999H",
        "PT315360000.001S"
      })
  void aboveTenYearsIsRefused(String text) {
    var refusal = assertThrows(IllegalArgumentException.class, () -> Durations.parse(text));
    assertTrue(refusal.getMessage().contains("10 years"), refusal.getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "PT0S, 0s",
    "PT0.25S, 250ms",
    "PT1.5S, 1500ms",
    "PT30S, 30s",
    "PT90S, 90s",
    "PT60S, 1m",
    "PT90M, 90m",
    "PT1H, 1h",
    "PT24H, 1d",
    "PT168H, 7d",
    "PT0.0000001S, PT0.0000001S"
  })
  void theShortestFormIsWrittenAndReadBack(Duration duration, String expected) {
    assertEquals(expected, Durations.format(duration));
    assertEquals(duration, Durations.parse(expected));
  }

  @Test
  void refusalsQuoteLittleOfALongText() {
    var refusal =
        assertThrows(IllegalArgumentException.class, () -> Durations.parse("x".repeat(10_000)));
    assertTrue(refusal.getMessage().length() < 250, refusal.getMessage());
  }
}
