package org.cacheddownloads.view;

import static org.cacheddownloads.view.Host.C1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.cacheddownloads.catalog.Synced;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.space.Cell;
import org.cacheddownloads.space.Pin;
import org.cacheddownloads.view.Reconciler.Findings;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ReconcilerTest {
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

  @Test
  void whatFitsIsLeftAlone() throws IOException {
    host.provide(C1, "a", ruby);
    assertEquals(new Findings(0, 0, 0), host.reconcile());
    assertTrue(host.cell.catalog.find(new CacheKey("ruby"), "").isPresent());
    assertTrue(host.cell.catalog.find(new CacheKey("php"), "").isPresent());
  }

  @Test
  void aRowWithoutAFileGoesWithItsEntry() throws IOException {
    Files.delete(host.cell.layout.blob(php));
    assertEquals(new Findings(1, 0, 0), host.reconcile());
    assertTrue(host.cell.catalog.find(new CacheKey("php"), "").isEmpty());
    assertTrue(host.cell.catalog.blob(php).isEmpty());
  }

  @Test
  void aRowWithoutAFileIsFoundAfterARestart() throws IOException {
    Files.delete(host.cell.layout.blob(php));
    host.close();
    host = Host.start(state);
    assertEquals(new Findings(1, 0, 0), host.reconcile());
  }

  @Test
  void aRowOfAnEarlierFileIsSuspect() throws IOException {
    long stamp = host.cell.store.stamp(blob(ruby));
    host.cell.catalog.markDurable(
        List.of(new Synced(ruby, stamp - 1), new Synced(php, host.cell.store.stamp(blob(php)))));
    host.reconcile();
    assertTrue(host.cell.catalog.isSuspect(ruby, stamp));
    assertFalse(host.cell.catalog.isSuspect(php, host.cell.store.stamp(blob(php))));
  }

  private Path blob(Stored stored) {
    return host.cell.layout.blob(stored);
  }

  @Test
  void aFileWithoutARowGoes() throws IOException {
    byte[] body = Cell.bytes("unknown");
    Stored unknown = Stored.file(Cell.digestOf(body));
    host.cell.layout.makeShelves();
    Files.write(host.cell.layout.blob(unknown), body);
    assertEquals(new Findings(0, 1, 0), host.reconcile());
    assertFalse(host.cell.isStored(unknown));
  }

  @Test
  void filesThatAreNotOursGoToQuarantine() throws IOException {
    Path fanOut = host.cell.layout.blob(ruby).getParent();
    Path other =
        host.cell
            .layout
            .blobs()
            .resolve("00".equals(fanOut.getFileName().toString()) ? "01" : "00");
    host.cell.layout.makeShelves();
    Files.writeString(fanOut.resolve("notes.txt"), "notes");
    Files.writeString(other.resolve(ruby.fileName()), "in the wrong place");
    assertEquals(new Findings(0, 0, 2), host.reconcile());
    assertTrue(Files.exists(state.resolve("quarantine/notes.txt")));
    assertTrue(Files.exists(state.resolve("quarantine").resolve(ruby.fileName())));
    assertTrue(host.cell.isStored(ruby));
  }

  @Test
  void aBlobThatNoEntryLeadsToGoes() throws IOException {
    host.cell.catalog.deleteEntry(new CacheKey("php"));
    host.cell.catalog.deleteEntry(new CacheKey("ruby"));
    host.provide(C1, "a", ruby);
    assertEquals(new Findings(0, 0, 0), host.reconcile());
    assertFalse(host.cell.isStored(php));
    assertTrue(host.cell.isStored(ruby), "a view holds it");
    host.views.release(C1);
    assertFalse(host.cell.isStored(ruby));
  }

  @Test
  void aDownloadUnderWayIsLeftAlone() throws IOException {
    try (Pin pin = host.cell.uncached(Cell.bytes("under way"))) {
      assertEquals(new Findings(0, 0, 0), host.reconcile());
      assertTrue(host.cell.isStored(pin.stored()));
    }
  }

  @Test
  void aDirectoryThatIsNotOursGoesToQuarantineWhole() throws IOException {
    Path stray = Files.createDirectories(host.cell.layout.blobs().resolve("00/stray/deep"));
    Files.writeString(stray.resolve("file"), "text");
    assertEquals(new Findings(0, 0, 1), host.reconcile());
    assertTrue(Files.exists(state.resolve("quarantine/stray/deep/file")));
  }
}
