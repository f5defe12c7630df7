package org.cacheddownloads.catalog;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * What is done about a catalog that SQLite finds damaged: it is marked by a file beside it, and at
 * the next opening set aside and begun anew. Thread-safe.
 */
final class Corruption {
  private static final Logger log = LoggerFactory.getLogger(Corruption.class);

  private final Path catalog;
  private final AtomicBoolean found = new AtomicBoolean();
  private volatile Runnable whenFound = () -> {};

  Corruption(Path catalog) {
    this.catalog = catalog;
  }

  /** Runs {@code action} once, when the catalog is found to be damaged, or now if it was. */
  void whenFound(Runnable action) {
    whenFound = action;
    if (found.get()) {
      action.run();
    }
  }

  static boolean is(SQLException fault) {
    if (fault instanceof UnreadableRow) {
      return true;
    }
    if (!(fault instanceof SQLiteException failure)) {
      return false;
    }
    int primary = failure.getResultCode().code & 0xff;
    return primary == SQLiteErrorCode.SQLITE_CORRUPT.code
        || primary == SQLiteErrorCode.SQLITE_NOTADB.code;
  }

  /** Looks at a failure, and marks the catalog if it is damaged. */
  void look(SQLException fault) {
    if (!is(fault) || found.getAndSet(true)) {
      return;
    }
    log.error("the catalog is damaged and will be rebuilt error={}", fault.getMessage());
    try {
      Files.createFile(mark());
    } catch (FileAlreadyExistsException e) {
      log.debug("it was marked before", e);
    } catch (IOException e) {
      log.error("the damaged catalog cannot be marked error={}", e.toString());
    }
    whenFound.run();
  }

  private Path mark() {
    return beside(".is-damaged");
  }

  private Path beside(String suffix) {
    return catalog.resolveSibling(catalog.getFileName() + suffix);
  }

  boolean isMarked() {
    return Files.exists(mark());
  }

  /** Moves the damaged file out of the way; the one that was set aside before it goes. */
  void setAside() throws IOException {
    for (String part : new String[] {"", "-wal", "-shm"}) {
      Path file = beside(part);
      if (Files.exists(file)) {
        Files.move(file, beside(".damaged" + part), StandardCopyOption.REPLACE_EXISTING);
      } else {
        Files.deleteIfExists(beside(".damaged" + part));
      }
    }
    Files.deleteIfExists(mark());
    log.error("the damaged catalog was set aside file={}", beside(".damaged"));
  }
}
