package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.AgentClient.result;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Archives handed out as directories, by links or by a mount: what is there, what is told of it,
 * and what is shared. {@link DirectoryReferenceSpec} tells how they are switched, released and
 * found again, {@link TreeSpaceSpec} how they are counted and evicted, {@link ArchiveFormatSpec}
 * and {@link UnsafeArchiveSpec} what archives may hold.
 */
class DirectorySpec {
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

  // ---- link

  @Test
  void aDirectoryIsThereWithAllThatTheArchiveHolds() throws IOException {
    byte[] archive = RawTar.program("1");
    origin.serve("/whole", archive, "ETag: \"w\"");

    Download download = directories.download("whole", "buildpacks/ruby", "/whole");

    assertThat(download.listing()).isEqualTo(Listing.ofProgram("1"));
    assertThat(Files.readSymbolicLink(download.hostPath()).toString())
        .startsWith("../.cached-downloads/");
    assertThat(download.file()).startsWith(agent.view("whole").toRealPath());
    assertThat(download.path()).isEqualTo("/cached-downloads/buildpacks/ruby");
    assertThat(download.hostPath()).isEqualTo(agent.view("whole").resolve("buildpacks/ruby"));
    assertThat(agent.container("whole").path("mounts")).isEmpty();
  }

  @Test
  void theReplyTellsOfTheArchiveAndOfTheTree() {
    byte[] archive = RawTar.program("22");
    origin.serve("/told", archive, "ETag: \"t\"");

    Download download = directories.download("told", "a", "/told");

    assertThat(download.status()).isEqualTo(201);
    assertThat(download.outcome()).isEqualTo("miss");
    assertThat(download.text("as")).isEqualTo("directory");
    assertThat(download.digest()).isEqualTo(Content.checksum("sha256", archive));
    assertThat(download.size()).isEqualTo(archive.length);
    assertThat(download.bytesFetched()).isEqualTo(archive.length);
    assertThat(download.treeDigest())
        .matches("sha256:[0-9a-f]{64}")
        .isNotEqualTo(download.digest());
    assertThat(download.json().path("files").asLong()).isEqualTo(2);
    assertThat(download.json().path("treeBytes").asLong()).isEqualTo(RawTar.HELLO.length() + 2);
    JsonNode held = agent.container("told").path("downloads").path(0);
    for (String field : List.of("as", "digest", "size", "treeDigest", "treeBytes", "files")) {
      assertThat(held.path(field)).as(field).isEqualTo(download.json().path(field));
    }
  }

