package org.cacheddownloads.spec;

import static java.util.stream.Collectors.toMap;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Allocated bytes below a state directory, counted as the contract says: blocks of files, once per
 * inode, and of the directories of trees and views; not the catalog, not the fan-out directories,
 * not symlinks.
 */
final class DiskUsage {
  private static final List<String> COUNTED =
      List.of("blobs", "trees", "ingest", "containers", "quarantine");
  private static final Pattern COUNTED_DIRECTORY =
      Pattern.compile("(containers/[^/]+.*)|(trees/[^/]+/[^/]+/[^/]+.*)");
  private static final int BLOCK = 512;

  private DiskUsage() {}

  /** An inode, when it was last changed, its bytes, and one of its paths. */
  private record Item(long inode, String modified, long bytes, char type, String path) {
    boolean counts() {
      return type == 'f' || (type == 'd' && COUNTED_DIRECTORY.matcher(path).matches());
    }

    /** Whether {@code later} is certainly this, since numbers of inodes are used again. */
    boolean isStill(Item later) {
      return type == later.type
          && (modified.equals(later.modified)
              || (path.startsWith("ingest/") && path.equals(later.path)));
    }
  }

  /** What is allocated now; exact only while nobody writes. */
  static long of(Path state) {
    return walk(state).values().stream().mapToLong(Item::bytes).sum();
  }

  /** The bytes below one directory of the state, {@code ingest}. */
  static long of(Path state, String part) {
    return items(state, List.of(part)).stream()
        .filter(Item::counts)
        .collect(toMap(Item::inode, Item::bytes, Math::max))
        .values()
        .stream()
        .mapToLong(Long::longValue)
        .sum();
  }

  /**
   * A sum that was certainly reached at one instant while others write: that of the inodes seen in
   * two walks, one after the other, each with its smaller size. A single walk may count a file,
   * then its successor, though the two never were there together.
   */
  static long certainlyReached(Path state) {
    Map<Long, Item> before = walk(state);
    Map<Long, Item> after = walk(state);
    return before.values().stream()
        .filter(item -> after.containsKey(item.inode()) && item.isStill(after.get(item.inode())))
        .mapToLong(item -> Math.min(item.bytes(), after.get(item.inode()).bytes()))
        .sum();
  }

  private static Map<Long, Item> walk(Path state) {
    return items(state, COUNTED).stream()
        .filter(Item::counts)
        .collect(toMap(Item::inode, item -> item, (a, b) -> a.bytes() >= b.bytes() ? a : b));
  }

  /** What is gone between two looks, or was never made, only makes find complain. */
  private static List<Item> items(Path state, List<String> parts) {
    var directories = parts.stream().map(part -> state.resolve(part).toString());
    var command =
        Stream.of(Stream.of("find"), directories, Stream.of("-printf", "%y %i %T@ %b %p\\n"))
            .flatMap(words -> words)
            .toList();
    return Child.run(command)
        .output()
        .lines()
        .map(line -> line.split(" ", 5))
        .map(
            words ->
                new Item(
                    Long.parseLong(words[1]),
                    words[2],
                    Long.parseLong(words[3]) * BLOCK,
                    words[0].charAt(0),
                    state.relativize(Path.of(words[4])).toString()))
        .collect(Collectors.toList());
  }
}
