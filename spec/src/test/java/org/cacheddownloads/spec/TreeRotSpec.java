package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Unpacked archives that rot on the disk: found by a check, by the scrubber or before their first
 * use, made again from the blob, and left to the containers that have them. And trees whose catalog
 * is lost.
 */
class TreeRotSpec {
  private static final String FRESH = "Cache-Control: max-age=3600";
  private static final String DAMAGED = "cached_downloads_damaged_blobs_total";

  @RegisterExtension
  static final AgentProcess agent = AgentProcess.with("durability.flushInterval", "1h");

  @RegisterExtension static final Origin origin = Origin.start();

  private static final Directories directories = new Directories(agent, origin);

  /** What happens to a tree of {@link RawTar#program}. */
  enum Rot {
    A_FLIPPED_BIT {
      @Override
      void of(Path tree) throws IOException {
        flip(tree.resolve("content/bin/hello"), 3);
      }
    },
    A_FLIPPED_BIT_IN_THE_MANIFEST {
      @Override
      void of(Path tree) throws IOException {
        flip(tree.resolve("manifest"), 2);
      }
    },
    A_MISSING_MANIFEST {
      @Override
      void of(Path tree) throws IOException {
        Files.delete(tree.resolve("manifest"));
      }
    },
    A_MISSING_FILE {
      @Override
      void of(Path tree) throws IOException {
        Files.delete(tree.resolve("content/version"));
      }
    },
    A_FILE_TOO_MANY {
      @Override
      void of(Path tree) throws IOException {
        Files.writeString(tree.resolve("content/bin/more"), "more");
      }
    };

    abstract void of(Path tree) throws IOException;

    private static void flip(Path file, int at) throws IOException {
      byte[] bytes = Files.readAllBytes(file);
      bytes[at] ^= 4;
      var permissions = Files.getPosixFilePermissions(file);
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
      Files.write(file, bytes);
      Files.setPosixFilePermissions(file, permissions);
    }
  }

  private static String serve(String path) {
    origin.serve(path, RawTar.program(path), FRESH);
    return path;
  }

  private static Path tree(AgentProcess agent, Download of) {
    return StateOnDisk.tree(agent.state(), of.digest());
  }

  private static List<String> verified(AgentProcess agent, Object... fields) {
    var corrupt = new ArrayList<String>();
    agent
        .post("/v1/verify", fields)
        .expect(200)
        .json()
        .path("corrupt")
        .forEach(one -> corrupt.add(one.path("digest").asText() + " " + one.path("inUse")));
    return corrupt;
  }

  private static List<Path> trees(AgentProcess agent) throws IOException {
    try (Stream<Path> paths = Files.walk(agent.state().resolve("trees/sha256"), 2)) {
      return paths.filter(path -> path.getFileName().toString().length() >= 64).toList();
    }
  }

  /** A program that nobody fetched again is sound in a container of its own. */
  private static void assertSoundAndNotFetched(Directories directories, String path, int hits) {
    String name = path.substring(1);
    Download linked = directories.download("sound-" + name, "linked", path);
    directories.download("sound-" + name, "mounted", path, "deliver", "mount");
    assertThat(linked.listing()).isEqualTo(Listing.ofProgram(path));
    assertThat(Listing.of(directories.mountedTree("sound-" + name)))
        .isEqualTo(Listing.ofProgram(path));
    assertThat(linked.json().path("bytesFetched").asLong()).isZero();
    assertThat(origin.hits(path)).as("requests for " + path).isEqualTo(hits);
  }

  /** After the last release nothing is left of what was damaged but what is in quarantine. */
  private static void assertNothingLeft(Directories directories) throws IOException {
    directories.removeAll();
    directories.agent().assertUsedIsAllocated();
    assertThat(directories.agent().stat("disk.inUseBytes")).isZero();
    assertThat(directories.agent().stat("disk.usedBytes"))
        .isEqualTo(directories.agent().stat("disk.quarantineBytes"));
    assertThat(trees(directories.agent())).isEmpty();
  }

  // ---- idle

