package org.cacheddownloads.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.cacheddownloads.trace.Events.Event;
import org.cacheddownloads.trace.Events.Kind;
import org.junit.jupiter.api.Test;

class EventsTest {
  private final Events events = new Events(Clock.fixed(Instant.EPOCH, ZoneOffset.UTC));

  @Test
  void eventsAreNumberedAndKeepTheirFacts() {
    events.tell(Kind.RELEASED, "container", "c1", "name", null);
    events.tell(Kind.EVICTED, "bytes", 5L);

    assertThat(events.last()).isEqualTo(2);
    assertThat(events.after(0)).extracting(Event::id).containsExactly(1L, 2L);
    assertThat(events.after(1).getFirst().facts()).isEqualTo(Map.of("bytes", 5L));
    assertThat(events.after(0).getFirst().facts()).containsEntry("name", null);
  }

  @Test
  void theOldestGoAndTheNumbersTellHowMany() {
    for (int i = 0; i < Events.KEPT + 10; i++) {
      events.tell(Kind.FETCHED);
    }

    assertThat(events.after(0)).hasSize(Events.KEPT);
    assertThat(events.after(0).getFirst().id()).isEqualTo(11);
  }

  @Test
  void whoWaitsHearsOfTheNextOne() throws Exception {
    var heard = new CompletableFuture<Boolean>();
    Thread reader =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    heard.complete(events.await(0, Duration.ofMinutes(1)));
                  } catch (InterruptedException e) {
                    heard.completeExceptionally(e);
                  }
                });

    events.tell(Kind.FETCHED);

    assertThat(heard.get(10, TimeUnit.SECONDS)).isTrue();
    assertThat(reader.join(Duration.ofSeconds(10))).isTrue();
  }

  @Test
  void waitingHasAnEnd() throws InterruptedException {
    assertThat(events.await(0, Duration.ofMillis(1))).isFalse();
    events.end();
    assertThat(events.await(0, Duration.ofMinutes(10))).isFalse();
    assertThat(events.hasEnded()).isTrue();
  }
}
