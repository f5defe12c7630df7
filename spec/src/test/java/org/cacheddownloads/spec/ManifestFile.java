package org.cacheddownloads.spec;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What a tree's manifest says of it, and what is there, both in the words of {@link LoadArchive}.
 */
final class ManifestFile {
  private static final int MODE = 1;
  private static final int FILE_DIGEST = 4;
  private static final int FILE_GROUP = 5;

  private ManifestFile() {}

  static Map<String, String> read(Path file) {
    try {
      List<String[]> lines =
          Files.readAllLines(file).stream().map(line -> line.split(" ", -1)).toList();
      Map<String, Long> groups =
          lines.stream()
              .filter(line -> line[0].equals("f") && !line[FILE_GROUP].equals("-"))
              .collect(Collectors.groupingBy(line -> line[FILE_GROUP], Collectors.counting()));
      var described = new TreeMap<String, String>();
      for (String[] line : lines) {
        String path = text(line[line.length - 1]);
        switch (line[0]) {
          case "d" -> described.put(path.equals(".") ? "" : path, "d");
          case "l" -> described.put(path, "l " + text(line[line.length - 2]));
          case "f" ->
              described.put(
                  path,
                  "f %s sha256:%s %d"
                      .formatted(
                          line[MODE].substring(1),
                          line[FILE_DIGEST],
                          groups.getOrDefault(line[FILE_GROUP], 1L)));
          default -> {} // the first line and the last
        }
      }
      return described;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Bytes up to 0x20 and the sign itself are written as a percent sign and two hex digits. */
  private static String text(String written) {
    return written.replace("%20", " ").replace("%25", "%");
  }

  static Map<String, String> describe(Path state, StateOnDisk.Tree tree) {
    Map<String, Long> names =
        tree.content().values().stream()
            .map(StateOnDisk.Item::inode)
            .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
    var described = new TreeMap<String, String>();
    tree.content()
        .forEach(
            (path, item) ->
                described.put(
                    path,
                    switch (item.type()) {
                      case 'd' -> "d";
                      case 'l' -> "l " + item.target();
                      default ->
                          LoadArchive.described(
                              bytes(state.resolve(item.path())),
                              item.mode(),
                              names.get(item.inode()));
                    }));
    return described;
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
