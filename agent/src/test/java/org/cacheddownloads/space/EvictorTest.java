package org.cacheddownloads.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.cacheddownloads.config.Config.Quota;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CacheException.InsufficientSpace;
import org.cacheddownloads.space.Evictor.Prune;
import org.cacheddownloads.store.Posix;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class EvictorTest {
  private static final long BLOCK = 4096;
  private @TempDir Path state;
  private Cell cell;

  @BeforeEach
  void open() throws IOException {
    cell = new Cell(state);
  }

  @AfterEach
  void close() {
    cell.close();
  }

  private void quotaBlocks(long blocks) {
    cell.quota.set(new Quota(blocks * BLOCK, 1000, 0, Duration.ZERO));
  }

  /** Entries k0, k1, … of four blocks each, used in this order. */
  private List<Stored> published(int count) throws IOException {
    var all = new ArrayList<Stored>();
    for (int i = 0; i < count; i++) {
      all.add(cell.publish("k" + i, Cell.blocks("body " + i, 4)));
    }
    return all;
  }

  private List<String> keys(Evictor.Pruned pruned) {
    return pruned.entries().stream().map(entry -> entry.key().text()).toList();
  }

  @Test
  void theLeastRecentlyUsedGoFirst() throws IOException {
    List<Stored> blobs = published(5);
    cell.use(blobs.get(0));
    cell.use(blobs.get(2));
    quotaBlocks(20);
    cell.publish("new", Cell.blocks("new", 9)); // needs the room of three
    assertEquals(List.of(blobs.get(1), blobs.get(3), blobs.get(4)), cell.evicted);
    assertEquals(
        List.of(EvictionReason.QUOTA, EvictionReason.QUOTA, EvictionReason.QUOTA), cell.reasons);
    assertTrue(cell.catalog.find(new CacheKey("k1"), "").isEmpty());
    assertTrue(cell.catalog.find(new CacheKey("k0"), "").isPresent());
    cell.assertSumsAreTheDisks();
  }

  @Test
  void noMoreGoesThanIsNeeded() throws IOException {
    List<Stored> blobs = published(3);
    quotaBlocks(12);
    cell.publish("new", Cell.blocks("new", 1));
    assertEquals(List.of(blobs.get(0)), cell.evicted);
  }

  @Test
  void whatIsPinnedStaysHoweverOldItIs() throws IOException {
    List<Stored> blobs = published(3);
    quotaBlocks(12);
    try (Pin _ = cell.evictor.pin(blobs.get(0))) {
      cell.publish("new", Cell.blocks("new", 4));
      assertEquals(List.of(blobs.get(1)), cell.evicted);
      assertTrue(cell.isStored(blobs.get(0)));
    }
    cell.assertSumsAreTheDisks();
  }

  @Test
  void whatHasALinkThatNobodyAccountsForStays() throws IOException {
    List<Stored> blobs = published(2);
    Posix.link(cell.layout.blob(blobs.get(0)), state.resolve("someones"));
    cell.evictor.prune(new Prune(0, null, null, false));
    assertEquals(List.of(blobs.get(1)), cell.evicted);
    assertTrue(cell.isStored(blobs.get(0)));
  }

  @Test
  void whenAllIsHeldNothingGoesAndTheRequestFails() throws IOException {
    List<Stored> blobs = published(2);
    quotaBlocks(8);
    try (Pin _ = cell.evictor.pin(blobs.get(0));
        Pin _ = cell.evictor.pin(blobs.get(1))) {
      assertThrows(InsufficientSpace.class, () -> cell.publish("new", Cell.blocks("new", 1)));
      assertEquals(List.of(), cell.evicted);
    }
    cell.assertSumsAreTheDisks();
  }

  @Test
  void filesAreEvictedForInodes() throws IOException {
    List<Stored> blobs = published(3);
    cell.quota.set(new Quota(1 << 30, 4, 0, Duration.ZERO));
    cell.publish("new", Cell.blocks("new", 1)); // the ingest takes two, of which one stays
    assertEquals(List.of(blobs.get(0)), cell.evicted);
    assertEquals(List.of(EvictionReason.FILES), cell.reasons);
  }

  @Test
  void manyPagesAreEvictedInOrder() throws IOException {
    var blobs = new ArrayList<Stored>();
    for (int i = 0; i < 300; i++) {
      blobs.add(cell.publish("k" + i, Cell.bytes("body " + i)));
    }
    cell.quota.set(new Quota(10 * BLOCK, 1000, 0, Duration.ZERO));
    cell.budget.enforce();
    assertEquals(blobs.subList(0, 290), cell.evicted);
    cell.assertSumsAreTheDisks();
  }

  @Test
  void uncachedBytesGoWithTheirLastPin() throws IOException {
    Pin pin = cell.uncached(Cell.bytes("secret"));
    Pin second = cell.evictor.pin(pin.stored());
    pin.close();
    assertTrue(cell.isStored(pin.stored()));
    second.close();
    assertFalse(cell.isStored(pin.stored()));
    assertTrue(cell.catalog.blob(pin.stored()).isEmpty());
    cell.assertSumsAreTheDisks();
  }

  @Test
  void replacedBytesGoAtOnceIfNobodyHoldsThem() throws IOException {
    Stored old = cell.publish("k", Cell.bytes("old"));
    Stored other = cell.publish("k", Cell.bytes("new"));
    assertFalse(cell.isStored(old));
    assertTrue(cell.isStored(other));
    cell.assertSumsAreTheDisks();
  }

  @Test
  void replacedBytesStayWhileAnotherKeyHasThem() throws IOException {
    Stored old = cell.publish("k", Cell.bytes("old"));
    cell.publish("same", Cell.bytes("old"));
    cell.publish("k", Cell.bytes("new"));
    assertTrue(cell.isStored(old));
    assertTrue(cell.evictor.deleteEntry(new CacheKey("same")));
    assertFalse(cell.isStored(old));
    cell.assertSumsAreTheDisks();
  }

  @Test
  void aDeletedEntryKeepsItsBytesWhileTheyArePinned() throws IOException {
    Stored stored = cell.publish("k", Cell.bytes("body"));
    try (Pin _ = cell.evictor.pin(stored)) {
      assertTrue(cell.evictor.deleteEntry(new CacheKey("k")));
      assertTrue(cell.isStored(stored));
    }
    assertFalse(cell.isStored(stored));
    assertFalse(cell.evictor.deleteEntry(new CacheKey("k")));
    cell.assertSumsAreTheDisks();
  }

  @Test
  void everyFormGoesWithTheLastEntry() throws IOException {
    Stored stored = cell.publish("k", Cell.bytes("body"));
    Stored executable = new Stored(stored.digest(), Form.EXECUTABLE);
    cell.copies.pin(executable, Cell.NEVER).orElseThrow().close();
    assertTrue(cell.isStored(executable));
    cell.evictor.deleteEntry(new CacheKey("k"));
    assertFalse(cell.isStored(stored));
    assertFalse(cell.isStored(executable));
    cell.assertSumsAreTheDisks();
  }

  @Test
  void aPruneTakesAllThatNobodyHolds() throws IOException {
    List<Stored> blobs = published(3);
    try (Pin _ = cell.evictor.pin(blobs.get(1))) {
      var pruned = cell.evictor.prune(new Prune(0, null, null, false));
      assertEquals(List.of("k0", "k2"), keys(pruned));
      assertEquals(8 * BLOCK, pruned.freedBytes());
    }
    assertEquals(List.of(EvictionReason.PRUNE, EvictionReason.PRUNE), cell.reasons);
    cell.assertSumsAreTheDisks();
  }

  @Test
  void aPruneStopsAtItsTarget() throws IOException {
    published(4);
    var pruned = cell.evictor.prune(new Prune(8 * BLOCK, null, null, false));
    assertEquals(List.of("k0", "k1"), keys(pruned));
    assertEquals(8 * BLOCK, cell.budget.sums().usedBytes());
    assertEquals(List.of(), keys(cell.evictor.prune(new Prune(8 * BLOCK, null, null, false))));
  }

  @Test
  void aPruneByAgeLeavesWhatWasUsedSince() throws IOException {
    published(2);
    cell.clock.advance(Duration.ofHours(1));
    Instant since = cell.clock.instant();
    cell.publish("late", Cell.blocks("late", 4));
    assertEquals(List.of("k0", "k1"), keys(cell.evictor.prune(new Prune(0, since, null, false))));
    assertTrue(cell.catalog.find(new CacheKey("late"), "").isPresent());
  }

  @Test
  void aPruneByPrefixLeavesOtherKeysAndBytesTheyShare() throws IOException {
    cell.publish("build/a", Cell.blocks("a", 1));
    cell.publish("build/b", Cell.blocks("b", 1));
    cell.publish("other", Cell.blocks("b", 1));
    cell.publish("kept", Cell.blocks("c", 1));
    assertEquals(List.of("build/a"), keys(cell.evictor.prune(new Prune(0, null, "build/", false))));
    assertEquals(3, cell.catalog.totals().entries());
  }

  @Test
  void bytesOfSeveralKeysAreFreedOnce() throws IOException {
    cell.publish("a", Cell.blocks("same", 4));
    cell.publish("b", Cell.blocks("same", 4));
    var pruned = cell.evictor.prune(new Prune(0, null, null, false));
    assertEquals(List.of("a", "b"), keys(pruned));
    assertEquals(4 * BLOCK, pruned.freedBytes());
  }

  @Test
  void aDryRunTellsTheSameAndChangesNothing() throws IOException {
    List<Stored> blobs = published(4);
    var before = cell.budget.sums();
    var told = cell.evictor.prune(new Prune(4 * BLOCK, null, null, true));
    assertEquals(before, cell.budget.sums());
    assertEquals(List.of(), cell.evicted);
    assertTrue(blobs.stream().allMatch(cell::isStored));
    assertEquals(told, cell.evictor.prune(new Prune(4 * BLOCK, null, null, false)));
    assertEquals(List.of("k0", "k1", "k2"), keys(told));
  }

  @Test
  void theFloorOfFreeSpaceEvicts() throws IOException {
    List<Stored> blobs = published(2);
    cell.quota.set(new Quota(1 << 30, 1000, 100 * BLOCK, Duration.ZERO));
    cell.freeBytes.set(101 * BLOCK);
    assertThrows(
        InsufficientSpace.class,
        () -> cell.publish("new", Cell.blocks("new", 2)),
        "the file system of the test does not grow by what is evicted");
    assertEquals(blobs, cell.evicted);
    assertEquals(List.of(EvictionReason.MIN_FREE, EvictionReason.MIN_FREE), cell.reasons);
  }

  @Test
  void aBlobIsNotDroppedWhileAnEntryLeadsToIt() throws IOException {
    Stored stored = cell.publish("k", Cell.bytes("body"));
    cell.evictor.dropIfUnlisted(stored);
    cell.evictor.dropUnlisted(stored.digest());
    assertTrue(cell.isStored(stored));
    assertTrue(Files.isRegularFile(cell.layout.blob(stored)));
  }

  @Test
  void aVictimWhoseFileHasVanishedGivesItsRoomBack() throws IOException {
    List<Stored> blobs = published(3);
    cell.store.delete(blobs.get(0));
    assertEquals(List.of("k0"), keys(cell.evictor.prune(new Prune(8 * BLOCK, null, null, false))));
    cell.assertSumsAreTheDisks();
  }

  @Test
  void theLastPinIsGivenBackOnAnInterruptedThreadToo() throws IOException {
    Pin pin = cell.uncached(Cell.bytes("secret"));
    Thread.currentThread().interrupt();
    try {
      pin.close();
    } finally {
      assertTrue(Thread.interrupted());
    }
    assertFalse(cell.isStored(pin.stored()));
    cell.assertSumsAreTheDisks();
  }
}
