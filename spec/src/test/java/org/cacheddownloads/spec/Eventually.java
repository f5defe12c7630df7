package org.cacheddownloads.spec;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/** How tests wait: for something that can be seen, with a bound. */
final class Eventually {
  private static final Duration BOUND = Duration.ofSeconds(60);
  private static final Duration POLL = Duration.ofMillis(20);

  private Eventually() {}

  static ConditionFactory eventually() {
    return Awaitility.await().atMost(BOUND).pollDelay(Duration.ZERO).pollInterval(POLL);
  }
}
