package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Bits that flip on the disk, in blobs and in the catalog: they are found before bytes are served,
 * or within one cycle of the scrubber, and wrong bytes are never handed out a second time.
 */
class RotSpec {
  /** Where the random flips begin; printed with each failure. */
  private static final long SEED = Long.getLong("rot.seed", System.nanoTime());

  /** What SQLite reads and writes at once. */
  private static final int PAGE = 4096;

  @RegisterExtension static final Origin origin = Origin.start();

  private static AgentProcess scrubbing() {
    return AgentProcess.running(
        "durability.scrubPeriod", "2s", "durability.flushInterval", "200ms");
  }

  private static void flip(Path file, long at) throws IOException {
    var permissions = Files.getPosixFilePermissions(file);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    byte[] bytes = Files.readAllBytes(file);
    bytes[(int) at] ^= 4;
    Files.write(file, bytes);
    Files.setPosixFilePermissions(file, permissions);
  }

  // ---- blobs

  @Test
  void theScrubberFindsAnIdleBlobThatRotted() throws IOException {
    byte[] bytes = Content.random(3 * Content.MIB + 5, "idle");
    origin.serve("/idle", bytes, "ETag: \"1\"");
    try (AgentProcess agent = scrubbing()) {
      Download first = agent.prefetch(origin.url("/idle"));
      flip(agent.blob(first.digest()), 2 * Content.MIB);

      agent.awaitMetric("cached_downloads_damaged_blobs_total", 1);
      eventually().until(() -> !agent.hasBlob(first.digest()));

      assertThat(agent.stat("cache.entries")).isZero();
      assertThat(agent.stat("disk.quarantineBytes"))
          .isEqualTo(DiskUsage.of(agent.state(), "quarantine"))
          .isPositive();
      Download again = agent.download("c", "a", origin.url("/idle"));
      assertThat(again.outcome()).isEqualTo("miss");
      assertThat(Content.checksum("sha256", Files.readAllBytes(again.file())))
          .isEqualTo(Content.checksum("sha256", bytes));
    }
  }

  @Test
  void theScrubberReportsABlobInUseThatRottedAndLeavesItToItsViews() throws IOException {
    origin.serve("/used", "used bytes", "ETag: \"1\"");
    try (AgentProcess agent = scrubbing()) {
      Download used = agent.download("holder", "a", origin.url("/used"));
      flip(agent.blob(used.digest()), 0);

      eventually()
          .until(() -> agent.metric("cached_downloads_damaged_blobs_total", "in_use", "true") == 1);

      assertThat(Files.exists(used.file())).isTrue();
      Download anew = agent.download("other", "a", origin.url("/used"));
      assertThat(anew.outcome()).isEqualTo("miss");
      assertThat(anew.content()).isEqualTo("used bytes");
      agent.release("holder");
      agent.release("other");
      eventually()
          .untilAsserted(
              () ->
                  assertThat(agent.stat("disk.usedBytes")).isEqualTo(DiskUsage.of(agent.state())));
    }
  }

  @Test
  void theScrubberGoesRoundAgainAndLeavesSoundBlobsAlone() {
    try (AgentProcess agent = scrubbing()) {
      for (int i = 0; i < 20; i++) {
        origin.serve("/sound" + i, "sound " + i, "ETag: \"1\"");
        agent.prefetch(origin.url("/sound" + i));
      }
      agent.awaitMetric("cached_downloads_scrub_passes_total", 3);
      assertThat(agent.stat("cache.blobs")).isEqualTo(20);
      assertThat(agent.metric("cached_downloads_damaged_blobs_total")).isZero();
    }
  }

  // ---- the catalog

