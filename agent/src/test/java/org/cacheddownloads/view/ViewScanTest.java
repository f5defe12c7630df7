package org.cacheddownloads.view;

import static org.cacheddownloads.view.Host.C1;
import static org.cacheddownloads.view.Host.C2;
import static org.cacheddownloads.view.Host.name;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.cacheddownloads.catalog.DownloadRow;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.space.Cell;
import org.cacheddownloads.space.Pin;
import org.cacheddownloads.store.Posix;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a start finds after a kill, made by hand as the kill would have left it. */
@Timeout(60)
class ViewScanTest {
  private @TempDir Path state;
  private Host host;
  private Stored ruby;
  private Stored php;

  @BeforeEach
  void start() throws IOException {
    host = Host.start(state);
    ruby = host.cell.publish("ruby", Cell.bytes("ruby"));
    php = host.cell.publish("php", Cell.blocks("php", 3));
  }

  @AfterEach
  void sumsAreTheDisks() throws IOException {
    try {
      host.assertSumsAreTheDisks();
    } finally {
      host.close();
    }
  }

  private void restart() throws IOException {
    host.close();
    host = Host.start(state);
  }

  private Path link(Path view, Stored stored) throws IOException {
    Path links = Files.createDirectories(view.resolve(".cached-downloads"));
    Path link = links.resolve(stored.fileName());
    Posix.link(host.cell.layout.blob(stored), link);
    return link;
  }

  private void cutThePower() throws IOException {
    host.cell.catalog.noteBoot("before");
    host.cell.catalog.noteBoot("after");
    restart();
  }

  /** Gives the inode of a blob other bytes, as a file that was never synced can have. */
  private void tear(Stored stored) throws IOException {
    Path blob = host.cell.layout.blob(stored);
    Files.setPosixFilePermissions(blob, PosixFilePermissions.fromString("rw-r--r--"));
    Files.write(blob, new byte[0]);
    Files.setPosixFilePermissions(blob, PosixFilePermissions.fromString("r--r--r--"));
  }

  @Test
  void whatAPowerCutDamagedLeavesTheViewsThatShowIt() throws IOException {
    host.provide(C1, "a", ruby);
    host.provide(C1, "b", php);
    host.provide(C2, "x", ruby);
    tear(ruby);
    cutThePower();
    assertEquals(List.of("b"), host.names(C1));
    assertEquals(List.of(), host.names(C2));
    assertFalse(Files.exists(host.path(C1, "a"), LinkOption.NOFOLLOW_LINKS));
    host.reconcile(); // counts the blocks that a torn file has
  }

  @Test
  void whatIsDamagedStaysInTheViewsThatShowItUnlessThePowerWasCut() throws IOException {
    host.provide(C1, "a", ruby);
    tear(ruby);
    restart();
    assertEquals(List.of("a"), host.names(C1));
    host.reconcile();
  }

  @Test
  void aLinkToAFileThatNoRowKnowsIsCheckedAfterAPowerCut() throws IOException {
    host.provide(C1, "a", ruby);
    host.provide(C1, "b", php);
    tear(ruby);
    host.cell.catalog.removeBlobs(List.of(ruby, php));
    cutThePower();
    assertEquals(List.of("b"), host.names(C1));
    host.reconcile();
    assertFalse(host.cell.isStored(ruby));
  }

  @Test
  void aCleanRestartFindsEverything() throws IOException {
    host.views.declare(
        C1,
        List.of(Host.row(C1, "a", ruby), Host.row(C1, "d/b", php)),
        Duration.ofHours(1),
        Cell.NEVER);
    host.provide(C2, "x", ruby);
    ContainerState before = host.views.find(C1).orElseThrow();
    Map<String, String> listing = host.listing(C1);
    var sums = host.cell.budget.sums();
    restart();
    assertEquals(before, host.views.find(C1).orElseThrow());
    assertEquals(listing, host.listing(C1));
    assertEquals(sums, host.cell.budget.sums());
    assertEquals(2, host.views.references(ruby.digest()));
    assertTrue(host.cell.holds.isInUse(ruby));
    host.views.release(C1);
    host.views.release(C2);
    assertEquals(0, host.cell.holds.size());
  }

  @Test
  void anEmptyContainerIsThereAgain() throws IOException {
    host.declare(C1, Map.of());
    restart();
    assertEquals(List.of(), host.names(C1));
  }