  @Test
  void containersShareTheFilesAndHaveDirectoriesOfTheirOwn() throws IOException {
    origin.serve("/shared", RawTar.program("1"), FRESH);

    Path first = directories.download("shared-1", "a", "/shared").file();
    Path second = directories.download("shared-2", "b", "/shared").file();

    assertThat(Files.getAttribute(second.resolve("version"), "unix:ino"))
        .isEqualTo(Files.getAttribute(first.resolve("version"), "unix:ino"));
    assertThat(second.resolve("bin")).isNotEqualTo(first.resolve("bin"));
    assertThat(Listing.of(second)).isEqualTo(Listing.of(first));
    assertThat(agent.stat("cache.trees")).isEqualTo(1);
    assertThat(agent.metric("cached_downloads_trees")).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"bin/hello", "bin/relative"})
  void programsOfATreeRun(String program) {
    origin.serve("/runs", RawTar.program("it runs"), FRESH);

    Download download = directories.download("runs", "a", "/runs");

    Child.Outcome outcome = Child.run(List.of(download.hostPath().resolve(program).toString()));
    assertThat(outcome.output()).isEqualTo("it runs");
    assertThat(outcome.exit()).isZero();
  }

  /**
   * As root too: the views of containers are read-only, but the rights should not be the reason.
   */
  @Test
  void nothingOfATreeMayBeWritten() {
    origin.serve("/read-only", RawTar.program("1"), FRESH);

    var modes =
        directories.download("read-only", "a", "/read-only").listing().items().values().stream()
            .map(Listing.Item::mode)
            .distinct()
            .toList();

    assertThat(modes).containsExactlyInAnyOrder("0555", "0444", "any");
  }

  @Test
  void anArchiveWithNothingInItIsAnEmptyDirectory() {
    origin.serve("/empty", new RawTar().gzip(), FRESH);

    Download download = directories.download("empty", "a", "/empty");

    assertThat(download.listing().items()).containsOnlyKeys("");
    assertThat(download.json().path("files").asInt(-1)).isZero();
    assertThat(download.json().path("treeBytes").asInt(-1)).isZero();
  }

  // ---- mount

  @Test
  void aMountedDirectoryIsAnEmptyPlaceAndAMountForTheOciRuntime() throws IOException {
    origin.serve("/mounted", RawTar.program("m"), FRESH);

    Download download =
        directories.download("mounted", "buildpacks/ruby", "/mounted", "deliver", "mount");

    JsonNode container = agent.container("mounted");
    JsonNode mount = container.path("mounts").path(0);
    assertThat(container.path("mounts")).hasSize(1);
    assertThat(Contract.faultsOf("Mount", mount)).isEmpty();
    assertThat(mount.path("type").asText()).isEqualTo("bind");
    assertThat(Json.texts(mount.path("options"))).containsExactly("rbind", "ro", "nosuid", "nodev");
    Path source = Path.of(mount.path("source").asText());
    assertThat(source).startsWith(agent.state().resolve("trees"));
    assertThat(Listing.of(source)).isEqualTo(Listing.ofProgram("m"));
    assertThat(download.file()).isEmptyDirectory().startsWith(agent.view("mounted").toRealPath());
    assertThat(onHost("mounted", mount)).isEqualTo(download.file());
    assertThat(download.path()).isEqualTo("/cached-downloads/buildpacks/ruby");
  }

  /** The place on the host where a mount belongs. */
  private static Path onHost(String container, JsonNode mount) throws IOException {
    String destination = mount.path("destination").asText();
    assertThat(destination).startsWith("/cached-downloads/");
    return agent
        .view(container)
        .resolve(destination.substring("/cached-downloads/".length()))
        .toRealPath();
  }

  @Test
  void bothDeliveriesShareOneTree() throws IOException {
    origin.serve("/both", RawTar.program("b"), FRESH);

    Download linked = directories.download("both-1", "a", "/both");
    Download mounted = directories.download("both-2", "a", "/both", "deliver", "mount");

    assertThat(mounted.outcome()).isEqualTo("hit");
    assertThat(mounted.treeDigest()).isEqualTo(linked.treeDigest());
    assertThat(Files.getAttribute(directories.mountedTree("both-2").resolve("version"), "unix:ino"))
        .isEqualTo(Files.getAttribute(linked.file().resolve("version"), "unix:ino"));
    assertThat(agent.stat("cache.trees")).isEqualTo(1);
  }

  @Test
  void severalMountsAreToldAndEndWithTheirNames() {
    origin.serve("/several/1", RawTar.program("1"), FRESH);
    origin.serve("/several/2", RawTar.program("2"), FRESH);
    directories.download("several", "one", "/several/1", "deliver", "mount");
    directories.download("several", "two", "/several/2", "deliver", "mount");
    directories.download("several", "again", "/several/1", "deliver", "mount");
    directories.download("several", "linked", "/several/2");

    assertThat(agent.container("several").path("mounts")).hasSize(3);
    assertThat(Json.texts(agent.container("several").path("mounts"), "destination"))
        .doesNotHaveDuplicates();
    agent.release("several", "one");
    agent.release("several", "linked");

    assertThat(Json.texts(agent.container("several").path("mounts"), "source"))
        .hasSize(2)
        .allSatisfy(source -> assertThat(Path.of(source).resolve("version")).exists())
        .doesNotHaveDuplicates();
  }

  // ---- forms

  @Test
  void fileAndDirectoryOfOneUrlAreDownloadedOnce() {
    byte[] archive = RawTar.program("1");
    origin.serve("/forms", archive, FRESH);

    Download file = agent.download("forms", "file", origin.url("/forms"));
    assertThat(directories.forms("/forms")).containsExactly("file");
    Download directory = directories.download("forms", "directory", "/forms");

    assertThat(directory.outcome()).isEqualTo("hit");
    assertThat(directory.bytesFetched()).isZero();
    assertThat(directory.digest()).isEqualTo(file.digest());
    assertThat(file.bytes()).isEqualTo(archive);
    assertThat(directory.listing()).isEqualTo(Listing.ofProgram("1"));
    assertThat(origin.hits("/forms")).isEqualTo(1);
    assertThat(directories.forms("/forms")).containsExactlyInAnyOrder("file", "directory");
    assertThat(agent.entry(origin.url("/forms")).path("references").asInt()).isEqualTo(2);
  }

  @Test
  void allWhoWaitForOneArchiveAreServedByOneDownload() {
    byte[] archive = RawTar.program("crowd");
    origin.serve("/crowd", archive, FRESH);
    origin.hold("/crowd");
    var calls = new ArrayList<CompletableFuture<Download>>();
    for (int i = 0; i < 6; i++) {
      String deliver = i % 2 == 0 ? "link" : "mount";
      calls.add(
          agent.downloadAsync(
              "crowd-" + i, "a", origin.url("/crowd"), Directories.fields("deliver", deliver)));
    }
    var file = agent.downloadAsync("crowd-file", "a", origin.url("/crowd"));
    origin.awaitHits("/crowd", 1);
    agent.awaitMetric("cached_downloads_flight_waiters", 7);

    origin.release("/crowd");

    assertThat(result(file).bytes()).isEqualTo(archive);
    var digests = calls.stream().map(one -> result(one).treeDigest()).distinct().toList();
    assertThat(digests).hasSize(1);
    assertThat(result(calls.get(0)).listing()).isEqualTo(Listing.ofProgram("crowd"));
    assertThat(Listing.of(directories.mountedTree("crowd-1")))
        .isEqualTo(Listing.ofProgram("crowd"));
    assertThat(origin.hits("/crowd")).isEqualTo(1);
    assertThat(agent.stat("cache.trees")).isEqualTo(1);
  }

  @Test
  void aDirectoryIsPrefetched() {
    origin.serve("/prefetched", RawTar.program("p"), FRESH);

    Download prefetched = agent.prefetch(origin.url("/prefetched"), "as", "directory");

    assertThat(prefetched.outcome()).isEqualTo("miss");
    assertThat(prefetched.treeDigest()).startsWith("sha256:");
    assertThat(directories.forms("/prefetched")).contains("directory");
    assertThat(agent.stat("disk.inUseBytes")).isZero();
    Download download = directories.download("prefetched", "a", "/prefetched");
    assertThat(download.outcome()).isEqualTo("hit");
    assertThat(download.treeDigest()).isEqualTo(prefetched.treeDigest());
  }

  @Test
  void aDirectoryIsFoundByTheChecksumOfItsArchive() {
    byte[] archive = RawTar.program("c");
    origin.serve("/by-checksum", archive, "ETag: \"c\"");
    directories.download("by-checksum", "a", "/by-checksum");

    Download found =
        agent.download(
            "by-checksum",
            "b",
            "http://nobody.invalid/x",
            Directories.fields("checksum", Content.checksum("sha256", archive)));

    assertThat(found.outcome()).isEqualTo("hit");
    assertThat(found.listing()).isEqualTo(Listing.ofProgram("c"));
  }

  @Test
  void anUnchangedArchiveIsRevalidatedAndNotUnpackedAgain() throws IOException {
    origin.serve("/unchanged", RawTar.program("u"), "ETag: \"u\"");
    Download first = directories.download("unchanged", "a", "/unchanged");
    Object inode = Files.getAttribute(first.file().resolve("version"), "unix:ino");

    Download again = directories.download("unchanged", "a", "/unchanged");

    assertThat(again.status()).isEqualTo(200);
    assertThat(again.outcome()).isEqualTo("revalidated");
    assertThat(again.treeDigest()).isEqualTo(first.treeDigest());
    assertThat(Files.getAttribute(again.file().resolve("version"), "unix:ino")).isEqualTo(inode);
    assertThat(again.json().path("files")).isEqualTo(first.json().path("files"));
  }

  @Test
  void whatMayNotBeStoredIsGoneWithItsLastHolder() {
    origin.answer(
        "/uncached", new Origin.Answer(200, RawTar.program("n"), "Cache-Control: no-store"));

    Download download = directories.download("uncached", "a", "/uncached");

    assertThat(download.outcome()).isEqualTo("uncached");
    assertThat(download.listing()).isEqualTo(Listing.ofProgram("n"));
    agent.assertUsedIsAllocated();
    agent.release("uncached");
    eventually().until(() -> agent.stat("disk.usedBytes") == 0);
    agent.assertUsedIsAllocated();
  }

  @Test
  void progressEndsWithTheDirectory() {
    origin.serve("/progress", RawTar.program("p"), "ETag: \"p\"");

    Reply reply =
        agent.send(
            AgentClient.downloadRequest(
                    "progress", "a", origin.url("/progress"), Directories.fields())
                .header("Accept", "application/x-ndjson"));

    JsonNode last = Json.parse(reply.expect(200).text().lines().toList().getLast());
    assertThat(last.path("event").asText()).isEqualTo("done");
    assertThat(last.path("download").path("treeDigest").asText()).startsWith("sha256:");
    assertThat(agent.view("progress").resolve("a/version")).hasContent("p");
  }

  // ---- figures

  @Test
  void servedCountsTheSizeOfTheArchive() {
    byte[] archive = RawTar.program("served");
    origin.serve("/served", archive, FRESH);
    Map<String, Long> before = figures();

    directories.download("served", "a", "/served");
    directories.download("served", "b", "/served", "deliver", "mount");

    Map<String, Long> after = figures();
    assertThat(after.get("requests.miss")).isEqualTo(before.get("requests.miss") + 1);
    assertThat(after.get("requests.hit")).isEqualTo(before.get("requests.hit") + 1);
    assertThat(after.get("bytes.fetched")).isEqualTo(before.get("bytes.fetched") + archive.length);
    assertThat(after.get("bytes.served"))
        .isEqualTo(before.get("bytes.served") + 2L * archive.length);
    assertThat(after.get("bytes.saved")).isEqualTo(before.get("bytes.saved") + archive.length);
  }

  private static Map<String, Long> figures() {
    var figures = new TreeMap<String, Long>();
    for (String path :
        List.of("requests.miss", "requests.hit", "bytes.fetched", "bytes.served", "bytes.saved")) {
      figures.put(path, agent.stat(path));
    }
    return figures;
  }
}
