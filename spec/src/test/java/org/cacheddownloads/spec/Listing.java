package org.cacheddownloads.spec;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * All that is below a directory, by path, with the directory itself as the empty one: type, mode,
 * time, and the bytes by their digest, the target of a symlink, or the first other name of a file.
 */
record Listing(Map<String, Item> items) {

  /** One path: {@code what} is {@code directory}, {@code file <digest>} and so on. */
  record Item(String mode, String modified, String what) {}

  static Listing of(Path root) {
    var items = new TreeMap<String, Item>();
    Map<Object, String> names = new HashMap<>();
    try (Stream<Path> paths = Files.walk(root)) {
      for (Path path : paths.sorted().toList()) {
        String name = root.relativize(path).toString();
        items.put(name, item(path, name, names));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Listing(items);
  }

  /** What {@link RawTar#program} holds, as it is delivered. */
  static Listing ofProgram(String version) {
    String modified = Instant.ofEpochSecond(RawTar.MODIFIED).toString();
    var items = new TreeMap<String, Item>();
    items.put("", new Item("0555", Instant.EPOCH.toString(), "directory"));
    items.put("bin", new Item("0555", modified, "directory"));
    items.put("bin/hello", new Item("0555", modified, "file " + Content.sha256(RawTar.HELLO)));
    items.put("bin/relative", new Item("any", modified, "symlink to hello"));
    items.put("version", new Item("0444", modified, "file " + Content.sha256(version)));
    return new Listing(items);
  }

  private static Item item(Path path, String name, Map<Object, String> names) throws IOException {
    var attributes = Files.readAttributes(path, "unix:*", LinkOption.NOFOLLOW_LINKS);
    String modified = String.valueOf(attributes.get("lastModifiedTime"));
    String mode = "0%o".formatted((Integer) attributes.get("mode") & 07777);
    if (Files.isSymbolicLink(path)) {
      return new Item("any", modified, "symlink to " + Files.readSymbolicLink(path));
    }
    if (Files.isDirectory(path)) {
      return new Item(mode, modified, "directory");
    }
    String first = names.putIfAbsent(attributes.get("ino"), name);
    return new Item(
        mode,
        modified,
        first == null
            ? "file " + Content.checksum("sha256", Files.readAllBytes(path))
            : "also " + first);
  }

  /** The same with the modes that things have in a delivered directory. */
  Listing asDelivered() {
    var delivered = new TreeMap<String, Item>();
    items.forEach(
        (path, item) ->
            delivered.put(path, new Item(delivered(item), item.modified(), item.what())));
    return new Listing(delivered);
  }

  private static String delivered(Item item) {
    if (item.mode().equals("any")) {
      return "any";
    }
    boolean executable = (Integer.parseInt(item.mode(), 8) & 0111) != 0;
    return executable || item.what().equals("directory") ? "0555" : "0444";
  }

  /** Without the root, which many archives do not mention. */
  Listing withoutRoot() {
    var below = new TreeMap<>(items);
    below.remove("");
    return new Listing(below);
  }

  /** Number of regular files, each inode once. */
  long files() {
    return items.values().stream().filter(item -> item.what().startsWith("file ")).count();
  }
}
