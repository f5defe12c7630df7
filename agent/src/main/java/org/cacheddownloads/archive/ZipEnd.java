package org.cacheddownloads.archive;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.cacheddownloads.failure.CacheException.UnsupportedArchive;
import org.jspecify.annotations.Nullable;

/**
 * The last record of a zip, which tells where its central directory is. Strict, so that what is
 * read here is what every other reader finds: it ends the file, the directory ends where it begins,
 * and the long fields of zip64 agree with the short ones.
 *
 * @param start of the directory
 * @param end of the directory
 * @param count of its records
 */
record ZipEnd(long start, long end, long count) {
  private static final int SIGNATURE = 0x06054b50;
  private static final int BYTES = 22;
  private static final int SIGNATURE64 = 0x06064b50;
  private static final int BYTES64 = 56;
  private static final int SIGNATURE_OF_LOCATOR = 0x07064b50;
  private static final int BYTES_OF_LOCATOR = 20;
  private static final int LONGEST_COMMENT = 0xffff;
  private static final int IN_ZIP64 = 0xffff;
  private static final long LONG_IN_ZIP64 = 0xffff_ffffL;

  /**
   * Finds it.
   *
   * @throws IOException if there is none, or it does not tell the truth
   */
  static ZipEnd of(FileChannel channel, long length) throws IOException {
    int tailBytes = (int) Math.min(length, BYTES + LONGEST_COMMENT);
    ByteBuffer tail = BlobInput.bytes(channel, length - tailBytes, tailBytes);
    int at = find(tail);
    long here = length - tailBytes + at;
    var end = tail.slice(at, BYTES).order(tail.order());
    long parts = unsigned(end.getShort(4)) | unsigned(end.getShort(6));
    long countHere = unsigned(end.getShort(8));
    long count = unsigned(end.getShort(10));
    long size = Integer.toUnsignedLong(end.getInt(12));
    long start = Integer.toUnsignedLong(end.getInt(16));
    ByteBuffer end64 = end64(channel, here);
    if (end64 != null) {
      here -= BYTES_OF_LOCATOR + end64.capacity();
      parts = either(parts, IN_ZIP64, (end64.getInt(16) | end64.getInt(20)) & LONG_IN_ZIP64);
      countHere = either(countHere, IN_ZIP64, end64.getLong(24));
      count = either(count, IN_ZIP64, end64.getLong(32));
      size = either(size, LONG_IN_ZIP64, end64.getLong(40));
      start = either(start, LONG_IN_ZIP64, end64.getLong(48));
    }
    if (parts != 0 || countHere != count) {
      throw new UnsupportedArchive("the archive is one of several parts of a zip");
    }
    if (count < 0 || count > size / ZipRecord.HEAD_BYTES || start < 0 || size != here - start) {
      throw new IOException("the central directory is not where it is said to be");
    }
    return new ZipEnd(start, here, count);
  }

  private static long unsigned(short field) {
    return Short.toUnsignedLong(field);
  }

  private static int find(ByteBuffer tail) throws IOException {
    for (int at = tail.capacity() - BYTES; at >= 0; at--) {
      if (tail.getInt(at) == SIGNATURE
          && at + BYTES + unsigned(tail.getShort(at + 20)) == tail.capacity()) {
        return at;
      }
    }
    throw new IOException("the end of its central directory is missing");
  }

  /** The record with long fields, or null where there is none. */
  private static @Nullable ByteBuffer end64(FileChannel channel, long end) throws IOException {
    if (end < BYTES64 + BYTES_OF_LOCATOR) {
      return null;
    }
    long before = end - BYTES_OF_LOCATOR;
    ByteBuffer locator = BlobInput.bytes(channel, before, BYTES_OF_LOCATOR);
    if (locator.getInt(0) != SIGNATURE_OF_LOCATOR) {
      return null;
    }
    long at = locator.getLong(8);
    if (at < 0 || at > before - BYTES64 || at < before - BYTES64 - LONGEST_COMMENT) {
      throw new IOException("the end of the zip64 directory is not where it is said to be");
    }
    ByteBuffer record = BlobInput.bytes(channel, at, (int) (before - at));
    if (record.getInt(0) != SIGNATURE64 || record.getLong(4) != record.capacity() - 12) {
      throw new IOException("the end of the zip64 directory is damaged");
    }
    return record;
  }

  /** The long field, which the short one repeats unless it points there. */
  private static long either(long small, long pointer, long large) throws IOException {
    if (small != pointer && small != large) {
      throw new IOException("the two ends of its directory say different things");
    }
    return large;
  }
}