  @Test
  void aCatalogThatIsNoDatabaseIsSetAsideAndRebuilt() throws IOException {
    origin.serve("/held", "held", "ETag: \"1\"");
    origin.serve("/idle2", "idle2", "ETag: \"1\"");
    try (AgentProcess agent = AgentProcess.running()) {
      Download held = agent.download("c", "a/b", origin.url("/held"), "executable", true);
      Download idle = agent.prefetch(origin.url("/idle2"));
      long used = agent.stat("disk.usedBytes");
      agent.sigterm(); // after a kill SQLite would have it all again from its log
      agent.awaitExit();
      Files.writeString(agent.state().resolve("catalog.db"), "nothing like a database");

      agent.start();

      assertThat(agent.log()).contains("the damaged catalog was set aside");
      assertThat(agent.state().resolve("catalog.db.damaged")).exists();
      assertThat(agent.view("c").resolve("a/b")).hasContent("held").isExecutable();
      assertThat(Json.texts(agent.container("c").path("downloads"), "digest"))
          .containsExactly(held.digest());
      assertThat(agent.blob(idle.digest())).exists();
      eventually()
          .untilAsserted(
              () -> {
                assertThat(agent.stat("disk.usedBytes")).isEqualTo(used);
                assertThat(DiskUsage.of(agent.state())).isEqualTo(used);
              });
      assertThat(agent.download("c", "i", origin.url("/idle2")).outcome()).isEqualTo("miss");
      agent.restart();
      assertThat(agent.download("c", "i", origin.url("/idle2")).outcome()).isEqualTo("revalidated");
    }
  }

  @Test
  void damageInsideTheCatalogNeverLeadsToWrongBytesAndIsMended() throws IOException {
    System.err.println("rot.seed=" + SEED);
    var random = new Random(SEED);
    int files = 30;
    for (int i = 0; i < files; i++) {
      origin.serve("/cat" + i, "body of " + i, "ETag: \"" + i + "\"");
    }
    int mended = 0;
    for (int round = 0; round < 3; round++) {
      try (AgentProcess agent = AgentProcess.running()) {
        for (int i = 0; i < files; i++) {
          agent.download("c" + i % 3, "n" + i, origin.url("/cat" + i));
        }
        agent.sigterm();
        agent.awaitExit();
        Path catalog = agent.state().resolve("catalog.db");
        byte[] bytes = Files.readAllBytes(catalog);
        for (int flips = 0; flips < 20; flips++) { // anywhere, and in the heads of pages
          int anywhere = random.nextInt(bytes.length);
          int head = random.nextInt(bytes.length / PAGE) * PAGE + random.nextInt(16);
          bytes[anywhere] ^= (byte) (1 << random.nextInt(8));
          bytes[flips < round ? head : anywhere] ^= (byte) (1 << random.nextInt(8));
        }
        Files.write(catalog, bytes);

        agent.start();

        for (int i = 0; i < files; i++) {
          assertThat(agent.view("c" + i % 3).resolve("n" + i)).hasContent("body of " + i);
          Download download = servedInTheEnd(agent, "d", "n" + i, origin.url("/cat" + i));
          assertThat(download.content()).as("seed %d", SEED).isEqualTo("body of " + i);
        }
        eventually()
            .untilAsserted(
                () ->
                    assertThat(agent.stat("disk.usedBytes"))
                        .as("seed %d", SEED)
                        .isEqualTo(DiskUsage.of(agent.state())));
        mended += agent.log().contains("rebuilt the catalog") ? 1 : 0;
      }
    }
    assertThat(mended).as("rounds in which the catalog was rebuilt, seed %d", SEED).isPositive();
  }

  /** While a damaged catalog is being mended requests are refused for a moment. */
  private static Download servedInTheEnd(
      AgentProcess agent, String container, String name, String url) {
    var found = new Download[1];
    eventually()
        .ignoreExceptions()
        .until(
            () -> {
              Reply reply = agent.send(AgentClient.downloadRequest(container, name, url));
              if (reply.status() >= 500) {
                return false;
              }
              found[0] = new Download(reply.status(), reply.json());
              return true;
            });
    return found[0];
  }
}
