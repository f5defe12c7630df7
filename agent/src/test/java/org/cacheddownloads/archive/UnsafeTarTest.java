package org.cacheddownloads.archive;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.cacheddownloads.failure.CacheException.UnsafeArchive;
import org.cacheddownloads.failure.CacheException.UnsupportedArchive;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Tars, plain and packed, that must not become trees. */
class UnsafeTarTest {
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

  private static Arguments tar(String behaviour, String saying, Tar tar) {
    return Arguments.of(behaviour, saying, tar.end());
  }

  static Stream<Arguments> unsafe() {
    return Stream.of(
        // paths
        tar("an absolute path", "absolute", new Tar().file("/etc/x", "x")),
        tar("an absolute long name", "absolute", new Tar().longName("/etc/x").file("y", "x")),
        tar("an absolute path of pax", "absolute", new Tar().pax("path", "/x").file("y", "x")),
        tar(
            "an absolute path of pax behind another header",
            "absolute",
            new Tar().pax("uid", "1", "path", "/x").file("y", "x")),
        tar(
            "one name for all entries",
            "all entries",
            new Tar().pax('g', "path", "x").file("y", "x")),
        tar(
            "two long names of one entry",
            "two long names",
            new Tar().longName("a").pax("path", "b").file("y", "x")),
        tar("an empty name of pax", "takes a name away", new Tar().pax("path", "").file("ä", "x")),
        tar(
            "an empty target of pax",
            "takes a name away",
            new Tar().pax("linkpath", "").symlink("l", "ä")),
        tar(
            "two long targets of one entry",
            "two long names",
            new Tar().pax("linkpath", "b").longLink("a").symlink("y", "x")),
        tar(
            "a name of pax that is not UTF-8",
            "UTF-8",
            new Tar()
                .entry('x', "x", "", "10 path=\u00fc\n".getBytes(ISO_8859_1), _ -> {})
                .file("y", "")),
        tar("a path that climbs out", "'..'", new Tar().file("../x", "x")),
        tar("a path that climbs out later", "'..'", new Tar().file("a/../../x", "x")),
        tar("a path that climbs and stays inside", "'..'", new Tar().file("a/../x", "x")),
        tar("a directory that is above the tree", "'..'", new Tar().directory("..")),
        tar("a symlink placed outside", "'..'", new Tar().symlink("../x", "y")),
        tar("a hard link placed outside", "'..'", new Tar().file("f", "").hardLink("../x", "f")),
        tar("an entry without a name", "without a name", new Tar().file("", "x")),
        tar("a file that is the tree itself", "'.'", new Tar().file("./", "").file(".", "x")),
        tar("a NUL in a long name", "NUL", new Tar().longName("a\0b").file("y", "x")),
        tar("a NUL in a path of pax", "NUL", new Tar().pax("path", "a\0b").file("y", "x")),
        tar(
            "a name of more than 255 bytes",
            "255",
            new Tar().longName("n".repeat(256)).file("y", "")),
        tar(
            "a name of more than 255 bytes in fewer characters",
            "255",
            new Tar().longName("ü".repeat(128)).file("y", "")),
        tar(
            "a path that is too long",
            "a path of more than",
            new Tar().longName(("n".repeat(200) + "/").repeat(11)).file("y", "")),
        tar(
            "a name that is not UTF-8",
            "UTF-8",
            new Tar().entry('0', "\u00fc".getBytes(ISO_8859_1), new byte[0], new byte[0], _ -> {})),
        tar(
            "a long name that is not UTF-8",
            "UTF-8",
            new Tar().entry('L', "l", "", "\u00fc\0".getBytes(ISO_8859_1), _ -> {}).file("y", "")),
        tar(
            "a surrogate in UTF-8",
            "UTF-8",
            new Tar()
                .entry(
                    '0',
                    new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80},
                    new byte[0],
                    new byte[0],
                    _ -> {})),
        // symlinks
        tar(
            "a file through a symlink",
            "through the symlink 'l'",
            new Tar().symlink("l", "..").file("l/x", "x")),
        tar(
            "a file through a symlink that stays inside",
            "through the symlink",
            new Tar().directory("d").symlink("l", "d").file("l/x", "x")),
        tar(
            "a file deep behind a symlink",
            "through the symlink 'a/l'",
            new Tar().directory("a").symlink("a/l", "/").file("a/l/b/c/x", "x")),
        tar(
            "a file through a hard link to a symlink",
            "through the symlink",
            new Tar().symlink("l", "..").hardLink("h", "l").file("h/x", "x")),
        tar(
            "a directory in place of a symlink",
            "both as a directory and otherwise",
            new Tar().symlink("l", "..").directory("l")),
        tar(
            "a symlink in place of a directory",
            "both as a directory and otherwise",
            new Tar().file("d/x", "").symlink("d", "..")),
        tar(
            "a hard link out of a symlink",
            "through the symlink",
            new Tar().symlink("l", "..").hardLink("h", "l/secret")),
        tar("a symlink to nothing", "a target that is empty", new Tar().symlink("l", "")),
        tar(
            "a NUL in the target of a symlink",
            "a target",
            new Tar().pax("linkpath", "a\0b").symlink("l", "x")),
        tar(
            "a target that is not UTF-8",
            "UTF-8",
            new Tar().entry('2', bytes("l"), new byte[] {(byte) 0xff}, new byte[0], _ -> {})),
        tar(
            "a target that no system call takes",
            "more than 4095 bytes",
            new Tar().longLink("t".repeat(4096)).symlink("l", "x")),
        // hard links
        tar("a hard link to an absolute path", "absolute", new Tar().hardLink("h", "/etc/passwd")),
        tar("a hard link that climbs out", "'..'", new Tar().hardLink("h", "../secret")),
        tar("a hard link to nothing", "no file before it", new Tar().hardLink("h", "f")),
        tar(
            "a hard link to nothing in a directory that is not there",
            "no file before it",
            new Tar().hardLink("h", "d/e/f")),
        tar(
            "a hard link to what comes later",
            "no file before it",
            new Tar().hardLink("h", "f").file("f", "x")),
        tar("a hard link to itself and nothing", "no file before", new Tar().hardLink("h", "h")),
        tar(
            "a hard link to a directory",
            "no file before it",
            new Tar().directory("d").hardLink("h", "d")),
        tar(
            "a hard link in place of a directory",
            "both as a directory",
            new Tar().file("f", "").directory("d").hardLink("d", "f")),
        tar(
            "a hard link below a file",
            "through the file 'f'",
            new Tar().file("f", "").hardLink("f/h", "f")),
        tar(
            "a hard link with data",
            "has data",
            new Tar().file("f", "").entry('1', "h", "f", bytes("data"), _ -> {})),
        tar("a symlink with data", "has data", new Tar().entry('2', "l", "t", bytes("d"), _ -> {})),
        tar(
            "a directory with data",
            "has data",
            new Tar().entry('5', "d", "", bytes("d"), _ -> {})),
        tar(
            "a directory of old tar with data",
            "has data",
            new Tar().entry('0', "d/", "", bytes("d"), _ -> {})),
        // conflicts
        tar("a file below a file", "through the file 'f'", new Tar().file("f", "").file("f/x", "")),
        tar(
            "a directory in place of a file",
            "both as a directory",
            new Tar().file("f", "").directory("f/")),
        tar(
            "a file in place of a directory",
            "both as a directory",
            new Tar().directory("d").file("d", "")),
        tar(
            "a file in place of a directory that was not mentioned",
            "both as a directory",
            new Tar().file("d/x", "").file("d", "")),
        // what is no file
        tar("a character device", "a device", new Tar().typed('3', "null")),
        tar("a block device", "a device", new Tar().typed('4', "sda")),
        tar("a named pipe", "a named pipe", new Tar().typed('6', "pipe")),
        // headers
        tar(
            "a header of more than a mebibyte",
            "a header of more than",
            new Tar().pax("comment", "c".repeat(1 << 20)).file("f", "")),
        tar(
            "a long name of more than a mebibyte, announced only",
            "a header of more than",
            new Tar()
                .entry('L', "l", "", bytes("x"), head -> Tar.octal(head, Tar.SIZE, 12, 1 << 30))),
        tar(
            "headers without end",
            "more than 8 headers",
            IntStream.range(0, 9)
                .mapToObj(i -> "n" + i)
                .reduce(new Tar(), (tar, n) -> tar.pax('g', "comment", n), (a, _) -> a)
                .file("f", "")),
        tar("headers of nothing", "announces another", new Tar().longName("f")),
        tar("headers of pax of nothing", "announces another", new Tar().pax("path", "f")),
        tar(
            "a record of pax that ends in the next",
            "damaged",
            new Tar().entry('x', "x", "", bytes("99 path=x\n"), _ -> {}).file("f", "")),
        tar(
            "a record of pax without a length",
            "damaged",
            new Tar().entry('x', "x", "", bytes("path=x\n"), _ -> {}).file("f", "")),
        tar("a size of pax that is none", "damaged", new Tar().pax("size", "x").file("f", "")),
        tar("a negative size of pax", "damaged", new Tar().pax("size", "-1").file("f", "")),
        tar("a time of pax that is none", "damaged", new Tar().pax("mtime", "now").file("f", "")),
        tar(
            "a negative size",
            "damaged",
            new Tar()
                .entry(
                    '0', "f", "", new byte[0], head -> Arrays.fill(head, 124, 136, (byte) 0xff))),
        tar(
            "a size that is no number",
            "damaged",
            new Tar()
                .entry(
                    '0', "f", "", new byte[0], head -> Arrays.fill(head, 124, 136, (byte) '9'))));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void unsafe(String behaviour, String saying, byte[] tar) {
    var failure = workshop.refused(UnsafeArchive.class, tar);
    assertTrue(failure.getMessage().contains(saying), failure::getMessage);
    assertNull(failure.limit());
  }

