package org.cacheddownloads.catalog;

/** Sums over the catalog; {@code allocatedBytes} of all stored files. */
public record Totals(long blobs, long allocatedBytes, long entries) {}