  @Test
  void aSwitchThatWasCutShortLeavesTheOldName() throws IOException {
    host.provide(C1, "a", ruby);
    Path links = host.cell.layout.links(C1);
    link(host.cell.layout.view(C1), php);
    Files.createSymbolicLink(
        links.resolve(".switch-7"), Path.of(".cached-downloads", php.fileName()));
    restart();
    assertEquals("ruby", host.text(C1, "a"));
    assertEquals(
        Set.of("", ".cached-downloads", ".cached-downloads/" + ruby.fileName(), "a"),
        host.listing(C1).keySet());
    assertFalse(host.cell.holds.isInUse(php));
  }

  @Test
  void aReleaseThatWasCutShortIsFinished() throws IOException {
    host.provide(C1, "d/a", ruby);
    Files.move(host.cell.layout.view(C1), state.resolve("containers/.released-1-1"));
    restart();
    assertTrue(host.views.find(C1).isEmpty());
    try (var left = Files.list(state.resolve("containers"))) {
      assertEquals(List.of(), left.toList());
    }
    assertFalse(host.cell.holds.isInUse(ruby));
    assertEquals(List.of(), host.cell.catalog.containers());
  }

  @Test
  void aViewWhoseMakingWasCutShortGoes() throws IOException {
    link(state.resolve("containers/c1"), ruby);
    restart();
    assertTrue(host.views.find(C1).isEmpty());
    assertFalse(Files.exists(host.cell.layout.view(C1)));
    assertFalse(host.cell.holds.isInUse(ruby));
  }

  @Test
  void aLinkWithoutANameGoes() throws IOException {
    host.provide(C1, "a", ruby);
    Path link = link(host.cell.layout.view(C1), php);
    restart();
    assertFalse(Files.exists(link));
    assertFalse(host.cell.holds.isInUse(php));
    assertEquals(List.of("a"), host.names(C1));
  }

  @Test
  void aNameWithoutALinkGoesAndItsEmptyDirectoriesToo() throws IOException {
    host.provide(C1, "a", ruby);
    Files.createDirectories(host.path(C1, "d/e"));
    Files.createSymbolicLink(
        host.path(C1, "d/e/b"), Path.of("../../.cached-downloads", php.fileName()));
    Files.createSymbolicLink(host.path(C1, "strange"), Path.of("/etc/passwd"));
    restart();
    assertEquals(List.of("a"), host.names(C1));
    assertEquals(
        Set.of("", ".cached-downloads", ".cached-downloads/" + ruby.fileName(), "a"),
        host.listing(C1).keySet());
  }

  /** The description of a name is written half a second later; a kill may come before. */
  @Test
  void aNameWithoutADescriptionIsDescribedByAnEntryOfItsBytes() throws IOException {
    Path view = state.resolve("containers/c1");
    link(view, ruby);
    Files.createSymbolicLink(view.resolve("a"), Path.of(".cached-downloads", ruby.fileName()));
    restart();
    DownloadRow row = host.views.find(C1).orElseThrow().downloads().getFirst();
    assertEquals(name("a"), row.name());
    assertEquals(ruby, row.stored());
    assertEquals(4, row.size());
    assertEquals("ruby", row.key());
    assertEquals("http://origin/ruby", row.url());
    assertTrue(host.cell.holds.isInUse(ruby));
  }

  @Test
  void aDescriptionOfOtherBytesIsNotBelieved() throws IOException {
    host.provide(C1, "a", ruby);
    Path view = host.cell.layout.view(C1);
    link(view, php);
    Files.delete(view.resolve("a"));
    Files.createSymbolicLink(view.resolve("a"), Path.of(".cached-downloads", php.fileName()));
    restart();
    DownloadRow row = host.views.find(C1).orElseThrow().downloads().getFirst();
    assertEquals(php, row.stored());
    assertEquals("php", row.key());
    assertFalse(host.cell.holds.isInUse(ruby));
  }

  @Test
  void anInodeThatTheStoreHasGivenUpIsCountedWithItsView() throws IOException {
    host.provide(C1, "a", ruby);
    host.cell.renewInode(ruby);
    host.provide(C2, "a", ruby);
    restart();
    host.assertSumsAreTheDisks();
    host.views.release(C1);
    host.assertSumsAreTheDisks();
    host.views.release(C2);
  }

  @Test
  void anOldInodeThatOnlyOneViewHoldsGoesWithIt() throws IOException {
    host.provide(C1, "a", ruby);
    host.cell.renewInode(ruby);
    restart();
    host.assertSumsAreTheDisks();
    host.views.release(C1);
    assertTrue(host.cell.isStored(ruby));
  }

