package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Content.MIB;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The room that unpacked archives take: counted exactly, limited, and given back. */
class TreeSpaceSpec {
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

  // ---- space

  @Test
  void aTreeIsEvictedApartFromItsArchive() {
    origin.serve("/apart", RawTar.program("a"), FRESH);
    agent.download("apart", "file", origin.url("/apart"));
    String treeDigest = agent.prefetch(origin.url("/apart"), "as", "directory").treeDigest();

    directories.evictAll();

    assertThat(directories.forms("/apart")).containsExactly("file");
    assertThat(agent.stat("cache.trees")).isZero();
    agent.assertUsedIsAllocated();
    Download again = directories.download("apart", "directory", "/apart");
    assertThat(again.outcome()).isEqualTo("hit");
    assertThat(again.treeDigest()).isEqualTo(treeDigest);
    assertThat(again.listing()).isEqualTo(Listing.ofProgram("a"));
    assertThat(origin.hits("/apart")).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"link", "mount"})
  void anArchiveIsEvictedApartFromItsTree(String deliver) {
    byte[] archive = RawTar.program("b");
    origin.serve("/apart-" + deliver, archive, FRESH);
    Download held = directories.download("apart", "a", "/apart-" + deliver, "deliver", deliver);

    directories.evictAll();

    assertThat(directories.forms("/apart-" + deliver)).containsExactly("directory");
    assertThat(agent.hasBlob(held.digest())).isFalse();
    agent.assertUsedIsAllocated();
    Download again = directories.download("apart-again", "a", "/apart-" + deliver);
    assertThat(again.outcome()).isEqualTo("hit");
    assertThat(again.listing()).isEqualTo(Listing.ofProgram("b"));
    assertThat(origin.hits("/apart-" + deliver)).isEqualTo(1);
    Download file = agent.download("apart-file", "a", origin.url("/apart-" + deliver));
    assertThat(file.outcome()).isEqualTo("miss");
    assertThat(file.bytes()).isEqualTo(archive);
    assertThat(origin.hits("/apart-" + deliver)).isEqualTo(2);
  }

  @Test
  void whatTreesAndTheirCopiesTakeIsCountedExactly() {
    var odd = new RawTar();
    IntStream.range(0, 300)
        .forEach(i -> odd.file("d" + i % 7 + "/f" + i, Content.random(50 * i, "odd")));
    odd.hardLink("same", "d0/f0").symlink("link", "same");
    origin.serve("/counted", odd.gzip(), FRESH);
    agent.prefetch(origin.url("/counted"), "as", "directory");
    agent.assertUsedIsAllocated();
    assertThat(agent.stat("disk.inUseBytes")).isZero();

    directories.download("counted-1", "a", "/counted");
    agent.assertUsedIsAllocated();
    directories.download("counted-1", "b", "/counted");
    directories.download("counted-2", "deep/a", "/counted", "deliver", "mount");
    agent.assertUsedIsAllocated();
    agent.release("counted-1", "a");
    agent.assertUsedIsAllocated();
    agent.release("counted-1");
    agent.release("counted-2");
    agent.assertUsedIsAllocated();
    assertThat(agent.stat("disk.inUseBytes")).isZero();
    directories.evictAll();
    assertThat(agent.stat("disk.usedBytes")).isZero();
    agent.assertUsedIsAllocated();
  }

  /** Its bytes are in use while only a mount holds it, and the file system knows of no copy. */
  @Test
  void aMountedTreeIsInUse() {
    origin.serve(
        "/in-use", new RawTar().file("large", Content.random(MIB, "in use")).gzip(), FRESH);
    directories.download("in-use", "a", "/in-use", "deliver", "mount");

    JsonNode pruned = agent.post("/v1/prune", "targetBytes", 0).expect(200).json();

    assertThat(pruned.path("freedBytes").asLong()).isLessThan(MIB + MIB / 2);
    assertThat(agent.stat("disk.inUseBytes")).isGreaterThan(MIB);
    assertThat(directories.mountedTree("in-use").resolve("large")).hasSize(MIB);
  }

  @Test
  void aTreeThatFindsNoRoomIsToldAndLeavesNothing() {
    var roomy = new RawTar();
    String half = "half packable ".repeat(10);
    IntStream.range(0, 40).forEach(i -> roomy.file("f" + i, mixed(half, MIB / 2, "no room " + i)));
    origin.serve("/no-room", roomy.gzip(), FRESH);
    try (AgentProcess small =
        AgentProcess.running("quota.bytes", 16 * MIB, "quota.waitForSpace", "1s")) {
      small.prefetch(origin.url("/no-room"));

      Problem problem =
          small
              .refused("no-room", "a", origin.url("/no-room"), "as", "directory")
              .is(507, "insufficient-space");

      assertThat(problem.bytes("quotaBytes")).isEqualTo(16 * MIB);
      assertThat(small.knows("no-room")).isFalse();
      assertThat(small.stat("cache.trees")).isZero();
      assertThat(small.stat("disk.reservedBytes")).isZero();
      small.assertUsedIsAllocated();
    }
  }

  /** Bytes of which a fourth does not compress. */
  private static byte[] mixed(String text, int size, String seed) {
    byte[] bytes =
        text.repeat(size / text.length() + 1).substring(0, size).getBytes(StandardCharsets.UTF_8);
    System.arraycopy(Content.random(size / 4, seed), 0, bytes, 0, size / 4);
    return bytes;
  }

  @Test
  void theNumberOfFilesIsLimitedByTheQuotaToo() {
    var many = new RawTar();
    IntStream.range(0, 300).forEach(i -> many.file("f" + i, ""));
    origin.serve("/many", many.gzip(), FRESH);
    try (AgentProcess few = AgentProcess.running("quota.files", 200, "quota.waitForSpace", "1s")) {
      few.refused("many", "a", origin.url("/many"), "as", "directory")
          .is(507, "insufficient-space");

      assertThat(few.knows("many")).isFalse();
      few.assertUsedIsAllocated();
    }
  }

  @Test
  void idleTreesMakeRoomForNewOnes() {
    try (AgentProcess narrow =
        AgentProcess.running("quota.bytes", 24 * MIB, "quota.waitForSpace", "5s")) {
      for (int i = 0; i < 6; i++) {
        byte[] archive = new RawTar().file("data", Content.random(4 * MIB, "room " + i)).end();
        origin.serve("/room/" + i, archive, FRESH);
        Download download =
            narrow.download("room", "a", origin.url("/room/" + i), "as", "directory");
        assertThat(download.hostPath().resolve("data")).hasSize(4 * MIB);
        assertThat(narrow.stat("disk.usedBytes")).isLessThanOrEqualTo(24 * MIB);
      }
      narrow.assertUsedIsAllocated();
      assertThat(narrow.stat("evictions.count")).isPositive();
    }
  }

  @Test
  void aDeletedEntryLeavesItsTreeToThoseWhoHoldIt() {
    origin.serve("/deleted", RawTar.program("d"), FRESH);
    Download held = directories.download("deleted", "a", "/deleted");

    agent.send(Request.delete(Request.entryPath(origin.url("/deleted")))).expect(204);
    directories.evictAll();

    assertThat(held.listing()).isEqualTo(Listing.ofProgram("d"));
    agent.release("deleted");
    directories.evictAll();
    eventually().until(() -> agent.stat("disk.usedBytes") == 0);
    agent.assertUsedIsAllocated();
  }
}
