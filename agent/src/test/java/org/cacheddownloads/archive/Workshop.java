package org.cacheddownloads.archive;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.store.Hashing;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.Removal;

/** Where tests unpack: a directory for archives, one for trees, and all that lies around them. */
final class Workshop implements AutoCloseable {
  static final Limits ROOMY = new Limits(10_000, null, 100_000, 64, Limits.PATH_BYTES);

  final Path root;
  private final Path trees;
  private int next;
  long reservedBytes;
  long reservedInodes;

  Workshop(Path root) {
    try {
      this.root = Files.createDirectories(root);
      this.trees = Files.createDirectories(root.resolve("trees"));
      Files.writeString(root.resolve("secret"), "not yours");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A tree that was made, and what was said of it. */
  record Tree(Path directory, Unpacked unpacked) {
    Path content() {
      return directory.resolve(Unpacker.CONTENT);
    }

    Path manifest() {
      return directory.resolve(Unpacker.MANIFEST);
    }

    Path path(String name) {
      return content().resolve(name);
    }

    String text(String name) {
      try {
        return Files.readString(path(name));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    Map<String, String> list() {
      return Workshop.list(content());
    }
  }

  Path archive(byte[] bytes) {
    try {
      return Files.write(root.resolve("archive"), bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Path emptyDirectory() {
    try {
      return Files.createDirectory(trees.resolve("tree" + next++));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Tree unpack(byte[] bytes) {
    return unpack(bytes, ROOMY);
  }

  Tree unpack(byte[] bytes, Limits limits) {
    return unpack(archive(bytes), limits);
  }

  /** Unpacks, and compares what is on disk with what is said of it. */
  Tree unpack(Path archive, Limits limits) {
    Path directory = emptyDirectory();
    reservedBytes = 0;
    reservedInodes = 0;
    Unpacked unpacked = new Unpacker(limits).unpack(archive, directory, this::reserve, () -> {});
    var tree = new Tree(directory, unpacked);
    try {
      Trees.verify(tree.manifest(), tree.content(), unpacked.treeDigest(), () -> {});
      var usage = Usage.of(directory);
      assertEquals(usage.allocatedBytes(), unpacked.allocatedBytes(), "allocated bytes");
      assertEquals(usage.inodes(), unpacked.inodes(), "inodes");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    long before = 4096; // of the directory that was given
    if (unpacked.allocatedBytes() > reservedBytes + before
        || unpacked.inodes() > reservedInodes + 1) {
      throw new AssertionError(
          unpacked + " was not reserved: " + reservedBytes + " bytes, " + reservedInodes);
    }
    return tree;
  }

  private void reserve(long bytes, long inodes) {
    reservedBytes += bytes;
    reservedInodes += inodes;
  }

  /** Unpacks what must be refused: nothing is left, nothing outside has changed. */
  <T extends CacheException> T refused(Class<T> kind, byte[] bytes, Limits limits) {
    Path archive = archive(bytes);
    Path directory = emptyDirectory();
    Map<String, String> before = around();
    var failure =
        assertThrows(
            RuntimeException.class,
            () -> new Unpacker(limits).unpack(archive, directory, this::reserve, () -> {}));
    assertEquals(before, around(), "what lies around");
    return assertInstanceOf(kind, failure, () -> "refused as " + failure);
  }

  <T extends CacheException> T refused(Class<T> kind, byte[] bytes) {
    return refused(kind, bytes, ROOMY);
  }

  /**
   * All there is; directories of trees without their times, which change with what comes and goes.
   */
  Map<String, String> around() {
    Map<String, String> all = list(root);
    all.replaceAll(
        (name, what) -> name.matches("trees/[^/]*") ? what.replaceAll(" [^ ]*Z$", "") : what);
    return all;
  }

  @Override
  public void close() throws IOException {
    Removal.delete(root);
  }

  /** What {@code du} would say, symlinks not counted as space. */
  record Usage(long allocatedBytes, long inodes) {
    static Usage of(Path directory) throws IOException {
      var seen = new java.util.HashSet<Long>();
      long bytes = 0;
      try (var paths = Files.walk(directory)) {
        for (Path path : paths.toList()) {
          Posix.Stat stat = Posix.lstat(path);
          if (seen.add(stat.inode()) && !stat.isSymlink()) {
            bytes += stat.allocatedBytes();
          }
        }
      }
      return new Usage(bytes, seen.size());
    }
  }

  /** Each path below a directory with type, mode, time, and text, target or first other name. */
  static Map<String, String> list(Path root) {
    var listed = new TreeMap<String, String>();
    var names = new TreeMap<Object, String>();
    try (var paths = Files.walk(root)) {
      for (Path path : paths.sorted().toList()) {
        String name = root.relativize(path).toString();
        listed.put(name, describe(path, name, names));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return listed;
  }

  private static String describe(Path path, String name, Map<Object, String> names)
      throws IOException {
    var attributes =
        Files.readAttributes(path, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    String time = attributes.lastModifiedTime().toInstant().toString();
    if (attributes.isSymbolicLink()) {
      return "symlink " + time + " " + Files.readSymbolicLink(path);
    }
    String mode = PosixFilePermissions.toString(attributes.permissions());
    if (attributes.isDirectory()) {
      return "directory " + mode + " " + time;
    }
    Posix.Stat stat = Posix.lstat(path);
    String first = names.putIfAbsent(stat.inode(), name);
    return "file "
        + mode
        + " "
        + time
        + " "
        + (first == null ? sha256(Files.readAllBytes(path)) : "is " + first);
  }

  static String sha256(byte[] bytes) {
    return HexFormat.of().formatHex(Hashing.digest("SHA-256").digest(bytes));
  }

  /** The ways to pack a tar, by the name of the tool. */
  static List<String> packings() {
    return List.of("plain", "gzip", "zstd", "xz", "bzip2");
  }

  /** Packs as the tool of that name does. */
  static byte[] pack(String packing, byte[] plain) {
    var packed = new ByteArrayOutputStream();
    try (OutputStream out =
        switch (packing) {
          case "gzip" -> new java.util.zip.GZIPOutputStream(packed);
          case "zstd" -> zstd(packed);
          case "xz" ->
              new org.tukaani.xz.XZOutputStream(packed, new org.tukaani.xz.LZMA2Options(1));
          case "bzip2" -> new BZip2CompressorOutputStream(packed);
          default -> packed;
        }) {
      out.write(plain);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return packed.toByteArray();
  }

  private static OutputStream zstd(OutputStream out) throws IOException {
    return new com.github.luben.zstd.ZstdOutputStreamNoFinalizer(out, 3).setChecksum(true);
  }

  /** One array of several. */
  static byte[] concat(byte[]... parts) {
    var all = new ByteArrayOutputStream();
    List.of(parts).forEach(all::writeBytes);
    return all.toByteArray();
  }

  /** The paths of a list, in their order. */
  static List<String> names(Tree tree) {
    var names = new ArrayList<>(tree.list().keySet());
    names.remove("");
    return names;
  }
}
