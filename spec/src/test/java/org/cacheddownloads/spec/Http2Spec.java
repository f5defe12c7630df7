package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.cacheddownloads.spec.Eventually.eventually;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** HTTP/2 with a real nginx: many downloads on one connection, each with a fate of its own. */
class Http2Spec {
  private static final int MIB = Content.MIB;

  private static AgentProcess agentFor(NginxOrigin nginx, Object... overrides) {
    AgentProcess agent =
        AgentProcess.with("origins.trust", List.of(nginx.certificate().toString()))
            .configure(overrides);
    try {
      agent.start();
      return agent;
    } catch (RuntimeException | Error e) {
      agent.close();
      throw e;
    }
  }

  private static List<NginxOrigin.Served> served(NginxOrigin nginx, String path) {
    return nginx.served().stream().filter(one -> one.path().equals(path)).toList();
  }

  @Test
  void anHttpsOriginIsSpokenToInHttp2() {
    byte[] bytes = Content.random(64 * MIB, "h2");
    try (NginxOrigin nginx = NginxOrigin.startTls("");
        AgentProcess agent = agentFor(nginx)) {
      nginx.write("/large", bytes);
      Download download = agent.prefetch(nginx.url("/large"));
      assertThat(download.digest()).isEqualTo(Content.checksum("sha256", bytes));
      assertThat(agent.prefetch(nginx.url("/large")).outcome()).isEqualTo("revalidated");
      eventually().until(() -> served(nginx, "/large").size() == 2);
      assertThat(served(nginx, "/large"))
          .extracting(NginxOrigin.Served::protocol, NginxOrigin.Served::status)
          .containsExactly(tuple("HTTP/2.0", "200"), tuple("HTTP/2.0", "304"));
      assertThat(served(nginx, "/large").stream().map(NginxOrigin.Served::connection).distinct())
          .hasSize(1);
    }
  }

  /** The certificate names this address too. */
  @Test
  void anHttpsOriginMayBeNamedByAnIpv6Address() {
    try (NginxOrigin nginx = NginxOrigin.startTls("");
        AgentProcess agent = agentFor(nginx)) {
      nginx.write("/six", "six");
      assertThat(agent.prefetch(nginx.urlAs("[::1]", "/six")).size()).isEqualTo(3);
    }
  }

  @Test
  void anHttpsOriginWithoutHttp2IsSpokenToInHttp11() {
    try (NginxOrigin nginx = NginxOrigin.startTlsWithoutHttp2();
        AgentProcess agent = agentFor(nginx)) {
      nginx.write("/old", "old");
      assertThat(agent.prefetch(nginx.url("/old")).size()).isEqualTo(3);
      eventually().until(() -> served(nginx, "/old").size() == 1);
      assertThat(served(nginx, "/old").getFirst().protocol()).isEqualTo("HTTP/1.1");
    }
  }

  @Test
  void aCleartextOriginIsSpokenToInHttp11() {
    try (NginxOrigin nginx = NginxOrigin.start();
        AgentProcess agent = AgentProcess.running()) {
      nginx.write("/clear", "clear");
      agent.prefetch(nginx.url("/clear"));
      eventually().until(() -> served(nginx, "/clear").size() == 1);
      assertThat(served(nginx, "/clear").getFirst().protocol()).isEqualTo("HTTP/1.1");
    }
  }

  @Test
  void downloadsOfOneOriginShareAConnection() {
    try (NginxOrigin nginx = NginxOrigin.startTls("");
        AgentProcess agent = agentFor(nginx)) {
      nginx.write("/first", "first");
      agent.prefetch(nginx.url("/first"));
      var running = new ArrayList<CompletableFuture<Download>>();
      for (int i = 0; i < 16; i++) {
        nginx.write("/" + i, Content.random(8 * MIB, "shared" + i));
        running.add(agent.prefetchAsync(nginx.url("/" + i)));
      }
      for (int i = 0; i < 16; i++) {
        assertThat(running.get(i).join().digest())
            .isEqualTo(Content.checksum("sha256", Content.random(8 * MIB, "shared" + i)));
      }
      eventually().until(() -> nginx.served().size() == 17);
      assertThat(nginx.served().stream().map(NginxOrigin.Served::connection).distinct()).hasSize(1);
    }
  }

