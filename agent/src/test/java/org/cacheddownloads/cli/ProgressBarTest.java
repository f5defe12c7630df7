package org.cacheddownloads.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProgressBarTest {
  private static final long MIB = 1 << 20;

  @Test
  void rateAndTimeLeftAreShown() {
    assertEquals(
        "ruby.zip  [==========          ]   50 %  50.0 MiB of 100.0 MiB  25.0 MiB/s  2s left",
        ProgressBar.line("ruby.zip", 50 * MIB, 100 * MIB, 50 * MIB, Duration.ofSeconds(2), 84));
  }

  @Test
  void withoutATotalOnlyWhatIsThereIsShown() {
    assertEquals(
        "a  50.0 MiB  25.0 MiB/s",
        ProgressBar.line("a", 50 * MIB, null, 50 * MIB, Duration.ofSeconds(2), 80));
  }

  @Test
  void atFirstNoRateIsGuessed() {
    assertEquals(
        "a  [                                        ]    0 %  0 B of 1.0 MiB",
        ProgressBar.line("a", 0, MIB, 0, Duration.ZERO, 80));
  }

  @Test
  void moreThanTheTotalIsFull() {
    assertTrue(ProgressBar.line("a", 5, 4L, 5, Duration.ofSeconds(1), 80).contains("=]  100 %"));
  }

  @ParameterizedTest
  @ValueSource(ints = {40, 41, 60, 80, 81, 200, 400})
  void theLineIsShorterThanTheTerminalIsWide(int columns) {
    String line =
        ProgressBar.line(
            "n".repeat(255), 999 * MIB, 1000 * MIB, 5, Duration.ofSeconds(100), columns);
    assertTrue(line.length() < columns, line);
  }

  /** 90 of 100 MiB were there before: ten more in ten seconds are 1 MiB/s. */
  @Test
  void theRateOfAResumedDownloadCountsWhatArrivedNow() {
    var drawn = new StringWriter();
    var clock = new AtomicLong();
    try (var bar = new ProgressBar(new PrintWriter(drawn), 100, "a", clock::get)) {
      bar.progress(80 * MIB, 100 * MIB);
      clock.set(10_000_000_000L);
      bar.progress(90 * MIB, 100 * MIB);
    }
    assertTrue(drawn.toString().contains("1.0 MiB/s  10s left"), drawn.toString());
    assertTrue(drawn.toString().endsWith("\r\u001b[K"), drawn.toString());
  }

  @Test
  void nothingIsWipedWhereNothingWasDrawn() {
    var drawn = new StringWriter();
    new ProgressBar(new PrintWriter(drawn), 100, "a", () -> 0).close();
    assertEquals("", drawn.toString());
  }
}
