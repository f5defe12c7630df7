package org.cacheddownloads.space;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.cacheddownloads.catalog.Catalog.EvictionRank;
import org.cacheddownloads.config.Config.Policy;
import org.cacheddownloads.config.Config.Quota;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.store.Posix;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What S3-FIFO makes of real evictions: who goes, who stays, and that it is never believed. */
@Timeout(120)
class S3FifoOrderTest {
  private static final long BLOCK = 4096;
  private static final int BLOCKS = 4;
  private @TempDir Path state;
  private Cell cell;

  @BeforeEach
  void open() throws IOException {
    cell = new Cell(state, new TestClock(), Policy.S3FIFO);
    roomFor(10);
  }

  @AfterEach
  void close() {
    cell.close();
  }

  /** For so many objects, and what the writing of the next one takes besides. */
  private void roomFor(int objects) {
    cell.quota.set(
        new Quota((objects * BLOCKS + 1) * BLOCK, 1000, 0, Duration.ZERO, Policy.S3FIFO));
  }

  /** What a request makes of an object that is not here. */
  private Stored fetch(String name) throws IOException {
    Stored stored = cell.publish(name, Cell.blocks(name, BLOCKS));
    cell.use(stored);
    return stored;
  }

  private List<Stored> fetch(String prefix, int count) throws IOException {
    var all = new ArrayList<Stored>();
    for (int i = 0; i < count; i++) {
      all.add(fetch(prefix + i));
    }
    return all;
  }

  private void useTwice(Stored stored) {
    cell.use(stored);
    cell.use(stored);
  }

  private void restart() throws IOException {
    cell.close();
    Quota before = cell.quota.get();
    cell = new Cell(state, new TestClock(), Policy.S3FIFO);
    cell.quota.set(before);
    var totals = cell.catalog.totals();
    cell.catalog.newestUse().ifPresent(cell.recency::startAfter);
    cell.budget.start(totals.allocatedBytes(), 0, 0, totals.inodes());
  }

  @Test
  void whatWasAskedForAgainOutlivesWhatWasAskedForOnce() throws IOException {
    Stored hot = fetch("hot");
    useTwice(hot);
    fetch("once", 40);
    assertThat(cell.isStored(hot)).isTrue();
    assertThat(cell.evicted).hasSize(31).doesNotContain(hot);
    cell.assertSumsAreTheDisks();
  }

  /** The use that brought it does not count, so one more is not enough. */
  @Test
  void whatWasAskedForASecondTimeOnlyGoesLikeTheRest() throws IOException {
    Stored warm = fetch("warm");
    cell.use(warm);
    fetch("once", 10);
    assertThat(cell.isStored(warm)).isFalse();
  }

  @Test
  void whatComesBackSoonStays() throws IOException {
    Stored back = fetch("back");
    fetch("first", 10);
    assertThat(cell.isStored(back)).isFalse();
    fetch("back");
    fetch("second", 40);
    assertThat(cell.isStored(back)).isTrue();
  }

  @Test
  void whatWasPrunedComesBackAsNew() throws IOException {
    Stored back = fetch("back");
    cell.evictor.deleteEntry(new CacheKey("back"));
    assertThat(cell.isStored(back)).isFalse();
    fetch("back");
    fetch("once", 40);
    assertThat(cell.isStored(back)).isFalse();
  }

  @Test
  void whatIsHeldStaysAndCountsAsUsed() throws IOException {
    Stored held = fetch("held");
    try (Pin _ = cell.evictor.pin(held)) {
      fetch("first", 30);
      assertThat(cell.isStored(held)).isTrue();
    }
    assertThat(cell.evictor.evictionRank(held)).hasValue(new EvictionRank(10, 10));
    fetch("second", 30);
    assertThat(cell.isStored(held)).isTrue();
    assertThat(cell.evicted).doesNotContain(held);
    cell.assertSumsAreTheDisks();
  }

  /** A link that no view accounts for: the file system has the last word. */
  @Test
  void whatCannotGoHidesNoOther() throws IOException {
    Stored linked = fetch("linked");
    Posix.link(cell.layout.blob(linked), state.resolve("a link"));
    fetch("once", 20);
    assertThat(cell.isStored(linked)).isTrue();
    assertThat(cell.evicted).hasSize(11).doesNotContain(linked);
  }

  @Test
  void allGoesIfItMust() throws IOException {
    List<Stored> all = fetch("all", 10);
    useTwice(all.get(3));
    cell.quota.set(new Quota(1, 1000, 0, Duration.ZERO));
    cell.budget.enforce();
    assertThat(cell.evicted).containsExactlyInAnyOrderElementsOf(all);
    cell.assertSumsAreTheDisks();
  }

  @Test
  void inodesMakeRoomToo() throws IOException {
    List<Stored> all = fetch("all", 6);
    cell.quota.set(new Quota(1 << 30, 4, 0, Duration.ZERO));
    cell.budget.enforce();
    assertThat(cell.evicted).containsExactlyElementsOf(all.subList(0, 2));
    assertThat(cell.reasons).containsOnly(EvictionReason.FILES);
  }

  /** An order that knows of nothing makes no request fail. */
  @Test
  void whatItDoesNotKnowGoesByLastUse() throws IOException {
    fetch("known");
    cell.quota.set(new Quota(4 * BLOCK, 1000, 0, Duration.ZERO));
    cell.budget.enforce(); // looks at the catalog once, and never again
    cell.catalog.watchBy(new Deaf());
    roomFor(3);
    List<Stored> unknown = fetch("unknown", 4);
    assertThat(cell.isStored(unknown.get(0))).isFalse();
    assertThat(cell.isStored(unknown.get(3))).isTrue();
    cell.assertSumsAreTheDisks();
  }

