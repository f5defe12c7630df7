package org.cacheddownloads.advice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class SimulationTest {
  /** A of 4, B of 4, A, C of 4, A, B: what LRU hits with room for two of them, and for all. */
  @Test
  void everyCacheSeesEveryRequest() {
    var simulation = new Simulation(List.of(Policy.Kind.LRU), List.of(8L, 12L));
    for (long key : new long[] {1, 2, 1, 3, 1, 2}) simulation.request(key, key * 100, 4);
    var result = simulation.result();
    assertThat(result.requests()).isEqualTo(6);
    assertThat(result.bytes()).isEqualTo(1_000);
    assertThat(result.coldRequests()).isEqualTo(3);
    assertThat(result.coldBytes()).isEqualTo(600);
    assertThat(result.estimated()).isFalse();
    assertThat(result.mostHits()).isEqualTo(0.5);
    assertThat(result.mostHitBytes()).isEqualTo(0.4);
    assertThat(result.lines())
        .containsExactly(
            new Simulation.Line(Policy.Kind.LRU, 8, 2, 200, 0),
            new Simulation.Line(Policy.Kind.LRU, 12, 3, 400, 0));
    assertThat(result.byteHitRatio(result.lines().getLast())).isEqualTo(0.4);
  }

  @Test
  void noRequestsAreNoHits() {
    var result = new Simulation(List.of(Policy.Kind.LRU), List.of(1L)).result();
    assertThat(result.hitRatio(result.lines().getFirst())).isZero();
    assertThat(result.mostHits()).isEqualTo(1);
  }

  @Test
  void moreCachesThanMemoryIsMeantForAreRefused() {
    assertThatThrownBy(() -> new Simulation(List.of(Policy.Kind.LRU), Collections.nCopies(65, 1L)))
        .hasMessage("at most 64 caches, not 65");
  }

  @Test
  void fewObjectsAreCountedExactlyAndManyNearly() {
    var distinct = new Distinct();
    for (long key = 0; key < 1_000_000; key++) {
      distinct.add(key, 3, 3);
      distinct.add(key / 2, 3, 3);
    }
    assertThat(distinct.estimated()).isFalse();
    assertThat(distinct.count()).isEqualTo(1_000_000);
    assertThat(distinct.bytes()).isEqualTo(3_000_000);
    for (long key = 0; key < 5_000_000; key++) distinct.add(key, 3, 3);
    assertThat(distinct.estimated()).isTrue();
    assertThat((double) distinct.count()).isCloseTo(5e6, within(5e4));
    assertThat((double) distinct.bytes()).isCloseTo(15e6, within(15e4));
  }
}
