package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What the tools of Debian pack is what a container gets: every format, all that it keeps of modes,
 * times and links, and the same tree digest whatever it was packed in.
 */
class ArchiveFormatSpec {
  private static final String FRESH = "Cache-Control: max-age=3600";

  /** Whole seconds in UTC are what all formats have. */
  private static final String TAR = "tar --format=pax --sort=name -cf - bin dangling deep lib root";

  private static final String WITHOUT_DIRECTORIES = "zip -qryD \"$1\" .";

  @RegisterExtension
  static final AgentProcess agent =
      AgentProcess.with("fetch.attempts", 1, "archives.maxRatio", 1000);

  @RegisterExtension static final Origin origin = Origin.start();

  private static final Directories directories = new Directories(agent, origin);

  private static SourceTree ordinary;

  @BeforeAll
  static void makeTree() {
    ordinary = SourceTree.madeBy(SourceTree.ORDINARY);
  }

  @AfterAll
  static void deleteTree() {
    ordinary.close();
  }

  private static final AtomicInteger served = new AtomicInteger();

  /** A download of this archive as a directory, under a name that says nothing of its format. */
  private Download unpacked(String container, byte[] archive) {
    String name = "a" + served.incrementAndGet();
    origin.serve("/" + name, archive, FRESH, "Content-Type: text/plain");
    return agent.download(container, name, origin.url("/" + name), "as", "directory");
  }

  private Problem refused(String container, byte[] archive) {
    String name = "a" + served.incrementAndGet();
    origin.serve("/" + name, archive, FRESH);
    return agent.refused(container, name, origin.url("/" + name), "as", "directory");
  }

  // ---- formats

  static List<String> formats() {
    return List.of(
        TAR + " > \"$1\"",
        "tar --format=ustar -cf \"$1\" bin dangling deep lib root",
        "tar --format=gnu -cf \"$1\" bin dangling deep lib root",
        "tar --format=oldgnu -cf \"$1\" bin dangling deep lib root",
        "tar -b 1 -cf \"$1\" bin dangling deep lib root",
        TAR + " | gzip -1 > \"$1\"",
        TAR + " | gzip -9 > \"$1\"",
        halves("gzip"),
        TAR + " | bzip2 > \"$1\"",
        halves("bzip2"),
        TAR + " | xz -0 > \"$1\"",
        TAR + " | xz -9 > \"$1\"",
        TAR + " | xz --block-size=65536 -T2 > \"$1\"",
        halves("xz"),
        TAR + " | zstd -q > \"$1\"",
        TAR + " | zstd -q -19 --long=27 > \"$1\"",
        halves("zstd -q"),
        "zip -qry - . > \"$1\"",
        "zip -qry0 \"$1\" .",
        "zip -qry9 \"$1\" .",
        "zip -qry -fz \"$1\" .",
        WITHOUT_DIRECTORIES,
        "zip -qry \"$1\" .; printf 'a comment' | zip -qz \"$1\"");
  }

