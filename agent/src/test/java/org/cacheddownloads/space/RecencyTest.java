package org.cacheddownloads.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class RecencyTest {
  private final TestClock clock = new TestClock();
  private final Recency recency = new Recency(clock);

  @Test
  void eachTimeIsLaterThoughTheClockStandsStill() {
    Instant first = recency.next();
    assertEquals(TestClock.START, first);
    assertEquals(first.plus(1, ChronoUnit.MICROS), recency.next());
    assertEquals(first.plus(2, ChronoUnit.MICROS), recency.next());
  }

  @Test
  void eachTimeIsLaterThoughTheClockGoesBack() {
    Instant first = recency.next();
    clock.advance(Duration.ofHours(-1));
    assertTrue(recency.next().isAfter(first));
  }

  @Test
  void timesHaveTheUnitOfTheCatalog() {
    clock.set(TestClock.START.plusNanos(1_999));
    assertEquals(TestClock.START.plusNanos(1_000), recency.next());
  }

  @Test
  void noTwoThreadsGetTheSameTime() throws Exception {
    var seen = new ConcurrentSkipListSet<Instant>();
    try (var threads = Executors.newFixedThreadPool(4)) {
      var running = new ArrayList<Future<?>>();
      for (int i = 0; i < 4; i++) {
        running.add(
            threads.submit(
                () -> {
                  for (int n = 0; n < 1000; n++) {
                    seen.add(recency.next());
                  }
                }));
      }
      for (Future<?> one : running) {
        one.get(20, TimeUnit.SECONDS);
      }
    }
    assertEquals(4000, new TreeSet<>(seen).size());
  }
}
