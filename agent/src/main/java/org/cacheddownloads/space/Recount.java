package org.cacheddownloads.space;

import org.cacheddownloads.catalog.BlobRow;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.store.Posix;

/**
 * Corrects what is recorded of a blob's allocated bytes: a file system decides late which blocks a
 * file gets, and a record may be wrong. Thread-safe.
 */
public final class Recount {
  private final Catalog catalog;
  private final Holds holds;
  private final Budget budget;

  public Recount(Catalog catalog, Holds holds, Budget budget) {
    this.catalog = catalog;
    this.holds = holds;
    this.budget = budget;
  }

  /** Takes over what {@code stat} says of a blob that the caller has pinned. */
  public void measured(BlobRow row, Posix.Stat stat) {
    long allocated = stat.allocatedBytes();
    long more = allocated - row.allocatedBytes();
    if (more == 0) {
      return;
    }
    catalog.resize(row.stored(), allocated);
    if (holds.resized(stat.inode(), allocated)) {
      budget.inUseResized(more);
    } else {
      budget.idleResized(more);
    }
  }
}
