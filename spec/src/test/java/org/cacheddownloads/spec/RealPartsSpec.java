package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.AgentClient.result;
import static org.cacheddownloads.spec.Eventually.eventually;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * With the parts of the real world: nginx as the origin, a runc container that reads its downloads,
 * a Prometheus that scrapes.
 */
class RealPartsSpec {
  @RegisterExtension static final AgentProcess agent = AgentProcess.with();

  @Test
  void nginxIsRevalidatedByItsOwnETags() {
    try (NginxOrigin nginx = NginxOrigin.start()) {
      nginx.write("/ruby.zip", "ruby 3.3");
      Download first = agent.download("nginx", "ruby", nginx.url("/ruby.zip"));
      Download same = agent.download("nginx", "ruby", nginx.url("/ruby.zip"));
      nginx.write("/ruby.zip", "ruby 3.4.1");
      Download changed = agent.download("nginx", "ruby", nginx.url("/ruby.zip"));

      assertThat(first.outcome()).isEqualTo("miss");
      assertThat(first.text("etag")).isNotEmpty();
      assertThat(same.outcome()).isEqualTo("revalidated");
      assertThat(changed.outcome()).isEqualTo("updated");
      assertThat(changed.content()).isEqualTo("ruby 3.4.1");
      eventually()
          .untilAsserted(
              () ->
                  assertThat(nginx.requests())
                      .containsExactly(
                          "GET /ruby.zip 200", "GET /ruby.zip 304", "GET /ruby.zip 200"));
    }
  }

  @Test
  void aDownloadComesThroughWhenNginxBreaksHalfWay() {
    byte[] bytes = Content.random(8 * Content.MIB, "half way");
    try (NginxOrigin nginx = NginxOrigin.startWith("limit_rate 2m;")) {
      nginx.write("/large", bytes);
      var download = agent.downloadAsync("half-way", "a", nginx.url("/large"));
      eventually().until(() -> DiskUsage.of(agent.state(), "ingest") >= Content.MIB);

      nginx.crashAndRestart();

      assertThat(result(download).bytes()).isEqualTo(bytes);
    }
  }

  @Test
  void aContainerReadsItsDownloadsAndNothingElse() {
    try (Origin origin = Origin.start()) {
      origin.serve("/ruby", "ruby", "ETag: \"1\"");
      origin.serve("/other", "of another container", "ETag: \"o\"");
      agent.download("reads", "buildpacks/ruby", origin.url("/ruby"));
      Download other = agent.download("reads-other", "other", origin.url("/other"));

      try (RuncContainer container =
          RuncContainer.start(agent.container("reads").path("mount"), "true")) {
        assertThat(container.exec("cat /cached-downloads/buildpacks/ruby").output())
            .isEqualTo("ruby");
        assertThat(container.exec("find /cached-downloads").output())
            .contains("/cached-downloads/buildpacks/ruby")
            .doesNotContain("other")
            .doesNotContain(other.digest().substring("sha256:".length()));
        assertThat(container.exec("cat /cached-downloads/../reads-other/other").exit()).isNotZero();
      }
    }
  }

  @Test
  void aContainerCannotWriteToItsDownloads() {
    try (Origin origin = Origin.start()) {
      origin.serve("/ruby", "ruby", "ETag: \"1\"");
      Download ruby = agent.download("writes", "ruby", origin.url("/ruby"));

      try (RuncContainer container =
          RuncContainer.start(agent.container("writes").path("mount"), "true")) {
        assertThat(container.exec("touch /cached-downloads/new").errors())
            .contains("Read-only file system");
        assertThat(container.exec("echo x >> /cached-downloads/ruby").exit()).isNotZero();
        assertThat(container.exec("rm /cached-downloads/ruby").exit()).isNotZero();
        assertThat(container.exec("rm -r /cached-downloads/.cached-downloads").exit()).isNotZero();
      }
      assertThat(ruby.content()).isEqualTo("ruby");
    }
  }

  @Test
  void aRunningContainerSeesNewNamesAndKeepsOldBytesOpen() {
    try (Origin origin = Origin.start()) {
      origin.serve("/ruby", "old bytes", "ETag: \"1\"");
      Download old = agent.download("runs", "ruby", origin.url("/ruby"));

      try (RuncContainer container =
          RuncContainer.start(
              agent.container("runs").path("mount"), "exec 3< /cached-downloads/ruby")) {
        origin.serve("/ruby", "new bytes", "ETag: \"2\"");
        agent.download("runs", "ruby", origin.url("/ruby"));
        agent.download("runs", "php", origin.url("/ruby"));
        agent.post("/v1/prune", "targetBytes", 0).expect(200);

        assertThat(agent.hasBlob(old.digest())).as("the old bytes are evicted").isFalse();
        assertThat(container.exec("cat /proc/1/fd/3").output()).isEqualTo("old bytes");
        assertThat(container.exec("cat /cached-downloads/ruby").output()).isEqualTo("new bytes");
        assertThat(container.exec("cat /cached-downloads/php").output()).isEqualTo("new bytes");
      }
    }
  }

