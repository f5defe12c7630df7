package org.cacheddownloads.advice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WindowTest {
  private static final long DAY = Duration.ofDays(1).toMillis();

  /** It forgets by the step, and never what is younger than its length. */
  @ParameterizedTest
  @EnumSource
  void aWindowCoversItsLengthAndAtMostOneStepMore(Span span) {
    long length = span.length().toMillis();
    long step = span.step().toMillis();
    var window = new Window(span);
    for (long at = 100 * DAY; at < 130 * DAY; at += step / 3) {
      window.at(at).add(Counter.REQUESTS, 1);
      long covered = at - window.start(at);
      assertThat(covered).isBetween(length, length + step - 1);
      List<Bucket> buckets = window.buckets(at);
      assertThat(buckets.size()).isLessThanOrEqualTo((int) (length / step) + 1);
      assertThat(buckets.getFirst().step * step).isGreaterThanOrEqualTo(window.start(at));
      long counted = buckets.stream().mapToLong(bucket -> bucket.count(Counter.REQUESTS)).sum();
      long times = Math.min((at - 100 * DAY) / (step / 3), covered / (step / 3)) + 1;
      assertEquals(times, counted);
    }
  }

  @Test
  void afterAPauseTheOldBucketsAreNotAnswered() {
    var window = new Window(Span.HOUR);
    window.at(100 * DAY).add(Counter.REQUESTS, 1);
    assertEquals(1, window.buckets(100 * DAY + 3_600_000).size());
    assertThat(window.buckets(100 * DAY + 3_600_000 + 300_000)).isEmpty();
    assertThat(window.buckets(200 * DAY)).isEmpty();
  }

  @Test
  void onlyThePresentBucketIsCopied() {
    var window = new Window(Span.HOUR);
    Bucket first = window.at(100 * DAY);
    Bucket second = window.at(100 * DAY + 300_000);
    List<Bucket> buckets = window.buckets(100 * DAY + 300_000);
    assertSame(first, buckets.getFirst());
    second.add(Counter.REQUESTS, 1);
    assertEquals(0, buckets.getLast().count(Counter.REQUESTS));
  }
}
