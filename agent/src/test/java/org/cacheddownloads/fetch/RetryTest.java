package org.cacheddownloads.fetch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.BadResponse;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.ChecksumMismatch;
import org.cacheddownloads.failure.CacheException.InsufficientSpace;
import org.cacheddownloads.failure.CacheException.NotReady;
import org.cacheddownloads.failure.CacheException.OriginNotAllowed;
import org.cacheddownloads.failure.CacheException.OriginRejected;
import org.cacheddownloads.failure.CacheException.OriginUnavailable;
import org.cacheddownloads.failure.CacheException.TimedOut;
import org.cacheddownloads.failure.CacheException.TooLarge;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class RetryTest {
  private static final Instant NOW = Instant.parse("1994-11-06T08:49:37Z");

  /** The failure, whether another try may help, whether a stale entry may stand in. */
  static List<Arguments> failures() {
    return List.of(
        Arguments.of(new OriginUnavailable("refused", null), true, true),
        Arguments.of(OriginUnavailable.lasting("certificate"), false, true),
        Arguments.of(new TimedOut("silent", null), true, true),
        Arguments.of(BadResponse.cut("cut", 200), true, true),
        Arguments.of(BadResponse.of("204", 204), false, false),
        Arguments.of(new OriginRejected("500", 500), true, true),
        Arguments.of(new OriginRejected("503", 503), true, true),
        Arguments.of(new OriginRejected("599", 599), true, true),
        Arguments.of(new OriginRejected("408", 408), true, false),
        Arguments.of(new OriginRejected("425", 425), true, false),
        Arguments.of(new OriginRejected("429", 429), true, false),
        Arguments.of(new OriginRejected("400", 400), false, false),
        Arguments.of(new OriginRejected("401", 401), false, false),
        Arguments.of(new OriginRejected("403", 403), false, false),
        Arguments.of(new OriginRejected("404", 404), false, false),
        Arguments.of(new OriginRejected("410", 410), false, false),
        Arguments.of(new ChecksumMismatch("other"), false, false),
        Arguments.of(new OriginNotAllowed("policy"), false, false),
        Arguments.of(new TooLarge("large"), false, false),
        Arguments.of(new InsufficientSpace("full", 1, 1, 1), false, false),
        Arguments.of(new NotReady("disk", null), false, false),
        Arguments.of(new Busy("files", null), false, false));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void onlyFaultsThatMayPassAreTriedAgain(
      CacheException failure, boolean worthwhile, boolean outage) {
    assertEquals(worthwhile, Retry.isWorthwhile(failure));
    assertEquals(outage, Retry.isOutage(failure));
  }

  @ParameterizedTest
  @CsvSource({"1, 200", "2, 400", "3, 800", "6, 6400", "7, 10000", "8, 10000", "100, 10000"})
  void pausesGrowToALimitAndAreRandomBelowIt(int next, long longestMillis) {
    assertEquals(
        Duration.ofMillis(longestMillis), Retry.pause(next, Optional.empty(), bound -> bound - 1));
    assertEquals(Duration.ZERO, Retry.pause(next, Optional.empty(), _ -> 0));
  }

  @ParameterizedTest
  @CsvSource({
    "0, PT0S",
    "120, PT2M",
    "' 7 ', PT7S",
    "999999999, PT999999999S",
    "'Sun, 06 Nov 1994 08:49:47 GMT', PT10S",
    "'Sun, 06 Nov 1994 08:49:27 GMT', PT0S",
    "'Sunday, 06-Nov-94 08:49:47 GMT', PT10S"
  })
  void whatTheOriginAsksForIsThePause(String header, Duration pause) {
    Optional<Duration> asked = Retry.retryAfter(Optional.of(header), NOW);
    assertEquals(Optional.of(pause), asked);
    assertEquals(pause, Retry.pause(3, asked, _ -> 0));
    Duration tenth = pause.dividedBy(10);
    Duration most = tenth.compareTo(Duration.ofSeconds(1)) > 0 ? Duration.ofSeconds(1) : tenth;
    assertEquals(pause.plus(most), Retry.pause(3, asked, bound -> bound - 1));
  }

  @ParameterizedTest
  @CsvSource({"''", "soon", "-1", "1.5", "9999999999", "٣", "'Sun, 06 Nov 1994'"})
  void whatIsUnreadableIsNoWish(String header) {
    assertEquals(Optional.empty(), Retry.retryAfter(Optional.of(header), NOW));
  }
}