  @ParameterizedTest
  @EnumSource(Rot.class)
  void aCheckFindsAnIdleTreeThatRotted(Rot rot) throws IOException {
    String path = serve("/idle-" + rot);
    Download idle = agent.prefetch(origin.url(path), "as", "directory");
    double before = agent.metric(DAMAGED, "in_use", "false");
    rot.of(tree(agent, idle));

    assertThat(verified(agent, "digest", idle.digest())).containsExactly(idle.digest() + " false");

    assertThat(tree(agent, idle)).doesNotExist();
    assertThat(agent.metric(DAMAGED, "in_use", "false")).isEqualTo(before + 1);
    assertThat(agent.stat("disk.quarantineBytes"))
        .isEqualTo(DiskUsage.of(agent.state(), "quarantine"))
        .isPositive();
    agent.assertUsedIsAllocated();
    assertSoundAndNotFetched(directories, path, 1);
    assertThat(verified(agent)).isEmpty();
    assertNothingLeft(directories);
  }

  @Test
  void filesOfADamagedTreeAreCountedOnceWhateverNamesTheyHave() throws IOException {
    byte[] archive =
        new RawTar()
            .withProgram("linked")
            .hardLink("same", "version")
            .symlink("far", "x/".repeat(49))
            .gzip();
    origin.serve("/hard-links", archive, FRESH);
    Download idle = agent.prefetch(origin.url("/hard-links"), "as", "directory");
    Rot.A_FLIPPED_BIT.of(tree(agent, idle));
    long before = agent.stat("disk.quarantineBytes");

    assertThat(verified(agent)).containsExactly(idle.digest() + " false");

    assertThat(agent.stat("disk.quarantineBytes"))
        .isEqualTo(DiskUsage.of(agent.state(), "quarantine"))
        .isGreaterThan(before);
    agent.assertUsedIsAllocated();
    agent.restart();
    agent.assertUsedIsAllocated();
  }

  @ParameterizedTest
  @EnumSource(Rot.class)
  void theScrubberFindsAnIdleTreeThatRotted(Rot rot) throws IOException {
    String path = serve("/scrubbed-" + rot);
    try (AgentProcess scrubbing =
        AgentProcess.running("durability.scrubPeriod", "2s", "durability.flushInterval", "200ms")) {
      Download idle = scrubbing.prefetch(origin.url(path), "as", "directory");
      rot.of(tree(scrubbing, idle));

      scrubbing.awaitMetric(DAMAGED, 1);
      eventually().until(() -> !Files.exists(tree(scrubbing, idle)));

      scrubbing.assertUsedIsAllocated();
      assertSoundAndNotFetched(new Directories(scrubbing, origin), path, 1);
      scrubbing.awaitMetric(
          "cached_downloads_scrub_passes_total",
          scrubbing.metric("cached_downloads_scrub_passes_total") + 2);
      assertThat(scrubbing.metric(DAMAGED)).isEqualTo(1);
    }
  }

  // ---- in use

  @ParameterizedTest
  @EnumSource(Rot.class)
  void aTreeInUseThatRottedIsLeftToThoseWhoHaveIt(Rot rot) throws IOException {
    String path = serve("/used-" + rot);
    Download linked = directories.download("linked", "a", path);
    directories.download("mounted", "a", path, "deliver", "mount");
    rot.of(tree(agent, linked));
    Listing seen = Listing.of(directories.mountedTree("mounted"));
    Listing seenByLinks = linked.listing();

    assertThat(verified(agent)).containsExactly(linked.digest() + " true");

    assertExact(rot, agent);
    assertSoundAndNotFetched(directories, path, 1);
    assertThat(linked.listing()).isEqualTo(seenByLinks);
    assertThat(Listing.of(directories.mountedTree("mounted"))).isEqualTo(seen);
    assertExact(rot, agent);

    agent.restart();

    assertThat(linked.listing()).isEqualTo(seenByLinks);
    assertThat(Listing.of(directories.mountedTree("mounted"))).isEqualTo(seen);
    assertExact(rot, agent);
    assertThat(directories.download("linked", "a", path).listing())
        .as("who asks anew gets a sound one")
        .isEqualTo(Listing.ofProgram(path));
    directories.download("mounted", "b", path, "deliver", "mount");
    agent.container("mounted").path("mounts").forEach(mount -> assertMountable(mount));
    assertExact(rot, agent);
    assertNothingLeft(directories);
  }

