package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.AgentClient.result;
import static org.cacheddownloads.spec.Content.MIB;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.cacheddownloads.spec.VersionedOrigin.Item;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What happens when the disk refuses: the request is told why, what it held is given back, what is
 * here is handed out as long as the kernel allows it, and {@code /readyz} says that the disk fails,
 * until it works again.
 */
class StorageFaultSpec {
  private static final int ITEMS = 8;

  /** Every fifth item, so the first one too, is fresh for an hour. */
  @RegisterExtension
  static final VersionedOrigin origin = VersionedOrigin.start(3, ITEMS, _ -> 300_000);

  @RegisterExtension static final RawOrigin rawOrigin = RawOrigin.start();

  private final Path images = Project.temporaryDirectory();
  private final List<AutoCloseable> open = new ArrayList<>();

  private <T extends AutoCloseable> T owned(T part) {
    open.addFirst(part);
    return part;
  }

  private AgentProcess agentOn(Disk disk) {
    return owned(
        AgentProcess.with(
            "state",
            disk.path().resolve("state").toString(),
            "quota.minFreeBytes",
            0,
            "quota.waitForSpace",
            "2s",
            "fetch.attempts",
            1,
            "durability.flushInterval",
            "250ms"));
  }

  /** Starts an agent that was killed with its state on another mount, which it leaves first. */
  private void startOn(Disk disk, AgentProcess agent) {
    owned(disk);
    open.remove(agent);
    owned(agent).configure("state", disk.path().resolve("state").toString()).start();
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable part : open) {
      part.close();
    }
    Project.delete(images);
  }

  // ---- input/output errors

  /** The image lies on a file system that has no block left for what ext4 writes back. */
  @Test
  void whatCannotBeSyncedIsDroppedAndFetchedAgain() {
    Disk backing = owned(Disk.tmpfs("size=128m"));
    Path image = backing.path().resolve("disk.img");
    Disk disk = owned(Disk.thinExt4(image, 256L * MIB, "errors=continue"));
    AgentProcess agent = agentOn(disk).onBoot(UUID.randomUUID().toString());
    agent.start();
    agent.download("kept", "a", item(0).url());
    awaitDurable(agent, item(0));

    Path filler = backing.fill();
    for (int i = 1; i < ITEMS; i++) {
      agent.send(AgentClient.prefetchRequest(item(i).url())).expect(200, 503);
    }
    // What is dropped gives blocks back that the image has, so a probe may soon work again.
    eventually()
        .until(() -> agent.log().contains("the disk fails, 3 errors in a row; last: cannot sync"));
    eventually().until(() -> agent.keys().equals(List.of(item(0).url())));
    assertHandedOut(agent, "kept", item(0));
    assertHandedOut(agent, "another", item(0));

    Project.delete(filler);
    awaitWell(agent);
    int before = item(1).bodies();
    // The kernel may tell once more of what it could not write before.
    eventually()
        .until(() -> agent.send(AgentClient.prefetchRequest(item(1).url())).status() == 200);
    assertHandedOut(agent, "fetched", item(1));
    assertThat(item(1).bodies()).as("what was dropped is fetched again").isGreaterThan(before);
    awaitDurable(agent, item(1));
    int fetched = item(1).bodies();
    assertUsedIsAllocated(agent);

    agent.kill9();
    disk.close();
    startOn(Disk.mount(image, ""), agent.onBoot(UUID.randomUUID().toString()));
    assertHandedOut(agent, "after", item(0));
    assertHandedOut(agent, "after", item(1));
    assertThat(item(1).bodies()).as("what was called durable is on the disk").isEqualTo(fetched);
  }

  // ---- read-only

  /** Either the file system itself finds an error, or the disk below it takes nothing any more. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aDiskThatTakesNothingIsToldAndHandsOutWhatIsHere(boolean below) {
    Disk backing = owned(Disk.ext4(images.resolve("backing.img"), 400L * MIB, "errors=remount-ro"));
    Path image = backing.path().resolve("disk.img");
    Disk disk = owned(Disk.ext4(image, 256L * MIB, "errors=remount-ro"));
    AgentProcess agent = agentOn(disk);
    agent.start();
    agent.download("kept", "a", item(0).url());
    agent.download("kept", "b", item(1).url());
    awaitDurable(agent, item(1));

    (below ? backing : disk).breakDown();
    eventually()
        .until(() -> agent.send(AgentClient.prefetchRequest(item(2).url())).status() == 503);
    for (int i = 3; i < 6; i++) {
      Problem problem = agent.refused("new", "a", item(i).url()).is(503, "not-ready");
      assertThat(problem.detail()).containsAnyOf("Read-only file system", "Input/output error");
    }
    awaitUnwell(agent, "cannot");
    assertHandedOut(agent, "kept", "a", item(0));
    assertHandedOut(agent, "kept", "b", item(1));
    agent.send(Request.delete(Request.downloadPath("kept", "a"))).problem().is(503, "not-ready");
    assertHandedOut(agent, "kept", "a", item(0));
    assertUsedIsAllocated(agent);
    assertThat(agent.knows("new")).isFalse();

    agent.kill9();
    disk.close();
    backing.close();
    Disk mended = owned(Disk.mount(images.resolve("backing.img"), ""));
    startOn(Disk.mount(mended.path().resolve("disk.img"), ""), agent);
    int before = item(1).bodies();
    assertHandedOut(agent, "kept", "a", item(0));
    assertHandedOut(agent, "kept", "b", item(1));
    assertHandedOut(agent, "new", "a", item(2));
    assertThat(item(1).bodies()).isEqualTo(before);
    assertThat(agent.get("/readyz").status()).isEqualTo(200);
  }

  // ---- no space

  @Test
  void aDiskThatOthersFillDuringADownloadIsToldAndIsNoFaultOfTheDisk() {
    Disk disk = owned(Disk.ext4(images.resolve("disk.img"), 64L * MIB, ""));
    AgentProcess agent = agentOn(disk);
    agent.start();
    byte[] body = Content.random(16 * MIB, "filled meanwhile");
    for (int i = 0; i < 4; i++) {
      String path = "/filled/" + i;
      rawOrigin.serveInHalves(path, body, "ETag: \"f\"");
      var download = agent.sendAsync(AgentClient.downloadRequest("c", "a", rawOrigin.url(path)));
      eventually().until(() -> DiskUsage.of(agent.state(), "ingest") >= 7 * MIB);
      Path filler = disk.fill();
      rawOrigin.release(path);
      result(download).problem().is(507, "insufficient-space");
      Project.delete(filler);
      agent.post("/v1/prune", "targetBytes", 0).expect(200);
    }
    assertThat(agent.knows("c")).isFalse();
    assertUsedIsAllocated(agent);
    assertThat(agent.get("/readyz").status()).isEqualTo(200);
    assertThat(agent.metric("cached_downloads_storage_healthy")).isEqualTo(1);
    assertHandedOut(agent, "c", item(1));
  }

  // ---- open files

  @Test
  void anAgentWithoutFileDescriptorsIsBusyAndHandsOutWhatIsHere() {
    AgentProcess agent = owned(AgentProcess.running("fetch.attempts", 1));
    agent.download("kept", "a", item(0).url());
    agent.prefetch(item(1).url()); // leaves a connection to the origin open

    limitOpenFiles(agent, openFiles(agent) + 1); // for the connection of the caller
    for (int i = 2; i < 6; i++) {
      Item item = item(i);
      Problem problem = agent.refused("new", "a", item.url()).is(503, "busy");
      assertThat(problem.detail()).contains("open files");
    }
    assertHandedOut(agent, "kept", "a", item(0));
    assertThat(agent.get("/readyz").status()).isEqualTo(200);

    limitOpenFiles(agent, 10_000);
    assertHandedOut(agent, "new", item(2));
    assertUsedIsAllocated(agent);
  }

  private static long openFiles(AgentProcess agent) {
    return Child.run(List.of("ls", "/proc/" + agent.pid() + "/fd")).output().lines().count();
  }

  private static void limitOpenFiles(AgentProcess agent, long most) {
    Child.Outcome outcome =
        Child.run(
            List.of(
                Project.tool("prlimit", "util-linux"),
                "--pid",
                Long.toString(agent.pid()),
                "--nofile=" + most + ":"));
    assertThat(outcome.exit()).as(outcome.errors()).isZero();
  }

  // ---- what is seen

  private static Item item(int number) {
    return origin.items().get(number);
  }

  private static void assertHandedOut(AgentProcess agent, String container, Item item) {
    assertHandedOut(agent, container, "a" + item.number(), item);
  }

  private static void assertHandedOut(
      AgentProcess agent, String container, String name, Item item) {
    Download download = agent.download(container, name, item.url());
    assertThat(Content.checksum("sha256", download.bytes())).isEqualTo(item.now().digest());
  }

  private static void awaitDurable(AgentProcess agent, Item item) {
    String hex = item.now().digest().substring("sha256:".length());
    eventually().until(() -> new CatalogFile(agent.state()).durable().contains(hex));
  }

  /** On both listeners. */
  private static void awaitUnwell(AgentProcess agent, String why) {
    eventually()
        .untilAsserted(
            () -> {
              assertThat(agent.get("/readyz").status()).isEqualTo(503);
              Problem problem = agent.tcp().get("/readyz").problem().is(503, "not-ready");
              assertThat(problem.json().path("reasons").toString())
                  .contains("in a row")
                  .contains(why);
              assertThat(agent.metric("cached_downloads_storage_healthy")).isZero();
            });
  }

  private static void awaitWell(AgentProcess agent) {
    eventually()
        .untilAsserted(
            () -> {
              assertThat(agent.get("/readyz").status()).isEqualTo(200);
              assertThat(agent.tcp().get("/readyz").status()).isEqualTo(200);
              assertThat(agent.metric("cached_downloads_storage_healthy")).isEqualTo(1);
            });
  }

  private static void assertUsedIsAllocated(AgentProcess agent) {
    eventually()
        .untilAsserted(
            () -> {
              JsonNode disk = agent.stats().path("disk");
              assertThat(disk.path("reservedBytes").asLong()).isZero();
              assertThat(disk.path("usedBytes").asLong()).isEqualTo(DiskUsage.of(agent.state()));
            });
  }
}
