package org.cacheddownloads.archive;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.failure.CacheException.InsufficientSpace;
import org.cacheddownloads.failure.CacheException.NotReady;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.Removal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class TreesTest {
  private static final int MORE_LINKS_THAN_EXT4_HAS = 65_100;
  private @TempDir Path directory;
  private Workshop workshop;
  private Workshop.Tree tree;
  private Path copy;

  @BeforeEach
  void open() {
    workshop = new Workshop(directory.resolve("workshop"));
    tree =
        workshop.unpack(
            new Tar()
                .directory("./")
                .directory("bin")
                .executable("bin/ruby", "#!/bin/sh\n")
                .hardLink("bin/again", "bin/ruby")
                .symlink("bin/link", "../lib//x/")
                .directory("bin/deep/er")
                .file("bin/deep/er/f", "text")
                .file("bin-file", "")
                .end());
    copy = workshop.root.resolve("copy");
  }

  @AfterEach
  void close() throws IOException {
    workshop.close();
  }

  private Trees.Made link() throws IOException {
    return Trees.link(tree.directory(), copy, (_, _) -> {}, () -> {});
  }

  // ---- copies ----

  @Test
  void aCopyLooksLikeTheTreeAndHasItsInodes() throws IOException {
    link();
    assertEquals(tree.list(), Workshop.list(copy));
    for (String file : new String[] {"bin/ruby", "bin/again", "bin/deep/er/f", "bin-file"}) {
      assertEquals(
          Posix.lstat(tree.path(file)).inode(), Posix.lstat(copy.resolve(file)).inode(), file);
    }
    assertEquals(4, Posix.lstat(tree.path("bin/ruby")).links());
    Trees.verify(tree.manifest(), copy, tree.unpacked().treeDigest(), () -> {});
  }

  @Test
  void whatACopyTakesIsItsDirectoriesAndSymlinks() throws IOException {
    var reserved = new long[2];
    Trees.Made made =
        Trees.link(
            tree.directory(),
            copy,
            (bytes, inodes) -> {
              reserved[0] += bytes;
              reserved[1] += inodes;
            },
            () -> {});
    long bytes = 0;
    try (var paths = Files.walk(copy)) {
      for (Path path :
          paths.filter(p -> Files.isDirectory(p, LinkOption.NOFOLLOW_LINKS)).toList()) {
        bytes += Posix.lstat(path).allocatedBytes();
      }
    }
    assertEquals(new Trees.Made(bytes, 4 + 1), made);
    assertTrue(reserved[0] >= bytes && reserved[1] >= 5, reserved[0] + " and " + reserved[1]);
  }

  @Test
  void aTreeOutlivesItsCopiesAndTheyOutliveIt() throws IOException {
    link();
    Path second = workshop.root.resolve("second");
    Trees.link(tree.directory(), second, (_, _) -> {}, () -> {});
    Removal.delete(copy);
    assertEquals("text", tree.text("bin/deep/er/f"));
    assertEquals(0555, Posix.lstat(tree.path("bin/ruby")).mode());
    Removal.delete(tree.directory());
    assertEquals("text", Files.readString(second.resolve("bin/deep/er/f")));
  }

  /** On ext4 the link count is full; elsewhere one more link is one more link. */
  @Test
  void aFileWithoutLinksLeftIsCopiedOnceForAllItsNames() throws IOException {
    Path links = Files.createDirectory(workshop.root.resolve("links"));
    boolean full = fill(tree.path("bin/ruby"), links);
    Trees.Made made = link();
    assertEquals(tree.list(), Workshop.list(copy));
    Trees.verify(tree.manifest(), copy, tree.unpacked().treeDigest(), () -> {});
    Posix.Stat name = Posix.lstat(copy.resolve("bin/ruby"));
    assertEquals(name, Posix.lstat(copy.resolve("bin/again")));
    if (full) {
      assertEquals(2, name.links());
      assertEquals(4 + 1 + 1, made.inodes());
    } else {
      assertTrue(name.links() > MORE_LINKS_THAN_EXT4_HAS);
    }
  }

  /**
   * @return whether the file system had enough
   */
  private static boolean fill(Path file, Path links) throws IOException {
    for (int i = 0; i < MORE_LINKS_THAN_EXT4_HAS; i++) {
      try {
        Posix.link(file, links.resolve(String.valueOf(i)));
      } catch (Posix.TooManyLinks e) {
        return true;
      }
    }
    return false;
  }

  @Test
  void damageIsNotMultipliedByACopy() throws IOException {
    Path links = Files.createDirectory(workshop.root.resolve("links"));
    Path file = tree.path("bin/ruby");
    boolean full = fill(file, links);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.writeString(file, "!#/bin/sh\n");
    if (full) {
      assertThrows(DamagedTree.class, this::link);
      assertFalse(Files.exists(copy));
    } else {
      link();
    }
    assertThrows(
        DamagedTree.class,
        () ->
            Trees.verify(tree.manifest(), tree.content(), tree.unpacked().treeDigest(), () -> {}));
  }

  @Test
  void nothingIsLeftOfACopyThatFails() throws IOException {
    var calls = new int[1];
    Runnable givenUp =
        () -> {
          if (++calls[0] == 7) {
            throw new NotReady("given up", null);
          }
        };
    assertThrows(NotReady.class, () -> Trees.link(tree.directory(), copy, (_, _) -> {}, givenUp));
    assertFalse(Files.exists(copy));
    assertThrows(
        InsufficientSpace.class,
        () ->
            Trees.link(
                tree.directory(),
                copy,
                (_, _) -> {
                  throw new InsufficientSpace("full", 1, 1, 1);
                },
                () -> {}));
    assertFalse(Files.exists(copy));
    Files.delete(writable(tree.path("bin/deep/er")).resolve("f"));
    assertThrows(DamagedTree.class, this::link);
    assertFalse(Files.exists(copy));
  }

  private static Path writable(Path path) throws IOException {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
    return path;
  }

  /** What stands where a copy is to be is somebody's. */
  @Test
  void aCopyReplacesNothing() throws IOException {
    Files.writeString(copy, "mine");
    assertThrows(IOException.class, this::link);
    assertEquals("mine", Files.readString(copy));
  }

  @Test
  void aTreeWithoutManifestIsDamaged() throws IOException {
    Files.delete(tree.manifest());
    assertThrows(DamagedTree.class, this::link);
    Files.writeString(tree.manifest(), "");
    assertThrows(DamagedTree.class, this::link);
    assertFalse(Files.exists(copy));
  }

  // ---- comparison ----

  interface Change {
    void to(Workshop.Tree tree) throws IOException;
  }

  private static Arguments change(String what, String saying, Change change) {
    return Arguments.of(what, saying, change);
  }

  static Stream<Arguments> differences() {
    return Stream.of(
        change("other bytes", "bytes", t -> overwrite(t.path("bin/ruby"), "!#/bin/sh\n")),
        change("a longer file", "size", t -> overwrite(t.path("bin-file"), "x")),
        change(
            "another mode",
            "mode",
            t ->
                Files.setPosixFilePermissions(
                    t.path("bin-file"), PosixFilePermissions.fromString("r-xr-xr-x"))),
        change("a directory that may be written to", "mode", t -> writable(t.path("bin"))),
        change(
            "a missing file",
            "missing",
            t -> Files.delete(writable(t.content()).resolve("bin-file"))),
        change(
            "one file more",
            "names",
            t -> Files.writeString(writable(t.path("bin/deep/er")).resolve("more"), "")),
        change(
            "one file more in the directory of all",
            "names",
            t -> Files.writeString(writable(t.content()).resolve(".more"), "")),
        change(
            "another target",
            "elsewhere",
            t -> replace(t.path("bin/link"), p -> Posix.symlink("../lib/x/", p))),
        change(
            "a file in place of a symlink",
            "no symlink",
            t -> replace(t.path("bin/link"), p -> Files.writeString(p, ""))),
        change(
            "a symlink in place of a file",
            "no regular file",
            t -> replace(t.path("bin-file"), p -> Posix.symlink("bin/ruby", p))),
        change(
            "a file in place of a hard link",
            "a file of its own",
            t ->
                replace(
                    t.path("bin/again"),
                    p -> {
                      Files.writeString(p, "#!/bin/sh\n");
                      Files.setPosixFilePermissions(
                          p, PosixFilePermissions.fromString("r-xr-xr-x"));
                    })));
  }

  private static void overwrite(Path file, String text) throws IOException {
    var mode = Files.getPosixFilePermissions(file);
    Files.writeString(writable(file), text);
    Files.setPosixFilePermissions(file, mode);
  }

  private interface Making {
    void at(Path path) throws IOException;
  }

  private static void replace(Path path, Making making) throws IOException {
    writable(path.getParent());
    Files.delete(path);
    making.at(path);
    Files.setPosixFilePermissions(path.getParent(), PosixFilePermissions.fromString("r-xr-xr-x"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void differences(String what, String saying, Change change) throws IOException {
    change.to(tree);
    for (Path closed : new Path[] {tree.path("bin/deep/er"), tree.content()}) {
      if (!what.startsWith("a directory")) {
        Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("r-xr-xr-x"));
      }
    }
    var failure =
        assertThrows(
            DamagedTree.class,
            () ->
                Trees.verify(
                    tree.manifest(), tree.content(), tree.unpacked().treeDigest(), () -> {}));
    assertTrue(failure.getMessage().contains(saying), failure::getMessage);
  }

  @Test
  void aManifestOfAnotherTreeIsNotBelieved() {
    var other = new Digest("0".repeat(64));
    assertThrows(
        DamagedTree.class, () -> Trees.verify(tree.manifest(), tree.content(), other, () -> {}));
  }

  // ---- deletion ----

  @Test
  void deletionTakesAllAndFollowsNothing() throws IOException {
    Path outside = Files.createDirectory(workshop.root.resolve("outside"));
    Files.writeString(outside.resolve("kept"), "x");
    writable(tree.content());
    Posix.symlink("../../../outside", tree.path("way-out"));
    Removal.delete(tree.directory());
    assertFalse(Files.exists(tree.directory()));
    assertEquals("x", Files.readString(outside.resolve("kept")));
  }

  @Test
  void deletingASymlinkDeletesTheSymlink() throws IOException {
    Path link = Files.createSymbolicLink(workshop.root.resolve("link"), tree.directory());
    Removal.delete(link);
    assertFalse(Files.exists(link, LinkOption.NOFOLLOW_LINKS));
    assertEquals("text", tree.text("bin/deep/er/f"));
  }

  @Test
  void whatIsGoneAlreadyIsFine() throws IOException {
    Removal.delete(workshop.root.resolve("nothing"));
    Removal.delete(workshop.root.resolve("nothing/below"));
  }

  /** More directories side by side than are remembered at once. */
  @Test
  void deletionManagesManyDirectories() throws IOException {
    Path many = Files.createDirectory(workshop.root.resolve("many"));
    for (int i : IntStream.range(0, 2_100).toArray()) {
      Files.createDirectory(many.resolve("d" + i));
    }
    Removal.delete(many);
    assertFalse(Files.exists(many));
  }

  @Test
  void deletionManagesDeepDirectories() throws IOException {
    Path deep = workshop.root.resolve("deep");
    Path at = deep;
    for (int i = 0; i < 1_000; i++) {
      at = at.resolve("d");
    }
    Files.createDirectories(at);
    Removal.delete(deep);
    assertFalse(Files.exists(deep));
  }
}
