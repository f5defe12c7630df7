package org.cacheddownloads.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.cacheddownloads.trace.Trace.Span;
import org.junit.jupiter.api.Test;

class TraceTest {
  private final AtomicLong nanoTime = new AtomicLong(1_000_000_000L);
  private final List<String> heard = new ArrayList<>();
  private final Trace trace =
      new Trace(
          "id", (phase, took) -> heard.add(phase.label() + " " + took.toMillis()), nanoTime::get);

  private void passes(long millis) {
    nanoTime.addAndGet(millis * 1_000_000);
  }

  private static Duration millis(long millis) {
    return Duration.ofMillis(millis);
  }

  @Test
  void aPhaseTakesFromItsBeginningToItsEnd() {
    trace.run(
        () -> {
          try (Span _ = Trace.enter(Phase.SLOT)) {
            passes(5);
          }
          passes(100);
        });

    assertThat(trace.phases()).containsOnlyKeys(Phase.SLOT).containsValue(millis(5));
    assertThat(heard).containsExactly("slot 5");
  }

  @Test
  void thePhaseInsideInterruptsTheOneAround() {
    trace.run(
        () -> {
          try (Span _ = Trace.enter(Phase.BODY)) {
            passes(1);
            try (Span _ = Trace.enter(Phase.SPACE)) {
              passes(20);
            }
            passes(300);
          }
        });

    assertThat(trace.phases())
        .containsEntry(Phase.BODY, millis(301))
        .containsEntry(Phase.SPACE, millis(20));
    assertThat(heard).containsExactly("space 20", "body 301");
  }

  @Test
  void whatRunsIsCountedWhileItRuns() {
    trace.run(
        () -> {
          try (Span _ = Trace.enter(Phase.ORIGIN)) {
            passes(7);
            assertThat(trace.now()).contains(Phase.ORIGIN);
            assertThat(trace.phases()).containsEntry(Phase.ORIGIN, millis(7));
          }
        });

    assertThat(trace.now()).isEmpty();
    assertThat(trace.phases()).containsEntry(Phase.ORIGIN, millis(7));
  }

  @Test
  void thePhaseAroundIsTheCurrentOneAgainAfterwards() {
    trace.run(
        () -> {
          try (Span _ = Trace.enter(Phase.ORIGIN)) {
            Trace.enter(Phase.SLOT).close();
            assertThat(trace.now()).contains(Phase.ORIGIN);
          }
        });
  }

  @Test
  void closingASpanTwiceIsClosingItOnce() {
    trace.run(
        () -> {
          Span span = Trace.enter(Phase.LINK);
          passes(2);
          span.close();
          passes(50);
          span.close();
        });

    assertThat(trace.phases()).containsEntry(Phase.LINK, millis(2));
    assertThat(heard).hasSize(1);
  }

  @Test
  void outsideOfARequestPhasesAreToldNobody() {
    try (Span _ = Trace.enter(Phase.SPACE)) {
      passes(9);
    }

    assertThat(trace.phases()).isEmpty();
    assertThat(Trace.current().phases()).isEmpty();
  }

  @Test
  void aPartIsTheSameRequestAndHasTimesOfItsOwn() {
    Trace part = trace.part();
    part.run(
        () -> {
          try (Span _ = Trace.enter(Phase.BODY)) {
            passes(4);
          }
        });

    assertThat(part.id()).isEqualTo("id");
    assertThat(trace.phases()).isEmpty();
    trace.add(part);
    assertThat(trace.phases()).containsEntry(Phase.BODY, millis(4));
    assertThat(heard).as("told once, by the part").containsExactly("body 4");
  }

  @Test
  void namesAreUuidsAndDiffer() {
    UUID one = UUID.fromString(Trace.newId());

    assertThat(one.version()).isEqualTo(4);
    assertThat(one.variant()).isEqualTo(2);
    assertThat(Trace.newId()).isNotEqualTo(one.toString());
  }
}
