package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.AgentClient.result;
import static org.cacheddownloads.spec.Content.MIB;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The state on small file systems that become full: no limit is broken, nobody gets torn bytes,
 * whoever is refused is told why, and what is here is handed out all the same.
 */
class FullDiskSpec {
  private static final int SIZE = 96 * MIB;
  private static final int FLOOR = 8 * MIB;
  private static final int BODY = 4 * MIB;
  private static final int DOWNLOADS = 32;

  /** A directory for each download under way is on the disk and not in the sums. */
  private static final int UNCOUNTED = DOWNLOADS * 4096;

  @RegisterExtension
  static final VersionedOrigin origin = VersionedOrigin.start(1, DOWNLOADS, _ -> BODY);

  @RegisterExtension static final VersionedOrigin small = VersionedOrigin.start(2, 400, _ -> 100);

  private final Path images = Project.temporaryDirectory();
  private final List<AutoCloseable> open = new ArrayList<>();

  enum Kind {
    EXT4,
    TMPFS
  }

  private <T extends AutoCloseable> T owned(T part) {
    open.addFirst(part);
    return part;
  }

  private Disk disk(Kind kind) {
    return owned(
        kind == Kind.TMPFS
            ? Disk.tmpfs("size=" + SIZE)
            : Disk.ext4(images.resolve("disk.img"), SIZE, "", "-J", "size=4"));
  }

