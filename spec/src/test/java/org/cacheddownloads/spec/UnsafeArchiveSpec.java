package org.cacheddownloads.spec;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Archives that are dangerous, too large, or damaged: refused every time, with nothing left behind,
 * inside the state directory or outside.
 */
class UnsafeArchiveSpec {
  private static final String FRESH = "Cache-Control: max-age=3600";
  private static final int MIB = Content.MIB;
  private static final int MAX_FILES = 20;
  private static final int MAX_DEPTH = 5;

  @RegisterExtension static final AgentProcess agent = AgentProcess.with("fetch.attempts", 1);

  @RegisterExtension
  static final AgentProcess limited =
      AgentProcess.with(
          "fetch.attempts",
          1,
          "archives.maxFiles",
          MAX_FILES,
          "archives.maxBytes",
          "1MiB",
          "archives.maxRatio",
          50,
          "archives.maxDepth",
          MAX_DEPTH);

  @RegisterExtension static final Origin origin = Origin.start();

  /** Beside the state directory; what the archives below reach for. */
  private static Path outside() {
    return agent.scratch("outside");
  }

  @BeforeAll
  static void makeVictim() throws IOException {
    Files.createDirectories(outside());
    Files.writeString(outside().resolve("victim"), "untouched");
  }

  @AfterEach
  void nothingOutsideHasChanged() throws IOException {
    assertThat(Listing.of(outside()).withoutRoot().items()).containsOnlyKeys("victim");
    assertThat(outside().resolve("victim")).hasContent("untouched");
    assertThat(Files.getAttribute(outside().resolve("victim"), "unix:nlink")).isEqualTo(1);
  }

  // ---- refused

  /** An archive that must be refused, by what is wrong with it. */
  private static Arguments bad(String what, byte[] archive) {
    return Arguments.of(what, archive);
  }

  private static Arguments bad(String what, RawTar tar) {
    return bad("tar: " + what, tar.file("behind", "it").end());
  }

  private static Arguments bad(String what, RawZip zip) {
    return bad("zip: " + what, zip.file("behind", "it").end());
  }

  static Stream<Arguments> dangerous() {
    String victim = outside().resolve("victim").toString();
    String evil = outside().resolve("evil").toString();
    String up = "../".repeat(12);
    return Stream.of(
        bad("an absolute path", new RawTar().file(evil, "x")),
        bad("a path that begins above", new RawTar().file(up + evil.substring(1), "x")),
        bad("a path that goes up and down", new RawTar().file("a/../../b", "x")),
        bad("a path that goes up and stays inside", new RawTar().file("a/b/../c", "x")),
        bad("a directory above", new RawTar().directory("../")),
        bad("an absolute path of pax", new RawTar().pax("path", evil).file("x", "x")),
        bad("a path above of pax", new RawTar().pax("path", "../x").file("x", "x")),
        bad("a long path above", new RawTar().longName(up + "x".repeat(150)).file("x", "x")),
        bad("an absolute long path", new RawTar().longName(evil).file("x", "x")),
        bad(
            "a file through a symlink",
            new RawTar().symlink("link", outside().toString()).file("link/evil", "x")),
        bad(
            "a file through a symlink that stays inside",
            new RawTar().directory("d").symlink("link", "d").file("link/evil", "x")),
        bad(
            "a directory through a symlink",
            new RawTar().symlink("link", outside().toString()).directory("link/evil/")),
        bad(
            "a symlink through a symlink",
            new RawTar().symlink("link", outside().toString()).symlink("link/evil", "x")),
        bad(
            "a hard link through a symlink",
            new RawTar()
                .file("f", "x")
                .symlink("link", outside().toString())
                .hardLink("link/evil", "f")),
        bad("a hard link to an absolute path", new RawTar().hardLink("evil", victim)),
        bad("a hard link to a path above", new RawTar().hardLink("evil", up + victim.substring(1))),
        bad(
            "a hard link to what a symlink leads to",
            new RawTar().symlink("link", outside().toString()).hardLink("evil", "link/victim")),
        bad("a hard link to nothing", new RawTar().hardLink("evil", "nothing")),
        bad("a hard link to a directory", new RawTar().directory("d").hardLink("evil", "d")),
        bad(
            "a directory in the place of a symlink",
            new RawTar().symlink("a", "b").directory("a/")),
        bad("a directory in the place of a file", new RawTar().file("a", "x").directory("a/")),
        bad("a file in the place of a directory", new RawTar().directory("a").file("a", "x")),
        bad("a file below a file", new RawTar().file("a", "x").file("a/b", "x")),
        bad("a character device", new RawTar().typed('3', "null")),
        bad("a block device", new RawTar().typed('4', "disk")),
        bad("a named pipe", new RawTar().typed('6', "pipe")),
        bad("a NUL in a path", new RawTar().pax("path", "a\0b").file("x", "x")),
        bad("a NUL in a target", new RawTar().pax("linkpath", "a\0b").symlink("x", "x")),
        bad("a name of 256 bytes", new RawTar().pax("path", "n".repeat(256)).file("x", "x")),
        bad(
            "a path longer than any",
            new RawTar().pax("path", "d/".repeat(3000) + "f").file("x", "x")),
        bad("a name that is not UTF-8", notUtf8()),
        bad("an absolute path", new RawZip().file(evil, "x")),
        bad("a path that begins above", new RawZip().file(up + evil.substring(1), "x")),
        bad("a path that goes up", new RawZip().file("a/../../b", "x")),
        bad(
            "a file through a symlink",
            new RawZip().symlink("link", outside().toString()).file("link/evil", "x")),
        bad("a path twice", new RawZip().file("a", "one").file("a", "two")),
        bad("a path spelled in two ways", new RawZip().file("a/b", "x").file("a//./b", "x")),
        bad("a directory in the place of a file", new RawZip().file("a", "x").directory("a/")),
        bad("a device", new RawZip().add("d", new byte[0], entry -> entry.mode = 0020666)),
        bad("a named pipe", new RawZip().add("p", new byte[0], entry -> entry.mode = 0010644)),
        bad(
            "two names of an entry",
            new RawZip()
                .add("a", "x".getBytes(UTF_8), entry -> entry.localName = new byte[] {'b'})),
        bad("entries that overlap", overlapping()));
  }