  @Test
  void aContainerThatWasNotSwitchedKeepsItsBytesWhenTheEntryIsGone() {
    try (Origin origin = Origin.start()) {
      origin.serve("/kept", "old bytes", "ETag: \"1\"");
      agent.download("keeps", "ruby", origin.url("/kept"));

      try (RuncContainer container =
          RuncContainer.start(agent.container("keeps").path("mount"), "true")) {
        origin.serve("/kept", "new bytes", "ETag: \"2\"");
        agent.download("keeps-other", "ruby", origin.url("/kept"));
        agent.send(Request.delete(Request.entryPath(origin.url("/kept")))).expect(204);
        agent.post("/v1/prune", "targetBytes", 0).expect(200);

        assertThat(container.exec("cat /cached-downloads/ruby").output()).isEqualTo("old bytes");
      }
    }
  }

  // ---- directories

  /** A shell script, a symlink to it, and a native program. */
  private static byte[] tools(String version) {
    try {
      Path busybox = Path.of(Project.tool("busybox", "busybox-static"));
      return new RawTar()
          .withProgram(version)
          .executable("bin/busybox", Files.readAllBytes(busybox))
          .gzip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"link", "mount"})
  void aContainerListsADirectoryAndRunsItsPrograms(String deliver) {
    try (Origin origin = Origin.start()) {
      origin.serve("/tools", tools("1.2.3"), "ETag: \"t\"");
      String id = "programs-" + deliver;
      agent.download(id, "deep/tools", origin.url("/tools"), "as", "directory", "deliver", deliver);

      try (RuncContainer container = RuncContainer.startWhole(agent.container(id), "true")) {
        String tools = "/cached-downloads/deep/tools";
        assertThat(container.exec("ls " + tools + "/ " + tools + "/bin").output().lines())
            .contains("version", "hello", "relative", "busybox");
        assertThat(container.exec(tools + "/bin/hello").output()).isEqualTo("1.2.3");
        assertThat(container.exec(tools + "/bin/relative").output()).isEqualTo("1.2.3");
        assertThat(container.exec(tools + "/bin/busybox echo native").output())
            .isEqualTo("native\n");
        assertThat(container.exec("readlink " + tools + "/bin/relative").output())
            .isEqualTo("hello\n");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"link", "mount"})
  void aContainerCannotWriteToADirectory(String deliver) {
    try (Origin origin = Origin.start()) {
      origin.serve("/tools", tools("read-only"), "ETag: \"t\"");
      String id = "unwritable-" + deliver;
      agent.download(id, "tools", origin.url("/tools"), "as", "directory", "deliver", deliver);

      try (RuncContainer container = RuncContainer.startWhole(agent.container(id), "true")) {
        assertThat(container.exec("touch /cached-downloads/tools/new").errors())
            .contains("Read-only file system");
        assertThat(container.exec("echo x >> /cached-downloads/tools/version").exit()).isNotZero();
        assertThat(container.exec("rm -r /cached-downloads/tools/bin").exit()).isNotZero();
        assertThat(container.exec("cat /cached-downloads/tools/version").output())
            .isEqualTo("read-only");
      }
    }
  }

  @Test
  void aRunningContainerSeesTheNewVersionOfALinkedDirectory() {
    try (Origin origin = Origin.start()) {
      origin.serve("/tools", tools("old"), "ETag: \"1\"");
      agent.download("relinked", "tools", origin.url("/tools"), "as", "directory");

      try (RuncContainer container =
          RuncContainer.startWhole(
              agent.container("relinked"), "exec 3< /cached-downloads/tools/version")) {
        origin.serve("/tools", tools("new"), "ETag: \"2\"");
        agent.download("relinked", "tools", origin.url("/tools"), "as", "directory");
        agent.post("/v1/prune", "targetBytes", 0).expect(200);

        assertThat(container.exec("/cached-downloads/tools/bin/hello").output()).isEqualTo("new");
        assertThat(container.exec("cat /proc/1/fd/3").output()).isEqualTo("old");
      }
    }
  }

  /** The kernel cannot switch a mount under a container; what it has must not vanish. */
  @Test
  void aRunningContainerKeepsTheDirectoryThatIsMounted() {
    try (Origin origin = Origin.start()) {
      origin.serve("/tools", tools("old"), "ETag: \"1\"");
      Object[] mount = {"as", "directory", "deliver", "mount"};
      agent.download("remounted", "tools", origin.url("/tools"), mount);

      try (RuncContainer container =
          RuncContainer.startWhole(agent.container("remounted"), "true")) {
        origin.serve("/tools", tools("new"), "ETag: \"2\"");
        agent.download("remounted", "tools", origin.url("/tools"), mount);
        agent.post("/v1/prune", "targetBytes", 0).expect(200);

        assertThat(container.exec("/cached-downloads/tools/bin/hello").output()).isEqualTo("old");
      }
      try (RuncContainer container =
          RuncContainer.startWhole(agent.container("remounted"), "true")) {
        assertThat(container.exec("/cached-downloads/tools/bin/hello").output()).isEqualTo("new");
      }
    }
  }

  // ---- metrics

  @Test
  void prometheusHasTheHitCounterAfterOneHit() {
    try (Origin origin = Origin.start();
        AgentProcess scraped = AgentProcess.running()) {
      origin.serve("/fresh", "hello", "Cache-Control: max-age=600");
      scraped.download("prometheus", "a", origin.url("/fresh"));
      assertThat(scraped.download("prometheus", "a", origin.url("/fresh")).outcome())
          .isEqualTo("hit");

      try (PrometheusServer prometheus = PrometheusServer.scraping(scraped.tcpAddress())) {
        prometheus.awaitValue("cached_downloads_requests_total{outcome=\"hit\"}", 1);
      }
    }
  }
}
