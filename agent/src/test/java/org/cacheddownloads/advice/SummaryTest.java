package org.cacheddownloads.advice;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class SummaryTest {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
  private static final long GIB = 1L << 30;

  private final Recorder recorder = Recorder.empty(1_000, START);

  /** Each round asks for all of them once, so that LRU hits only with room for all. */
  private void loop(int rounds, int objects, long bytes) {
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < objects; i++) {
        recorder.record(
            new Recorder.Request(
                START, LruStackTest.hash(objects * 1_000L + i), bytes, bytes, Recorder.Fate.MISS));
      }
    }
  }

  private void says(long quotaBytes, String sentence) {
    Instant now = START.plus(Duration.ofHours(12));
    assertEquals(sentence, Summary.of(recorder.advise(Span.DAY, now), quotaBytes, now));
  }

  @Test
  void withoutRequestsThereIsNothingToTell() {
    says(GIB, "No downloads were asked for in the last 24 hours, so there is nothing to tell yet.");
  }

  @Test
  void whatIsAskedForOnceNeedsNoCache() {
    loop(1, 10, GIB);
    says(
        GIB,
        "Nothing was asked for twice in the last 24 hours, so no quota would have saved a download.");
  }

  @Test
  void doublingIsProposedWhereItHelps() {
    loop(4, 10, GIB);
    says(
        5 * GIB,
        "Doubling the quota to 10 GiB would raise the byte hit ratio from 0.00 to 0.75 and save about 60 GiB of downloads a day; beyond 10 GiB hardly anything is gained.");
  }

  @Test
  void aFewMinutesAreNotMadeADay() {
    loop(4, 10, GIB);
    Instant now = START.plus(Duration.ofMinutes(10));
    assertEquals(
        "Doubling the quota to 10 GiB would raise the byte hit ratio from 0.00 to 0.75 and would have saved about 30 GiB of downloads since the recording began; beyond 10 GiB hardly anything is gained.",
        Summary.of(recorder.advise(Span.DAY, now), 5 * GIB, now));
  }

  @Test
  void moreThanDoubleIsProposedWhereDoublingDoesNot() {
    loop(4, 10, GIB);
    says(
        2 * GIB,
        "Doubling the quota gains little, but raising it to 10 GiB would raise the byte hit ratio from 0.00 to 0.75 and save about 60 GiB of downloads a day; beyond 10 GiB hardly anything is gained.");
  }

  @Test
  void aQuotaThatSufficesIsLeftAlone() {
    loop(4, 10, GIB);
    says(
        12 * GIB,
        "The quota of 12 GiB is enough: the byte hit ratio is 0.75, and a larger one would raise it by less than 0.01.");
  }

  @Test
  void aQuotaThatIsMuchTooLargeIsTold() {
    loop(4, 10, GIB);
    says(
        100 * GIB,
        "A quota of 10 GiB would do as well as the present 100 GiB: the byte hit ratio would be 0.75 instead of 0.75.");
  }
}
