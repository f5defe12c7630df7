package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.AgentClient.result;
import static org.cacheddownloads.spec.Eventually.eventually;
import static org.cacheddownloads.spec.Json.named;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What containers hold of directories: how names switch, what sets do, and what is there after a
 * release, a stop and {@code kill -9}.
 */
class DirectoryReferenceSpec {
  private static final String FRESH = "Cache-Control: max-age=3600";

  @RegisterExtension
  static final AgentProcess agent =
      AgentProcess.with("fetch.attempts", 1, "fetch.negativeTtl", "0s");

  @RegisterExtension static final Origin origin = Origin.start();

  private static final Directories directories = new Directories(agent, origin);

  @BeforeEach
  void startEmpty() {
    directories.removeAll();
  }

  // ---- switching a name

  @Test
  void aNameSwitchesToTheNewVersion() {
    origin.serve("/switched", RawTar.program("old"), "ETag: \"1\"");
    Download kept = directories.download("switched-other", "a", "/switched");
    Download old = directories.download("switched", "a", "/switched");
    origin.serve("/switched", RawTar.program("new"), "ETag: \"2\"");

    Download updated = directories.download("switched", "a", "/switched");
    directories.evictAll();

    assertThat(updated.outcome()).isEqualTo("updated");
    assertThat(updated.treeDigest()).isNotEqualTo(old.treeDigest());
    assertThat(updated.listing()).isEqualTo(Listing.ofProgram("new"));
    assertThat(kept.listing())
        .as("another container keeps what it was given")
        .isEqualTo(Listing.ofProgram("old"));
    agent.assertUsedIsAllocated();
  }

  @Test
  void whoHasAFileOpenKeepsReadingIt() throws IOException {
    origin.serve("/open", RawTar.program("old"), "ETag: \"1\"");
    Download old = directories.download("open", "a", "/open");
    try (InputStream open = Files.newInputStream(old.hostPath().resolve("version"))) {
      origin.serve("/open", RawTar.program("new"), "ETag: \"2\"");

      directories.download("open", "a", "/open");
      directories.evictAll();

      assertThat(new String(open.readAllBytes(), StandardCharsets.UTF_8)).isEqualTo("old");
    }
  }

  @Test
  void theNameIsNeverMissingWhileItSwitches() throws Exception {
    origin.serve("/never", RawTar.program("0"), "ETag: \"0\"");
    Path name = directories.download("never", "a", "/never").hostPath();
    var done = new AtomicBoolean();
    var looks =
        CompletableFuture.supplyAsync(
            () -> {
              long looked = 0;
              while (!done.get()) {
                assertThat(Files.isSymbolicLink(name)).as("the name is there").isTrue();
                looked++;
              }
              return looked;
            });

    try {
      for (int version = 1; version <= 15; version++) {
        origin.serve("/never", RawTar.program("" + version), "ETag: \"" + version + "\"");
        assertThat(directories.download("never", "a", "/never").listing())
            .isEqualTo(Listing.ofProgram("" + version));
      }
    } finally {
      done.set(true);
    }

    assertThat(result(looks)).isPositive();
    assertThat(copies(agent.view("never"))).as("copies of old versions").isEqualTo(1);
  }

  /** How many files of the name that all programs have are below a view. */
  private static long copies(Path view) throws IOException {
    try (Stream<Path> paths = Files.walk(view)) {
      return paths.filter(path -> path.endsWith("version")).count();
    }
  }

  @Test
  void aNameMayChangeItsFormAndItsDelivery() throws IOException {
    byte[] archive = RawTar.program("f");
    origin.serve("/changes", archive, FRESH);

    assertThat(agent.download("changes", "a", origin.url("/changes")).bytes()).isEqualTo(archive);
    assertThat(directories.download("changes", "a", "/changes").listing())
        .isEqualTo(Listing.ofProgram("f"));
    assertThat(directories.download("changes", "a", "/changes", "deliver", "mount").file())
        .isEmptyDirectory();
    assertThat(Listing.of(directories.mountedTree("changes"))).isEqualTo(Listing.ofProgram("f"));
    assertThat(directories.download("changes", "a", "/changes").listing())
        .isEqualTo(Listing.ofProgram("f"));
    assertThat(agent.container("changes").path("mounts")).isEmpty();
    assertThat(agent.download("changes", "a", origin.url("/changes")).bytes()).isEqualTo(archive);

    assertThat(copies(agent.view("changes"))).isZero();
    assertThat(agent.entry(origin.url("/changes")).path("references").asInt()).isEqualTo(1);
    agent.assertUsedIsAllocated();
  }

