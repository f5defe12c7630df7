package org.cacheddownloads.catalog;

import java.time.Instant;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.content.TreeSum;
import org.jspecify.annotations.Nullable;

/**
 * A stored object as the catalog knows it.
 *
 * @param sizeBytes of the blob; of a tree, that of the archive
 * @param allocatedBytes the blocks it occupies, all of a tree
 * @param inodes how many it has; 1 for a file
 * @param tree what a tree holds; null for a file
 */
public record BlobRow(
    Stored stored,
    long sizeBytes,
    long allocatedBytes,
    long inodes,
    Instant lastUsed,
    @Nullable TreeSum tree) {
  /** A file. */
  public BlobRow(Stored stored, long sizeBytes, long allocatedBytes, Instant lastUsed) {
    this(stored, sizeBytes, allocatedBytes, 1, lastUsed, null);
  }
}