  private static final class Deaf implements org.cacheddownloads.catalog.Catalog.Watcher {
    @Override
    public void came(Stored stored, long allocatedBytes) {}

    @Override
    public void used(Stored stored) {}

    @Override
    public void resized(Stored stored, long allocatedBytes) {}

    @Override
    public void gone(Stored stored) {}
  }

  // ---- a restart ----

  @Test
  void afterARestartTheLeastRecentlyUsedGoFirst() throws IOException {
    List<Stored> all = fetch("all", 10);
    cell.use(all.get(0));
    restart();
    cell.quota.set(new Quota(6 * BLOCKS * BLOCK, 1000, 0, Duration.ZERO));
    cell.budget.enforce();
    assertThat(cell.evicted).containsExactlyElementsOf(all.subList(1, 5));
    cell.assertSumsAreTheDisks();
  }

  @Test
  void afterARestartAScanTakesOnlyATenthOfWhatIsHere() throws IOException {
    List<Stored> all = fetch("all", 10);
    restart();
    fetch("once", 40);
    assertThat(all.stream().filter(cell::isStored)).hasSize(9).doesNotContain(all.get(0));
  }

  // ---- explained ----

  @Test
  void theRankIsThePlaceInWhichItGoes() throws IOException {
    List<Stored> all = fetch("all", 10);
    List.of(0, 3, 3, 4, 4, 4, 9).forEach(i -> useTwice(all.get(i)));
    fetch("more", 3);
    Stored held = all.get(9);
    try (Pin _ = cell.evictor.pin(held)) {
      Map<Stored, EvictionRank> ranks = new HashMap<>();
      List<Stored> known = cell.catalog.blobs(0, 100).stream().map(b -> b.row().stored()).toList();
      known.forEach(
          stored -> cell.evictor.evictionRank(stored).ifPresent(rank -> ranks.put(stored, rank)));
      assertThat(known).contains(held);
      assertThat(ranks).hasSize(known.size() - 1).doesNotContainKey(held);
      assertThat(ranks.values()).allMatch(rank -> rank.of() == ranks.size());
      cell.evicted.clear();
      cell.quota.set(new Quota(1, 1000, 0, Duration.ZERO));
      cell.budget.enforce();
      assertThat(cell.evicted)
          .containsExactlyElementsOf(
              ranks.keySet().stream()
                  .sorted(Comparator.comparingLong(stored -> ranks.get(stored).position()))
                  .toList());
    }
    assertThat(cell.evictor.evictionRank(all.get(1))).isEmpty();
  }

  @Test
  void theRankIsToldAfterARestartToo() throws IOException {
    List<Stored> all = fetch("all", 3);
    restart();
    assertThat(cell.evictor.evictionRank(all.get(1))).hasValue(new EvictionRank(2, 3));
  }

  // ---- whatever happens ----

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void whatIsHeldStaysAndTheQuotaIsKept(long seed) throws IOException {
    var random = new Random(seed);
    Map<Stored, Pin> held = new HashMap<>();
    for (int step = 0; step < 300; step++) {
      int key = (int) Math.abs(random.nextGaussian() * 8);
      byte[] body = Cell.blocks("key " + key, 1 + key % 5);
      Stored stored = Stored.file(Cell.digestOf(body));
      switch (random.nextInt(12)) {
        case 0 -> roomFor(7 + random.nextInt(4));
        case 1 -> cell.evictor.dropIfUnlisted(stored);
        case 2 -> cell.evictor.deleteEntry(new CacheKey("key " + key));
        case 3 -> {
          Pin pin = held.remove(stored);
          if (pin != null) pin.close();
          else if (held.size() < 3) held.put(stored, cell.evictor.pin(stored));
        }
        default -> {
          if (!cell.isStored(stored)) cell.publish("key " + key, body);
          cell.use(stored);
        }
      }
      cell.budget.enforce();
      assertThat(cell.budget.sums().usedBytes())
          .as("after step %s", step)
          .isLessThanOrEqualTo(cell.quota.get().bytes());
      assertThat(cell.evicted).noneMatch(held::containsKey);
      cell.evicted.clear();
    }
    cell.assertSumsAreTheDisks();
    held.values().forEach(Pin::close);
  }

  // ---- keys ----

  @Test
  void objectsThatShareAKeyGoTogetherAndNoneIsLost() throws IOException {
    String rest = "0".repeat(46);
    var one = Stored.file(new Digest("f".repeat(16) + "11" + rest));
    var other = Stored.file(new Digest("f".repeat(15) + "c22" + rest));
    assertThat(S3FifoOrder.keyOf(one)).isEqualTo(S3FifoOrder.keyOf(other));
    assertThat(S3FifoOrder.keyOf(Stored.tree(one.digest()))).isNotEqualTo(S3FifoOrder.keyOf(one));
    cell.catalog.addBlob(one, 1, BLOCK, cell.recency.next());
    cell.catalog.addBlob(other, 1, BLOCK, cell.recency.next());
    EvictionOrder order = S3FifoOrder.watching(cell.catalog, cell.holds);
    try (var walk = order.walk()) {
      var victims = walk.next(new Shortage(1, 0, EvictionReason.QUOTA)).orElseThrow();
      assertThat(victims).extracting(row -> row.stored()).containsExactly(other, one);
    }
  }
}