  @Test
  void aCallerWhoHangsUpEndsItsOwnStreamAlone() {
    byte[] bytes = Content.random(8 * MIB, "goes on");
    try (NginxOrigin nginx = NginxOrigin.startTls("limit_rate 2m;");
        AgentProcess agent = agentFor(nginx)) {
      nginx.write("/left", Content.random(64 * MIB, "left"));
      nginx.write("/stays", bytes);
      Exchange caller = agent.open(AgentClient.prefetchRequest(nginx.url("/left")));
      CompletableFuture<Download> other;
      try (caller) {
        eventually().until(() -> DiskUsage.of(agent.state(), "ingest") >= MIB);
        other = agent.prefetchAsync(nginx.url("/stays"));
        eventually().until(() -> agent.stats().path("origin").path("inFlight").asInt() == 2);
      }
      eventually().until(() -> served(nginx, "/left").size() == 1);
      assertThat(served(nginx, "/left").getFirst().bytes()).isLessThan(32L * MIB);
      assertThat(other.join().digest()).isEqualTo(Content.checksum("sha256", bytes));
      eventually().until(() -> served(nginx, "/stays").size() == 1);
      assertThat(nginx.served().stream().map(NginxOrigin.Served::connection).distinct()).hasSize(1);
    }
  }

  @Test
  void aDownloadGoesOnWhenTheConnectionBreaksHalfWay() {
    byte[] bytes = Content.random(8 * MIB, "h2 breaks");
    try (NginxOrigin nginx = NginxOrigin.startTls("limit_rate 2m;");
        AgentProcess agent = agentFor(nginx)) {
      nginx.write("/cut", bytes);
      var download = agent.prefetchAsync(nginx.url("/cut"));
      eventually().until(() -> DiskUsage.of(agent.state(), "ingest") >= 2 * MIB);

      nginx.crashAndRestart();

      assertThat(download.join().digest()).isEqualTo(Content.checksum("sha256", bytes));
      eventually().until(() -> !served(nginx, "/cut").isEmpty());
      assertThat(served(nginx, "/cut").getLast().status()).isEqualTo("206");
      assertThat(download.join().bytesFetched()).isEqualTo(bytes.length);
    }
  }

  /** nginx passes on what another origin sends, and resets the stream where that one breaks off. */
  @Test
  void aDownloadGoesOnWhenItsStreamIsReset() {
    byte[] bytes = Content.random(8 * MIB, "h2 reset");
    try (RawOrigin behind = RawOrigin.start();
        NginxOrigin nginx =
            NginxOrigin.startTls(
                "location /behind/ { proxy_buffering off; proxy_pass "
                    + behind.url("/behind/")
                    + "; }");
        AgentProcess agent = agentFor(nginx)) {
      var script = new RangedBody(bytes, "ETag: \"v1\"").cutAfter(3 * MIB, 2 * MIB);
      behind.script("/behind/cut", script);

      Download download = agent.prefetch(nginx.url("/behind/cut"));

      assertThat(download.digest()).isEqualTo(Content.checksum("sha256", bytes));
      assertThat(script.asked()).hasSize(3);
      assertThat(script.asked().subList(1, 3)).allMatch(range -> range.startsWith("bytes="));
      eventually().until(() -> nginx.served().size() == 3);
      assertThat(nginx.served().stream().map(NginxOrigin.Served::connection).distinct())
          .as("the connection outlives its streams")
          .hasSize(1);
    }
  }

