package org.cacheddownloads.view;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.cacheddownloads.catalog.BlobRow;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.StoreLayout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the rows of a catalog that was lost from the files of the store, before requests are let
 * in. What a blob was the answer to is lost, its bytes are not: each gets an entry named by its
 * digest, which nobody is granted, and is hashed before its first use. References are in the views,
 * and so are trees that are held; idle ones go, since their blobs make them again.
 */
public final class Rebuild {
  private static final Logger log = LoggerFactory.getLogger(Rebuild.class);
  private static final int GROUP = 1000;

  private final StoreLayout layout;
  private final Catalog catalog;
  private final BlobStore store;

  public Rebuild(StoreLayout layout, Catalog catalog, BlobStore store) {
    this.layout = layout;
    this.catalog = catalog;
    this.store = store;
  }

  /**
   * Reads the store, if the catalog says that it was begun anew.
   *
   * @throws IOException if the disk refuses; the agent cannot start then
   */
  public void runIfNeeded() throws IOException {
    if (!catalog.mustBeRebuilt()) {
      return;
    }
    log.warn("rebuilding the catalog from the store");
    long blobs = 0;
    var group = new ArrayList<BlobRow>(GROUP);
    for (Path fanOut : list(layout.blobs())) {
      if (!Files.isDirectory(fanOut, LinkOption.NOFOLLOW_LINKS)) {
        continue; // the reconciler looks at it
      }
      for (Path file : list(fanOut)) {
        Stored stored = StoreLayout.storedNamed(String.valueOf(file.getFileName()));
        if (stored == null || !layout.blob(stored).equals(file)) {
          continue;
        }
        Posix.Stat stat = Posix.lstat(file);
        // Nobody knows when it was used; when it came is the best there is.
        Instant came = Instant.ofEpochSecond(stat.modifiedEpochSeconds());
        group.add(new BlobRow(stored, stat.sizeBytes(), stat.allocatedBytes(), came));
        if (group.size() == GROUP) {
          blobs += catalog.addRebuilt(group);
          group.clear();
        }
      }
    }
    blobs += catalog.addRebuilt(group);
    dropIdleTrees();
    catalog.rebuilt();
    log.warn("rebuilt the catalog blobs={}", blobs);
  }

  /** They can be made again; those that views hold are known again from there. */
  private void dropIdleTrees() throws IOException {
    for (Path fanOut : list(layout.trees())) {
      if (!Files.isDirectory(fanOut, LinkOption.NOFOLLOW_LINKS)) {
        continue;
      }
      for (Path directory : list(fanOut)) {
        Stored tree = layout.treeAt(directory);
        if (tree != null && store.stat(tree).map(manifest -> manifest.links() == 1).orElse(false)) {
          store.delete(tree);
        }
      }
    }
  }

  private static List<Path> list(Path directory) throws IOException {
    try (var paths = Files.list(directory)) {
      return paths.toList();
    }
  }
}