  private static RawTar notUtf8() {
    byte[] tar = new RawTar().file("a-b", "x").unended();
    tar[1] = (byte) 0x80; // goes on with a character that was not begun
    tar[0] = 'a' + '-' - 0x80; // so that the sum is right
    return new RawTar().raw(tar);
  }

  private static RawZip overlapping() {
    byte[] data = noise(1000);
    return new RawZip()
        .add("a", data, _ -> {})
        .add(
            "b",
            data,
            entry -> {
              entry.offset = 0;
              entry.localName = new byte[] {'a'};
            });
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("dangerous")
  void theDangerousIsRefused(String what, byte[] archive) {
    assertRefused(agent, what, archive);
  }

  /**
   * The archive is refused again and again; the container, the space and the trees stay as they
   * were.
   */
  private static Problem assertRefused(AgentProcess agent, String what, byte[] archive) {
    String path = "/" + Content.sha256(what).substring("sha256:".length());
    origin.serve(path + "/good", RawTar.program("good"), FRESH);
    origin.serve(path, archive, FRESH);
    Download good = agent.download("refused", "a", origin.url(path + "/good"), "as", "directory");
    agent.prefetch(origin.url(path));
    agent.assertUsedIsAllocated();
    long used = agent.stat("disk.usedBytes");
    long trees = agent.stat("cache.trees");
    JsonNode container = agent.container("refused");
    Listing view = Listing.of(agent.view("refused"));

    Problem problem =
        agent
            .refused("refused", "a", origin.url(path), "as", "directory")
            .is(422, "unsafe-archive");
    agent
        .refused("refused", "a", origin.url(path), "as", "directory", "deliver", "mount")
        .is(422, "unsafe-archive");
    agent
        .refused("refused-new", "a", origin.url(path), "as", "directory")
        .is(422, "unsafe-archive");

    assertThat(problem.json().path("retryable").asBoolean(true)).isFalse();
    assertThat(agent.knows("refused-new")).isFalse();
    assertThat(agent.view("refused-new")).doesNotExist();
    assertThat(agent.container("refused")).isEqualTo(container);
    assertThat(Listing.of(agent.view("refused")).items().keySet()).isEqualTo(view.items().keySet());
    assertThat(good.hostPath().resolve("version")).hasContent("good");
    assertThat(agent.stat("cache.trees")).isEqualTo(trees);
    agent.assertUsedIsAllocated();
    assertThat(agent.stat("disk.usedBytes")).isEqualTo(used);
    assertThat(agent.stat("disk.reservedBytes")).isZero();
    return problem;
  }

  @Test
  void aSymlinkMayLeadAnywhereAndIsNotFollowed() throws IOException {
    byte[] archive = new RawTar().symlink("link", outside().resolve("victim").toString()).gzip();
    origin.serve("/anywhere", archive, FRESH);

    Download download = agent.download("anywhere", "a", origin.url("/anywhere"), "as", "directory");

    Path link = download.hostPath().resolve("link");
    assertThat(Files.readSymbolicLink(link)).isEqualTo(outside().resolve("victim"));
    agent.release("anywhere");
    assertThat(Files.exists(link, LinkOption.NOFOLLOW_LINKS)).isFalse();
  }

  // ---- limits

  private static Arguments over(String limit, String what, byte[] archive) {
    return Arguments.of(limit, what, archive);
  }

  static Stream<Arguments> overLimits() {
    byte[] zeros = new byte[800_000];
    String deep = "d/".repeat(MAX_DEPTH + 1);
    return Stream.of(
        over("archives.maxFiles", "a tar of files", tarOf(MAX_FILES + 1).gzip()),
        over("archives.maxFiles", "a tar of links", links(MAX_FILES + 1).gzip()),
        over("archives.maxFiles", "a tar of directories", directories(MAX_FILES + 1).gzip()),
        over("archives.maxFiles", "a tar of one file again and again", again(500).gzip()),
        over("archives.maxFiles", "a zip of files", zipOf(MAX_FILES + 1).end()),
        over("archives.maxBytes", "a tar", new RawTar().file("f", noise(MIB + 1)).end()),
        over(
            "archives.maxBytes",
            "a tar of two",
            new RawTar().file("f", noise(MIB)).file("g", "x").gzip()),
        over("archives.maxBytes", "a zip", new RawZip().add("f", noise(MIB + 1), _ -> {}).end()),
        over("archives.maxRatio", "a tar of zeros", new RawTar().file("f", zeros).gzip()),
        over(
            "archives.maxRatio",
            "a zip of zeros",
            new RawZip().deflated("f", zeros, _ -> {}).end()),
        over("archives.maxDepth", "a tar of directories", new RawTar().directory(deep).gzip()),
        over("archives.maxDepth", "a tar of a file", new RawTar().file(deep + "f", "x").gzip()),
        over("archives.maxDepth", "a zip", new RawZip().file(deep + "f", "x").end()));
  }

  private static byte[] noise(int size) {
    return Content.random(size, "noise");
  }

  private static RawTar tarOf(int files) {
    var tar = new RawTar();
    IntStream.range(0, files).forEach(i -> tar.file("f" + i, ""));
    return tar;
  }

  private static RawTar links(int count) {
    var tar = new RawTar().file("f", "x");
    IntStream.range(1, count).forEach(i -> tar.hardLink("f" + i, "f"));
    return tar;
  }

  private static RawTar directories(int count) {
    var tar = new RawTar();
    IntStream.range(0, count).forEach(i -> tar.directory("d" + i + "/"));
    return tar;
  }

  private static RawTar again(int count) {
    var tar = new RawTar();
    IntStream.range(0, count).forEach(i -> tar.file("f", "" + i));
    return tar;
  }

  private static RawZip zipOf(int files) {
    var zip = new RawZip();
    IntStream.range(0, files).forEach(i -> zip.file("f" + i, ""));
    return zip;
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("overLimits")
  void whatIsOverALimitIsRefusedAndTheLimitIsNamed(String limit, String what, byte[] archive) {
    Problem problem = assertRefused(limited, limit + what, archive);

    assertThat(problem.json().path("limit").asText()).isEqualTo(limit);
    assertThat(problem.detail()).contains(limit);
  }

  @Test
  void whatIsJustWithinTheLimitsIsUnpacked() {
    RawTar tar = tarOf(MAX_FILES - 1).file("d/".repeat(MAX_DEPTH) + "f", noise(MIB));
    origin.serve("/within", tar.end(), FRESH);

    Download download = limited.download("within", "a", origin.url("/within"), "as", "directory");

    assertThat(download.json().path("files").asLong()).isEqualTo(MAX_FILES);
    assertThat(download.json().path("treeBytes").asLong()).isEqualTo(MIB);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip -9", "bzip2 -9", "xz -9", "zstd -q -19"})
  void aBombEndsAtTheRatio(String packer) {
    try (SourceTree source = SourceTree.madeBy("truncate -s 100M zeros")) {
      byte[] archive = source.pack("tar -cf - zeros | " + packer + " > \"$1\"");

      Problem problem = assertRefused(agent, "a bomb of " + packer, archive);

      assertThat(problem.json().path("limit").asText()).isEqualTo("archives.maxRatio");
    }
  }

  @Test
  void aZipBombEndsAtTheRatio() {
    byte[] archive = new RawZip().deflated("zeros", new byte[50 * MIB], _ -> {}).end();

    Problem problem = assertRefused(agent, "a bomb of zip", archive);

    assertThat(problem.json().path("limit").asText()).isEqualTo("archives.maxRatio");
  }

  /** A bomb that hides its size in the headers is found while it unpacks. */
  @Test
  void aZipThatUnderstatesItsSizeIsRefused() {
    byte[] archive =
        new RawZip().deflated("zeros", new byte[50 * MIB], entry -> entry.size = 1000).end();

    assertRefused(agent, "a zip that understates", archive);
  }

  // ---- damage

  static Stream<String> packers() {
    return Stream.of(
        "tar -cf \"$1\" .",
        "tar -czf \"$1\" .",
        "tar -cjf \"$1\" .",
        "tar -cJf \"$1\" .",
        "tar -cf - . | zstd -q > \"$1\"",
        "zip -qry - . > \"$1\"");
  }

  @ParameterizedTest
  @MethodSource("packers")
  void anArchiveThatWasCutIsRefusedEveryTime(String packer) {
    try (SourceTree source = SourceTree.madeBy(SourceTree.ORDINARY)) {
      byte[] whole = source.pack(packer);
      for (int percent : new int[] {10, 50, 90}) {
        int length = (int) ((long) whole.length * percent / 100);
        assertRefused(agent, packer + percent, Arrays.copyOf(whole, length));
      }
      if (!packer.startsWith("tar -cf \"")) { // a plain one ends with padding
        assertRefused(agent, packer + " but one", Arrays.copyOf(whole, whole.length - 1));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("packers")
  void anArchiveWithAFlippedBitIsRefusedEveryTime(String packer) {
    try (SourceTree source = SourceTree.madeBy(SourceTree.ORDINARY)) {
      byte[] damaged = source.pack(packer);
      // Plain tar has sums of its headers alone; the second of them is here.
      int at = packer.startsWith("tar -cf \"") ? 512 + 20 : damaged.length / 2;
      damaged[at] ^= 4;

      assertRefused(agent, "flipped " + packer, damaged);
    }
  }

  /** The decoder knows of the damage at the end of a block only, and a block may hold long runs. */
  @Test
  void damageInABlockOfLongRunsIsFoundBehindThem() {
    try (SourceTree source = SourceTree.madeBy("seq 3000 > a; head -c 20000000 /dev/zero > b")) {
      byte[] whole = source.pack("tar --sort=name -cjf \"$1\" .");
      for (int percent : new int[] {20, 40, 60, 80}) {
        byte[] damaged = whole.clone();
        damaged[whole.length * percent / 100] ^= 4;
        assertRefused(agent, "flipped at " + percent, damaged);
      }
    }
  }

  @Test
  void theSecondMemberOfGzipIsLookedAtToo() {
    byte[] tar = new RawTar().file("a", noise(5000)).file("b", noise(5000)).end();
    byte[] second = RawTar.gzip(Arrays.copyOfRange(tar, 6000, tar.length));
    second[second.length - 6] ^= 1; // its checksum
    byte[] first = RawTar.gzip(Arrays.copyOf(tar, 6000));
    byte[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);

    assertRefused(agent, "the second member", both);
  }

  @Test
  void aTarWithoutItsEndIsRefused() {
    assertRefused(agent, "without its end", new RawTar().file("a", "x").unended());
  }

  /** The directory that is there already is not replaced by what was unpacked of a damaged one. */
  @Test
  void aDamagedNewVersionLeavesTheOldOne() {
    origin.serve("/version", RawTar.program("old"), "ETag: \"1\"");
    Download old = agent.download("version", "a", origin.url("/version"), "as", "directory");
    byte[] cut = RawTar.program("new");
    origin.serve("/version", Arrays.copyOf(cut, cut.length - 20), "ETag: \"2\"");

    agent
        .refused("version", "a", origin.url("/version"), "as", "directory")
        .is(422, "unsafe-archive");
    agent
        .refused("version", "a", origin.url("/version"), "as", "directory")
        .is(422, "unsafe-archive");

    assertThat(old.hostPath().resolve("version")).hasContent("old");
    origin.serve("/version", RawTar.program("new"), "ETag: \"3\"");
    assertThat(agent.download("version", "a", origin.url("/version"), "as", "directory").outcome())
        .isEqualTo("updated");
    assertThat(old.hostPath().resolve("version")).hasContent("new");
  }

  @Test
  void afterARestartADamagedArchiveIsStillRefused() {
    byte[] cut = Arrays.copyOf(RawTar.program("cut"), 100);
    assertRefused(agent, "before a restart", cut);

    agent.restart();

    assertRefused(agent, "before a restart", cut);
  }
}
