package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.AgentClient.result;
import static org.cacheddownloads.spec.Content.MIB;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * A thousand callers and room for two downloads: nobody waits for ever, nothing is written that
 * there is no room for, who came first is served first, and what needs no room goes on.
 */
class OverloadSpec {
  private static final int CALLERS = 1_000;
  private static final int KIB = 1024;

  /** What one caller wants; and a container's view beside it. */
  private static final int OBJECT = 64 * KIB;

  private static final int VIEW = 8 * KIB;

  /** Far more than any wait that is promised, for a machine that does a lot else. */
  private static final Duration SLACK = Duration.ofSeconds(60);

  @RegisterExtension static final RawOrigin origin = RawOrigin.start();

  /** Everybody may ask the origin at once, so that space is what they wait for. */
  private static AgentProcess agentWith(long quota, String waitForSpace) {
    return AgentProcess.running(
        "quota.bytes",
        quota,
        "quota.waitForSpace",
        waitForSpace,
        "fetch.concurrency",
        4 * CALLERS,
        "fetch.perOrigin",
        4 * CALLERS,
        "fetch.attempts",
        1);
  }

  // ---- a quota of two objects

  @Test
  void aThousandCallersGetThroughRoomForTwo() {
    try (AgentProcess agent = agentWith(2 * (OBJECT + VIEW), "110s");
        var watch = new Watch(agent)) {
      List<CompletableFuture<Download>> all =
          callers()
              .mapToObj(
                  i ->
                      agent
                          .downloadAsync("through-" + i, "a", serve("/through/" + i, OBJECT))
                          .whenCompleteAsync((_, _) -> agent.release("through-" + i)))
              .toList();

      assertThat(all).allSatisfy(call -> assertThat(result(call).outcome()).isEqualTo("miss"));
      watch.assertNeverAbove(2 * (OBJECT + VIEW));
    }
  }

  @Test
  void whenAllIsHeldAThousandCallersAreToldInTime() {
    long quota = 2 * (OBJECT + VIEW);
    try (AgentProcess agent = agentWith(quota, "2s");
        var watch = new Watch(agent)) {
      agent.download("held-1", "a", serve("/held/1", OBJECT));
      agent.download("held-2", "a", serve("/held/2", OBJECT));
      long inUse = agent.stat("disk.inUseBytes");
      Instant start = Instant.now();

      List<CompletableFuture<Reply>> all =
          callers()
              .mapToObj(i -> AgentClient.prefetchRequest(serve("/no-room/" + i, OBJECT)))
              .map(agent::sendAsync)
              .toList();

      assertThat(all)
          .allSatisfy(
              call -> {
                Problem problem = result(call).problem().is(507, "insufficient-space");
                assertThat(problem.bytes("neededBytes")).isEqualTo(OBJECT);
                assertThat(problem.bytes("inUseBytes")).isEqualTo(inUse);
                assertThat(problem.bytes("quotaBytes")).isEqualTo(quota);
              });
      assertThat(Duration.between(start, Instant.now())).isLessThan(SLACK);
      watch.assertNeverAbove(quota);
      assertThat(agent.stat("disk.reservedBytes")).isZero();
      agent.release("held-1");
      assertThat(agent.prefetch(origin.url("/no-room/0")).outcome()).isEqualTo("miss");
    }
  }

  /** With the default number of requests at an origin, most callers do not even get to ask. */
  @Test
  void theDeadlineOfARequestBoundsItsWait() {
    try (AgentProcess agent =
        AgentProcess.running("quota.bytes", OBJECT + VIEW, "quota.waitForSpace", "10m")) {
      agent.download("bound", "a", serve("/bound/held", OBJECT));
      Instant start = Instant.now();

      List<CompletableFuture<Reply>> all =
          callers()
              .mapToObj(
                  i -> AgentClient.prefetchRequest(serve("/bound/" + i, OBJECT), "timeout", "3s"))
              .map(agent::sendAsync)
              .toList();

      assertThat(all)
          .allSatisfy(
              call ->
                  assertThat(result(call).problem().code()).isIn("insufficient-space", "timeout"));
      assertThat(Duration.between(start, Instant.now())).isLessThan(SLACK);
      eventually().until(() -> agent.stat("disk.reservedBytes") == 0);
    }
  }

  // ---- who is first

