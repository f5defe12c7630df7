package org.cacheddownloads.archive;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.InsufficientSpace;
import org.cacheddownloads.failure.CacheException.NotReady;
import org.cacheddownloads.store.Posix;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of archives that are well. */
class UnpackerTest {
  private static final String TIME = "2023-11-14T22:13:20Z";
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

  static Stream<String> packings() {
    return Workshop.packings().stream();
  }

  private static Tar sample() {
    return new Tar()
        .directory("bin/")
        .executable("bin/ruby", "#!/bin/sh\n")
        .file("bin/größe", "5")
        .symlink("bin/link", "../lib//x/")
        .hardLink("bin/again", "bin/ruby")
        .file("empty", "");
  }

  // ---- formats ----

  @ParameterizedTest
  @MethodSource("packings")
  void everyPackingOfATarGivesTheSameTree(String packing) {
    var tree = workshop.unpack(Workshop.pack(packing, sample().end()));
    assertEquals(
        List.of("bin", "bin/again", "bin/größe", "bin/link", "bin/ruby", "empty"),
        Workshop.names(tree));
    assertEquals("#!/bin/sh\n", tree.text("bin/ruby"));
    assertEquals(workshop.unpack(sample().end()).unpacked(), tree.unpacked());
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "zstd", "xz", "bzip2"})
  void aTarInSeveralPackedMembersIsOne(String packing) {
    byte[] tar = sample().end();
    byte[] first = Workshop.pack(packing, java.util.Arrays.copyOf(tar, 700));
    byte[] second = Workshop.pack(packing, java.util.Arrays.copyOfRange(tar, 700, tar.length));
    var tree = workshop.unpack(Workshop.concat(first, second));
    assertEquals(workshop.unpack(tar).unpacked(), tree.unpacked());
  }

  @Test
  void aZipGivesTheSameTreeAsATar() {
    byte[] zip =
        new Zip()
            .add(Zip.stored("bin/", new byte[0]), e -> at(e, 040755))
            .add(Zip.deflated("bin/ruby", "#!/bin/sh\n"), e -> at(e, 0100755))
            .add(Zip.stored("bin/größe", "5".getBytes(UTF_8)), e -> at(e, 0100644))
            .add(Zip.stored("bin/link", "../lib//x/".getBytes(UTF_8)), e -> at(e, 0120777))
            .add(Zip.deflated("empty", ""), e -> at(e, 0100644))
            .end();
    byte[] tar =
        new Tar()
            .directory("bin/")
            .executable("bin/ruby", "#!/bin/sh\n")
            .file("bin/größe", "5")
            .symlink("bin/link", "../lib//x/")
            .file("empty", "")
            .end();
    assertEquals(
        workshop.unpack(tar).unpacked().treeDigest(), workshop.unpack(zip).unpacked().treeDigest());
  }

  private static void at(Zip.Entry entry, int mode) {
    entry.mode = mode;
    entry.extra = timestamp(1_700_000_000);
  }

  private static byte[] timestamp(int seconds) {
    return Zip.field(0x5455, Zip.bytes(5).put((byte) 1).putInt(seconds).array());
  }

  @Test
  void emptyArchivesAreEmptyTrees() {
    for (byte[] archive :
        List.of(
            new Tar().end(),
            Workshop.pack("gzip", new Tar().end()),
            new Zip().end(),
            new byte[1024])) {
      var tree = workshop.unpack(archive);
      assertEquals(List.of(), Workshop.names(tree));
      assertEquals(0, tree.unpacked().files());
    }
  }

  @Test
  void aVeryOldTarHasNoMagicAndSlashesForDirectories() {
    byte[] tar =
        new Tar()
            .entry('\0', "d/", "", new byte[0], UnpackerTest::withoutMagic)
            .entry('\0', "d/f", "", "x".getBytes(UTF_8), UnpackerTest::withoutMagic)
            .end();
    assertEquals(List.of("d", "d/f"), Workshop.names(workshop.unpack(tar)));
  }

  private static void withoutMagic(byte[] head) {
    java.util.Arrays.fill(head, 257, 512, (byte) 0);
  }

  @Test
  void theLabelOfATapeIsNoEntry() {
    byte[] tar = new Tar().typed('V', "label").file("f", "x").end();
    assertEquals(List.of("f"), Workshop.names(workshop.unpack(tar)));
  }

  @Test
  void namesOfUstarMayBeSplitInTwo() {
    String name = "p".repeat(100) + "/" + "n".repeat(100);
    byte[] tar =
        new Tar()
            .entry(
                '0',
                "n".repeat(100),
                "",
                "x".getBytes(UTF_8),
                head -> System.arraycopy("p".repeat(100).getBytes(UTF_8), 0, head, Tar.PREFIX, 100))
            .end();
    assertEquals("x", workshop.unpack(tar).text(name));
  }

  @Test
  void longNamesOfGnuTarAreKept() {
    String name = "d".repeat(120) + "/" + "n".repeat(200);
    byte[] tar =
        new Tar()
            .longName(name)
            .file("short", "x")
            .longName("link")
            .longLink("t".repeat(300))
            .symlink("short", "short")
            .end();
    var tree = workshop.unpack(tar);
    assertEquals("x", tree.text(name));
    assertTrue(tree.list().get("link").endsWith("t".repeat(300)));
  }

  @Test
  void extendedHeadersOfPaxAreKept() {
    String name = "ü".repeat(80) + "/" + "n".repeat(200);
    byte[] tar =
        new Tar()
            .pax('g', "comment", "4b825dc642cb6eb9a060e54bf8d69288fbee4904")
            .pax("path", name, "mtime", "1000000000.123456789", "size", "3")
            .entry(
                '0', "short", "", "abc".getBytes(UTF_8), head -> Tar.octal(head, Tar.SIZE, 12, 0))
            .pax("path", "link", "linkpath", "t".repeat(300))
            .symlink("short", "short")
            .end();
    var tree = workshop.unpack(tar);
    assertEquals("abc", tree.text(name));
    assertTrue(tree.list().get(name).contains("2001-09-09T01:46:40.123456789Z"));
    assertTrue(tree.list().get("link").endsWith("t".repeat(300)));
  }

  @Test
  void aZipWithAComment64BitFieldsAndDescriptorsIsRead() {
    byte[] data = "hello".getBytes(UTF_8);
    Zip.Entry withSignature = Zip.deflated("a", data);
    withSignature.describedLater(Zip.descriptor(withSignature, true, false));
    Zip.Entry without = Zip.deflated("b", data);
    without.describedLater(Zip.descriptor(without, false, false));
    Zip.Entry longer = Zip.deflated("c", data);
    longer.describedLater(Zip.descriptor(longer, true, true));
    Zip.Entry wide = Zip.stored("d", data);
    wide.extra = Zip.field(1, Zip.bytes(16).putLong(5).putLong(5).array());
    wide.localExtra = wide.extra;
    wide.size = wide.packedBytes = wide.localSize = wide.localPackedBytes = -1;
    byte[] zip =
        new Zip()
            .add(withSignature)
            .add(without)
            .add(longer)
            .add(wide)
            .zip64()
            .comment("made by hand".getBytes(UTF_8))
            .end();
    var tree = workshop.unpack(zip);
    assertEquals(List.of("a", "b", "c", "d"), Workshop.names(tree));
    List.of("a", "b", "c", "d").forEach(name -> assertEquals("hello", tree.text(name)));
  }

  @Test
  void namesOfAZipAreReadAsTheirSystemWroteThem() {
    byte[] zip =
        new Zip()
            .add(Zip.deflated("flag-ü", "1"))
            .add(Zip.deflated("unix-ü", "2"), e -> e.flags = e.localFlags = 0)
            .add(
                Zip.deflated("x", "3"),
                e -> {
                  e.flags = e.localFlags = 0;
                  e.madeBy = Zip.FAT;
                  e.name = e.localName = "dos-\u0081".getBytes(ISO_8859_1);
                })
            .add(
                Zip.deflated("field", "4"),
                e -> {
                  e.flags = e.localFlags = 0;
                  e.extra = unicodeName("field", "field-ü");
                })
            .add(
                Zip.deflated("renamed", "5"),
                e -> {
                  e.flags = e.localFlags = 0;
                  e.extra = unicodeName("before", "not-ü");
                })
            .end();
    assertEquals(
        List.of("dos-ü", "field-ü", "flag-ü", "renamed", "unix-ü"),
        Workshop.names(workshop.unpack(zip)));
  }

  private static byte[] unicodeName(String of, String name) {
    var crc = new java.util.zip.CRC32();
    crc.update(of.getBytes(UTF_8));
    byte[] text = name.getBytes(UTF_8);
    return Zip.field(
        0x7075,
        Zip.bytes(5 + text.length).put((byte) 1).putInt((int) crc.getValue()).put(text).array());
  }

  /** Writers that stream deflate nothing too; others say so of nothing at all. */
  @Test
  void filesAndDirectoriesOfAZipMayBeEmptyInAnyWay() {
    byte[] zip =
        new Zip()
            .add(Zip.deflated("deflated", ""))
            .add(Zip.stored("stored", new byte[0]))
            .add(Zip.stored("nothing", new byte[0]), e -> e.method = e.localMethod = 8)
            .add(Zip.deflated("directory/", ""), e -> e.mode = 040755)
            .add(Zip.stored("by-mode", new byte[0]), e -> e.mode = 040755)
            .end();
    var tree = workshop.unpack(zip);
    assertEquals(
        List.of("by-mode", "deflated", "directory", "nothing", "stored"), Workshop.names(tree));
    assertTrue(Files.isDirectory(tree.path("directory")));
    assertTrue(Files.isDirectory(tree.path("by-mode")));
  }

  @Test
  void gapsBetweenEntriesOfAZipAreNobodysBusiness() {
    byte[] zip =
        new Zip()
            .add(Zip.deflated("a", "1"), e -> e.descriptor = new byte[100])
            .file("b", "2")
            .behindEntries(new byte[50])
            .end();
    assertEquals(List.of("a", "b"), Workshop.names(workshop.unpack(zip)));
  }

  // ---- faithful ----

  @Test
  void modesAreReducedToReadingAndExecuting() {
    Tar tar = new Tar();
    IntStream.of(0, 0600, 0640, 0644, 0100, 0744, 0755, 0777, 04755, 02755, 01777, 0654)
        .forEach(
            mode ->
                tar.entry(
                    '0',
                    Integer.toOctalString(mode),
                    "",
                    new byte[0],
                    head -> Tar.octal(head, Tar.MODE, 8, mode)));
    tar.entry('5', "d", "", new byte[0], head -> Tar.octal(head, Tar.MODE, 8, 07777));
    tar.entry('5', "closed", "", new byte[0], head -> Tar.octal(head, Tar.MODE, 8, 0));
    Map<String, String> modes =
        workshop.unpack(tar.end()).list().entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().split(" ", -1)[1]));
    String executable = "r-xr-xr-x";
    String readable = "r--r--r--";
    assertEquals(
        Map.ofEntries(
            Map.entry("", executable),
            Map.entry("0", readable),
            Map.entry("600", readable),
            Map.entry("640", readable),
            Map.entry("644", readable),
            Map.entry("100", executable),
            Map.entry("744", executable),
            Map.entry("755", executable),
            Map.entry("777", executable),
            Map.entry("4755", executable),
            Map.entry("2755", executable),
            Map.entry("1777", executable),
            Map.entry("654", executable),
            Map.entry("d", executable),
            Map.entry("closed", executable)),
        modes);
  }

  @Test
  void timesOfFilesDirectoriesAndSymlinksAreKept() {
    var tree = workshop.unpack(new Tar().directory("./").file("d/f", "").symlink("d/l", "f").end());
    assertEquals("directory r-xr-xr-x " + TIME, tree.list().get(""));
    assertTrue(tree.list().get("d/f").contains(TIME));
    assertTrue(tree.list().get("d/l").contains(TIME));
  }

  @Test
  void directoriesThatAreNotMentionedHaveTheFirstTimeOfAll() {
    var tree = workshop.unpack(new Tar().file("a/b/c", "x").end());
    String first = "directory r-xr-xr-x 1970-01-01T00:00:00Z";
    assertEquals(first, tree.list().get(""));
    assertEquals(first, tree.list().get("a"));
    assertEquals(first, tree.list().get("a/b"));
  }

  @Test
  void aDirectoryThatIsMentionedLaterOrAgainHasThatTime() {
    byte[] tar =
        new Tar()
            .file("a/f", "x")
            .directory("a")
            .directory("b")
            .entry('5', "b", "", new byte[0], head -> Tar.octal(head, Tar.TIME, 12, 1))
            .end();
    var tree = workshop.unpack(tar);
    assertEquals("directory r-xr-xr-x " + TIME, tree.list().get("a"));
    assertEquals("directory r-xr-xr-x 1970-01-01T00:00:01Z", tree.list().get("b"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"-1", "-99999999999", "99999999999999"})
  void timesBeyondWhatFileSystemsKeepAreMovedIntoIt(String seconds) {
    var tree = workshop.unpack(new Tar().pax("mtime", seconds).file("f", "").end());
    Instant time = seconds.startsWith("-") ? Instant.EPOCH : Instant.ofEpochSecond(0x37fffffffL);
    assertTrue(tree.list().get("f").contains(time.toString()), tree.list().get("f"));
  }

  @Test
  void timesOfAZipAreExactWhereAFieldTellsAndElseInUtc() {
    byte[] ntfs =
        Zip.field(
            0x000a,
            Zip.bytes(4 + 4 + 24)
                .putInt(0)
                .putShort((short) 1)
                .putShort((short) 24)
                .putLong(11_644_473_600L * 10_000_000 + 5_0000000L)
                .putLong(0)
                .putLong(0)
                .array());
    byte[] zip =
        new Zip()
            .add(Zip.deflated("field", "x"), e -> e.extra = timestamp(1_700_000_000))
            .add(Zip.deflated("ntfs", "x"), e -> e.extra = ntfs)
            .add(
                Zip.deflated("dos", "x"),
                e -> {
                  e.date = (2021 - 1980) << 9 | 2 << 5 | 3;
                  e.time = 4 << 11 | 5 << 5 | 6 / 2;
                })
            .add(Zip.deflated("none", "x"), e -> e.date = 0)
            .end();
    var list = workshop.unpack(zip).list();
    assertTrue(list.get("field").contains(TIME));
    assertTrue(list.get("ntfs").contains("1970-01-01T00:00:05Z"));
    assertTrue(list.get("dos").contains("2021-02-03T04:05:06Z"));
    assertTrue(list.get("none").contains("1980-01-01T00:00:00Z"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/etc/passwd", "../../outside", "a//b/", "./x", "x\ny", "ü", " ", "dangling"})
  void symlinksAreKeptToTheByteAndNotFollowed(String target) throws IOException {
    for (byte[] archive :
        List.of(
            new Tar().pax("linkpath", target).symlink("l", "x").end(),
            new Zip().symlink("l", target).end())) {
      var tree = workshop.unpack(archive);
      assertEquals(target, Files.readSymbolicLink(tree.path("l")).toString());
    }
    assertEquals("not yours", Files.readString(workshop.root.resolve("secret")));
  }

  @Test
  void hardLinksAreNamesOfOneInode() throws IOException {
    byte[] tar =
        new Tar()
            .executable("z", "text")
            .hardLink("a", "z")
            .hardLink("d/b", "./a")
            .file("single", "text")
            .end();
    var tree = workshop.unpack(tar);
    assertEquals(3, Posix.lstat(tree.path("z")).links());
    assertEquals(Posix.lstat(tree.path("z")).inode(), Posix.lstat(tree.path("a")).inode());
    assertEquals(Posix.lstat(tree.path("z")).inode(), Posix.lstat(tree.path("d/b")).inode());
    assertEquals(2, tree.unpacked().files());
    assertEquals(8, tree.unpacked().bytes());
    assertTrue(tree.list().get("a").startsWith("file r-xr-xr-x " + TIME));
  }

  /** GNU tar writes this when a file is named twice on its command line. */
  @Test
  void aHardLinkToItselfIsTheFile() {
    var tree = workshop.unpack(new Tar().file("a", "x").hardLink("a", "a").end());
    assertEquals("x", tree.text("a"));
  }

  @Test
  void aHardLinkToASymlinkIsOneLikeIt() throws IOException {
    var tree = workshop.unpack(new Tar().symlink("a", "t//").hardLink("b", "a").end());
    assertEquals("t//", Files.readSymbolicLink(tree.path("b")).toString());
  }

  @Test
  void theSpellingOfAPathDoesNotMatter() {
    byte[] tar = new Tar().directory("./").file("./a//b/./c", "x").file(".//d", "y").end();
    assertEquals(List.of("a", "a/b", "a/b/c", "d"), Workshop.names(workshop.unpack(tar)));
  }

  /** The view keeps its own names one level above the trees, where these cannot meet them. */
  @Test
  void namesThatViewsKeepForThemselvesAreFreeInsideATree() {
    var tree = workshop.unpack(new Tar().file(".cached-downloads/x", "x").end());
    assertEquals("x", tree.text(".cached-downloads/x"));
  }

  @Test
  void namesThatLookAlikeAreDifferent() {
    List<String> names =
        List.of("A", "a", "e\u0301", "\u00e9", "a\\b", "a b", "tab\t", "new\nline");
    Tar tar = new Tar();
    names.forEach(name -> tar.file(name, name));
    var tree = workshop.unpack(tar.end());
    assertEquals(names.size(), tree.unpacked().files());
    names.forEach(name -> assertEquals(name, tree.text(name)));
  }

  // ---- the last one wins ----

  @Test
  void inATarTheLastOfSeveralEntriesOfAPathWins() throws IOException {
    byte[] tar =
        new Tar()
            .file("f", "old")
            .hardLink("kept", "f")
            .file("f", "newer")
            .executable("f", "newest")
            .symlink("l", "old")
            .symlink("l", "new")
            .file("was-a-link", "")
            .symlink("was-a-file", "secret")
            .hardLink("again", "kept")
            .hardLink("again", "f")
            .symlink("was-a-link", "secret")
            .file("was-a-file", "text")
            .end();
    var tree = workshop.unpack(tar);
    assertEquals("newest", tree.text("f"));
    assertEquals("old", tree.text("kept"));
    assertEquals("newest", tree.text("again"));
    assertEquals("text", tree.text("was-a-file"));
    assertEquals("new", Files.readSymbolicLink(tree.path("l")).toString());
    assertTrue(Files.isSymbolicLink(tree.path("was-a-link")));
    assertEquals(3, tree.unpacked().files());
    assertEquals(1, Posix.lstat(tree.path("kept")).links());
    assertEquals(2, Posix.lstat(tree.path("again")).links());
  }

  /** A new file may get the number of one that is gone; the manifest is checked after each test. */
  @Test
  void numbersOfInodesThatAreUsedAgainDoNotMixFiles() {
    Tar tar = new Tar();
    for (int i = 0; i < 50; i++) {
      tar.file("f", "text " + i).hardLink("g", "f").file("f", "other " + i).file("g", "third " + i);
    }
    var tree = workshop.unpack(tar.hardLink("h", "g").end());
    assertEquals("other 49", tree.text("f"));
    assertEquals("third 49", tree.text("h"));
    assertEquals(2, tree.unpacked().files());
  }

  // ---- the same everywhere ----

  /** Whoever changes this changes the digest of every tree there is. */
  @Test
  void theManifestIsWrittenInOneWay() throws IOException {
    var tree =
        workshop.unpack(sample().file("a b%\n", "x").pax("mtime", "1.5").file("é", "").end());
    assertEquals(
        """
        cached-downloads-tree 1
        d 0555 0 .
        f 0444 1700000000 1 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 - a%20b%25%0a
        d 0555 1700000000 bin
        f 0555 1700000000 10 a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf 1 bin/again
        f 0444 1700000000 1 ef2d127de37b942baad06145e54b0c619a1f22327b2ebbcfbec78f5564afe39d - bin/größe
        l 0777 1700000000 ../lib//x/ bin/link
        f 0555 1700000000 10 a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf 1 bin/ruby
        f 0444 1700000000 0 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 - empty
        f 0444 1.500000000 0 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 - é
        end 9
        """,
        Files.readString(tree.manifest()));
    assertEquals(
        Workshop.sha256(Files.readAllBytes(tree.manifest())), tree.unpacked().treeDigest().hex());
    assertEquals(0444, Posix.lstat(tree.manifest()).mode());
  }

  @Test
  void theOrderOfEntriesDoesNotMatter() {
    byte[] forth =
        new Tar().directory("d").file("d/a", "1").file("d/b", "2").hardLink("z", "d/a").end();
    byte[] back =
        new Tar().file("z", "1").file("d/b", "2").hardLink("d/a", "z").directory("d").end();
    assertEquals(
        workshop.unpack(forth).unpacked().treeDigest(),
        workshop.unpack(back).unpacked().treeDigest());
  }

  @Test
  void whatDiffersHasAnotherDigest() {
    var digests =
        Stream.of(
                new Tar().file("a", "x"),
                new Tar().file("a", "y"),
                new Tar().file("b", "x"),
                new Tar().executable("a", "x"),
                new Tar().symlink("a", "x"),
                new Tar().symlink("a", "y"),
                new Tar().directory("a"),
                new Tar().file("a", "x").file("b", "x"),
                new Tar().file("a", "x").hardLink("b", "a"),
                new Tar().pax("mtime", "1700000000.1").file("a", "x"))
            .map(tar -> workshop.unpack(tar.end()).unpacked().treeDigest())
            .collect(Collectors.toSet());
    assertEquals(10, digests.size());
  }

  @Test
  void theUmaskIsOfNoConsequence() {
    var open = workshop.unpack(sample().end());
    Posix.umask(0077);
    try {
      var closed = workshop.unpack(sample().end());
      assertEquals(open.list(), closed.list());
      assertEquals(open.unpacked(), closed.unpacked());
    } finally {
      Posix.umask(0022);
    }
  }

  // ---- the surroundings ----

  @Test
  void roomIsAskedForInSteps() {
    Tar tar = new Tar();
    IntStream.range(0, 2000).forEach(i -> tar.file("d" + i % 10 + "/f" + i, "x".repeat(i)));
    Path archive = workshop.archive(tar.end());
    var calls = new int[1];
    var unpacked =
        new Unpacker(Workshop.ROOMY)
            .unpack(
                archive,
                workshop.emptyDirectory(),
                (bytes, inodes) -> {
                  assertTrue(bytes >= 0 && inodes >= 0 && bytes + inodes > 0);
                  calls[0]++;
                },
                () -> {});
    assertEquals(2000, unpacked.files());
    assertTrue(calls[0] > 5 && calls[0] < 200, calls[0] + " calls");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 70_000, 300_000})
  void whereThereIsNoRoomNothingIsLeft(int roomBytes) {
    byte[] text = new byte[100_000];
    for (byte[] bytes :
        List.of(
            new Tar().entry('0', "a", "", text, _ -> {}).entry('0', "b", "", text, _ -> {}).end(),
            new Zip().add(Zip.stored("a", text)).add(Zip.stored("b", text)).end())) {
      Path archive = workshop.archive(bytes);
      Path tree = workshop.emptyDirectory();
      var left = new long[] {roomBytes};
      Room room =
          (more, _) -> {
            left[0] -= more;
            if (left[0] < 0) {
              throw new InsufficientSpace("full", more, 0, roomBytes);
            }
          };
      Map<String, String> before = workshop.around();
      var unpacker = new Unpacker(Workshop.ROOMY);
      if (roomBytes < 300_000) {
        assertThrows(InsufficientSpace.class, () -> unpacker.unpack(archive, tree, room, () -> {}));
        assertEquals(before, workshop.around());
      } else {
        assertEquals(2, unpacker.unpack(archive, tree, room, () -> {}).files());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void givingUpEndsTheWorkAndLeavesNothing(boolean interrupt) {
    byte[] large = new byte[3_000_000];
    for (byte[] bytes :
        List.of(
            Workshop.pack("gzip", new Tar().entry('0', "a", "", large, _ -> {}).end()),
            new Zip().add(Zip.deflated("a", large)).file("b", "x").end())) {
      Path archive = workshop.archive(bytes);
      Path tree = workshop.emptyDirectory();
      Map<String, String> before = workshop.around();
      var calls = new int[1];
      Runnable check =
          () -> {
            if (++calls[0] == 3 && interrupt) {
              Thread.currentThread().interrupt();
            } else if (calls[0] == 3) {
              throw new NotReady("given up", null);
            }
          };
      Class<? extends CacheException> kind = interrupt ? Busy.class : NotReady.class;
      assertThrows(
          kind, () -> new Unpacker(Workshop.ROOMY).unpack(archive, tree, (_, _) -> {}, check));
      assertEquals(interrupt, Thread.interrupted());
      assertEquals(before, workshop.around());
    }
  }

  @Test
  void aDirectoryWithSomethingInItIsNotTouched() throws IOException {
    Path archive = workshop.archive(sample().end());
    Path tree = workshop.emptyDirectory();
    Path mine = Files.createDirectory(tree.resolve(Unpacker.CONTENT));
    assertThrows(
        IllegalArgumentException.class,
        () -> new Unpacker(Workshop.ROOMY).unpack(archive, tree, (_, _) -> {}, () -> {}));
    assertTrue(Files.exists(mine));
  }

  @Test
  void anArchiveThatIsNotThereIsAFaultOfTheStorage() {
    Path tree = workshop.emptyDirectory();
    assertThrows(
        NotReady.class,
        () ->
            new Unpacker(Workshop.ROOMY)
                .unpack(workshop.root.resolve("missing"), tree, (_, _) -> {}, () -> {}));
  }

  @Test
  void severalAreUnpackedSideBySide() throws Exception {
    var unpacker = new Unpacker(Workshop.ROOMY);
    Path archive = workshop.archive(Workshop.pack("xz", sample().end()));
    List<Path> trees = IntStream.range(0, 8).mapToObj(_ -> workshop.emptyDirectory()).toList();
    try (var threads = java.util.concurrent.Executors.newFixedThreadPool(8)) {
      var running =
          threads.invokeAll(
              trees.stream()
                  .<java.util.concurrent.Callable<Unpacked>>map(
                      tree -> () -> unpacker.unpack(archive, tree, (_, _) -> {}, () -> {}))
                  .toList());
      for (var one : running) {
        assertEquals(running.getFirst().get(), one.get());
      }
    }
  }

  @Test
  void noThreadIsLeft() {
    workshop.unpack(Workshop.pack("gzip", sample().end()));
    workshop.unpack(new Zip().file("a", "x").end());
    Awaitility.await() // a pool is closed a moment before its threads are gone
        .atMost(Duration.ofSeconds(30))
        .until(
            () ->
                Thread.getAllStackTraces().keySet().stream()
                    .noneMatch(thread -> thread.getName().startsWith("unpack-")));
  }

  @Test
  void theBlobIsNotFollowedWhereItIsASymlink() throws IOException {
    Path archive = workshop.archive(sample().end());
    Path link = Files.createSymbolicLink(workshop.root.resolve("link"), archive);
    Path tree = workshop.emptyDirectory();
    assertThrows(
        NotReady.class,
        () -> new Unpacker(Workshop.ROOMY).unpack(link, tree, (_, _) -> {}, () -> {}));
    assertTrue(Files.exists(link, LinkOption.NOFOLLOW_LINKS));
  }
}