  @ParameterizedTest
  @ValueSource(strings = {"link", "mount"})
  void aNameBelowADirectoryIsAConflict(String deliver) {
    origin.serve("/below", RawTar.program("b"), FRESH);
    directories.download("below", "a", "/below", "deliver", deliver);

    agent.refused("below", "a/bin", origin.url("/below")).is(409, "conflict");

    assertThat(Json.texts(agent.container("below").path("downloads"), "name")).containsExactly("a");
  }

  // ---- sets

  @Test
  void aSetMayHaveFilesAndDirectories() {
    byte[] archive = RawTar.program("s");
    origin.serve("/set", archive, FRESH);
    var wanted =
        List.of(
            named("file", origin.url("/set")),
            named("linked", origin.url("/set"), "as", "directory"),
            named("mounted", origin.url("/set"), "as", "directory", "deliver", "mount"));

    JsonNode container = agent.declare("set", wanted).expect(201).json();

    assertThat(Json.texts(container.path("downloads"), "name"))
        .containsExactlyInAnyOrder("file", "linked", "mounted");
    assertThat(container.path("mounts")).hasSize(1);
    assertThat(agent.view("set").resolve("file")).hasBinaryContent(archive);
    assertThat(agent.view("set").resolve("linked/version")).hasContent("s");
    assertThat(Listing.of(directories.mountedTree("set"))).isEqualTo(Listing.ofProgram("s"));
    assertThat(origin.hits("/set")).isEqualTo(1);
    agent.declare("set", List.of(wanted.get(0))).expect(200);
    assertThat(agent.container("set").path("mounts")).isEmpty();
    assertThat(Files.exists(agent.view("set").resolve("linked"), LinkOption.NOFOLLOW_LINKS))
        .isFalse();
    agent.assertUsedIsAllocated();
  }

  @Test
  void ofASetWithABadArchiveNothingChanges() {
    origin.serve("/set-good", RawTar.program("good"), FRESH);
    origin.serve("/set-bad", "this is no archive".repeat(100), FRESH);
    directories.download("set-bad", "kept", "/set-good");
    JsonNode before = agent.container("set-bad");

    agent
        .declare(
            "set-bad",
            List.of(
                named("kept", origin.url("/set-bad"), "as", "directory"),
                named("new", origin.url("/set-good"), "as", "directory", "deliver", "mount")))
        .problem()
        .is(422, "unsupported-archive");

    assertThat(agent.container("set-bad")).isEqualTo(before);
    assertThat(agent.view("set-bad").resolve("kept/version")).hasContent("good");
    agent.assertUsedIsAllocated();
  }

  // ---- release

  @ParameterizedTest
  @ValueSource(strings = {"link", "mount"})
  void aReleasedDirectoryIsGoneFromTheView(String deliver) throws IOException {
    origin.serve("/released", RawTar.program("r"), FRESH);
    origin.serve("/released/file", "stays", FRESH);
    agent.download("released", "stays", origin.url("/released/file"));
    Listing before = Listing.of(agent.view("released")).withoutRoot();
    directories.download("released", "deep/down/a", "/released", "deliver", deliver);
    assertThat(agent.entry(origin.url("/released")).path("references").asInt()).isEqualTo(1);

    agent.release("released", "deep/down/a");

    assertThat(names(Listing.of(agent.view("released")))).isEqualTo(names(before));
    assertThat(agent.container("released").path("mounts")).isEmpty();
    assertThat(agent.entry(origin.url("/released")).path("references").asInt()).isZero();
    agent.assertUsedIsAllocated();
    directories.evictAll();
    assertThat(agent.stat("cache.trees")).isZero();
  }

