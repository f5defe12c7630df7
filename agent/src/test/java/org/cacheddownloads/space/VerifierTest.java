package org.cacheddownloads.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.space.Verifier.Corrupt;
import org.cacheddownloads.space.Verifier.Report;
import org.cacheddownloads.store.Posix;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class VerifierTest {
  private @TempDir Path state;
  private Cell cell;
  private Verifier verifier;

  @BeforeEach
  void open() throws IOException {
    cell = new Cell(state);
    verifier = new Verifier(cell.catalog, cell.store, cell.evictor);
  }

  @AfterEach
  void close() {
    cell.close();
  }

  private void damage(Stored stored) throws IOException {
    Path blob = cell.layout.blob(stored);
    Files.setPosixFilePermissions(blob, PosixFilePermissions.fromString("rw-r--r--"));
    Files.writeString(blob, "!".repeat(Math.toIntExact(Files.size(blob))));
  }

  @Test
  void intactBytesStayAsTheyAre() throws IOException {
    Stored a = cell.publish("a", Cell.bytes("a"));
    cell.publish("b", Cell.bytes("b"));
    assertEquals(new Report(2, List.of()), verifier.verifyAll());
    assertEquals(new Report(1, List.of()), verifier.verify(a.digest()).orElseThrow());
    cell.assertSumsAreTheDisks();
  }

  @Test
  void damagedBytesThatNobodyHoldsGoToQuarantine() throws IOException {
    Stored bad = cell.publish("bad", Cell.blocks("bad", 2));
    Stored good = cell.publish("good", Cell.bytes("good"));
    damage(bad);
    assertEquals(new Report(2, List.of(new Corrupt(bad.digest(), false))), verifier.verifyAll());
    assertFalse(cell.isStored(bad));
    assertTrue(cell.isStored(good));
    assertTrue(Files.exists(cell.layout.quarantine().resolve(bad.fileName())));
    assertTrue(cell.catalog.find(new CacheKey("bad"), "").isEmpty());
    assertTrue(cell.catalog.find(new CacheKey("good"), "").isPresent());
    assertTrue(cell.budget.sums().quarantineBytes() > 0);
    cell.assertSumsAreTheDisks();
  }

  @Test
  void damagedBytesInUseStayInTheirViewsAndNowhereElse() throws IOException {
    Stored bad = cell.publish("bad", Cell.blocks("bad", 2));
    Path view = Files.createDirectory(state.resolve("containers/c1"));
    Posix.link(cell.layout.blob(bad), view.resolve("held"));
    Posix.Stat held = Posix.lstat(view.resolve("held"));
    cell.budget.idleToInUse(
        cell.holds.linked(bad, held.inode(), held.allocatedBytes(), 1, false).bytes());
    damage(bad);
    assertEquals(new Report(1, List.of(new Corrupt(bad.digest(), true))), verifier.verifyAll());
    assertFalse(cell.isStored(bad));
    assertTrue(Files.exists(view.resolve("held")));
    assertTrue(cell.catalog.find(new CacheKey("bad"), "").isEmpty());
    assertEquals(held.allocatedBytes(), cell.budget.sums().inUseBytes());
    assertEquals(0, cell.budget.sums().idleBytes());
    assertEquals(0, cell.budget.sums().quarantineBytes());
    assertEquals(Holds.Change.GONE, cell.holds.unlinked(bad, held.inode()).change());
  }

  @Test
  void anUnknownDigestHasNoReport() {
    assertTrue(verifier.verify(Cell.digestOf(Cell.bytes("unknown"))).isEmpty());
  }
}
