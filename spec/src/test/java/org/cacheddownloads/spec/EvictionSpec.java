package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.AgentClient.result;
import static org.cacheddownloads.spec.Content.MIB;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The quota: what it counts, who goes first, who never goes, and what happens when all the rest is
 * in use.
 */
class EvictionSpec {
  private static final int QUOTA = 18 * MIB;

  /** Room for four blobs of 4 MiB; a fifth evicts one. */
  @RegisterExtension
  static final AgentProcess agent =
      AgentProcess.with("quota.bytes", QUOTA, "quota.waitForSpace", "60s", "fetch.attempts", 1);

  @RegisterExtension static final Origin origin = Origin.start();

  @RegisterExtension static final RawOrigin rawOrigin = RawOrigin.start();

  @BeforeEach
  void startEmpty() {
    agent.post("/v1/reconcile", "live", List.of()).expect(200);
    agent.post("/v1/prune", "targetBytes", 0).expect(200);
    assertThat(agent.stat("disk.idleBytes")).isZero();
  }

  // ---- who goes

  @Test
  void theLeastRecentlyUsedGoesFirst() {
    prefetch("/lru/a", "/lru/b", "/lru/c", "/lru/d");
    prefetch("/lru/a");

    prefetch("/lru/e");
    assertThat(agent.keys())
        .containsExactlyInAnyOrderElementsOf(urls("/lru/a", "/lru/c", "/lru/d", "/lru/e"));
    prefetch("/lru/f");
    assertThat(agent.keys())
        .containsExactlyInAnyOrderElementsOf(urls("/lru/a", "/lru/d", "/lru/e", "/lru/f"));
  }

  @Test
  void anExecutableIsUsedWheneverItIsHandedOut() {
    serve("/executable");
    agent.prefetch(origin.url("/executable"), "executable", true);
    prefetch("/beside/1", "/beside/2");
    agent.prefetch(origin.url("/executable"), "executable", true);

    prefetch("/beside/3");

    assertThat(agent.keys())
        .containsExactlyInAnyOrderElementsOf(urls("/executable", "/beside/2", "/beside/3"));
  }

  @Test
  void theOrderOfUseSurvivesAStop() {
    prefetch("/order/a", "/order/b", "/order/c", "/order/d");
    prefetch("/order/a");
    agent.sigterm();
    agent.awaitExit();
    agent.start();

    prefetch("/order/e");

    assertThat(agent.keys())
        .containsExactlyInAnyOrderElementsOf(urls("/order/a", "/order/c", "/order/d", "/order/e"));
  }

  @Test
  void whatIsInUseIsNeverEvicted() {
    serve("/in-use");
    Download held = agent.download("in-use", "a", origin.url("/in-use"));

    prefetch("/others/1", "/others/2", "/others/3", "/others/4", "/others/5", "/others/6");

    assertThat(held.bytes()).isEqualTo(Content.random(4 * MIB, "/in-use"));
    assertThat(agent.hasBlob(held.digest())).isTrue();
    assertThat(agent.keys())
        .contains(origin.url("/in-use"))
        .doesNotContain(origin.url("/others/1"));
  }

  @Test
  void evictionsAreCounted() {
    double before = agent.metric("cached_downloads_evictions_total", "reason", "quota");
    double bytes = agent.metric("cached_downloads_evicted_bytes_total", "reason", "quota");
    double victims = agent.metric("cached_downloads_evicted_idle_seconds_count");

    prefetch("/counted/1", "/counted/2", "/counted/3", "/counted/4", "/counted/5");

    assertThat(agent.metric("cached_downloads_evictions_total", "reason", "quota"))
        .isEqualTo(before + 1);
    assertThat(agent.metric("cached_downloads_evicted_bytes_total", "reason", "quota"))
        .isEqualTo(bytes + 4 * MIB);
    assertThat(agent.metric("cached_downloads_evicted_idle_seconds_count")).isEqualTo(victims + 1);
  }

  // ---- the quota is kept

  @Test
  void theQuotaIsKeptAtEveryMomentOfParallelDownloads() {
    int quota = 40 * MIB;
    try (AgentProcess crowded =
        AgentProcess.running("quota.bytes", quota, "quota.waitForSpace", "100s")) {
      var downloads = IntStream.range(0, 24).mapToObj(i -> prefetchAsync(crowded, i)).toList();
      var samples = new ArrayList<Long>();
      while (!downloads.stream().allMatch(CompletableFuture::isDone)) {
        samples.add(DiskUsage.certainlyReached(crowded.state()));
        JsonNode disk = crowded.stats().path("disk");
        samples.add(disk.path("usedBytes").asLong() + disk.path("reservedBytes").asLong());
      }
      assertThat(downloads)
          .allSatisfy(download -> assertThat(result(download).outcome()).isEqualTo("miss"));
      assertThat(samples)
          .isNotEmpty()
          .allSatisfy(bytes -> assertThat(bytes).isLessThanOrEqualTo(quota));
      assertThat(samples).anySatisfy(bytes -> assertThat(bytes).isGreaterThan(4 * MIB));
    }
  }

