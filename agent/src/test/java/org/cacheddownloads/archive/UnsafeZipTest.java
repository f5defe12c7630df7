package org.cacheddownloads.archive;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.UnsafeArchive;
import org.cacheddownloads.failure.CacheException.UnsupportedArchive;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Zips that must not become trees. */
class UnsafeZipTest {
  private @TempDir Path directory;
  private Workshop workshop;

  @BeforeEach
  void open() {
    workshop = new Workshop(directory.resolve("workshop"));
  }

  @AfterEach
  void close() throws IOException {
    workshop.close();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  private static Arguments zip(String behaviour, String saying, Zip zip) {
    return Arguments.of(behaviour, saying, zip.end());
  }

  /** A sound entry with one thing wrong. */
  private static Arguments entry(String behaviour, String saying, Consumer<Zip.Entry> change) {
    return zip(behaviour, saying, new Zip().add(Zip.deflated("f", "some text, some text"), change));
  }

  private static Consumer<Zip.Entry> name(String name) {
    return e -> e.renamed(name);
  }

  private static Consumer<Zip.Entry> mode(int mode) {
    return e -> e.mode = mode;
  }

  static Stream<Arguments> unsafe() {
    return Stream.of(
        // paths
        entry("an absolute path", "absolute", name("/etc/x")),
        entry("a path that climbs out", "'..'", name("../x")),
        entry("a path that climbs and stays inside", "'..'", name("a/../x")),
        entry("an entry without a name", "without a name", name("")),
        entry("a file that is the tree itself", "'.'", name(".")),
        entry("a NUL in a name", "NUL", name("a\0b")),
        entry("a name of more than 255 bytes", "255", name("n".repeat(256))),
        entry(
            "a path that is too long", "a path of", name(("n".repeat(200) + "/").repeat(11) + "n")),
        entry(
            "a name that is not UTF-8 although it is said to be",
            "UTF-8",
            e -> e.name = e.localName = "\u00fc".getBytes(ISO_8859_1)),
        entry(
            "a name of a Unix that is not UTF-8",
            "UTF-8",
            e -> {
              e.flags = e.localFlags = 0;
              e.name = e.localName = "\u00fc".getBytes(ISO_8859_1);
            }),
        // the same twice
        zip("a file twice", "twice", new Zip().file("f", "x").file("f", "y")),
        zip(
            "a file twice in two spellings",
            "twice",
            new Zip().file("d/f", "x").file("d/./f", "y")),
        zip("a symlink twice", "twice", new Zip().symlink("l", "x").symlink("l", "x")),
        zip("a file and a symlink", "twice", new Zip().file("f", "x").symlink("f", "x")),
        zip("a symlink and a file", "twice", new Zip().symlink("f", "x").file("f", "x")),
        zip("a directory twice", "twice", new Zip().directory("d/").directory("d/")),
        zip(
            "a directory twice and once not mentioned",
            "twice",
            new Zip().file("d/f", "").directory("d/").directory("d")),
        zip("the tree itself twice", "twice", new Zip().directory("./").directory(".")),
        // conflicts and symlinks
        zip(
            "a file through a symlink",
            "through the symlink",
            new Zip().symlink("l", "..").file("l/x", "x")),
        zip(
            "a directory in place of a symlink",
            "both as a directory",
            new Zip().symlink("l", "..").directory("l/")),
        zip(
            "a symlink in place of a directory",
            "both as a directory",
            new Zip().file("d/f", "").symlink("d", "..")),
        zip(
            "a file in place of a directory",
            "both as a directory",
            new Zip().directory("d/").file("d", "")),
        zip("a symlink to nothing", "a target", new Zip().symlink("l", "")),
        zip("a NUL in a target", "a target", new Zip().symlink("l", "a\0b")),
        zip("a target that is too long", "4095", new Zip().symlink("l", "t".repeat(4096))),
        zip(
            "a target that is not UTF-8",
            "UTF-8",
            new Zip().add(Zip.stored("l", "\u00fc".getBytes(ISO_8859_1)), mode(0120777))),
        // types
        entry("a device", "a device", mode(0020666)),
        entry("a block device", "a device", mode(0060666)),
        entry("a named pipe", "a named pipe", mode(0010666)),
        entry("a socket", "a socket", mode(0140666)),
        entry("a directory with data", "at once", name("d/")),
        entry("a directory by its mode with data", "at once", mode(0040755)),
        zip(
            "a symlink whose name ends as that of a directory",
            "at once",
            new Zip().symlink("l/", "x")),
        // local headers
        entry("another name", "different things", e -> e.localName = bytes("g")),
        entry("another name of other length", "different things", e -> e.localName = bytes("ff")),
        entry("another checksum", "different things", e -> e.localCrc ^= 1),
        entry("another size", "different things", e -> e.localSize++),
        entry("another packed size", "different things", e -> e.localPackedBytes++),
        entry("another method", "different things", e -> e.localMethod = 0),
        entry("encrypted only there", "different things", e -> e.localFlags |= 1),
        entry("another encoding of the name", "different things", e -> e.localFlags = 0),
        entry(
            "a field of zip64 that is missing there",
            "damaged",
            e -> e.localSize = e.localPackedBytes = -1),
        entry("no local header", "damaged", e -> e.offset = 4),
        // data
        entry("bytes with another checksum", "different things", e -> e.crc = e.localCrc = 7),
        entry(
            "more bytes than announced",
            "different things",
            e -> e.size = e.localSize = e.size - 1),
        entry(
            "fewer bytes than announced",
            "different things",
            e -> e.size = e.localSize = e.size + 1),
        entry(
            "fewer packed bytes than announced",
            "overlaps",
            e -> e.packedBytes = e.localPackedBytes = e.packedBytes + 1),
        entry(
            "more packed bytes than announced",
            "different things",
            e -> e.packedBytes = e.localPackedBytes = e.packedBytes - 1),
        entry("packed bytes that are none", "damaged", e -> Arrays.fill(e.packed, (byte) 0xff)),
        entry(
            "packed bytes behind the last",
            "different things",
            e -> {
              e.packed = Arrays.copyOf(e.packed, e.packed.length + 3);
              e.packedBytes = e.localPackedBytes = e.packed.length;
            }),
        entry(
            "sizes that deflate cannot reach",
            "cannot be",
            e -> e.size = e.localSize = 1032 * (e.packedBytes + 1)),
        zip(
            "a stored file of another size",
            "cannot be",
            new Zip().add(Zip.stored("f", bytes("x")), e -> e.size = e.localSize = 2)),
        entry(
            "a descriptor that says something else",
            "different things",
            e -> {
              e.describedLater(Zip.descriptor(e, true, false));
              e.descriptor[5] ^= 1;
            }),
        entry(
            "a descriptor that is missing", "different things", e -> e.describedLater(new byte[0])),
        // overlaps
        zip(
            "two records of one entry",
            "overlap",
            new Zip()
                .file("f", "x")
                .add(
                    Zip.deflated("f", "x"),
                    e -> {
                      e.offset = 0;
                      e.hasLocal = false;
                    })),
        zip("an entry inside of another", "overlap", overlapping()),
        zip(
            "an entry that reaches into the directory",
            "overlap",
            new Zip()
                .add(
                    Zip.stored("f", bytes("text")),
                    e -> e.packedBytes = e.size = e.localSize = e.localPackedBytes = 40)),
        zip(
            "an entry behind the directory",
            "overlap",
            new Zip().add(Zip.deflated("f", "x"), e -> e.offset = 1 << 20)),
        // the directory
        zip("more records than there are", "damaged", new Zip().file("f", "x").countOff(1)),
        zip("fewer records than there are", "damaged", new Zip().file("f", "x").countOff(-1)),
        zip("a directory that begins elsewhere", "damaged", new Zip().file("f", "x").startOff(1)),
        zip(
            "a directory of zip64 that begins elsewhere",
            "damaged",
            new Zip().file("f", "x").zip64().startOff(-1)),
        entry(
            "a field of zip64 that is missing",
            "zip64",
            e -> e.size = e.packedBytes = e.localSize = e.localPackedBytes = -1),
        entry(
            "a field of zip64 that is too short",
            "damaged",
            e -> {
              e.size = e.packedBytes = -1;
              e.extra = Zip.field(1, new byte[8]);
            }),
        entry(
            "sizes of zip64 that are negative",
            "cannot be",
            e -> {
              e.size = e.packedBytes = -1;
              e.extra = Zip.field(1, Zip.bytes(16).putLong(-1).putLong(-1).array());
            }),
        Arguments.of(
            "the first bytes of a zip and no end",
            "end of its central directory",
            Workshop.concat(bytes("PK\u0003\u0004"), new byte[1000])));
  }

  /** The bytes of the first are the second, whole, as in the bombs of Fifield. */
  private static Zip overlapping() {
    byte[] inner = new Zip().add(Zip.stored("inner", bytes("text"))).end();
    byte[] local = Arrays.copyOf(inner, 30 + 5 + 4);
    return new Zip()
        .add(Zip.stored("outer", local))
        .add(
            Zip.stored("inner", bytes("text")),
            e -> {
              e.offset = 30 + 5;
              e.hasLocal = false;
            });
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void unsafe(String behaviour, String saying, byte[] zip) {
    var failure = workshop.refused(UnsafeArchive.class, zip);
    assertTrue(failure.getMessage().contains(saying), failure::getMessage);
    assertNull(failure.limit());
  }

  static Stream<Arguments> unsupported() {
    return Stream.of(
        entry("an encrypted file", "encrypted", e -> e.flags = e.localFlags = Zip.UTF8 | 1),
        entry(
            "strong encryption", "encrypted", e -> e.flags = e.localFlags = Zip.UTF8 | 1 | 1 << 6),
        entry("a masked directory", "encrypted", e -> e.flags = e.localFlags = Zip.UTF8 | 1 << 13),
        entry("a patch", "a patch", e -> e.flags = e.localFlags = Zip.UTF8 | 1 << 5),
        entry("a method of few", "method 9", e -> e.method = e.localMethod = 9),
        entry("a part of several", "several parts", e -> e.part = 1),
        zip("a directory of several parts", "several parts", new Zip().partOfDirectory(1)),
        zip(
            "something before the zip",
            "no archive",
            new Zip().prefix(bytes("#!/bin/sh\n".repeat(100))).file("f", "x")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void unsupported(String behaviour, String saying, byte[] zip) {
    var failure = workshop.refused(UnsupportedArchive.class, zip);
    assertTrue(failure.getMessage().contains(saying), failure::getMessage);
  }

  // ---- limits ----

  static Stream<Arguments> limits() {
    Zip files = new Zip();
    IntStream.range(0, 4).forEach(i -> files.file("f" + i, ""));
    Zip directories = new Zip();
    IntStream.range(0, 4).forEach(i -> directories.directory("d" + i + "/"));
    Zip many = new Zip();
    IntStream.range(0, 9).forEach(i -> many.file("f" + i, ""));
    return Stream.of(
        Arguments.of("more files", "archives.maxFiles", few(3), files.end()),
        Arguments.of("more directories", "archives.maxFiles", few(3), directories.end()),
        Arguments.of("many more entries", "archives.maxFiles", few(3), many.end()),
        Arguments.of(
            "more bytes",
            "archives.maxBytes",
            new Limits(100, 10L, 200, 64, 2048),
            new Zip().file("a", "12345").file("b", "123456").end()),
        Arguments.of(
            "a bomb",
            "archives.maxRatio",
            new Limits(100, null, 200, 64, 2048),
            new Zip().add(Zip.deflated("f", new byte[2_000_000])).end()),
        Arguments.of(
            "a bomb of overlapping entries",
            "archives.maxRatio",
            new Limits(100_000, null, 200, 64, 2048),
            bomb().end()),
        Arguments.of(
            "sizes that are more than there are numbers",
            "archives.maxRatio",
            new Limits(100, null, 200, 64, 2048),
            new Zip().add(huge("a")).add(huge("b")).end()),
        Arguments.of(
            "too deep",
            "archives.maxDepth",
            new Limits(100, null, 200, 3, 2048),
            new Zip().file("a/b/c/d/f", "").end()));
  }

  private static Limits few(int files) {
    return new Limits(files, null, 200, 64, 2048);
  }

  /** Many records of one kernel of zeros. */
  private static Zip bomb() {
    var zip = new Zip().add(Zip.deflated("f", new byte[200_000]));
    for (int i = 0; i < 1000; i++) {
      Zip.Entry again = Zip.deflated("f", new byte[200_000]);
      again.renamed("f" + i);
      again.offset = 0;
      again.hasLocal = false;
      zip.add(again);
    }
    return zip;
  }

  private static Zip.Entry huge(String name) {
    Zip.Entry entry = Zip.stored(name, bytes("x"));
    entry.size = entry.packedBytes = -1;
    entry.extra =
        Zip.field(1, Zip.bytes(16).putLong(Long.MAX_VALUE).putLong(Long.MAX_VALUE).array());
    return entry;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void limits(String behaviour, String key, Limits limits, byte[] zip) {
    var failure = workshop.refused(UnsafeArchive.class, zip, limits);
    assertEquals(key, failure.limit());
    assertTrue(failure.getMessage().contains(key), failure::getMessage);
  }

  @Test
  void whatIsJustWithinTheLimitsIsUnpacked() {
    var limits = new Limits(2, 12L, 200, 2, 2048);
    byte[] zip = new Zip().directory("a/b/").file("a/b/f", "123456").file("g", "123456").end();
    assertEquals(2, workshop.unpack(zip, limits).unpacked().files());
  }

  /** A zip that holds itself is one zip with a zip in it: nothing is unpacked twice. */
  @Test
  void aZipInAZipIsAFile() {
    byte[] inner = new Zip().file("f", "x").end();
    var tree = workshop.unpack(new Zip().add(Zip.stored("z.zip", inner)).end());
    assertEquals(java.util.List.of("z.zip"), Workshop.names(tree));
  }

  // ---- cut and damaged ----

  private static byte[] sample() {
    return new Zip()
        .directory("d/")
        .file("d/f", "some text, some text, some text")
        .add(
            Zip.deflated("g", "x".repeat(300)),
            e -> e.describedLater(Zip.descriptor(e, true, false)))
        .symlink("l", "d")
        .end();
  }

  @Test
  void aZipThatWasCutIsRefused() {
    byte[] zip = sample();
    for (int length = 1; length < zip.length; length++) {
      byte[] cut = Arrays.copyOf(zip, length);
      if (length < 6) { // its first bytes are not even those of a zip
        workshop.refused(UnsupportedArchive.class, cut);
      } else {
        workshop.refused(UnsafeArchive.class, cut);
      }
    }
  }

  @Test
  void whatFollowsTheEndOfAZipIsRefused() {
    workshop.refused(UnsafeArchive.class, Workshop.concat(sample(), bytes("x")));
    workshop.refused(UnsafeArchive.class, Workshop.concat(sample(), new byte[70_000]));
    workshop.refused(CacheException.class, Workshop.concat(sample(), sample()));
  }

  /** Times and versions may be anything; all else is said twice and compared. */
  @Test
  void aZipWithAFlippedBitIsRefusedOrItsBytesAreTheSame() {
    byte[] zip = sample();
    var whole = workshop.unpack(zip);
    int refused = 0;
    for (int i = 0; i < zip.length; i++) {
      byte[] damaged = zip.clone();
      damaged[i] ^= (byte) (1 << i % 8);
      Path tree = workshop.emptyDirectory();
      try {
        new Unpacker(Workshop.ROOMY)
            .unpack(workshop.archive(damaged), tree, (_, _) -> {}, () -> {});
        var again = new Workshop.Tree(tree, whole.unpacked());
        assertEquals(Workshop.names(whole), Workshop.names(again), "bit of byte " + i);
        assertEquals(whole.text("d/f"), again.text("d/f"));
        assertEquals(whole.text("g"), again.text("g"));
      } catch (UnsafeArchive | UnsupportedArchive e) {
        refused++;
        assertEquals(0, tree.toFile().list().length);
      }
    }
    assertTrue(refused > zip.length / 2, refused + " of " + zip.length);
  }
}
