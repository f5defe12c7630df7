package org.cacheddownloads.archive;

/**
 * The bytes of one entry, as {@link java.io.InputStream#read(byte[], int, int)} gives them. What is
 * wrong with them is told as a {@code CacheException}, so that it cannot be taken for a fault of
 * the disk that is written to.
 */
@FunctionalInterface
interface Content {
  int read(byte[] target, int offset, int length);
}
