package org.cacheddownloads.space;

import java.io.IOException;
import org.cacheddownloads.catalog.BlobRow;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Extent;
import org.cacheddownloads.store.Posix;

/**
 * Corrects what is recorded of the allocated bytes of a blob or tree: a file system decides late
 * which blocks a file gets, and a record may be wrong. Thread-safe.
 */
public final class Recount {
  private final Catalog catalog;
  private final BlobStore store;
  private final Holds holds;
  private final Budget budget;

  public Recount(Catalog catalog, BlobStore store, Holds holds, Budget budget) {
    this.catalog = catalog;
    this.store = store;
    this.holds = holds;
    this.budget = budget;
  }

  /** Takes over what {@code stat} says of a blob that the caller has pinned. */
  public void measured(BlobRow row, Posix.Stat stat) throws IOException {
    long allocated = stat.allocatedBytes();
    long inodes = 1;
    if (row.stored().isTree()) {
      Extent extent = store.trees().extent(row.stored());
      allocated = extent.allocatedBytes();
      inodes = extent.files();
    }
    long more = allocated - row.allocatedBytes();
    if (more == 0 && inodes == row.inodes()) {
      return;
    }
    catalog.resize(row.stored(), allocated, inodes);
    budget.inodesRecounted(inodes - row.inodes());
    if (holds.resized(stat.inode(), allocated, inodes)) {
      budget.inUseResized(more);
    } else {
      budget.idleResized(more);
    }
  }
}
