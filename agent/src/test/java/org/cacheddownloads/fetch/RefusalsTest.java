package org.cacheddownloads.fetch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.failure.Attempt;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.OriginRejected;
import org.cacheddownloads.failure.CacheException.TimedOut;
import org.cacheddownloads.fetch.Flights.Question;
import org.cacheddownloads.space.TestClock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RefusalsTest {
  private static final Duration TTL = Duration.ofSeconds(5);
  private final TestClock clock = new TestClock();
  private final Refusals refusals = new Refusals(clock);

  private static Question question(String key, String asked) {
    return new Question(new CacheKey(key), Optional.empty(), asked);
  }

  private static final Question QUESTION = question("k", "x");

  @ParameterizedTest
  @CsvSource({
    "404, true",
    "410, true",
    "400, false",
    "403, false",
    "429, false",
    "500, false",
    "503, false"
  })
  void onlyAbsenceIsRemembered(int status, boolean remembered) {
    var failure = new OriginRejected("no", status);
    refusals.remember(QUESTION, failure, TTL);
    assertEquals(remembered ? Optional.of(failure) : Optional.empty(), refusals.recall(QUESTION));
  }

  @Test
  void whatHasNoStatusIsNotRemembered() {
    refusals.remember(QUESTION, new TimedOut("late", null), TTL);
    assertTrue(refusals.recall(QUESTION).isEmpty());
  }

  /** A mirror that is down may have what the others have not. */
  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      value = {"404, true", "410, true", "503, false", "-, false"})
  void absenceIsOnlyRememberedIfAllSourcesSaidIt(Integer status, boolean remembered) {
    CacheException failure =
        new OriginRejected("no", 404)
            .withAttempts(
                List.of(
                    new Attempt("http://o/a", 1, 404, "origin-rejected"),
                    new Attempt("http://m/a", 1, status, "x")));
    refusals.remember(QUESTION, failure, TTL);
    assertEquals(remembered, refusals.recall(QUESTION).isPresent());
  }

  @Test
  void aRefusalIsForgottenAtItsTime() {
    CacheException failure = new OriginRejected("no", 404);
    refusals.remember(QUESTION, failure, TTL);
    clock.advance(TTL.minusNanos(1));
    assertSame(failure, refusals.recall(QUESTION).orElseThrow());
    clock.advance(Duration.ofNanos(1));
    assertTrue(refusals.recall(QUESTION).isEmpty());
  }

  @Test
  void aSecondRefusalCountsFromItsOwnTime() {
    refusals.remember(QUESTION, new OriginRejected("no", 404), TTL);
    clock.advance(Duration.ofSeconds(3));
    CacheException second = new OriginRejected("gone", 410);
    refusals.remember(QUESTION, second, TTL);
    clock.advance(Duration.ofSeconds(3));
    assertSame(second, refusals.recall(QUESTION).orElseThrow());
  }

  @Test
  void zeroRemembersNothing() {
    refusals.remember(QUESTION, new OriginRejected("no", 404), Duration.ZERO);
    assertTrue(refusals.recall(QUESTION).isEmpty());
  }

  @Test
  void whoAsksOtherwiseIsNotRefused() {
    refusals.remember(QUESTION, new OriginRejected("no", 404), TTL);
    assertTrue(refusals.recall(question("k", "with credentials")).isEmpty());
    assertTrue(refusals.recall(question("other", "x")).isEmpty());
  }

  @Test
  void theOldestAreForgottenWhenThereAreMany() {
    for (int i = 0; i <= 10_000; i++) {
      refusals.remember(question("k" + i, "x"), new OriginRejected("no", 404), TTL);
    }
    assertTrue(refusals.recall(question("k0", "x")).isEmpty());
    assertTrue(refusals.recall(question("k1", "x")).isPresent());
    assertTrue(refusals.recall(question("k10000", "x")).isPresent());
  }
}