  /** Every second one does not announce its length. */
  private static CompletableFuture<Download> prefetchAsync(AgentProcess agent, int i) {
    byte[] bytes = Content.random(4 * MIB, "parallel " + i);
    if (i % 2 == 0) {
      origin.serve("/parallel/" + i, bytes, "ETag: \"p\"");
    } else {
      origin.serveInChunks("/parallel/" + i, bytes, "ETag: \"p\"");
    }
    return agent.prefetchAsync(origin.url("/parallel/" + i));
  }

  @Test
  void usedBytesAreTheAllocatedBlocksOfAllParts() {
    serve("/used/a");
    serve("/used/b");
    origin.answer("/used/uncached", Origin.Answer.ok("not kept"));
    agent.download("used-1", "a", origin.url("/used/a"));
    agent.download("used-1", "tool", origin.url("/used/a"), "executable", true);
    agent.download("used-2", "deep/down/a", origin.url("/used/a"));
    agent.download("used-2", "uncached", origin.url("/used/uncached"));
    agent.prefetch(origin.url("/used/b"));
    agent.assertUsedIsAllocated();

    agent.release("used-1");
    agent.assertUsedIsAllocated();
    agent.release("used-2");
    agent.assertUsedIsAllocated();
    assertThat(agent.stat("disk.inUseBytes")).isZero();
  }

  @Test
  void partialDownloadsAreCountedAndTheirRoomIsReserved() {
    byte[] bytes = Content.random(8 * MIB, "/partial");
    rawOrigin.serveInHalves("/partial", bytes, "ETag: \"p\"");
    var download = agent.prefetchAsync(rawOrigin.url("/partial"));

    eventually()
        .untilAsserted(
            () -> {
              JsonNode disk = agent.stats().path("disk");
              assertThat(disk.path("partialBytes").asLong() + disk.path("reservedBytes").asLong())
                  .isGreaterThanOrEqualTo(8 * MIB);
              assertThat(DiskUsage.of(agent.state(), "ingest")).isGreaterThanOrEqualTo(2 * MIB);
            });
    rawOrigin.release("/partial");
    assertThat(result(download).digest()).isEqualTo(Content.checksum("sha256", bytes));
    eventually().until(() -> agent.stat("disk.reservedBytes") == 0);
    agent.assertUsedIsAllocated();
  }

  @Test
  void bytesMeanAllocatedBlocksNotLengths() {
    origin.serve("/tiny", "x", "ETag: \"t\"");

    agent.prefetch(origin.url("/tiny"));

    assertThat(agent.stat("disk.idleBytes"))
        .isEqualTo(DiskUsage.of(agent.state(), "blobs"))
        .isGreaterThan(1);
  }

  @Test
  void theNumberOfFilesHasAQuotaToo() {
    try (AgentProcess few = AgentProcess.running("quota.files", 30)) {
      for (int i = 0; i < 40; i++) {
        origin.serve("/few/" + i, "few " + i, "ETag: \"f\"");
        few.prefetch(origin.url("/few/" + i));
      }
      assertThat(few.keys())
          .hasSizeLessThanOrEqualTo(30)
          .contains(origin.url("/few/39"))
          .doesNotContain(origin.url("/few/0"));
      assertThat(few.metric("cached_downloads_evictions_total", "reason", "files")).isPositive();
    }
  }

  // ---- no room

  @Test
  void whenAllTheRestIsInUseTheRequestIsTold() {
    try (AgentProcess full =
        AgentProcess.running("quota.bytes", 10 * MIB, "quota.waitForSpace", "1s")) {
      origin.serve("/full/1", Content.random(6 * MIB, "full 1"), "ETag: \"1\"");
      origin.serve("/full/2", Content.random(6 * MIB, "full 2"), "ETag: \"2\"");
      origin.serveInChunks("/full/3", Content.random(6 * MIB, "full 3"), "ETag: \"3\"");
      full.download("full-1", "a", origin.url("/full/1"));

      Problem problem =
          full.refused("full-2", "a", origin.url("/full/2")).is(507, "insufficient-space");
      full.refused("full-3", "a", origin.url("/full/3")).is(507, "insufficient-space");

      assertThat(problem.bytes("quotaBytes")).isEqualTo(10 * MIB);
      assertThat(problem.bytes("inUseBytes")).isBetween(6L * MIB, 10L * MIB);
      assertThat(problem.bytes("neededBytes")).isPositive();
      assertThat(full.knows("full-2")).isFalse();
      assertThat(full.stat("disk.usedBytes")).isLessThanOrEqualTo(10 * MIB);
    }
  }

  @Test
  void whatIsLargerThanTheQuotaIsTold() {
    try (AgentProcess small =
        AgentProcess.running("quota.bytes", 4 * MIB, "quota.waitForSpace", "1s")) {
      origin.serve("/small/kept", "kept", "ETag: \"k\"");
      origin.serve("/small/huge", Content.random(5 * MIB, "huge"), "ETag: \"h\"");
      small.prefetch(origin.url("/small/kept"));

      small.refused("huge", "a", origin.url("/small/huge")).is(507, "insufficient-space");

      assertThat(small.knows("huge")).isFalse();
    }
  }

