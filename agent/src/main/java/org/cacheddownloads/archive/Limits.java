package org.cacheddownloads.archive;

import org.cacheddownloads.config.Config;
import org.cacheddownloads.failure.CacheException.UnsafeArchive;
import org.jspecify.annotations.Nullable;

/**
 * How large a tree may become; all at least 1.
 *
 * @param maxFiles most files, symlinks and hard links together, and most directories by themselves;
 *     what an archive replaces counts again
 * @param maxBytes most bytes of all files together; null: only the ratio limits
 * @param maxRatio most unpacked bytes per byte of the archive
 * @param maxDepth most directories one inside another
 * @param maxPathBytes longest path below the tree, in UTF-8
 */
public record Limits(
    long maxFiles, @Nullable Long maxBytes, long maxRatio, int maxDepth, int maxPathBytes) {
  /**
   * Half of what Linux takes in one call: the other half is for the path of the tree, on the host
   * and in containers.
   */
  public static final int PATH_BYTES = 2048;

  public static Limits of(Config.Archives archives) {
    return new Limits(
        archives.maxFiles(),
        archives.maxBytes(),
        archives.maxRatio(),
        archives.maxDepth(),
        PATH_BYTES);
  }

  /**
   * Refuses {@code unpackedBytes} from an archive of {@code packedBytes}, if they are too many.
   *
   * @param at the path that makes them so many
   */
  void checkBytes(long unpackedBytes, long packedBytes, EntryPath at) {
    long byRatio = byRatio(packedBytes);
    if (maxBytes != null && maxBytes <= byRatio && unpackedBytes > maxBytes) {
      throw UnsafeArchive.over(
          "archives.maxBytes",
          "the archive unpacks to more than "
              + maxBytes
              + " bytes (archives.maxBytes), at '"
              + at
              + "'");
    }
    if (unpackedBytes > byRatio) {
      throw UnsafeArchive.over(
          "archives.maxRatio",
          "the archive unpacks to more than "
              + maxRatio
              + " times its size (archives.maxRatio), at '"
              + at
              + "'");
    }
  }

  /** Refuses so many of {@code what}, if they are too many. */
  void checkCount(long count, String what) {
    if (count > maxFiles) {
      throw UnsafeArchive.over(
          "archives.maxFiles",
          "the archive has more than " + maxFiles + " " + what + " (archives.maxFiles)");
    }
  }

  /** {@code packedBytes} times the ratio, without overflow. */
  long byRatio(long packedBytes) {
    return packedBytes > Long.MAX_VALUE / maxRatio ? Long.MAX_VALUE : packedBytes * maxRatio;
  }
}
