package org.cacheddownloads.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Iterator;

/**
 * What something occupies on disk.
 *
 * @param allocatedBytes of its blocks
 * @param files inodes
 */
public record Extent(long allocatedBytes, long files) {
  /** Of the files at and below {@code path}, one with several names once; directories are free. */
  public static Extent of(Path path) throws IOException {
    return sum(path, new Once(), stat -> !stat.isDirectory(), Posix.Stat::isFile);
  }

  /** Of a tree: all of it, its directory and manifest too. */
  public static Extent ofTree(Path directory) throws IOException {
    return sum(directory, new Once(), _ -> true, stat -> !stat.isSymlink());
  }

  /** Of a view's copy of a tree, or its reference alone: what it has beside the tree's files. */
  public static Extent ofCopy(Path directory) throws IOException {
    return sum(directory, _ -> true, stat -> !stat.isFile(), Posix.Stat::isDirectory);
  }

  private interface Which {
    boolean isSo(Posix.Stat stat);
  }

  /** Files of a tree that views hold have several names. */
  private static final class Once implements Which {
    private final HashSet<Long> seen = new HashSet<>();

    @Override
    public boolean isSo(Posix.Stat stat) {
      return stat.isDirectory() || stat.links() == 1 || seen.add(stat.inode());
    }
  }

  private static Extent sum(Path root, Which first, Which counts, Which hasBlocks)
      throws IOException {
    long bytes = 0;
    long files = 0;
    try (var paths = Files.walk(root)) {
      for (Iterator<Path> path = paths.iterator(); path.hasNext(); ) {
        Posix.Stat stat = Posix.lstat(path.next());
        if (counts.isSo(stat) && first.isSo(stat)) {
          bytes += hasBlocks.isSo(stat) ? stat.allocatedBytes() : 0;
          files++;
        }
      }
    }
    return new Extent(bytes, files);
  }
}