  @Test
  void aDownloadThatWaitsForRoomGetsItWhenAReferenceIsReleased() {
    origin.serve("/waits/1", Content.random(12 * MIB, "waits 1"), "ETag: \"1\"");
    origin.serve("/waits/2", Content.random(12 * MIB, "waits 2"), "ETag: \"2\"");
    agent.download("waits-1", "a", origin.url("/waits/1"));
    var waiting = agent.downloadAsync("waits-2", "a", origin.url("/waits/2"));
    origin.awaitHits("/waits/2", 1);

    agent.release("waits-1");

    assertThat(result(waiting).outcome()).isEqualTo("miss");
  }

  @Test
  void theFloorOfFreeSpaceIsKept() {
    try (AgentProcess floor =
        AgentProcess.running("quota.minFreeBytes", 1L << 50, "quota.waitForSpace", "1s")) {
      origin.serve("/floor", Content.random(MIB, "floor"), "ETag: \"f\"");

      floor.refused("floor", "a", origin.url("/floor")).is(507, "insufficient-space");

      assertThat(floor.stat("disk.minFreeBytes")).isEqualTo(1L << 50);
      assertThat(floor.knows("floor")).isFalse();
    }
  }

  // ---- prune, delete

  @Test
  void pruneEvictsWhatNobodyUses() {
    serve("/prune/held");
    agent.download("prune", "a", origin.url("/prune/held"));
    prefetch("/prune/idle");

    JsonNode pruned = agent.post("/v1/prune", "targetBytes", 0).expect(200).json();

    assertThat(Json.texts(pruned.path("entries"), "key"))
        .containsExactly(origin.url("/prune/idle"));
    assertThat(pruned.path("freedBytes").asLong()).isGreaterThanOrEqualTo(4 * MIB);
    assertThat(agent.keys()).containsExactly(origin.url("/prune/held"));
    assertThat(agent.view("prune").resolve("a")).exists();
  }

  @Test
  void aDryRunOnlyTells() {
    prefetch("/dry/1", "/dry/2");

    JsonNode pruned = agent.post("/v1/prune", "targetBytes", 0, "dryRun", true).expect(200).json();

    assertThat(Json.texts(pruned.path("entries"), "key"))
        .containsExactlyInAnyOrderElementsOf(urls("/dry/1", "/dry/2"));
    assertThat(pruned.path("freedBytes").asLong()).isGreaterThanOrEqualTo(8 * MIB);
    assertThat(agent.keys()).containsExactlyInAnyOrderElementsOf(urls("/dry/1", "/dry/2"));
  }

  @Test
  void aTargetKeepsTheMostRecentlyUsed() {
    prefetch("/target/1", "/target/2", "/target/3");

    agent.post("/v1/prune", "targetBytes", 9 * MIB).expect(200);

    assertThat(agent.keys()).containsExactlyInAnyOrderElementsOf(urls("/target/2", "/target/3"));
    assertThat(agent.stat("disk.usedBytes")).isLessThanOrEqualTo(9 * MIB);
  }

  @Test
  void pruneCanBeLimitedByKeyAndAge() {
    prefetch("/limited/a/1", "/limited/b/1");

    JsonNode old = agent.post("/v1/prune", "olderThan", "24h").expect(200).json();
    JsonNode prefixed =
        agent.post("/v1/prune", "keyPrefix", origin.url("/limited/a/")).expect(200).json();

    assertThat(old.path("entries")).isEmpty();
    assertThat(Json.texts(prefixed.path("entries"), "key"))
        .containsExactly(origin.url("/limited/a/1"));
    assertThat(agent.keys()).containsExactly(origin.url("/limited/b/1"));
  }

  @Test
  void aDeletedEntryIsForgottenWhileItsBytesStayUntilReleased() {
    serve("/deleted");
    Download held = agent.download("deleted", "a", origin.url("/deleted"));

    agent.send(Request.delete(Request.entryPath(origin.url("/deleted")))).expect(204);

    agent.get(Request.entryPath(origin.url("/deleted"))).problem().is(404, "not-found");
    assertThat(held.bytes()).hasSize(4 * MIB);
    agent.assertUsedIsAllocated();
    assertThat(agent.prefetch(origin.url("/deleted")).outcome()).isEqualTo("miss");
    agent.send(Request.delete(Request.entryPath(origin.url("/deleted")))).expect(204);
    agent.release("deleted");
    eventually().until(() -> !agent.hasBlob(held.digest()));
    agent.assertUsedIsAllocated();
  }

  // ---- given

  /** Lets the origin serve 4 MiB of its own at the path. */
  private static void serve(String path) {
    origin.serve(path, Content.random(4 * MIB, path), "ETag: \"e\"");
  }

  private static void prefetch(String... paths) {
    for (String path : paths) {
      serve(path);
      agent.prefetch(origin.url(path));
    }
  }

  private static List<String> urls(String... paths) {
    return Stream.of(paths).map(origin::url).toList();
  }
}
