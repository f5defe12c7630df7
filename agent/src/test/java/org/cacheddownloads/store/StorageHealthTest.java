package org.cacheddownloads.store;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.NotReady;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class StorageHealthTest {
  private @TempDir Path state;
  private StoreLayout layout;
  private StorageHealth health;

  @BeforeEach
  void open() throws IOException {
    layout = StoreLayout.open(state);
    health = new StorageHealth(layout);
  }

  @AfterEach
  void close() {
    layout.close();
  }

  private static CacheException error(String text) {
    return StorageFault.of("write a file", new IOException(text));
  }

  private void fail(int times) {
    for (int i = 0; i < times; i++) {
      health.heard(error("Input/output error " + i));
    }
  }

  /** Probes until the thread that does it has come to its end, and tells what it found. */
  private boolean isWellAfterProbe() throws InterruptedException {
    health.probe();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().equals("storage-probe")) {
        thread.join();
      }
    }
    return health.isHealthy();
  }

  @Test
  void threeErrorsInARowAreTrouble() {
    fail(2);
    assertTrue(health.isHealthy());
    fail(1);
    assertFalse(health.isHealthy());
    assertTrue(health.trouble().orElseThrow().contains("Input/output error"));
  }

  @Test
  void somethingSyncedBetweenThemBeginsANewRow() {
    fail(2);
    health.worked();
    fail(2);
    assertTrue(health.isHealthy());
  }

  @Test
  void oneErrorThatManyWaitedForCountsOnce() {
    CacheException error = error("Input/output error");
    for (int i = 0; i < 10; i++) {
      health.heard(error);
    }
    assertTrue(health.isHealthy());
  }

  @Test
  void whatIsNoErrorOfTheDiskDoesNotCount() {
    for (int i = 0; i < 10; i++) {
      health.heard(error("No space left on device"));
      health.heard(error("Disk quota exceeded"));
      health.heard(error("Too many open files"));
      health.heard(new NotReady("starting", null));
      health.heard(new IllegalStateException("a bug"));
    }
    assertTrue(health.isHealthy());
  }

  @Test
  void onlyAProbeThatIsWrittenEndsTheTrouble() throws Exception {
    fail(3);
    health.worked();
    assertFalse(health.isHealthy(), "what was written may be in memory alone");
    assertTrue(isWellAfterProbe());
    assertFalse(Files.exists(layout.probe()));
    fail(2);
    assertTrue(health.isHealthy(), "a new row");
  }

  @Test
  void aProbeThatCannotBeWrittenEndsNothing() throws Exception {
    Files.delete(layout.ingests());
    Files.createFile(layout.ingests());
    fail(3);
    assertFalse(isWellAfterProbe());
    Files.delete(layout.ingests());
    Files.createDirectory(layout.ingests());
    assertTrue(isWellAfterProbe());
  }

  @Test
  void whileAllIsWellNothingIsProbed() throws Exception {
    Files.delete(layout.ingests());
    assertTrue(isWellAfterProbe());
    assertFalse(Files.exists(layout.ingests()));
  }
}
