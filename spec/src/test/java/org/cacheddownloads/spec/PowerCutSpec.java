package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Content.MIB;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.cacheddownloads.spec.VersionedOrigin.Item;
import org.junit.jupiter.api.Test;

/**
 * What a power cut leaves: nothing damaged is handed out, and nothing that was synced is lost.
 *
 * <p>The state lies on an ext4 of its own, whose image lies on an XFS. While callers keep the agent
 * busy, XFS clones the image at one instant. The clone is the disk of the next machine: ext4
 * replays its journal, an agent of another boot starts, everything is checked, and the callers come
 * back until the power goes there too.
 *
 * <p>Limit: the clone has all that ext4 has written, in its order. A disk that also loses or
 * reorders what is in its own cache is not modelled.
 */
class PowerCutSpec {
  private static final int CUTS = Integer.getInteger("torture.cuts", 20);
  private static final long SEED = Long.getLong("torture.seed", new Random().nextInt(1_000_000));
  private static final int ITEMS = 40;
  private static final int LARGEST_ITEM = 3 * MIB;
  private static final long AMPLE = 400L * MIB;
  private static final long SCARCE = 32L * MIB;

  /** The second one shows longer files with other bytes in them, the first empty files. */
  private static final List<String> MOUNTS =
      List.of("commit=1", "commit=1,data=writeback,nodelalloc");

  private final Random random = new Random(SEED);
  private final Map<Integer, String> known = new ConcurrentHashMap<>();
  private final Tally tally = new Tally();

  /** What the cuts met, so that a run in which nothing was at stake does not pass for a proof. */
  private static final class Tally {
    int withYoungBlobs;
    int withDamage;
    int damagedBlobs;
    int keptWithoutFetching;

    @Override
    public String toString() {
      return ("seed %d, %d cuts: blobs not synced at %d of them, damaged at %d; %d damaged blobs,"
              + " %d synced entries kept")
          .formatted(SEED, CUTS, withYoungBlobs, withDamage, damagedBlobs, keptWithoutFetching);
    }
  }

  /** Most items are small. */
  private static int size(Random random) {
    return 1 + random.nextInt(random.nextInt(10) < 3 ? LARGEST_ITEM : 64 * 1024);
  }

  /**
   * What was certain when the power went.
   *
   * @param durable blobs that were synced
   * @param before what was known when a sync of the catalog began that came to its end
   */
  private record Certain(Set<String> durable, Traffic.Snapshot before, Traffic.Snapshot after) {
    static final Certain NOTHING = new Certain(Set.of(), Traffic.NOTHING, Traffic.NOTHING);

    /**
     * Whether the entry of an item, as it is now, was on the disk for good. That its bytes were is
     * not enough: an entry that was deleted and came again finds them where a container held them.
     */
    boolean isKept(Item item) {
      return after
          .steady(before, item.number())
          .filter(digest -> digest.equals(item.now().digest()))
          .filter(digest -> durable.contains(hex(digest)))
          .isPresent();
    }
  }

  @Test
  void whatWasSyncedSurvivesAndNothingDamagedIsHandedOut() {
    Project.requireRoot();
    System.out.printf("power cuts: %d, seed %d%n", CUTS, SEED);
    Path images = Project.temporaryDirectory();
    try (Disk hardware = Disk.xfs(images.resolve("xfs.img"), 4096L * MIB);
        FastStart fast = FastStart.record();
        VersionedOrigin origin = VersionedOrigin.start(SEED, ITEMS, PowerCutSpec::size);
        VersionedOrigin markers = VersionedOrigin.start(SEED + 1, CUTS, _ -> 64)) {
      Path image = hardware.path().resolve("0.img");
      Disk.ext4(image, 1024L * MIB, "").close();
      Certain certain = Certain.NOTHING;
      for (int cut = 0; cut < CUTS; cut++) {
        Path next = hardware.path().resolve((cut + 1) + ".img");
        Item marker = markers.items().get(cut);
        certain =
            live(
                fast,
                origin,
                image,
                certain,
                (agent, disk, quota) -> cut(agent, origin, disk, quota, marker, next));
        Project.delete(image);
        image = next;
      }
      live(fast, origin, image, certain, (_, _, _) -> Certain.NOTHING);
    } finally {
      Project.delete(images);
    }
    System.out.println("power cuts: " + tally);
    assertThat(tally.withYoungBlobs)
        .as("cuts at which something was at stake: %s", tally)
        .isPositive();
    assertThat(tally.keptWithoutFetching).as("synced entries: %s", tally).isPositive();
  }

  /** How the life of a machine ends. */
  private interface End {
    Certain of(AgentProcess agent, Disk disk, long quota);
  }

  /** One machine from its start to its end. @return what was certain then */
  private Certain live(
      FastStart fast, VersionedOrigin origin, Path image, Certain certain, End end) {
    long quota = random.nextBoolean() ? AMPLE : SCARCE;
    try (Disk disk = Disk.mount(image, MOUNTS.get(random.nextInt(MOUNTS.size())));
        AgentProcess agent = agentOn(disk, quota)) {
      Set<String> damaged = damagedBlobs(agent.state());
      tally.withDamage += damaged.isEmpty() ? 0 : 1;
      tally.damagedBlobs += damaged.size();
      // Nobody else does, and what is damaged at a hundred cuts does not fit a scarce quota.
      list(agent.state().resolve("quarantine")).forEach(Project::delete);
      fast.hurry(agent);
      try {
        agent.start();
        checkState(agent, quota);
        checkItems(agent, origin, certain, quota);
        return end.of(agent, disk, quota);
      } catch (RuntimeException | Error e) {
        agent.printLog("power cuts with seed " + SEED);
        throw e;
      }
    }
  }

