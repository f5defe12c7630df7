package org.cacheddownloads.catalog;

import org.cacheddownloads.content.Stored;

/**
 * A blob whose bytes and name are on the disk. {@code stamp} tells its file from one of the same
 * digest that comes after it: see {@code BlobStore.stamp}.
 */
public record Synced(Stored stored, long stamp) {}