  private AgentProcess agentOn(Disk disk, Object... overrides) {
    AgentProcess agent =
        owned(
            AgentProcess.with(
                "state",
                disk.path().resolve("state").toString(),
                "quota.waitForSpace",
                "2s",
                "fetch.concurrency",
                DOWNLOADS,
                "fetch.perOrigin",
                DOWNLOADS,
                "fetch.attempts",
                1));
    agent.configure(overrides).start();
    return agent;
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable part : open) {
      part.close();
    }
    Project.delete(images);
  }

  // ---- many downloads at once

  /**
   * A quota that is nearly the file system, and one that is far beyond it: then the floor counts.
   */
  @ParameterizedTest
  @CsvSource({"EXT4, 64", "EXT4, 100000", "TMPFS, 64", "TMPFS, 100000"})
  void neitherQuotaNorFloorIsBrokenWhenMoreIsAskedForThanThereIsRoom(Kind kind, long quotaMib) {
    Disk disk = disk(kind);
    long quota = quotaMib * MIB;
    AgentProcess agent = agentOn(disk, "quota.bytes", quota, "quota.minFreeBytes", FLOOR);
    try (Sampler sampler = Sampler.of(disk, agent.state())) {
      List<CompletableFuture<Reply>> replies =
          IntStream.range(0, DOWNLOADS).mapToObj(i -> agent.sendAsync(request(i))).toList();
      var held = new ArrayList<Integer>();
      for (int i = 0; i < DOWNLOADS; i++) {
        if (isHandedOut(result(replies.get(i)), i)) {
          held.add(i);
        }
      }
      assertThat(held).as("some fit, some do not").hasSizeBetween(8, DOWNLOADS - 8);
      for (int i : held) {
        Download hit = agent.download("c" + i, "a", origin.items().get(i).url());
        assertThat(hit.outcome()).as("what is here is handed out on").isIn("revalidated", "hit");
      }
      for (int i = 0; i < DOWNLOADS; i++) {
        agent.release("c" + i);
      }
      for (int i = 0; i < DOWNLOADS; i++) {
        assertThat(isHandedOut(agent.send(request(i)), i)).as("room again").isTrue();
        agent.release("c" + i);
      }
      assertThat(sampler.mostUsed())
          .isLessThanOrEqualTo(quota + UNCOUNTED)
          .isGreaterThan(32L * MIB);
      assertThat(sampler.leastFree()).isGreaterThanOrEqualTo(FLOOR - UNCOUNTED);
    }
    assertThat(agent.get("/readyz").status()).isEqualTo(200);
    assertUsedIsAllocated(agent);
  }

  // ---- others on the same file system

  @ParameterizedTest
  @EnumSource(Kind.class)
  void whatOthersFilledIsRegainedByEvictingAndHitsGoOn(Kind kind) {
    Disk disk = disk(kind);
    AgentProcess agent = agentOn(disk, "quota.minFreeBytes", FLOOR);
    agent.download("c0", "a", origin.items().get(0).url());
    for (int i = 1; i < 8; i++) {
      agent.prefetch(origin.items().get(i).url());
    }
    Path filler = disk.fill();

    assertHandedOut(agent, "c0", 0);
    assertHandedOut(agent, "another", 0);
    assertThat(agent.keys())
        .as("others were evicted for a few blocks")
        .hasSizeLessThan(8)
        .contains(url(0));
    int i = 8;
    while (isHandedOut(agent.send(request(i)), i)) {
      i++;
    }
    assertThat(i).as("some fit in the place of what was evicted").isBetween(9, 15);
    assertThat(agent.keys()).as("what is held stays").hasSize(i - 8 + 1).contains(url(0), url(8));
    assertHandedOut(agent, "c0", 0);
    assertHandedOut(agent, "c8", 8);

    Project.delete(filler);
    assertHandedOut(agent, "c" + i, i);
    assertThat(agent.get("/readyz").status()).isEqualTo(200);
    assertUsedIsAllocated(agent);
  }

  private static void assertHandedOut(AgentProcess agent, String container, int i) {
    Download download = agent.download(container, "a", url(i));
    assertThat(Content.checksum("sha256", download.bytes()))
        .isEqualTo(origin.items().get(i).now().digest());
  }

  private static String url(int i) {
    return origin.items().get(i).url();
  }

  // ---- inodes

  /** The file system has fewer inodes than the quota allows: only the kernel knows. */
  @ParameterizedTest
  @EnumSource(Kind.class)
  void whenTheInodesAreUsedUpTheRequestIsToldAndHitsGoOn(Kind kind) {
    Disk disk =
        owned(
            kind == Kind.TMPFS
                ? Disk.tmpfs("size=" + SIZE + ",nr_inodes=600")
                : Disk.ext4(images.resolve("disk.img"), SIZE, "", "-J", "size=4", "-N", "600"));
    AgentProcess agent = agentOn(disk, "quota.minFreeBytes", 0);
    int i = 0;
    Reply reply;
    do {
      reply =
          agent.send(AgentClient.downloadRequest("c" + i, "a/b/c/d", small.items().get(i).url()));
      i++;
    } while (reply.status() < 400);
    Problem problem = reply.problem().is(507, "insufficient-space");
    assertThat(problem.detail()).contains("file system");
    Download hit = agent.download("c0", "a/b/c/d", small.items().get(0).url());
    assertThat(hit.outcome()).isIn("revalidated", "hit");
    agent.release("c1");
    agent.download("other", "a", small.items().get(i).url());
    assertUsedIsAllocated(agent);
  }

  private static Request request(int i) {
    return AgentClient.downloadRequest("c" + i, "a", origin.items().get(i).url());
  }

  /** Whether it was given and not refused; bytes and problem must be what was promised. */
  private static boolean isHandedOut(Reply reply, int i) {
    if (reply.status() >= 400) {
      Problem problem = reply.problem().is(507, "insufficient-space");
      assertThat(problem.detail()).contains("no room for");
      return false;
    }
    Download download = new Download(reply.status(), reply.json());
    assertThat(Content.checksum("sha256", download.bytes()))
        .isEqualTo(origin.items().get(i).now().digest());
    return true;
  }

  private static void assertUsedIsAllocated(AgentProcess agent) {
    eventually()
        .untilAsserted(
            () -> {
              JsonNode disk = agent.stats().path("disk");
              assertThat(disk.path("reservedBytes").asLong()).isZero();
              assertThat(disk.path("partialBytes").asLong()).isZero();
              assertThat(disk.path("usedBytes").asLong()).isEqualTo(DiskUsage.of(agent.state()));
            });
  }

  /** Looks every 20 ms at what the file system has given away and what it has left. */
  private static final class Sampler implements AutoCloseable {
    private final FileStore store;
    private final Path state;
    private final long others;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor();
    private final ScheduledFuture<?> sampling;
    private long mostUsed;
    private long leastFree = Long.MAX_VALUE;

    private Sampler(FileStore store, Path state) throws IOException {
      this.store = store;
      this.state = state;
      this.others = allocated() - catalog();
      this.sampling = thread.scheduleAtFixedRate(this::sample, 0, 20, TimeUnit.MILLISECONDS);
    }

    static Sampler of(Disk disk, Path state) {
      try {
        return new Sampler(Files.getFileStore(disk.path()), state);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private synchronized void sample() {
      try {
        long catalog = catalog();
        mostUsed = Math.max(mostUsed, allocated() - others - catalog);
        // The floor is kept by what is counted; the catalog comes on top.
        leastFree = Math.min(leastFree, store.getUsableSpace() + catalog);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private long allocated() throws IOException {
      return store.getTotalSpace() - store.getUnallocatedSpace();
    }

    private long catalog() throws IOException {
      long bytes = 0;
      for (String name : List.of("catalog.db", "catalog.db-wal", "catalog.db-shm")) {
        bytes += (Files.size(state.resolve(name)) + 4095) / 4096 * 4096;
      }
      return bytes;
    }

    synchronized long mostUsed() {
      return mostUsed;
    }

    synchronized long leastFree() {
      return leastFree;
    }

    @Override
    public void close() {
      assertThat(sampling.isDone()).as("sampling has failed").isFalse();
      thread.shutdownNow();
    }
  }
}