  static Stream<Arguments> unsupported() {
    return Stream.of(
        tar("a sparse file of old GNU tar", "sparse", new Tar().typed('S', "f")),
        tar(
            "a sparse file of pax 0.0",
            "sparse",
            new Tar()
                .pax(
                    "GNU.sparse.size",
                    "10",
                    "GNU.sparse.numblocks",
                    "1",
                    "GNU.sparse.offset",
                    "0",
                    "GNU.sparse.numbytes",
                    "1")
                .file("f", "x")),
        tar(
            "a sparse file of pax 0.1",
            "sparse",
            new Tar().pax("GNU.sparse.size", "10", "GNU.sparse.map", "0,1").file("f", "x")),
        tar(
            "a sparse file of pax 1.0, with its map in the data",
            "sparse",
            new Tar()
                .pax("GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.realsize", "9")
                .file("f", "1\n0\n1\n")),
        tar("a part of a file in several archives", "not supported", new Tar().typed('M', "f")),
        tar("an incremental directory", "not supported", new Tar().typed('D', "d")),
        tar("a type of nobody", "not supported", new Tar().typed('?', "f")),
        Arguments.of("nothing", "no archive", new byte[0]),
        Arguments.of("a text", "no archive", bytes("hello")),
        Arguments.of("a longer text", "no archive", bytes("hello ".repeat(1000))),
        Arguments.of("random bytes", "no archive", random(100_000)),
        Arguments.of("zeros that are no block", "no archive", new byte[511]),
        Arguments.of("a packed text", "no archive", Workshop.pack("gzip", bytes("hello"))),
        Arguments.of("random bytes, packed", "no archive", Workshop.pack("xz", random(5000))),
        Arguments.of(
            "a tar packed twice",
            "no archive",
            Workshop.pack("gzip", Workshop.pack("gzip", new Tar().file("f", "x").end()))),
        Arguments.of(
            "a zip inside of gzip",
            "no archive",
            Workshop.pack("gzip", new Zip().file("f", "x").end())));
  }

