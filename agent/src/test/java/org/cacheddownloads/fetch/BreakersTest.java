package org.cacheddownloads.fetch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.cacheddownloads.config.Config;
import org.cacheddownloads.config.Config.Fetch;
import org.cacheddownloads.failure.CacheException.OriginUnavailable;
import org.cacheddownloads.space.TestClock;
import org.junit.jupiter.api.Test;

class BreakersTest {
  private static final String ORIGIN = "http://o:80";
  private static final Duration PAUSE = Duration.ofSeconds(5);
  private final TestClock clock = new TestClock();
  private Fetch limits = limits(3, 4);
  private final Breakers breakers = new Breakers(() -> limits, clock);

  private static Fetch limits(int breakerFailures, int retryBudget) {
    Duration second = Duration.ofSeconds(1);
    return new Fetch(
        1,
        1,
        4,
        second,
        second,
        second,
        second,
        0,
        second,
        null,
        Duration.ZERO,
        second,
        Config.Freshness.RFC9111,
        second,
        breakerFailures,
        PAUSE,
        retryBudget,
        null);
  }

  private void fail(int times) {
    for (int i = 0; i < times; i++) {
      try (Breakers.Try attempt = breakers.enter(ORIGIN)) {
        attempt.failed();
      }
    }
  }

  private void answer() {
    try (Breakers.Try attempt = breakers.enter(ORIGIN)) {
      attempt.answered();
    }
  }

  private void assertRests() {
    assertThrows(OriginUnavailable.class, () -> breakers.enter(ORIGIN));
  }

  @Test
  void anOriginRestsAfterSoManyFailuresInARow() {
    fail(2);
    breakers.enter(ORIGIN).close();
    assertEquals(0, breakers.resting());
    fail(1);
    assertRests();
    assertEquals(1, breakers.resting());
    breakers.enter("http://other:80").close();
  }

  @Test
  void anAnswerBetweenThemBeginsTheCountAnew() {
    fail(2);
    answer();
    fail(2);
    answer();
    assertEquals(0, breakers.resting());
  }

  @Test
  void aDownloadThatHadAnAnswerIsNoFailureWhateverComesAfter() {
    fail(2);
    try (Breakers.Try attempt = breakers.enter(ORIGIN)) {
      attempt.answered();
      attempt.failed();
    }
    fail(2);
    breakers.enter(ORIGIN).close();
  }

  @Test
  void afterThePauseOneTriesAndTheOthersFailAtOnce() {
    fail(3);
    clock.advance(PAUSE.minusMillis(1));
    assertRests();
    clock.advance(Duration.ofMillis(1));
    try (Breakers.Try probe = breakers.enter(ORIGIN)) {
      assertTrue(probe.isProbe());
      assertTrue(breakers.isDown(ORIGIN));
      assertRests();
      probe.failed();
    }
    assertRests();
    clock.advance(PAUSE);
    answer();
    answer();
    assertFalse(breakers.isDown(ORIGIN));
    assertEquals(0, breakers.resting());
  }

  @Test
  void aTryThatIsGivenUpLetsTheNextOneTry() {
    fail(3);
    clock.advance(PAUSE);
    breakers.enter(ORIGIN).close();
    Breakers.Try second = breakers.enter(ORIGIN);
    assertRests();
    second.close();
    answer();
  }

  @Test
  void zeroSwitchesItOff() {
    limits = limits(0, 4);
    fail(1000);
    breakers.enter(ORIGIN).close();
    limits = limits(3, 4);
    fail(1);
    assertRests();
    limits = limits(0, 4);
    breakers.enter(ORIGIN).close();
  }

  @Test
  void repetitionsEndWithTheBudgetAndComeBackOneASecond() {
    for (int i = 0; i < 4; i++) {
      assertTrue(breakers.mayRepeat(ORIGIN));
    }
    assertFalse(breakers.mayRepeat(ORIGIN));
    assertTrue(breakers.mayRepeat("http://other:80"));
    clock.advance(Duration.ofMillis(1500));
    assertTrue(breakers.mayRepeat(ORIGIN));
    assertFalse(breakers.mayRepeat(ORIGIN));
    clock.advance(Duration.ofHours(1));
    for (int i = 0; i < 4; i++) {
      assertTrue(breakers.mayRepeat(ORIGIN));
    }
    assertFalse(breakers.mayRepeat(ORIGIN));
  }
}