  @Test
  void aLargeDownloadIsNotStarvedBySmallOnes() {
    int held = 10;
    long quota = (held + 2L) * (OBJECT + VIEW);
    try (AgentProcess agent = agentWith(quota, "110s");
        var watch = new Watch(agent)) {
      for (int i = 0; i < held; i++) {
        agent.download("holder-" + i, "a", serve("/holder/" + i, OBJECT));
      }
      var large = agent.downloadAsync("large", "a", serve("/large", held * OBJECT));
      origin.awaitHits("/large", 1);
      List<Exchange> small = new ArrayList<>();
      var served = new AtomicInteger();
      for (int i = 0; i < CALLERS / 4; i++) {
        Exchange caller =
            agent.open(
                AgentClient.downloadRequest("small-" + i, "a", serve("/small/" + i, OBJECT)));
        small.add(caller);
        Thread.ofVirtual().start(() -> countIfServed(caller, served));
      }

      for (int i = 0; i < held; i++) {
        agent.release("holder-" + i);
      }

      assertThat(result(large).outcome()).isEqualTo("miss");
      // Those that came before the large one had asked, and one for the rest of the room.
      assertThat(served.get()).isLessThanOrEqualTo(3);
      watch.assertNeverAbove(quota);
      small.forEach(Exchange::close);
      eventually().until(() -> agent.stat("disk.reservedBytes") == 0);
    }
  }

  private static void countIfServed(Exchange caller, AtomicInteger served) {
    try {
      if (caller.reply().status() < 300) {
        served.incrementAndGet();
      }
    } catch (UncheckedIOException e) {
      // The test has hung up.
    }
  }

  /** Nobody knows how large it is, and it is not asked for from the beginning. */
  @Test
  void aBodyOfUnknownLengthGoesOnWhereItRanOutOfRoom() {
    byte[] body = Content.random(6 * MIB, "of unknown length");
    String path = "/unknown-length";
    var ranges = new CopyOnWriteArrayList<String>();
    origin.script(
        path,
        connection -> {
          String range = connection.header("range");
          ranges.add(range);
          int from = range.isEmpty() ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
          connection.sendChunked(
              range.isEmpty() ? "200 OK" : "206 Partial Content",
              Arrays.copyOfRange(body, from, body.length),
              "ETag: \"u\"",
              range.isEmpty()
                  ? "Accept-Ranges: bytes"
                  : "Content-Range: bytes " + from + "-" + (body.length - 1) + "/" + body.length);
        });
    try (AgentProcess agent = agentWith(8 * MIB, "110s")) {
      agent.download("held", "a", serve("/held-meanwhile", 4 * MIB));
      var download = agent.downloadAsync("unknown", "a", origin.url(path));
      // In this order: who has asked holds a slot until it waits for room.
      eventually().until(() -> ranges.size() == 1 && agent.stat("origin.inFlight") == 0);

      agent.release("held");

      assertThat(result(download).bytes()).isEqualTo(body);
      assertThat(ranges).hasSize(2);
      assertThat(ranges.getFirst()).isEmpty();
      assertThat(ranges.getLast()).startsWith("bytes=").isNotEqualTo("bytes=0-");
    }
  }

  // ---- what goes on

  @Test
  void hitsOfWhatIsHeldGoOnWhileOthersWaitForRoom() {
    long quota = OBJECT + 4 * VIEW;
    try (AgentProcess agent =
        AgentProcess.running("quota.bytes", quota, "quota.waitForSpace", "110s")) {
      String url = serve("/goes-on", OBJECT);
      Download held = agent.download("goes-on", "a", url);
      List<Exchange> waiting =
          callers()
              .mapToObj(i -> AgentClient.prefetchRequest(serve("/waits/" + i, OBJECT)))
              .map(agent::open)
              .toList();
      eventually().until(() -> agent.metric("cached_downloads_flight_waiters") == CALLERS);
      eventually().until(() -> agent.stat("origin.requests") >= 5);

      assertThat(agent.download("goes-on", "a", url, "checksum", held.digest()).outcome())
          .isEqualTo("hit");
      assertThat(agent.download("goes-on-2", "a", url, "maxAge", "1h").outcome()).isEqualTo("hit");
      assertThat(agent.download("goes-on-3", "a", url, "timeout", "60s").outcome())
          .isEqualTo("revalidated");
      assertThat(agent.container("goes-on").path("downloads")).hasSize(1);
      assertThat(held.bytes()).hasSize(OBJECT);

      waiting.forEach(Exchange::close);
      eventually().until(() -> agent.metric("cached_downloads_flight_waiters") == 0);
    }
  }

  // ---- another quota