  /**
   * What appears and vanishes behind the agent's back in a tree in use it learns when that goes.
   */
  private static void assertExact(Rot rot, AgentProcess agent) {
    if (rot.name().contains("FLIPPED")) {
      agent.assertUsedIsAllocated();
    }
  }

  private static void assertMountable(JsonNode mount) {
    assertThat(Path.of(mount.path("source").asText()).resolve("bin/relative")).exists();
  }

  // ---- after a power cut

  @ParameterizedTest
  @EnumSource(Rot.class)
  void aTreeThatAPowerCutDamagedIsFoundBeforeItsFirstUse(Rot rot) throws IOException {
    String path = serve("/cut-" + rot);
    String held = serve("/cut-held-" + rot);
    try (AgentProcess cut = AgentProcess.running("durability.flushInterval", "1h")) {
      var its = new Directories(cut, origin);
      Download idle = cut.prefetch(origin.url(path), "as", "directory");
      Download used = its.download("linked", "a", held);
      its.download("mounted", "a", held, "deliver", "mount");
      cut.kill9();
      rot.of(tree(cut, idle));
      rot.of(tree(cut, used));

      cut.onBoot("another-boot").start();

      assertSoundAndNotFetched(its, path, 1);
      assertSoundAndNotFetched(its, held, 1);
      assertThat(verified(cut)).isEmpty();
      assertNothingLeft(its);
    }
  }

  // ---- without a catalog

  @Test
  void treesOutlastTheirCatalog() throws IOException {
    String held = serve("/catalog-held");
    String idle = serve("/catalog-idle");
    try (AgentProcess lost = AgentProcess.running()) {
      var its = new Directories(lost, origin);
      Download linked = its.download("linked", "deep/a", held);
      its.download("mounted", "a", held, "deliver", "mount");
      lost.prefetch(origin.url(idle), "as", "directory");
      long inUse = lost.stat("disk.inUseBytes");
      loseCatalog(lost);

      lost.start();

      assertThat(lost.log()).contains("the damaged catalog was set aside");
      assertThat(linked.listing()).isEqualTo(Listing.ofProgram(held));
      assertThat(Listing.of(its.mountedTree("mounted"))).isEqualTo(Listing.ofProgram(held));
      assertThat(lost.stat("cache.references")).isEqualTo(2);
      assertThat(lost.stat("cache.trees")).as("idle ones are made again").isEqualTo(1);
      eventually().until(() -> lost.stat("disk.inUseBytes") == inUse);
      lost.assertUsedIsAllocated();
      assertThat(its.download("new", "i", idle).listing()).isEqualTo(Listing.ofProgram(idle));
      assertThat(its.download("new", "h", held).listing()).isEqualTo(Listing.ofProgram(held));
      assertThat(lost.stat("cache.trees")).isEqualTo(2);
      lost.assertUsedIsAllocated();
      assertNothingLeft(its);
    }
  }

  /** A tree that nothing describes any more is no reason not to start. */
  @ParameterizedTest
  @EnumSource(Rot.class)
  void aRottenTreeInUseWhoseCatalogIsLostIsLeftToThoseWhoHaveIt(Rot rot) throws IOException {
    String path = serve("/lost-" + rot);
    try (AgentProcess lost = AgentProcess.running()) {
      var its = new Directories(lost, origin);
      Download linked = its.download("linked", "a", path);
      its.download("mounted", "a", path, "deliver", "mount");
      loseCatalog(lost);
      rot.of(tree(lost, linked));

      lost.start();

      assertExact(rot, lost);
      assertThat(linked.hostPath().resolve("bin/hello")).exists();
      lost.container("mounted").path("mounts").forEach(TreeRotSpec::assertMountable);
      Download anew = its.download("new", "a", path);
      assertThat(anew.listing()).isEqualTo(Listing.ofProgram(path));
      assertThat(linked.hostPath().resolve("bin/hello")).exists();
      lost.container("mounted").path("mounts").forEach(TreeRotSpec::assertMountable);
      assertExact(rot, lost);
      assertNothingLeft(its);
    }
  }

  private static void loseCatalog(AgentProcess agent) throws IOException {
    agent.sigterm(); // after a kill SQLite would have it all again from its log
    agent.awaitExit();
    Files.writeString(agent.state().resolve("catalog.db"), "nothing like a database");
  }
}