  private static List<String> names(Listing listing) {
    return listing.withoutRoot().items().keySet().stream().toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"link", "mount"})
  void aReleasedContainerIsGoneWithItsDirectories(String deliver) {
    origin.serve("/gone", RawTar.program("g"), FRESH);
    directories.download("gone", "a", "/gone", "deliver", deliver);
    directories.download("gone", "deep/b", "/gone", "deliver", deliver);

    agent.release("gone");

    assertThat(agent.view("gone")).doesNotExist();
    assertThat(agent.stat("disk.inUseBytes")).isZero();
    assertThat(agent.stat("cache.references")).isZero();
    agent.assertUsedIsAllocated();
  }

  @Test
  void twoNamesOfOneDirectoryAreReleasedOneByOne() {
    origin.serve("/twice", RawTar.program("2"), FRESH);
    directories.download("twice", "a", "/twice");
    directories.download("twice", "b", "/twice");

    agent.release("twice", "a");
    directories.evictAll();

    assertThat(agent.view("twice").resolve("b/version")).hasContent("2");
    assertThat(agent.entry(origin.url("/twice")).path("references").asInt()).isEqualTo(1);
    agent.assertUsedIsAllocated();
  }

  // ---- restart

  @ParameterizedTest
  @ValueSource(strings = {"kill", "stop"})
  void directoriesAreHeldOverARestart(String end) {
    origin.serve("/restart", RawTar.program("r"), FRESH);
    Download linked = directories.download("restart", "linked", "/restart");
    directories.download("restart", "deep/mounted", "/restart", "deliver", "mount");
    List<String> before = held(agent.container("restart"));
    JsonNode mounts = agent.container("restart").path("mounts");
    long inUse = agent.stat("disk.inUseBytes");

    restart(end);
    directories.evictAll();

    assertThat(held(agent.container("restart"))).isEqualTo(before);
    assertThat(agent.container("restart").path("mounts")).isEqualTo(mounts);
    assertThat(linked.listing()).isEqualTo(Listing.ofProgram("r"));
    assertThat(Listing.of(directories.mountedTree("restart"))).isEqualTo(Listing.ofProgram("r"));
    eventually().until(() -> agent.stat("disk.inUseBytes") == inUse);
    assertThat(agent.stat("cache.trees")).isEqualTo(1);
    assertThat(agent.stat("cache.references")).isEqualTo(2);
    agent.assertUsedIsAllocated();
    agent.release("restart");
    assertThat(agent.stat("disk.inUseBytes")).isZero();
    agent.assertUsedIsAllocated();
  }

  @ParameterizedTest
  @ValueSource(strings = {"kill", "stop"})
  void anIdleTreeIsUsedAgainAfterARestart(String end) {
    origin.serve("/idle", RawTar.program("i"), FRESH);
    Download before = agent.prefetch(origin.url("/idle"), "as", "directory");

    restart(end);

    Download after = directories.download("idle", "a", "/idle");
    assertThat(after.outcome()).isEqualTo("hit");
    assertThat(after.treeDigest()).isEqualTo(before.treeDigest());
    assertThat(after.json().path("files")).isEqualTo(before.json().path("files"));
    assertThat(after.json().path("treeBytes")).isEqualTo(before.json().path("treeBytes"));
    assertThat(after.listing()).isEqualTo(Listing.ofProgram("i"));
    agent.assertUsedIsAllocated();
  }

  private static void restart(String end) {
    if (end.equals("stop")) {
      agent.sigterm();
      agent.awaitExit();
      agent.start();
    } else {
      agent.restart();
    }
  }

  /** What the file system knows of each download. */
  private static List<String> held(JsonNode container) {
    return StreamSupport.stream(container.path("downloads").spliterator(), false)
        .map(
            download ->
                Stream.of("name", "as", "digest", "hostPath")
                    .map(field -> download.path(field).asText())
                    .toList()
                    .toString())
        .sorted()
        .toList();
  }

  @Test
  void aKillWhileItUnpacksLeavesNothingUncounted() {
    var many = new RawTar();
    IntStream.range(0, 20_000).forEach(i -> many.file("d" + i % 100 + "/f" + i, "file " + i));
    origin.serve("/cut", many.gzip(), FRESH);
    agent.prefetch(origin.url("/cut"));
    long before = inodes();
    Exchange caller =
        agent.open(
            AgentClient.downloadRequest("cut", "a", origin.url("/cut"), Directories.fields()));
    eventually().until(() -> inodes() > before + 300);

    agent.restart();
    caller.close();

    agent.assertUsedIsAllocated();
    assertThat(agent.knows("cut")).as("a container that nobody was told of").isFalse();
    Download whole = directories.download("cut", "a", "/cut");
    assertThat(whole.json().path("files").asLong()).isEqualTo(20_000);
    assertThat(whole.listing().files()).isEqualTo(20_000);
    agent.assertUsedIsAllocated();
  }

  private static long inodes() {
    return Child.run(List.of("find", agent.state().toString(), "-printf", "\\n")).output().length();
  }
}
