package org.cacheddownloads.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.cacheddownloads.cli.TopCommand.Sample;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class TopTest {
  private static final Instant START = Instant.parse("2026-11-22T10:00:00Z");
  private static final Terminal.Size SIZE = new Terminal.Size(100, 24);

  @TempDir
  @SuppressWarnings("NullAway.Init") // set by JUnit
  private Path directory;

  @Test
  void aViewHasEveryFigure() {
    var before = sample(0, 100, 0, 50, 10_485_760);
    var now = sample(2, 104, 10_485_760, 53, 31_457_280);
    assertEquals(
        """
        cached-downloads 0.1.0, up 1m 30s, CLOCK

        requests   171, hit ratio 66.2 %; now 3.5/s, hit ratio 57.1 %; failed 14
        origin     [===                 ] 3 of 16 slots, 2 queued; 5.0 MiB/s; 10.0 MiB fetched, 5 errors
        evictions  4, 8.0 KiB; now 0.0/s, 0 B/s; oldest idle 1h 1m
        disk       [DISK] 3.6 GiB of 4.0 GiB
                   # in use 2.0 GiB  = idle 1.2 GiB  ~ partial 410.0 MiB  . free quota 410.0 MiB

        downloads  2
        PHASE  WAITERS  PROGRESS                 %      DONE         OF        RATE  LEFT  URL
        body         3  [======              ]  30  30.0 MiB  100.0 MiB  10.0 MiB/s    7s  http://o/a
        slot         1                           -       0 B          -           -     -  http://o/b""",
        String.join("\n", view(now, before, SIZE))
            .replaceFirst("[0-9]{2}:[0-9]{2}:[0-9]{2}", "CLOCK")
            .replaceAll("\\[#.*]", "[DISK]"));
  }

  /** Its parts are as long as what they stand for. */
  @Test
  void theBarOfTheDiskIsToScale() {
    String bar =
        view(sample(0, 0, 0, 0, 0), null, SIZE).stream()
            .filter(line -> line.startsWith("disk"))
            .findFirst()
            .orElseThrow()
            .replaceAll(".*\\[|].*", "");
    assertEquals(50, bar.length());
    assertEquals("#".repeat(25) + "=".repeat(15) + "~".repeat(5) + ".".repeat(5), bar);
  }

  @Test
  void theFirstViewKnowsNoRatesButThoseSinceADownloadBegan() {
    String lines = String.join("\n", view(sample(4, 0, 0, 0, 20_971_520), null, SIZE));
    assertFalse(lines.contains("now "), lines);
    assertTrue(lines.contains("  5.0 MiB/s   16s  http://o/a"), lines);
  }

  @Test
  void whatHasNoRoomIsCounted() {
    var fetches = new ArrayList<JsonObject>();
    for (int i = 0; i < 30; i++) fetches.add(new JsonObject().put("url", "http://o/" + i));
    var many = new Sample(START, new JsonObject(), fetches, 16);
    var lines = view(many, null, SIZE);
    assertEquals(24, lines.size() + 1, String.join("\n", lines));
    assertTrue(lines.getLast().matches("and [0-9]+ more"), lines.getLast());
  }

  @Test
  void onceIsOneViewAndNoEscapes() throws Exception {
    var console = Console.of(directory.resolve("s")).with("NO_COLOR", "1");
    try (var agent =
        FakeAgent.on(
            directory.resolve("s"),
            FakeAgent.json(200, stats(1, 0, 0).encode()),
            FakeAgent.json(200, "{\"fetches\":[{\"url\":\"http://o/a\",\"phase\":\"body\"}]}"),
            FakeAgent.json(200, "{\"fetch\":{\"concurrency\":16}}"))) {
      assertEquals(0, console.run("top", "--once"), console.err());
      assertEquals(
          List.of("/v1/stats", "/v1/fetches", "/v1/config"),
          agent.asked().stream().map(FakeAgent.Asked::uri).toList());
    }
    assertTrue(console.out().contains("of 16 slots"), console.out());
    assertTrue(console.out().contains("http://o/a"), console.out());
    assertFalse(console.out().contains("\u001b"), console.out());
  }

  @Test
  void jsonIsBothReplies() throws Exception {
    var console = Console.of(directory.resolve("s"));
    try (var _ =
        FakeAgent.on(
            directory.resolve("s"),
            FakeAgent.json(200, "{\"version\":\"1\"}"),
            FakeAgent.json(200, "{\"fetches\":[]}"))) {
      assertEquals(0, console.run("top", "--once", "--json"), console.err());
    }
    assertEquals("{\"stats\":{\"version\":\"1\"},\"fetches\":[]}\n", console.out());
  }

  /** Whatever ends it: here the agent is gone at the second look. */
  @Test
  void theTerminalIsAsItWasWhenTopEnds() throws Exception {
    var console =
        Console.of(directory.resolve("s")).onTerminal().with("COLUMNS", "80").with("LINES", "24");
    try (var _ =
        FakeAgent.on(
            directory.resolve("s"),
            FakeAgent.json(200, stats(1, 0, 0).encode()),
            FakeAgent.json(200, "{\"fetches\":[]}"),
            FakeAgent.json(200, "{}"),
            FakeAgent.hangUp())) {
      assertEquals(3, console.run("top", "--interval", "1ms"));
    }
    assertTrue(console.out().startsWith("\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[H"));
    assertTrue(console.out().endsWith("\u001b[?7h\u001b[?25h\u001b[?1049l"), console.out());
    assertTrue(console.out().contains("\u001b[1mcached-downloads 0.1.0\u001b[0m"), console.out());
    assertTrue(console.err().contains("no answer from the agent"), console.err());
  }

  private static List<String> view(Sample now, @Nullable Sample before, Terminal.Size size) {
    return new TopView(now, before, new Console().terminal(), size).lines();
  }

  private static Sample sample(
      int second, long hits, long fetched, long misses, long bytesOfDownload) {
    return new Sample(
        START.plusSeconds(second),
        stats(hits, misses, fetched),
        List.of(
            new JsonObject()
                .put("key", "a")
                .put("url", "http://o/a")
                .put("phase", "body")
                .put("bytes", bytesOfDownload)
                .put("total", 104_857_600)
                .put("waiters", 3)
                .put("startedAt", START.toString()),
            new JsonObject()
                .put("key", "b")
                .put("url", "http://o/b")
                .put("phase", "slot")
                .put("bytes", 0)
                .putNull("total")
                .put("waiters", 1)
                .put("startedAt", START.toString())),
        16);
  }

  private static JsonObject stats(long hits, long misses, long fetched) {
    return new JsonObject(
        """
        {"requests":{"hit":%d,"revalidated":0,"miss":%d,"updated":0,"coalesced":0,"stale":0,"uncached":0,"failed":14},
         "bytes":{"served":0,"fetched":%d,"saved":0},
         "origin":{"requests":9,"errors":5,"inFlight":3,"queued":2},
         "disk":{"quotaBytes":4294967296,"usedBytes":3865051136,"inUseBytes":2147483648,"idleBytes":1287651328,
                 "partialBytes":429916160,"quarantineBytes":0},
         "evictions":{"count":4,"bytes":8192,"oldestIdleSeconds":3700},
         "uptimeSeconds":90,"version":"0.1.0"}"""
            .formatted(hits, misses, fetched));
  }
}