  /** GOAWAY after each third request: what comes later goes to another connection. */
  @Test
  void anOriginThatGoesAwayCostsNoAttempt() {
    try (NginxOrigin nginx = NginxOrigin.startTls("keepalive_requests 3;");
        AgentProcess agent = agentFor(nginx, "fetch.attempts", 1)) {
      for (int i = 0; i < 12; i++) {
        nginx.write("/" + i, Content.random(MIB, "away" + i));
        assertThat(agent.prefetch(nginx.url("/" + i)).digest())
            .isEqualTo(Content.checksum("sha256", Content.random(MIB, "away" + i)));
      }
      assertThat(nginx.served().stream().map(NginxOrigin.Served::connection).distinct().count())
          .isGreaterThan(2);
    }
  }

  /** Requests that are on their way to a connection that goes away just now. */
  @Test
  void whatAnOriginThatGoesAwayHasNotSeenCostsNoAttempt() {
    try (NginxOrigin nginx = NginxOrigin.startTls("keepalive_requests 3;");
        AgentProcess agent = agentFor(nginx, "fetch.attempts", 1)) {
      var running = new ArrayList<CompletableFuture<Download>>();
      for (int i = 0; i < 200; i++) {
        nginx.write("/" + i, "away" + i);
        running.add(agent.prefetchAsync(nginx.url("/" + i)));
      }
      for (int i = 0; i < 200; i++) {
        assertThat(running.get(i).join().digest()).isEqualTo(Content.sha256("away" + i));
      }
    }
  }

  @Test
  void aCertificateThatNobodyTrustsIsRefused() {
    try (NginxOrigin nginx = NginxOrigin.startTls("");
        AgentProcess agent = AgentProcess.running("fetch.attempts", 1)) {
      nginx.write("/x", "x");
      agent.refused("c", "x", nginx.url("/x")).is(504, "origin-unavailable");
    }
  }

  /** Eight bodies of 64 MiB: more than the JVM may have, if it took them all. */
  @Test
  void streamsWhoseDiskStallsAreStopped() throws IOException {
    byte[] bytes = Content.random(64 * MIB, "stalled");
    Path image = Project.temporaryDirectory().resolve("image");
    try (Disk disk = Disk.ext4(image, 2L << 30, "");
        NginxOrigin nginx = NginxOrigin.startTls("limit_rate 12m;");
        AgentProcess agent = agentFor(nginx, "state", disk.path().resolve("state").toString())) {
      nginx.write("/first", "first");
      agent.prefetch(nginx.url("/first")); // and there is a connection
      var running = new ArrayList<CompletableFuture<Download>>();
      for (int i = 0; i < 8; i++) {
        nginx.write("/" + i, bytes);
        running.add(agent.prefetchAsync(nginx.url("/" + i)));
      }
      eventually().until(() -> DiskUsage.of(agent.state(), "ingest") >= 8 * MIB);
      long before = bytesRead(agent);

      disk.freeze();

      var steady = new AtomicInteger();
      var last = new AtomicLong();
      eventually()
          .pollInterval(Duration.ofMillis(500))
          .until(
              () -> {
                long now = bytesRead(agent);
                boolean moved = now - last.getAndSet(now) >= 64 * 1024;
                return steady.updateAndGet(count -> moved ? 0 : count + 1) >= 4;
              });
      assertThat(last.get() - before).isLessThan(8L * 10 * MIB);
      disk.thaw();
      assertThat(running).allSatisfy(one -> assertThat(one.join().size()).isEqualTo(bytes.length));
      assertThat(running.getFirst().join().digest()).isEqualTo(Content.checksum("sha256", bytes));
    } finally {
      Project.delete(image.getParent());
    }
  }

  /** By system calls, the sockets' among them. */
  private static long bytesRead(AgentProcess agent) throws IOException {
    return Files.readAllLines(Path.of("/proc/" + agent.pid() + "/io")).stream()
        .filter(line -> line.startsWith("rchar: "))
        .mapToLong(line -> Long.parseLong(line.substring("rchar: ".length())))
        .sum();
  }
}
