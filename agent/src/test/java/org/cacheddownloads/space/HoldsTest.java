package org.cacheddownloads.space;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.Sha256;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.space.Holds.Change;
import org.cacheddownloads.space.Holds.Effect;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class HoldsTest {
  private static final Stored A = Stored.file(new Digest(Sha256.hexOf("a")));
  private static final Stored B = Stored.file(new Digest(Sha256.hexOf("b")));
  private final Holds holds = new Holds();

  private Pin pin(Stored stored) {
    return holds.pin(stored, _ -> {});
  }

  @Test
  void whatIsPinnedCannotBeDoomed() {
    Pin pin = pin(A);
    assertFalse(holds.doom(A));
    assertTrue(holds.isHeld(A));
    assertFalse(holds.isInUse(A), "a pin is no view");
    pin.close();
    assertFalse(holds.isHeld(A));
    assertTrue(holds.doom(A));
  }

  @Test
  void formsOfOneDigestAreHeldByThemselves() {
    try (Pin _ = pin(A)) {
      assertTrue(holds.doom(new Stored(A.digest(), Form.EXECUTABLE)));
    }
  }

  @Test
  void onlyOneMayDeleteAtATime() {
    assertTrue(holds.doom(A));
    assertFalse(holds.doom(A));
    assertTrue(holds.doom(B));
    holds.liftDoom(A);
    assertTrue(holds.doom(A));
  }

  @Test
  void aPinWaitsForTheEndOfADeletion() throws Exception {
    assertTrue(holds.doom(A));
    var pinned = new CompletableFuture<Stored>();
    Thread waiting =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  try (Pin pin = pin(A)) {
                    pinned.complete(pin.stored());
                  }
                });
    await().until(() -> waiting.getState() == Thread.State.TIMED_WAITING);
    assertFalse(holds.isHeld(A));
    holds.liftDoom(A);
    assertEquals(A, pinned.get(20, TimeUnit.SECONDS));
    assertTrue(waiting.join(Duration.ofSeconds(20)));
  }

  /** Who pins has work to finish or to undo, and a deletion is short. */
  @Test
  void anInterruptDoesNotEndTheWaitForADeletion() throws Exception {
    assertTrue(holds.doom(A));
    var pinned = new CompletableFuture<Boolean>();
    Thread waiting =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  try (Pin _ = pin(A)) {
                    pinned.complete(Thread.currentThread().isInterrupted());
                  }
                });
    await().until(() -> waiting.getState() == Thread.State.TIMED_WAITING);
    waiting.interrupt();
    holds.liftDoom(A);
    assertTrue(pinned.get(20, TimeUnit.SECONDS), "it is still interrupted");
    assertTrue(waiting.join(Duration.ofSeconds(20)));
    assertFalse(holds.isHeld(A));
  }

  @Test
  void theLastToLetGoIsToldOnce() {
    List<Stored> free = new ArrayList<>();
    Pin first = holds.pin(A, free::add);
    Pin second = holds.pin(A, free::add);
    first.close();
    first.close();
    assertEquals(List.of(), free);
    second.close();
    second.close();
    assertEquals(List.of(A), free);
    assertEquals(0, holds.size());
  }

  @Test
  void aViewHoldsWhenThePinIsGone() {
    List<Stored> free = new ArrayList<>();
    Pin pin = holds.pin(A, free::add);
    assertEquals(new Effect(Change.IDLE_OR_IN_USE, 4096, 1), holds.linked(A, 1, 4096, 1, false));
    pin.close();
    assertEquals(List.of(), free, "a view holds it");
    assertTrue(holds.isHeld(A));
    assertTrue(holds.isInUse(A));
    assertFalse(holds.doom(A));
    assertEquals(new Effect(Change.IDLE_OR_IN_USE, 4096, 1), holds.unlinked(A, 1));
    assertFalse(holds.isInUse(A));
    assertTrue(holds.doom(A));
  }

  @Test
  void onlyTheFirstAndTheLastViewChangeTheSums() {
    assertEquals(Change.IDLE_OR_IN_USE, holds.linked(A, 1, 4096, 1, false).change());
    assertEquals(Change.NONE, holds.linked(A, 1, 4096, 1, false).change());
    assertEquals(Change.NONE, holds.linked(A, 1, 4096, 1, false).change());
    assertEquals(Change.NONE, holds.unlinked(A, 1).change());
    assertEquals(Change.NONE, holds.unlinked(A, 1).change());
    assertTrue(holds.isInUse(A));
    assertEquals(Change.IDLE_OR_IN_USE, holds.unlinked(A, 1).change());
    assertEquals(0, holds.size());
  }

  @Test
  void anInodeThatTheStoreGaveUpIsGoneWithItsLastView() {
    holds.linked(A, 1, 4096, 1, false);
    holds.linked(A, 1, 4096, 1, false);
    assertFalse(holds.isOrphan(1));
    assertTrue(holds.orphaned(1));
    assertTrue(holds.isOrphan(1));
    assertEquals(new Effect(Change.IDLE_OR_IN_USE, 8192, 1), holds.linked(A, 2, 8192, 1, false));
    assertEquals(Change.NONE, holds.unlinked(A, 1).change());
    assertEquals(new Effect(Change.GONE, 4096, 1), holds.unlinked(A, 1));
    assertTrue(holds.isInUse(A), "its second inode is");
    assertEquals(new Effect(Change.IDLE_OR_IN_USE, 8192, 1), holds.unlinked(A, 2));
  }

  @Test
  void anOrphanFoundAtTheStartIsGoneWithItsLastView() {
    holds.linked(A, 1, 4096, 1, true);
    assertEquals(new Effect(Change.GONE, 4096, 1), holds.unlinked(A, 1));
  }

  @Test
  void whatNoViewHoldsCannotBeOrphanedOrResized() {
    assertFalse(holds.orphaned(1));
    assertFalse(holds.resized(1, 8192, 1));
  }

  @Test
  void aResizedInodeIsGivenBackAsWhatItIsNow() {
    holds.linked(A, 1, 4096, 1, false);
    assertTrue(holds.resized(1, 8192, 1));
    assertEquals(new Effect(Change.IDLE_OR_IN_USE, 8192, 1), holds.unlinked(A, 1));
  }

  @Test
  void aTreeIsGivenBackWithAllItsInodes() {
    Stored tree = Stored.tree(A.digest());
    assertEquals(
        new Effect(Change.IDLE_OR_IN_USE, 12_288, 9), holds.linked(tree, 3, 12_288, 9, false));
    assertFalse(holds.isHeld(A), "the archive is another object");
    assertTrue(holds.orphaned(3));
    assertEquals(new Effect(Change.GONE, 12_288, 9), holds.unlinked(tree, 3));
  }
}
