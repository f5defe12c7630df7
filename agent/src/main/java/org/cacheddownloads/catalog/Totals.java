package org.cacheddownloads.catalog;

/**
 * Sums over the catalog.
 *
 * @param allocatedBytes of all blobs and trees
 * @param inodes of all blobs and trees
 */
public record Totals(long blobs, long trees, long allocatedBytes, long inodes, long entries) {}
