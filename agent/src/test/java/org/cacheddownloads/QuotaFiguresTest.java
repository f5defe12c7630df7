package org.cacheddownloads;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.cacheddownloads.advice.Advice;
import org.cacheddownloads.advice.Recorder;
import org.cacheddownloads.advice.Recorder.Fate;
import org.cacheddownloads.advice.Span;
import org.cacheddownloads.metrics.Meters;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuotaFiguresTest {
  private static final String PREFIX = "cached_downloads_";
  private static final long KIB = 1024;
  private static final Instant START = Instant.parse("2026-11-01T00:00:00Z");

  private final Meters meters = new Meters("1");
  private final List<Span> asked = new ArrayList<>();
  private final Recorder recorder = Recorder.empty(1_000, START);
  private Instant now = START;
  private long quota = 4 * KIB;

  private final class Ticking extends Clock {
    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }

  @BeforeEach
  void register() {
    new QuotaFigures(meters, this::advise, () -> quota, new Ticking()).register();
  }

  @AfterEach
  void close() {
    meters.close();
  }

  private Advice advise(Span span) {
    asked.add(span);
    return recorder.advise(span, now);
  }

  private void request(long key, long bytes, Fate fate) {
    recorder.record(new Recorder.Request(now, key << 40, bytes, bytes, fate));
  }

  /** Each of four objects of 1 and 3 KiB in turn, twice over: the second time 8 KiB lie between. */
  private void twoRounds() {
    for (Fate fate : List.of(Fate.MISS, Fate.HIT)) {
      request(1, KIB, fate);
      request(2, 3 * KIB, fate);
      request(3, KIB, fate);
      request(4, 3 * KIB, fate);
    }
  }

  private double figure(String name, String... labels) {
    String start = PREFIX + name + "{";
    List<String> found =
        meters
            .scrape()
            .lines()
            .filter(line -> line.startsWith(start))
            .filter(line -> List.of(labels).stream().allMatch(line::contains))
            .toList();
    assertEquals(1, found.size(), found::toString);
    return Double.parseDouble(found.getFirst().replaceFirst(".* ", ""));
  }

  private static String label(String name, String value) {
    return name + "=\"" + value + "\"";
  }

  @ParameterizedTest
  @CsvSource({"0.25,0", "0.5,0", "1,0", "2,0.5", "4,0.5", "8,0.5"})
  void curveIsReadAtMultiplesOfTheQuota(String factor, double expected) {
    twoRounds();

    for (String window : List.of("1h", "24h", "7d")) {
      String[] labels = {label("window", window), label("factor", factor)};
      assertEquals(expected, figure("advice_request_hit_ratio", labels));
      assertEquals(expected, figure("advice_byte_hit_ratio", labels));
    }
  }

  @Test
  void sharesAreOfRequestsAndOfBytes() {
    twoRounds();
    request(1, KIB, Fate.HIT);
    recorder.ghostHit(now, 3 * KIB);

    String hour = label("window", "1h");
    assertEquals(9, figure("advice_requests", hour));
    assertEquals(5.0 / 9, figure("advice_actual_request_hit_ratio", hour), 1e-9);
    assertEquals(9.0 / 17, figure("advice_actual_byte_hit_ratio", hour), 1e-9);
    assertEquals(1.0 / 9, figure("ghost_request_hit_ratio", hour, label("policy", "s3fifo")), 1e-9);
    assertEquals(3.0 / 17, figure("ghost_byte_hit_ratio", hour, label("policy", "s3fifo")), 1e-9);
    assertEquals(4.0 / 9, figure("advice_cold_miss_request_ratio", hour), 1e-9);
    assertEquals(8.0 / 17, figure("advice_cold_miss_byte_ratio", hour), 1e-9);
    assertEquals(8.0 * KIB, figure("advice_working_set_bytes", hour));
    assertEquals(8.0 * KIB, figure("advice_flat_quota_bytes", hour));
    assertEquals(0, figure("advice_dropped_keys", hour));
  }

  @Test
  void windowWithoutRequestsHasNoShares() {
    List<String> shares =
        meters
            .scrape()
            .lines()
            .filter(line -> line.startsWith(PREFIX))
            .filter(line -> line.contains("_ratio{") || line.contains("_flat_quota_bytes{"))
            .toList();

    assertEquals((2 * 6 + 3 * 2 + 1) * Span.values().length, shares.size());
    shares.forEach(line -> assertTrue(line.endsWith(" NaN"), line));
    assertEquals(0, figure("advice_requests", label("window", "7d")));
    assertEquals(0, figure("advice_working_set_bytes", label("window", "7d")));
  }

  @Test
  void windowIsAskedAgainOnlyWhenItsFiguresAreOld() {
    String day = label("window", "24h");
    assertEquals(0, figure("advice_requests", day));
    twoRounds();

    now = START.plus(QuotaFigures.FRESH).minusMillis(1);
    assertEquals(0, figure("advice_requests", day));
    assertEquals(List.of(Span.values()), asked);

    now = START.plus(QuotaFigures.FRESH);
    assertEquals(8, figure("advice_requests", day));
    assertEquals(2 * Span.values().length, asked.size());
  }

  @Test
  void clockThatWasSetBackHoldsNothingUp() {
    double _ = figure("advice_requests", label("window", "24h"));
    now = START.minus(Duration.ofHours(1));
    double _ = figure("advice_requests", label("window", "24h"));

    assertEquals(2 * Span.values().length, asked.size());
  }

  @Test
  void anotherQuotaMovesAlongTheCurve() {
    twoRounds();
    String[] atQuota = {label("window", "1h"), label("factor", "1")};
    assertEquals(0, figure("advice_byte_hit_ratio", atQuota));

    quota = 8 * KIB;
    now = now.plus(QuotaFigures.FRESH);

    assertEquals(0.5, figure("advice_byte_hit_ratio", atQuota));
  }

  @ParameterizedTest
  @CsvSource({"0,1h,0", "600,1h,600", "600,7d,600", "7200,1h,3600", "7200,24h,7200"})
  void windowCoversWhatWasRecordedAndNoMoreThanItsName(long passed, String window, double covers) {
    now = START.plusSeconds(passed);

    assertEquals(covers, figure("advice_covered_seconds", label("window", window)));
  }
}
