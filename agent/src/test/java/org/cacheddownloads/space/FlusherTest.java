package org.cacheddownloads.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.store.StorageHealth;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class FlusherTest {
  private static final byte[] BODY = Cell.blocks("body", 4);
  private @TempDir Path state;
  private Cell cell;
  private Flusher flusher;
  private int flushed;

  @BeforeEach
  void open() throws IOException {
    cell = new Cell(state);
    flusher =
        new Flusher(
            cell.catalog,
            cell.store,
            new Recount(cell.catalog, cell.store, cell.holds, cell.budget),
            cell.evictor,
            new StorageHealth(cell.layout),
            cell.clock,
            (blobs, _) -> flushed += blobs);
  }

  @AfterEach
  void close() {
    cell.close();
  }

  private void flush() {
    cell.catalog.flush(); // what would be written at some time of its own
    flusher.flush();
  }

  @Test
  void newBlobsAndTheirEntriesAreSynced() throws IOException {
    cell.publish("k", BODY);
    assertFalse(cell.catalog.isSynced());
    flush();
    assertEquals(List.of(), cell.catalog.notDurable(10));
    assertTrue(cell.catalog.isSynced());
  }

  @Test
  void whatIsSyncedIsToldOfOnce() throws IOException {
    cell.publish("k", BODY);
    assertEquals(1, cell.catalog.countNotDurable());
    flush();
    flush();
    assertEquals(0, cell.catalog.countNotDurable());
    assertEquals(1, flushed);
  }

  @Test
  void anEntryOfBytesThatWereSyncedBeforeIsSyncedToo() throws IOException {
    cell.publish("k", BODY);
    flush();
    cell.publish("other", BODY);
    assertEquals(List.of(), cell.catalog.notDurable(10), "no new blob");
    assertFalse(cell.catalog.isSynced());
    flush();
    assertTrue(cell.catalog.isSynced());
  }

  @Test
  void anEntryThatWasDeletedIsDeletedOnTheDiskToo() throws IOException {
    cell.publish("k", BODY);
    cell.publish("other", BODY);
    flush();
    assertTrue(cell.evictor.deleteEntry(new CacheKey("k")));
    assertFalse(cell.catalog.isSynced());
    flush();
    assertTrue(cell.catalog.isSynced());
  }
}