  @Test
  void aDownloadThatWasCutShortGoes() throws IOException {
    Path ingest = Files.createDirectory(state.resolve("ingest/dead-1"));
    Files.write(ingest.resolve("data"), Cell.blocks("half", 5));
    restart();
    assertFalse(Files.exists(ingest));
  }

  /** Committed into the store, killed before the catalog knew. */
  @Test
  void aBlobThatNoRowKnowsGoesWithItsIngest() throws IOException {
    byte[] body = Cell.blocks("new", 2);
    Stored stored = Stored.file(Cell.digestOf(body));
    Path ingest = Files.createDirectory(state.resolve("ingest/dead-1"));
    Files.write(ingest.resolve(stored.fileName()), body);
    host.cell.layout.makeShelves();
    Posix.link(ingest.resolve(stored.fileName()), host.cell.layout.blob(stored));
    restart();
    assertFalse(Files.exists(ingest));
    assertFalse(host.cell.isStored(stored));
  }

  /** Killed after the catalog knew, before the ingest was removed. */
  @Test
  void aBlobThatTheCatalogKnowsStaysWhenItsIngestGoes() throws IOException {
    Path ingest = Files.createDirectory(state.resolve("ingest/dead-1"));
    Posix.link(host.cell.layout.blob(ruby), ingest.resolve(ruby.fileName()));
    restart();
    assertFalse(Files.exists(ingest));
    assertTrue(host.cell.isStored(ruby));
    assertTrue(host.cell.catalog.find(new CacheKey("ruby"), "").isPresent());
  }

  @Test
  void aBlobThatOnlyAViewKnowsIsKnownAgain() throws IOException {
    byte[] body = Cell.blocks("new", 2);
    Stored stored;
    try (Pin pin = host.cell.commit(body)) {
      stored = pin.stored();
      link(state.resolve("containers/c1"), stored);
    }
    Files.createSymbolicLink(
        state.resolve("containers/c1/a"), Path.of(".cached-downloads", stored.fileName()));
    restart();
    assertTrue(host.cell.catalog.blob(stored).isPresent());
    assertTrue(host.cell.holds.isInUse(stored));
    host.assertSumsAreTheDisks();
    host.views.release(C1);
    assertFalse(host.cell.isStored(stored), "no entry leads to it");
  }

  @Test
  void quarantineIsCounted() throws IOException {
    Files.write(state.resolve("quarantine/old"), Cell.blocks("old", 3));
    restart();
    assertEquals(3 * 4096, host.cell.budget.sums().quarantineBytes());
  }

  @Test
  void whatIsNoneOfOursIsMovedToQuarantineAndCounted() throws IOException {
    host.provide(C1, "a", ruby);
    Files.createDirectory(state.resolve("containers/.strange"));
    Files.write(state.resolve("containers/stray"), Cell.blocks("1", 1));
    Files.write(state.resolve("containers/c1/stray"), Cell.blocks("2", 2));
    Files.write(state.resolve("ingest/stray"), Cell.blocks("3", 4));
    restart();
    assertEquals(7 * 4096, host.cell.budget.sums().quarantineBytes());
    try (var moved = Files.list(state.resolve("quarantine"))) {
      assertEquals(
          List.of(".strange", "stray", "stray.1", "stray.2"),
          moved.map(path -> String.valueOf(path.getFileName())).sorted().toList());
    }
    assertEquals("ruby", host.text(C1, "a"));
    host.assertSumsAreTheDisks();
  }

  @Test
  void anExpiryOutlastsARestart() throws IOException {
    host.views.declare(C1, List.of(), Duration.ofHours(1), Cell.NEVER);
    restart();
    host.cell.clock.advance(Duration.ofHours(1));
    assertEquals(List.of(C1), host.views.expire());
  }

  @Test
  void whatIsInUseIsNotEvictedAfterARestart() throws IOException {
    host.provide(C1, "a", ruby);
    restart();
    assertEquals(
        List.of("php"),
        host
            .cell
            .evictor
            .prune(new org.cacheddownloads.space.Evictor.Prune(0, null, null, false))
            .entries()
            .stream()
            .map(entry -> entry.key().text())
            .toList());
    assertEquals("ruby", host.text(C1, "a"));
  }

  @Test
  void whatWasReleasedByAKillIsIdleAgain() throws IOException {
    host.provide(C1, "a", ruby);
    host.cell.catalog.flush();
    assertEquals(List.of(ruby), host.cell.catalog.believedInUse());
    Files.move(host.cell.layout.view(C1), state.resolve("containers/.released-1-1"));
    restart();
    assertEquals(List.of(), host.cell.catalog.believedInUse());
  }
}