  @Test
  void aSmallerQuotaEvictsAtOnceAndNamesWhatIsInUse() {
    try (AgentProcess agent = agentWith(20 * MIB, "1s")) {
      agent.download("stays", "a", serve("/stays", 4 * MIB));
      agent.prefetch(serve("/goes/1", 4 * MIB));
      agent.prefetch(serve("/goes/2", 4 * MIB));

      agent.configure("quota.bytes", 2 * MIB).writeConfig();
      agent.sighup();

      eventually().until(() -> agent.stat("disk.idleBytes") == 0);
      JsonNode disk = agent.stats().path("disk");
      assertThat(disk.path("quotaBytes").asLong()).isEqualTo(2 * MIB);
      assertThat(disk.path("inUseBytes").asLong()).isBetween(4L * MIB, 4L * MIB + 2 * VIEW);
      assertThat(DiskUsage.of(agent.state())).isEqualTo(disk.path("inUseBytes").asLong());
      Problem problem =
          agent.refused("more", "a", serve("/more", OBJECT)).is(507, "insufficient-space");
      assertThat(problem.bytes("inUseBytes")).isEqualTo(disk.path("inUseBytes").asLong());

      agent.release("stays");

      eventually().until(() -> agent.stat("disk.usedBytes") <= 2 * MIB);
    }
  }

  @Test
  void aLargerQuotaLetsInWhoWaits() {
    try (AgentProcess agent = agentWith(OBJECT + VIEW, "110s")) {
      agent.download("first", "a", serve("/first", OBJECT));
      var second = agent.downloadAsync("second", "a", serve("/second", OBJECT));
      origin.awaitHits("/second", 1);

      agent.configure("quota.bytes", MIB).writeConfig();
      agent.sighup();

      assertThat(result(second).outcome()).isEqualTo("miss");
    }
  }

  // ---- connections

  @Test
  void aThousandIdleConnectionsAreHarmless() throws IOException {
    try (AgentProcess agent = agentWith(20 * MIB, "1s")) {
      var idle = new ArrayList<SocketChannel>();
      try {
        for (int i = 0; i < CALLERS; i++) {
          SocketChannel channel = SocketChannel.open(agent.address());
          idle.add(channel);
          if (i % 2 == 0) {
            channel.write(
                ByteBuffer.wrap(
                    "GET /v1/stats HTTP/1.1\r\nHost: ".getBytes(StandardCharsets.US_ASCII)));
          }
        }
        List<CompletableFuture<Download>> all =
            IntStream.range(0, 50)
                .mapToObj(i -> agent.downloadAsync("idle-" + i, "a", serve("/beside-idle/" + i, 1)))
                .toList();

        assertThat(all).allSatisfy(call -> assertThat(result(call).outcome()).isEqualTo("miss"));
        assertThat(agent.tcp().get("/readyz").status()).isEqualTo(200);
      } finally {
        for (SocketChannel channel : idle) {
          channel.close();
        }
      }
      agent.sigterm();
      assertThat(agent.awaitExit()).isZero();
    }
  }

  // ---- given

  private static IntStream callers() {
    return IntStream.range(0, CALLERS);
  }

  /** Lets the origin serve bytes of their own, validated by an ETag, and returns their URL. */
  private static String serve(String path, int size) {
    origin.script(
        path,
        connection -> {
          if (connection.header("if-none-match").isEmpty()) {
            connection.head("200 OK", size, "ETag: \"e\"");
            connection.send(Content.random(size, path));
          } else {
            connection.head("304 Not Modified", 0, "ETag: \"e\"");
          }
        });
    return origin.url(path);
  }

  /** Looks at the disk and at what the agent says of it, again and again until closed. */
  private static final class Watch implements AutoCloseable {
    private final List<Long> onDisk = new ArrayList<>();
    private final List<Long> told = new ArrayList<>();
    private final Thread thread;
    private volatile boolean open = true;

    Watch(AgentProcess agent) {
      thread =
          Thread.ofVirtual()
              .start(
                  () -> {
                    while (open) {
                      look(agent);
                    }
                  });
    }

    private void look(AgentProcess agent) {
      onDisk.add(DiskUsage.certainlyReached(agent.state()));
      JsonNode disk = agent.stats().path("disk");
      told.add(disk.path("usedBytes").asLong() + disk.path("reservedBytes").asLong());
    }

    void assertNeverAbove(long bytes) {
      close();
      assertThat(told).as("what the agent says").isNotEmpty().allMatch(one -> one <= bytes);
      assertThat(onDisk)
          .as("what lies on disk")
          .allMatch(one -> one <= bytes)
          .anyMatch(one -> one >= OBJECT);
    }

    @Override
    public void close() {
      open = false;
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