  private static byte[] random(int count) {
    byte[] bytes = new byte[count];
    new Random(7).nextBytes(bytes);
    return bytes;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void unsupported(String behaviour, String saying, byte[] tar) {
    var failure = workshop.refused(UnsupportedArchive.class, tar);
    assertTrue(failure.getMessage().contains(saying), failure::getMessage);
  }

  // ---- cut and damaged ----

  private static byte[] sample() {
    return new Tar()
        .longName("d/" + "n".repeat(120))
        .file("short", "some text")
        .pax("path", "e/" + "p".repeat(120))
        .file("short", "x".repeat(3000))
        .directory("f")
        .end();
  }

  /** Wherever it is cut, and also where an entry ends. */
  @ParameterizedTest
  @MethodSource("packings")
  void anArchiveThatWasCutIsRefused(String packing) {
    byte[] packed = Workshop.pack(packing, sample());
    int end = packing.equals("plain") ? endOf(packed) : packed.length;
    for (int length = 1; length < end; length += packing.equals("plain") ? 256 : 41) {
      byte[] cut = Arrays.copyOf(packed, length);
      if (length < 600) { // not even a first header
        workshop.refused(org.cacheddownloads.failure.CacheException.class, cut);
      } else {
        workshop.refused(UnsafeArchive.class, cut);
      }
    }
    workshop.refused(UnsafeArchive.class, Arrays.copyOf(packed, end - 1));
    assertEquals(2, workshop.unpack(packed).unpacked().files());
  }

  static Stream<String> packings() {
    return Workshop.packings().stream();
  }

  /** Behind the first block of zeros. */
  private static int endOf(byte[] tar) {
    int last = tar.length;
    while (tar[last - 1] == 0) {
      last--;
    }
    return (last + 511) / 512 * 512 + 512;
  }

  @Test
  void anArchiveWithoutItsEndIsRefused() {
    byte[] unended = new Tar().file("f", "x").unended();
    workshop.refused(UnsafeArchive.class, unended);
    workshop.refused(UnsafeArchive.class, Workshop.pack("gzip", unended));
    assertEquals(1, workshop.unpack(Arrays.copyOf(unended, 1536)).unpacked().files());
  }

  /** A plain tar has sums of its headers only; the bytes of files have none. */
  @Test
  void aHeaderWithAWrongSumIsRefusedWhereverItIs() {
    byte[] tar = sample();
    for (int header : new int[] {0, 1024, 2048, 3072, 7168}) {
      for (int at : new int[] {0, Tar.MODE, Tar.TYPE, 300, 511}) {
        byte[] damaged = tar.clone();
        damaged[header + at] ^= 0x10;
        if (header == 0) {
          workshop.refused(UnsupportedArchive.class, damaged);
        } else {
          workshop.refused(UnsafeArchive.class, damaged);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("packings")
  void aPackedArchiveWithAFlippedBitIsRefused(String packing) {
    if (packing.equals("plain")) {
      return; // the one before this
    }
    byte[] packed = Workshop.pack(packing, sample());
    byte[] whole = unpackedAgain(packed);
    for (int i = 0; i < packed.length; i += 7) {
      byte[] damaged = packed.clone();
      damaged[i] ^= (byte) (1 << i % 8);
      Path tree = workshop.emptyDirectory();
      try {
        var unpacked =
            new Unpacker(Workshop.ROOMY)
                .unpack(workshop.archive(damaged), tree, (_, _) -> {}, () -> {});
        assertEquals(new String(whole, UTF_8), unpacked.treeDigest().hex(), "bit of byte " + i);
      } catch (UnsafeArchive | UnsupportedArchive e) {
        assertEquals(0, tree.toFile().list().length);
      }
    }
  }

  /** Its first block decodes to anything but a tar, and is known to be wrong only at its end. */
  @Test
  void aDamagedBlockOfBzip2IsDamageAndNoOtherFormat() {
    byte[] damaged = Workshop.pack("bzip2", sample());
    damaged[damaged.length / 2] ^= 4;

    var failure = workshop.refused(UnsafeArchive.class, damaged);

    assertTrue(failure.getMessage().contains("damaged"), failure::getMessage);
  }

  /** Flags of no consequence, such as the system in the head of gzip, may be flipped. */
  private byte[] unpackedAgain(byte[] packed) {
    return workshop.unpack(packed).unpacked().treeDigest().hex().getBytes(UTF_8);
  }

  @ParameterizedTest
  @MethodSource("packings")
  void whatFollowsTheEndIsRefused(String packing) {
    byte[] packed = Workshop.pack(packing, sample());
    workshop.refused(UnsafeArchive.class, Workshop.concat(packed, bytes("garbage")));
    workshop.refused(UnsafeArchive.class, Workshop.concat(packed, sample()));
    byte[] second = Workshop.pack(packing, sample());
    workshop.refused(UnsafeArchive.class, Workshop.concat(packed, second));
  }

  /** POSIX leaves the rest of the last record undefined. */
  @Test
  void theRestOfTheLastRecordMayHoldAnything() {
    byte[] tar = sample();
    int end = endOf(tar);
    byte[] filled = tar.clone();
    Arrays.fill(filled, end + 512, filled.length, (byte) 'x');
    assertEquals(2, workshop.unpack(filled).unpacked().files());
    filled[end] = 'x'; // the second of two blocks of zeros
    workshop.refused(UnsafeArchive.class, filled);
    assertEquals(2, workshop.unpack(Workshop.concat(tar, new byte[20480])).unpacked().files());
  }

  @Test
  void aMemberOfGzipWithAnEndlessNameIsRefused() {
    byte[] head = {0x1f, (byte) 0x8b, 8, 8, 0, 0, 0, 0, 0, 3};
    byte[] name = new byte[200_000];
    Arrays.fill(name, (byte) 'n');
    workshop.refused(UnsafeArchive.class, Workshop.concat(head, name));
  }

  // ---- limits ----

  static Stream<Arguments> limits() {
    byte[] zeros = new byte[2_000_000];
    return Stream.of(
        Arguments.of(
            "more files than allowed",
            "archives.maxFiles",
            new Limits(3, null, 200, 64, 2048),
            files(4).end()),
        Arguments.of(
            "more symlinks than allowed",
            "archives.maxFiles",
            new Limits(3, null, 200, 64, 2048),
            files(2).symlink("a", "x").symlink("b", "x").end()),
        Arguments.of(
            "more hard links than allowed",
            "archives.maxFiles",
            new Limits(3, null, 200, 64, 2048),
            files(2).hardLink("a", "f0").hardLink("b", "f0").end()),
        Arguments.of(
            "more directories than allowed",
            "archives.maxFiles",
            new Limits(3, null, 200, 64, 2048),
            new Tar().directory("a").directory("b").file("c/d/e", "").end()),
        Arguments.of(
            "one file again and again",
            "archives.maxFiles",
            new Limits(3, null, 200, 64, 2048),
            new Tar().file("f", "").file("f", "").file("f", "").file("f", "").end()),
        Arguments.of(
            "one directory again and again",
            "archives.maxFiles",
            new Limits(3, null, 200, 64, 2048),
            IntStream.range(0, 5)
                .mapToObj(_ -> "d")
                .reduce(new Tar(), Tar::directory, (a, _) -> a)
                .end()),
        Arguments.of(
            "more bytes than allowed",
            "archives.maxBytes",
            new Limits(100, 10L, 200, 64, 2048),
            new Tar().file("a", "12345").file("b", "123456").end()),
        Arguments.of(
            "a size announced that is more than allowed",
            "archives.maxBytes",
            new Limits(100, 1000L, 200, 64, 2048),
            new Tar()
                .entry('0', "f", "", bytes("x"), head -> Tar.octal(head, Tar.SIZE, 12, 1L << 32))
                .end()),
        Arguments.of(
            "sizes that are more than there are numbers",
            "archives.maxRatio",
            new Limits(100, null, 200, 64, 2048),
            new Tar()
                .file("a", "x")
                .pax("size", String.valueOf(Long.MAX_VALUE))
                .file("b", "x")
                .end()),
        Arguments.of(
            "a bomb",
            "archives.maxRatio",
            new Limits(100, null, 200, 64, 2048),
            Workshop.pack("gzip", new Tar().entry('0', "f", "", zeros, _ -> {}).end())),
        Arguments.of(
            "a bomb of many files",
            "archives.maxRatio",
            new Limits(10_000, null, 20, 64, 2048),
            Workshop.pack(
                "xz",
                IntStream.range(0, 300)
                    .boxed()
                    .reduce(
                        new Tar(),
                        (tar, i) -> tar.entry('0', "f" + i, "", new byte[512], _ -> {}),
                        (a, _) -> a)
                    .end())),
        Arguments.of(
            "a bomb of headers",
            "archives.maxRatio",
            new Limits(10_000_000, null, 1, 64, 2048),
            Workshop.pack(
                "zstd",
                Workshop.concat(
                    IntStream.range(0, 40)
                        .mapToObj(i -> new Tar().pax("c", "c".repeat(500_000)).file("f" + i, ""))
                        .map(Tar::unended)
                        .toArray(byte[][]::new)))),
        Arguments.of(
            "a bomb of zeros behind the end",
            "archives.maxRatio",
            new Limits(100, null, 1, 64, 2048),
            Workshop.pack("bzip2", Workshop.concat(new Tar().end(), new byte[20 << 20]))),
        Arguments.of(
            "directories too deep in each other",
            "archives.maxDepth",
            new Limits(100, null, 200, 3, 2048),
            new Tar().file("a/b/c/d/f", "").end()),
        Arguments.of(
            "a directory too deep",
            "archives.maxDepth",
            new Limits(100, null, 200, 3, 2048),
            new Tar().directory("a/b/c/d").end()));
  }

  private static Tar files(int count) {
    Tar tar = new Tar();
    IntStream.range(0, count).forEach(i -> tar.file("f" + i, ""));
    return tar;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void limits(String behaviour, String key, Limits limits, byte[] tar) {
    var failure = workshop.refused(UnsafeArchive.class, tar, limits);
    assertEquals(key, failure.limit());
    assertTrue(failure.getMessage().contains(key), failure::getMessage);
  }

  @Test
  void whatIsJustWithinTheLimitsIsUnpacked() {
    var limits = new Limits(3, 12L, 200, 3, 2048);
    byte[] tar =
        new Tar().file("a/b/c/f", "123456").file("a/b/g", "123456").symlink("l", "x").end();
    assertEquals(2, workshop.unpack(tar, limits).unpacked().files());
  }

  /** 64 KiB of zeros in few bytes: harmless, but the operator said so. */
  @Test
  void theRatioIsThatOfFilesAndArchive() {
    byte[] packed =
        Workshop.pack("gzip", new Tar().entry('0', "f", "", new byte[65536], _ -> {}).end());
    long ratio = 65536 / packed.length;
    workshop.unpack(packed, new Limits(10, null, ratio + 1, 64, 2048));
    var failure =
        workshop.refused(UnsafeArchive.class, packed, new Limits(10, null, ratio, 64, 2048));
    assertEquals("archives.maxRatio", failure.limit());
  }

  @Test
  void anInodeHasAtMostSoManyNames() {
    var limits = new Limits(20_000, null, 200, 64, 2048);
    Tar tar = new Tar().file("f", "x");
    IntStream.range(1, TreeWriter.MOST_NAMES).forEach(i -> tar.hardLink("h" + i, "f"));
    assertEquals(1, workshop.unpack(tar.end(), limits).unpacked().files());
    workshop.refused(
        UnsafeArchive.class,
        Workshop.concat(
            Arrays.copyOf(tar.unended(), TreeWriter.MOST_NAMES * 512 + 512),
            new Tar().hardLink("one-more", "f").end()),
        limits);
  }

  @Test
  void messagesShowNamesOnOneLineAndShortened() {
    var failure =
        workshop.refused(
            UnsafeArchive.class,
            new Tar().longName("../\u001b[31m\n\u202e" + "n".repeat(5000)).file("x", "").end());
    assertTrue(failure.getMessage().contains("../\\u{1b}[31m\\u{a}\\u{202e}nnn"));
    assertTrue(failure.getMessage().length() < 300);
  }
}
