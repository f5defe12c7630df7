package org.cacheddownloads.space;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.cacheddownloads.config.Config.Quota;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CacheException.InsufficientSpace;
import org.cacheddownloads.failure.CacheException.NotReady;
import org.cacheddownloads.store.Posix;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class CopiesTest {
  private static final byte[] BODY = Cell.blocks("body", 3);
  private @TempDir Path state;
  private Cell cell;
  private Stored file;
  private Stored executable;

  @BeforeEach
  void open() throws IOException {
    cell = new Cell(state);
    file = cell.publish("k", BODY);
    executable = new Stored(file.digest(), Form.EXECUTABLE);
  }

  @AfterEach
  void close() {
    cell.close();
  }

  private boolean isSuspect(Stored stored) throws IOException {
    return cell.catalog.isSuspect(stored, cell.store.stamp(cell.layout.blob(stored)));
  }

  /** Damages a blob as a bad disk would; no code path of the agent could. */
  private void damage(Stored stored) throws IOException {
    Path blob = cell.layout.blob(stored);
    Files.setPosixFilePermissions(blob, PosixFilePermissions.fromString("rw-r--r--"));
    byte[] bytes = Files.readAllBytes(blob);
    bytes[100] ^= 1;
    Files.write(blob, bytes);
  }

  @Test
  void theExecutableFormIsACopyWithItsOwnMode() throws IOException {
    try (Pin pin = cell.copies.pin(executable, Cell.NEVER).orElseThrow()) {
      assertEquals(executable, pin.stored());
      assertArrayEquals(BODY, Files.readAllBytes(cell.layout.blob(executable)));
      assertEquals(0555, Posix.lstat(cell.layout.blob(executable)).mode());
      assertEquals(0444, Posix.lstat(cell.layout.blob(file)).mode());
      assertTrue(cell.holds.isHeld(executable));
      assertFalse(cell.holds.isHeld(file));
    }
    assertEquals(2, cell.catalog.forms(file.digest()).size());
    cell.assertSumsAreTheDisks();
  }

  @Test
  void aFormThatIsThereIsNotMadeAgain() throws IOException {
    cell.copies.pin(executable, Cell.NEVER).orElseThrow().close();
    long inode = Posix.lstat(cell.layout.blob(executable)).inode();
    cell.copies.pin(executable, Cell.NEVER).orElseThrow().close();
    assertEquals(inode, Posix.lstat(cell.layout.blob(executable)).inode());
  }

  @Test
  void thePlainFormComesBackFromTheExecutableOne() throws IOException {
    cell.copies.pin(executable, Cell.NEVER).orElseThrow().close();
    cell.store.delete(file);
    cell.catalog.removeBlobs(java.util.List.of(file));
    cell.budget.idleGone(BODY.length, 1);
    try (Pin _ = cell.copies.pin(file, Cell.NEVER).orElseThrow()) {
      assertArrayEquals(BODY, Files.readAllBytes(cell.layout.blob(file)));
      assertEquals(0444, Posix.lstat(cell.layout.blob(file)).mode());
    }
    cell.assertSumsAreTheDisks();
  }

  @Test
  void whatIsNotThereInAnyFormIsNotPinned() {
    var unknown = Stored.file(Cell.digestOf(Cell.bytes("unknown")));
    assertTrue(cell.copies.pin(unknown, Cell.NEVER).isEmpty());
    assertTrue(
        cell.copies.pin(new Stored(unknown.digest(), Form.EXECUTABLE), Cell.NEVER).isEmpty());
    assertEquals(0, cell.holds.size());
  }

  @Test
  void aDamagedOriginalIsNotMultipliedAndTakenOut() throws IOException {
    damage(file);
    assertTrue(cell.copies.pin(executable, Cell.NEVER).isEmpty());
    assertFalse(cell.isStored(executable));
    assertFalse(cell.isStored(file));
    assertTrue(Files.exists(cell.layout.quarantine().resolve(file.fileName())));
    assertTrue(cell.catalog.find(new CacheKey("k"), "").isEmpty());
    assertEquals(0, cell.holds.size());
    cell.assertSumsAreTheDisks();
  }

  @Test
  void whatAPowerCutMadeSuspectIsHashedBeforeItsFirstUse() throws IOException {
    cell.copies.pin(executable, Cell.NEVER).orElseThrow().close();
    cell.catalog.noteBoot("one");
    cell.catalog.noteBoot("two");
    damage(executable);
    cell.copies.pin(file, Cell.NEVER).orElseThrow().close();
    assertFalse(isSuspect(file));
    assertTrue(isSuspect(executable));
    try (Pin _ = cell.copies.pin(executable, Cell.NEVER).orElseThrow()) {
      assertArrayEquals(BODY, Files.readAllBytes(cell.layout.blob(executable)), "made anew");
    }
    cell.assertSumsAreTheDisks();
  }

  @Test
  void aFileThatNoRowKnowsIsNotHandedOut() throws IOException {
    Files.write(cell.layout.blob(executable), Cell.bytes("torn"));
    try (Pin _ = cell.copies.pin(executable, Cell.NEVER).orElseThrow()) {
      assertArrayEquals(BODY, Files.readAllBytes(cell.layout.blob(executable)), "made anew");
    }
    cell.assertSumsAreTheDisks();
  }

  @Test
  void aDamagedCopyDoesNotCostTheEntryOfASoundOriginal() throws IOException {
    cell.copies.pin(executable, Cell.NEVER).orElseThrow().close();
    cell.catalog.noteBoot("one");
    cell.catalog.noteBoot("two");
    damage(executable);
    try (Pin _ = cell.evictor.pin(executable)) {
      assertFalse(cell.copies.isSound(executable));
    }
    assertTrue(cell.catalog.find(new CacheKey("k"), "").isPresent());
    cell.assertSumsAreTheDisks();
  }

  @Test
  void whatCouldNotBeSyncedIsNotTrustedForWhatIsInMemory() throws IOException {
    cell.catalog.refuse(file);
    try (Pin _ = cell.evictor.pin(file)) {
      assertFalse(cell.copies.isSound(file));
    }
    assertFalse(cell.isStored(file));
    assertFalse(Files.exists(cell.layout.quarantine().resolve(file.fileName())));
    cell.assertSumsAreTheDisks();
  }

  @Test
  void whatCouldNotBeSyncedAndHasVanishedSinceIsForgotten() throws IOException {
    cell.catalog.refuse(file);
    cell.store.delete(file);
    try (Pin _ = cell.evictor.pin(file)) {
      cell.evictor.abandon(file);
    }
    assertTrue(cell.catalog.blob(file).isEmpty());
    cell.assertSumsAreTheDisks();
  }

  @Test
  void whatHasVanishedIsForgotten() throws IOException {
    cell.store.delete(file);
    assertTrue(cell.copies.pin(file, Cell.NEVER).isEmpty());
    assertTrue(cell.catalog.blob(file).isEmpty());
    cell.assertSumsAreTheDisks();
  }

  @Test
  void aCopyWithoutRoomChangesNothing() throws IOException {
    cell.quota.set(new Quota(5 * 4096, 100, 0, Duration.ZERO));
    assertThrows(InsufficientSpace.class, () -> cell.copies.pin(executable, Cell.NEVER));
    assertTrue(cell.isStored(file), "the original is pinned while it is copied");
    assertFalse(cell.isStored(executable));
    assertEquals(0, cell.holds.size());
    cell.assertSumsAreTheDisks();
  }

  @Test
  void aRenewedInodeHasTheSameBytesAndMode() throws IOException {
    long before = Posix.lstat(cell.layout.blob(file)).inode();
    cell.renewInode(file);
    assertNotEquals(before, Posix.lstat(cell.layout.blob(file)).inode());
    assertArrayEquals(BODY, Files.readAllBytes(cell.layout.blob(file)));
    assertEquals(0444, Posix.lstat(cell.layout.blob(file)).mode());
    cell.assertSumsAreTheDisks();
  }

  /** Another caller who found it full was here first. */
  @Test
  void anInodeThatHasLinksLeftIsKept() throws IOException {
    long before = Posix.lstat(cell.layout.blob(file)).inode();
    cell.copies.renewInode(file, Cell.NEVER);
    assertEquals(before, Posix.lstat(cell.layout.blob(file)).inode());
    cell.assertSumsAreTheDisks();
  }

  @Test
  void viewsKeepTheInodeThatWasReplaced() throws IOException {
    Path view = Files.createDirectory(state.resolve("containers/c1"));
    Posix.link(cell.layout.blob(file), view.resolve("held"));
    Posix.Stat held = Posix.lstat(view.resolve("held"));
    cell.budget.idleToInUse(
        cell.holds.linked(file, held.inode(), held.allocatedBytes(), 1, false).bytes());
    cell.renewInode(file);
    long directory = Posix.lstat(view).allocatedBytes();
    assertEquals(held.allocatedBytes() + directory, cell.disk().inUseBytes());
    assertEquals(held.allocatedBytes(), cell.budget.sums().inUseBytes());
    assertEquals(cell.disk().idleBytes(), cell.budget.sums().idleBytes());
    assertEquals(1, Posix.lstat(view.resolve("held")).links());
    assertEquals(Holds.Change.GONE, cell.holds.unlinked(file, held.inode()).change());
  }

  @Test
  void whatIsNotInTheStoreCannotBeRenewed() {
    var unknown = Stored.file(Cell.digestOf(Cell.bytes("unknown")));
    assertThrows(NotReady.class, () -> cell.copies.renewInode(unknown, Cell.NEVER));
  }
}
