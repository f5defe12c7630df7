package org.cacheddownloads.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.cacheddownloads.trace.RequestLog.Served;
import org.junit.jupiter.api.Test;

class RequestLogTest {
  private final AtomicReference<Duration> slowAfter = new AtomicReference<>(Duration.ofSeconds(1));
  private final RequestLog requests = new RequestLog(slowAfter::get);

  private static Served served(String id, long millis, Map<Phase, Duration> phases) {
    return new Served(
        id, Instant.EPOCH, "c", "n", "k", "u", "hit", null, 1, Duration.ofMillis(millis), phases);
  }

  private void add(String id, long millis) {
    requests.add(served(id, millis, Map.of()));
  }

  @Test
  void theNewestIsFirstAndTheOldestGoes() {
    for (int i = 0; i < RequestLog.KEPT + 3; i++) {
      add("r" + i, 1);
    }

    assertThat(requests.last()).hasSize(RequestLog.KEPT);
    assertThat(requests.last().getFirst().id()).isEqualTo("r" + (RequestLog.KEPT + 2));
    assertThat(requests.last().getLast().id()).isEqualTo("r3");
  }

  @Test
  void slowOnesOutlastTheQuickOnes() {
    add("slow", 1000);
    add("almost", 999);
    for (int i = 0; i < RequestLog.KEPT; i++) {
      add("quick", 1);
    }

    assertThat(requests.slow()).extracting(Served::id).containsExactly("slow");
    assertThat(requests.last()).extracting(Served::id).containsOnly("quick");
  }

  @Test
  void theLimitIsTheOneInForce() {
    slowAfter.set(Duration.ZERO);
    add("all", 0);

    assertThat(requests.slow()).hasSize(1);
  }

  @Test
  void itWaitedForThePhaseThatTookLongest() {
    var phases = Map.of(Phase.SLOT, Duration.ofMillis(3), Phase.BODY, Duration.ofMillis(4));

    assertThat(served("a", 9, phases).waitedFor()).isEqualTo(Phase.BODY);
    assertThat(served("a", 9, Map.of()).waitedFor()).isNull();
  }
}
