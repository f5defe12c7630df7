package org.cacheddownloads.view;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.cacheddownloads.catalog.BlobRow;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.Catalog.NumberedBlob;
import org.cacheddownloads.catalog.Totals;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CrashPoint;
import org.cacheddownloads.space.Budget;
import org.cacheddownloads.space.Evictor;
import org.cacheddownloads.space.Pin;
import org.cacheddownloads.space.Recount;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Extent;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.StoreLayout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares store and catalog after a start, in the background while requests are served: rows
 * without files go, files without rows go, blobs that no entry leads to and nobody holds go, and
 * files that are none of ours are put into quarantine and named in the log. Ends early when
 * interrupted.
 */
public final class Reconciler {
  private static final Logger log = LoggerFactory.getLogger(Reconciler.class);
  private static final int PAGE = 500;

  private final StoreLayout layout;
  private final Catalog catalog;
  private final BlobStore store;
  private final Budget budget;
  private final Recount recount;
  private final Evictor evictor;

  public Reconciler(
      StoreLayout layout,
      Catalog catalog,
      BlobStore store,
      Budget budget,
      Recount recount,
      Evictor evictor) {
    this.layout = layout;
    this.catalog = catalog;
    this.store = store;
    this.budget = budget;
    this.recount = recount;
    this.evictor = evictor;
  }

  /** What was found and mended. */
  public record Findings(long rowsWithoutFile, long filesWithoutRow, long unknownFiles) {}

  public Findings run() throws IOException {
    long rowsWithoutFile = checkRows();
    long filesWithoutRow = 0;
    long unknown = 0;
    Totals wrong = catalog.recountTotals();
    budget.idleResized(wrong.allocatedBytes());
    budget.inodesRecounted(wrong.inodes());
    for (Path fanOut : list(layout.trees())) {
      if (!Files.isDirectory(fanOut, LinkOption.NOFOLLOW_LINKS)) {
        unknown += quarantine(fanOut);
        continue;
      }
      for (Path directory : list(fanOut)) {
        Stored tree = layout.treeAt(directory);
        if (StoreLayout.isAside(directory)) {
          filesWithoutRow += dropIfFree(directory);
        } else if (tree == null || !Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
          unknown += quarantine(directory);
        } else if (catalog.blob(tree).isEmpty()) {
          filesWithoutRow += evictor.dropUnknown(tree) ? 1 : 0;
        }
      }
    }
    for (Path fanOut : list(layout.blobs())) {
      if (!Files.isDirectory(fanOut)) {
        unknown += quarantine(fanOut);
        continue;
      }
      for (Path file : list(fanOut)) {
        Stored stored = StoreLayout.storedNamed(String.valueOf(file.getFileName()));
        if (stored == null || !layout.blob(stored).equals(file)) {
          unknown += quarantine(file);
        } else if (catalog.blob(stored).isEmpty()) {
          filesWithoutRow += evictor.dropUnknown(stored) ? 1 : 0;
        }
      }
      if (Thread.currentThread().isInterrupted()) {
        break;
      }
    }
    if (!Thread.currentThread().isInterrupted()) {
      catalog.reconciled();
    }
    var findings = new Findings(rowsWithoutFile, filesWithoutRow, unknown);
    log.info(
        "reconciled rowsWithoutFile={} filesWithoutRow={} unknownFiles={}",
        findings.rowsWithoutFile(),
        findings.filesWithoutRow(),
        findings.unknownFiles());
    return findings;
  }

  /** Deletes a damaged tree that was set aside for views, if those have let go of it. */
  private long dropIfFree(Path aside) throws IOException {
    Path manifest = aside.resolve(StoreLayout.MANIFEST);
    if (evictor.isHeldAside(StoreLayout.asideOf(aside))
        || (Files.exists(manifest, LinkOption.NOFOLLOW_LINKS)
            && Posix.lstat(manifest).links() > 1)) {
      return 0;
    }
    store.trees().discard(aside);
    return 1;
  }

  private static List<Path> list(Path directory) throws IOException {
    try (var paths = Files.list(directory)) {
      return paths.toList();
    }
  }

  private long checkRows() throws IOException {
    long after = 0;
    long gone = 0;
    List<NumberedBlob> page = catalog.blobs(after, PAGE);
    while (!page.isEmpty() && !Thread.currentThread().isInterrupted()) {
      Set<Stored> missing = new HashSet<>();
      for (NumberedBlob blob : page) {
        BlobRow row = blob.row();
        Optional<Posix.Stat> stat = store.stat(row.stored());
        if (stat.isEmpty()) {
          missing.add(row.stored());
          continue;
        }
        if (isOfEarlierFile(blob)) {
          catalog.suspect(row.stored());
        }
        if (!row.stored().isTree() && stat.get().allocatedBytes() != row.allocatedBytes()) {
          recount(row.stored());
        }
        evictor.dropIfUnlisted(row.stored());
      }
      for (Stored stored : missing) {
        gone += forgetMissing(stored);
      }
      CrashPoint.RECONCILE.reached();
      after = page.getLast().id();
      page = catalog.blobs(after, PAGE);
    }
    return gone;
  }

  /** A power cut can bring back the row of a file that was deleted and downloaded again since. */
  private boolean isOfEarlierFile(NumberedBlob blob) throws IOException {
    try {
      return blob.synced() != 0 && blob.synced() != store.stamp(store.path(blob.row().stored()));
    } catch (NoSuchFileException e) {
      return false; // evicted a moment ago
    }
  }

  private void recount(Stored stored) throws IOException {
    try (Pin _ = evictor.pin(stored)) {
      Optional<BlobRow> row = catalog.blob(stored);
      Optional<Posix.Stat> stat = store.stat(stored);
      if (row.isPresent() && stat.isPresent()) {
        recount.measured(row.get(), stat.get());
      }
    }
  }

  /** Under a pin, so that a download of the same bytes at this moment is not forgotten. */
  private long forgetMissing(Stored stored) {
    try (Pin _ = evictor.pin(stored)) {
      evictor.forgetVanished(stored);
      return 1;
    }
  }

  private long quarantine(Path file) throws IOException {
    Extent extent = Extent.of(file);
    Path now = store.quarantine(file);
    budget.quarantined(extent.allocatedBytes(), extent.files());
    log.warn("unknown file moved to quarantine file={} now={}", file, now);
    return 1;
  }
}