  /** Packed in two members or frames, one behind the other. */
  private static String halves(String packer) {
    return TAR
        + " > \"$1.tar\"; for half in 'head -c 200001' 'tail -c +200002'; do $half \"$1.tar\" | "
        + packer
        + "; done > \"$1\"";
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aDirectoryIsWhatWasPacked(String script) {
    Listing packed = Listing.of(ordinary.root()).asDelivered().withoutRoot();

    Download download = unpacked("formats", ordinary.pack(script));

    String name = download.text("name");
    directories.download("mounted-" + name, name, "/" + name, "deliver", "mount");
    Listing mounted = Listing.of(directories.mountedTree("mounted-" + name));
    if (script.equals(WITHOUT_DIRECTORIES)) {
      assertThat(filesAndLinks(download.listing())).isEqualTo(filesAndLinks(packed));
    } else {
      assertThat(download.listing().withoutRoot()).isEqualTo(packed);
    }
    assertThat(mounted).isEqualTo(download.listing());
    assertThat(download.json().path("files").asLong()).isEqualTo(packed.files());
  }

  private static List<String> filesAndLinks(Listing listing) {
    return listing.items().entrySet().stream()
        .filter(item -> !item.getValue().what().equals("directory"))
        .map(Object::toString)
        .toList();
  }

  @Test
  void theTreeDigestIsThatOfTheTreeWhateverItWasPackedIn() {
    var scripts = formats().stream().filter(script -> !script.equals(WITHOUT_DIRECTORIES)).toList();

    var digests =
        scripts.stream()
            .map(script -> unpacked("digests", ordinary.pack(script)).treeDigest())
            .distinct()
            .toList();

    assertThat(digests).hasSize(1);
  }

  @Test
  void theTreeDigestIsTheSameOnAnotherMachine() {
    byte[] archive = ordinary.pack(TAR + " | gzip > \"$1\"");
    String here = unpacked("here", archive).treeDigest();
    origin.serve("/there", archive, FRESH);
    try (AgentProcess there =
        AgentProcess.with()
            .environment("TZ", "Pacific/Chatham")
            .startedBy("bash", "-c", "umask 077; exec \"$@\"", "bash")) {
      there.start();

      assertThat(there.prefetch(origin.url("/there"), "as", "directory").treeDigest())
          .isEqualTo(here);
    }
  }

  /** Each of them is something that a tree is for. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "printf other > lib/greeting; touch -d @1400000001 lib/greeting; touch -d @1300000000 lib",
        "chmod 755 lib/private",
        "touch -d @1 lib/private",
        "touch -d @1 lib/empty",
        "ln -sfn elsewhere dangling; touch -h -d @1600000000 dangling",
        "mv lib/nothing lib/nothing2; touch -d @1300000000 lib",
        "ln -f lib/greeting lib/nothing; touch -d @1300000000 lib"
      })
  void whateverIsChangedChangesTheTreeDigest(String change) {
    String before = unpacked("changed", ordinary.pack(TAR + " > \"$1\"")).treeDigest();
    String script =
        "cp -a . \"$1.d\"; cd \"$1.d\"; " + change + "; " + TAR + " > \"$1\"; rm -r \"$1.d\"";

    assertThat(unpacked("changed", ordinary.pack(script)).treeDigest()).isNotEqualTo(before);
  }

  // ---- what they keep

  @ParameterizedTest
  @ValueSource(strings = {"gnu", "pax"})
  void aTreeIsWhatTarExtracts(String format) {
    String script =
        """
        printf x > file; ln file again; mkdir d; ln file d/third
        printf y > setuid; chmod 6755 setuid; mkdir sticky; chmod 3777 sticky
        printf z > secret; chmod 000 secret
        mkdir -p "$(printf 'd%.0s' {1..100})/$(printf 'e%.0s' {1..100})"
        printf l > "$(printf 'd%.0s' {1..100})/$(printf 'e%.0s' {1..100})/$(printf 'n%.0s' {1..255})"
        ln -s "$(printf 't%.0s' {1..1000})" long
        printf n > $'new\\nline'; printf b > 'back\\slash'; printf s > ' '; printf d > ...
        touch -d '1970-01-01 00:00:00 UTC' d; touch -d '2038-02-03 04:05:06 UTC' file
        """;
    try (SourceTree source = SourceTree.madeBy(script)) {
      byte[] archive = source.pack("tar --format=" + format + " -cf \"$1\" .");

      Download download = unpacked("extracted", archive);

      assertThat(download.listing()).isEqualTo(source.extracted(archive, "tar -xpf \"$1\""));
    }
  }

  @Test
  void fractionsOfSecondsAreKeptWhereTheFormatHasThem() {
    try (SourceTree source =
        SourceTree.madeBy("printf x > f; touch -d '2021-02-03 04:05:06.123456789 UTC' f")) {
      Download download = unpacked("fractions", source.pack("tar --format=pax -cf \"$1\" f"));

      assertThat(download.listing().items().get("f").modified())
          .isEqualTo("2021-02-03T04:05:06.123456789Z");
    }
  }

  @Test
  void whatWasAppendedToATarWins() {
    try (SourceTree source = SourceTree.madeBy("printf old > f; printf other > g")) {
      byte[] archive =
          source.pack("tar -cf \"$1\" f g; printf new > f; chmod 755 f; tar -rf \"$1\" f");

      Download download = unpacked("appended", archive);

      assertThat(download.hostPath().resolve("f")).hasContent("new").isExecutable();
      assertThat(download.json().path("files").asLong()).isEqualTo(2);
      assertThat(download.json().path("treeBytes").asLong())
          .isEqualTo("new".length() + "other".length());
    }
  }

  @Test
  void aLargeFileComesThrough() {
    try (SourceTree source = SourceTree.madeBy("head -c 60000000 /dev/urandom > large")) {
      Download download =
          unpacked("large", source.pack("tar --format=pax -cf - large | zstd -q > \"$1\""));

      assertThat(download.listing().withoutRoot())
          .isEqualTo(Listing.of(source.root()).asDelivered().withoutRoot());
    }
  }

  @Test
  void manySmallFilesComeThrough() {
    try (SourceTree source =
        SourceTree.madeBy(
            "for d in {1..50}; do mkdir $d; for f in {1..100}; do echo $d$f > $d/$f; done; done")) {
      Download download = unpacked("many", source.pack("tar -czf \"$1\" ."));

      assertThat(download.json().path("files").asLong()).isEqualTo(5000);
      assertThat(download.listing().withoutRoot().items().keySet())
          .isEqualTo(Listing.of(source.root()).withoutRoot().items().keySet());
      agent.assertUsedIsAllocated();
    }
  }

  // ---- what is none

  static Stream<String> unsupported() {
    return Stream.of(
        "printf 'only text' > \"$1\"",
        ": > \"$1\"",
        "gzip < lib/text > \"$1\"",
        "xz < lib/text > \"$1\"",
        "zip -qr -P password \"$1\" lib",
        "truncate -s 20M \"$1.s\"; printf x >> \"$1.s\"; tar -Scf \"$1\" -C \"${1%/*}\" \"${1##*/}.s\"",
        "cat \"$(command -v bash)\" > \"$1\"");
  }

  @ParameterizedTest
  @MethodSource("unsupported")
  void whatIsNoArchiveIsToldEveryTime(String script) {
    byte[] bytes = ordinary.pack(script);

    refused("unsupported", bytes).is(422, "unsupported-archive");
    Problem again = refused("unsupported", bytes).is(422, "unsupported-archive");

    assertThat(again.json().path("retryable").asBoolean(true)).isFalse();
    assertThat(agent.knows("unsupported")).isFalse();
  }

  @Test
  void whatIsNoArchiveIsStillAFile() {
    origin.serve("/text", "only text", FRESH);
    agent
        .refused("still", "a", origin.url("/text"), "as", "directory")
        .is(422, "unsupported-archive");

    assertThat(agent.download("still", "a", origin.url("/text")).content()).isEqualTo("only text");
  }
}