  private AgentProcess agentOn(Disk disk, long quota) {
    return AgentProcess.with(
            "state",
            disk.path().resolve("state").toString(),
            "quota.bytes",
            quota,
            "quota.minFreeBytes",
            0,
            "quota.waitForSpace",
            "1s",
            "durability.flushInterval",
            random.nextBoolean() ? "250ms" : "1s")
        .onBoot(UUID.randomUUID().toString());
  }

  /** Keeps the agent busy for a while and clones its disk in the middle of it. */
  private Certain cut(
      AgentProcess agent, VersionedOrigin origin, Disk disk, long quota, Item marker, Path next) {
    try (Traffic traffic = Traffic.start(agent, origin, known, random.nextLong())) {
      awaitOperations(traffic, 20L + random.nextInt(100));
      double evictions = evictions(agent);
      Traffic.Snapshot before = traffic.snapshot();
      boolean marked = quota == AMPLE && random.nextInt(4) > 0;
      if (marked) {
        awaitSyncOf(agent, marker);
      }
      awaitOperations(traffic, traffic.operations() + random.nextInt(40));
      var catalog = new CatalogFile(agent.state());
      Set<String> durable = catalog.durable();
      Set<String> young = catalog.notYetDurable();
      disk.cloneTo(next);
      Traffic.Snapshot after = traffic.snapshot();
      traffic.stop();
      boolean evicted = evictions(agent) != evictions;
      tally.withYoungBlobs += young.isEmpty() ? 0 : 1;
      agent.kill9();
      return marked && !evicted ? new Certain(durable, before, after) : Certain.NOTHING;
    }
  }

  private static double evictions(AgentProcess agent) {
    return agent.metric("cached_downloads_evictions_total");
  }

  private static void awaitOperations(Traffic traffic, long operations) {
    eventually()
        .until(
            () -> {
              traffic.check();
              return traffic.operations() >= operations;
            });
  }

  /** All that was answered before this is synced with it, whatever the state of its bytes. */
  private static void awaitSyncOf(AgentProcess agent, Item marker) {
    agent.prefetch(marker.url());
    String blob = hex(marker.now().digest());
    eventually().until(() -> new CatalogFile(agent.state()).durable().contains(blob));
  }

  // ---- after a cut

  /** What does not depend on what was downloaded. */
  private static void checkState(AgentProcess agent, long quota) {
    assertThat(list(agent.state().resolve("ingest"))).as("downloads of another boot").isEmpty();
    assertThat(new CatalogFile(agent.state()).faults()).containsExactly("ok");
    eventually()
        .untilAsserted(
            () -> {
              JsonNode disk = agent.stats().path("disk");
              assertThat(disk.path("usedBytes").asLong())
                  .as("counted against allocated bytes, %s", disk)
                  .isEqualTo(DiskUsage.of(agent.state()))
                  .isLessThanOrEqualTo(quota);
            });
    for (JsonNode container : agent.pages("/v1/containers?limit=100", "containers")) {
      for (JsonNode download : container.path("downloads")) {
        checkBytes(new Download(200, download), download.path("digest").asText());
      }
    }
  }

  private void checkItems(
      AgentProcess agent, VersionedOrigin origin, Certain atTheCut, long quota) {
    limit(agent, AMPLE);
    // A start with less room than the life before may have evicted what was certain.
    Certain certain = evictions(agent) > 0 ? Certain.NOTHING : atTheCut;
    var items = new ArrayList<>(origin.items());
    Collections.shuffle(items, random);
    for (Item item : items) {
      String digest = item.now().digest();
      int bodies = item.bodies();
      Download download =
          random.nextBoolean()
              ? agent.download("check", "a", item.url())
              : agent.download("check", "a", item.url(), "checksum", digest);
      checkBytes(download, digest);
      if (certain.isKept(item)) {
        assertThat(item.bodies())
            .as("synced before the cut, %s", download.json())
            .isEqualTo(bodies);
        assertThat(download.outcome()).isIn("revalidated", "hit");
        tally.keptWithoutFetching++;
      }
      known.put(item.number(), digest);
    }
    agent.release("check");
    assertThat(new CatalogFile(agent.state()).suspect())
        .as("damaged files that could still be handed out")
        .containsAll(damagedBlobs(agent.state()));
    limit(agent, quota);
  }

  private static void limit(AgentProcess agent, long quota) {
    agent.configure("quota.bytes", quota).writeConfig();
    agent.send(Request.of("POST", "/v1/config/reload")).expect(200);
  }

  private static void checkBytes(Download download, String digest) {
    assertThat(Content.checksum("sha256", download.bytes()))
        .as("bytes handed out, %s", download.json())
        .isEqualTo(digest);
  }

  /** Files of the store whose bytes are not what their name says. */
  private static Set<String> damagedBlobs(Path state) {
    return list(state.resolve("blobs/sha256")).stream()
        .flatMap(fanOut -> list(fanOut).stream())
        .filter(file -> !file.getFileName().toString().startsWith(hash(file)))
        .map(file -> file.getFileName().toString())
        .collect(Collectors.toSet());
  }

  private static String hash(Path file) {
    try {
      return hex(Content.checksum("sha256", Files.readAllBytes(file)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String hex(String digest) {
    return digest.substring(digest.indexOf(':') + 1);
  }

  private static List<Path> list(Path directory) {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
