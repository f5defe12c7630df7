package org.cacheddownloads.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What each command asks the agent, and how it shows the reply. */
@Timeout(30)
class CommandsTest {
  private static final Instant NOW = Instant.parse("2026-11-22T10:00:00Z");

  @TempDir
  @SuppressWarnings("NullAway.Init") // set by JUnit
  private Path directory;

  @SuppressWarnings("NullAway.Init") // set before each test
  private Path socket;

  @SuppressWarnings("NullAway.Init") // set before each test
  private Console console;

  @BeforeEach
  void nameTheSocket() {
    socket = directory.resolve("s");
    console = Console.of(socket);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "container ls                        | GET /v1/containers?limit=500",
        "container show c1                   | GET /v1/containers/c1",
        "container release c1 a/b            | DELETE /v1/containers/c1/downloads/a/b",
        "container renew c1 --expires-after 90m | POST /v1/containers/c1/renew {\"expiresAfter\":\"90m\"}",
        "entries ls --prefix a --url http://o/?x | GET /v1/entries?limit=500&prefix=a&url=http%3A%2F%2Fo%2F%3Fx",
        "entries show http://o/a?q=1         | GET /v1/entries/http%3A%2F%2Fo%2Fa%3Fq%3D1",
        "entries rm ..                       | DELETE /v1/entries/..",
        "entries rm a/../b                   | DELETE /v1/entries/a%2F..%2Fb",
        "verify                              | POST /v1/verify {}",
        "verify sha256:00                    | POST /v1/verify {\"digest\":\"sha256:00\"}",
        "explain HTTPS://o/a?b               | GET /v1/explain?url=HTTPS%3A%2F%2Fo%2Fa%3Fb",
        "explain buildpack-ruby              | GET /v1/explain?key=buildpack-ruby",
        "explain --key http://o/a            | GET /v1/explain?key=http%3A%2F%2Fo%2Fa",
        "requests                            | GET /v1/requests",
        "requests --slow                     | GET /v1/requests?slow=1",
        "events                              | GET /v1/events?follow=0&since=0",
        "events -f                           | GET /v1/events?follow=1",
        "events --since 5 --kind evicted     | GET /v1/events?follow=0&since=5&kind=evicted",
        "config show                         | GET /v1/config",
        "config reload                       | POST /v1/config/reload",
        "stats                               | GET /v1/stats",
        "advise                              | GET /v1/advice",
        "ls --entries                        | GET /v1/entries?limit=500"
      })
  void everyCommandIsOneRequest(String arguments, String request) throws Exception {
    try (var agent = FakeAgent.on(socket, FakeAgent.json(200, "{}"))) {
      assertEquals(0, console.run(arguments.split(" ", -1)), console.err());
      var asked = agent.asked().getFirst();
      assertEquals(
          request, (asked.method() + " " + asked.uri() + " " + asked.body()).stripTrailing());
    }
    assertEquals("", console.err());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "container show c1",
        "container renew c1 --expires-after 1h",
        "entries show k",
        "explain k",
        "requests",
        "verify",
        "config reload",
        "stats",
        "advise",
        "prune"
      })
  void jsonIsTheReplyAsItIs(String arguments) throws Exception {
    String reply = "{\"added\":  1}";
    try (var _ = FakeAgent.on(socket, FakeAgent.json(200, reply))) {
      assertEquals(0, console.run((arguments + " --json").split(" ", -1)));
    }
    assertEquals(reply + "\n", console.out());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "release c1       | {\"released\":{\"container\":\"c1\"}}",
        "release c1 a     | {\"released\":{\"container\":\"c1\",\"name\":\"a\"}}",
        "entries rm k     | {\"dropped\":\"k\"}"
      })
  void whatHasNoReplySaysInJsonWhatWasDone(String arguments, String said) throws Exception {
    try (var _ = FakeAgent.on(socket, response -> response.setStatusCode(204).end())) {
      assertEquals(0, console.run((arguments + " --json").split(" ", -1)));
    }
    assertEquals(said + "\n", console.out());
  }

  /** A program that asked for JSON can read what went wrong, too. */
  @Test
  void errorsOfTheCommandLineItselfAreJsonAsWell() throws Exception {
    assertEquals(3, console.run("stats", "--json"));
    var problem = new JsonObject(console.out());
    assertEquals("no-agent", problem.getString("code"));
    assertEquals(true, problem.getBoolean("retryable"));
    assertTrue(problem.getString("detail").contains(socket.toString()), console.out());
    assertEquals(1, console.err().lines().count(), console.err());

    console = Console.of(socket);
    assertEquals(2, console.run("stats", "--json", "--bogus"));
    assertEquals("wrong-command-line", new JsonObject(console.out()).getString("code"));

    console = Console.of(socket);
    Path file = Files.writeString(directory.resolve("a.yaml"), "quotas: 1");
    assertEquals(2, console.run("config", "show", file.toString(), "--json"));
    problem = new JsonObject(console.out());
    assertEquals("invalid-config", problem.getString("code"));
    assertEquals(
        "[{\"key\":\"quotas\",\"line\":1,\"message\":\"unknown key, the nearest is quota\"}]",
        problem.getJsonArray("faults").encode());
  }

  @Test
  void explainSaysWhatWouldHappenAndWhy() {
    var reply =
        new JsonObject(
            """
            {"key":"http://o/a","url":"http://o/a","decision":"revalidate","reason":"It was fresh until an hour ago.",
             "entry":{"size":2048,"digest":"sha256:00","fetchedAt":"2026-11-22T08:00:00Z"},
             "freshUntil":"2026-11-22T09:00:00Z","mustRevalidate":false,"validator":{"etag":"\\"x\\"","lastModified":null},
             "heldBy":[{"container":"c1","name":"ruby"},{"container":"c2","name":"a/b"}],
             "evictionRank":{"position":3,"of":17},
             "policy":{"allowed":true,"reason":null,"rule":"http://o/*","proxy":"http://p:3128","concurrency":2}}""");
    assertEquals(
        """
        decision   revalidate
        because    It was fresh until an hour ago.
        key        http://o/a
        url        http://o/a
        entry      2.0 KiB, sha256:00, fetched 2h ago
        fresh      no longer: until 1h ago
        validator  ETag "x"
        held by    c1/ruby, c2/a/b
        eviction   number 3 of 17 when space is needed
        policy     allowed, rule http://o/*, proxy http://p:3128, at most 2 requests at once""",
        String.join("\n", ExplainCommand.lines(reply, NOW)));
  }

  @Test
  void explainOfWhatIsNotAllowedSaysSo() {
    var reply =
        new JsonObject(
            """
            {"key":"http://o/a","url":"http://o/a","decision":"refuse","reason":"The host is not allowed.","entry":null,
             "freshUntil":null,"validator":null,"heldBy":[],"evictionRank":null,
             "policy":{"allowed":false,"reason":"o is outside origins.allow","rule":null,"proxy":null,"concurrency":8}}""");
    assertEquals(
        """
        decision  refuse
        because   The host is not allowed.
        key       http://o/a
        url       http://o/a
        policy    not allowed: o is outside origins.allow, no rule, at most 8 requests at once""",
        String.join("\n", ExplainCommand.lines(reply, NOW)));
  }

  @Test
  void requestsShowWhereTheTimeWent() {
    var reply =
        new JsonObject(
            """
            {"requests":[{"instance":"urn:uuid:1","at":"2026-11-22T09:59:00Z","container":"c1","name":"ruby","key":"http://o/a",
              "outcome":"miss","code":null,"bytes":5,"durationMillis":1200,"waitedFor":"slot",
              "phases":[{"phase":"slot","millis":700},{"phase":"body","millis":500}]},
             {"at":"2026-11-22T09:59:59Z","container":"c2","name":"x","key":"k","outcome":"failed","code":"timeout",
              "durationMillis":30000,"waitedFor":null,"phases":[]}]}""");
    assertEquals(
        """
        WHEN   CONTAINER  NAME  OUTCOME             TOOK  WAITED FOR  PHASES                     KEY
        1m ago  c1         ruby  miss                  1s  slot        slot 700 ms, body 500 ms  http://o/a
        1s ago  c2         x     failed (timeout)     30s  -           -                         k"""
            .replaceAll(" +", " "),
        String.join("\n", RequestsCommand.lines(reply, NOW)).replaceAll(" +", " "));
  }

  @Test
  void eventsComeOneALineAndProblemsAreProblems() throws Exception {
    String evicted =
        "{\"id\":1,\"at\":\"2026-11-22T09:59:00Z\",\"event\":\"evicted\",\"reason\":\"quota\",\"key\":\"a\\u001b[2J\"}";
    try (var _ =
        FakeAgent.on(
            socket,
            FakeAgent.lines(
                evicted, "{\"event\":\"alive\",\"id\":1}", "{\"event\":\"released\"}"))) {
      assertEquals(0, console.run("events", "--follow"));
    }
    assertEquals(
        "2026-11-22T09:59:00Z  evicted reason=quota key=a?[2J\n-  released\n", console.out());

    console = Console.of(socket);
    try (var _ =
        FakeAgent.on(socket, FakeAgent.json(503, "{\"code\":\"busy\",\"detail\":\"too many\"}"))) {
      assertEquals(1, console.run("events"));
    }
    assertEquals("error: too many (busy); try again in a moment\n", console.err());
  }

  @Test
  void eventsAsJsonAreTheLinesOfTheAgent() throws Exception {
    String line = "{\"id\":1,   \"event\":\"fetched\"}";
    try (var _ = FakeAgent.on(socket, FakeAgent.lines(line))) {
      assertEquals(0, console.run("events", "--json"));
    }
    assertEquals(line + "\n", console.out());
  }

  @Test
  void verifyThatFindsDamageIsExitCode5() throws Exception {
    String reply =
        "{\"checked\":3,\"corrupt\":[{\"digest\":\"sha256:00\",\"inUse\":true},{\"digest\":\"sha256:01\",\"inUse\":false}]}";
    try (var _ = FakeAgent.on(socket, FakeAgent.json(200, reply))) {
      assertEquals(5, console.run("verify"));
    }
    assertEquals(
        """
        DIGEST     IN USE
        sha256:00  yes
        sha256:01  no
        checked 3, damaged 2
        """,
        console.out());
  }

  @Test
  void configCheckNamesEveryFaultOfFileAndEnvironment() throws Exception {
    Path file =
        Files.writeString(directory.resolve("a.yaml"), "qouta: 1\nfetch: {attempts: none}\n");
    console.with("CACHED_DOWNLOADS_LOGLEVEL", "info");
    assertEquals(2, console.run("config", "check", file.toString()));
    assertEquals(
        "error: "
            + file
            + " and the environment have 3 faults:\n"
            + "  line 1: qouta: unknown key, the nearest is quota\n"
            + "  line 2: fetch.attempts: must be a whole number between 1 and 100, not \"none\"\n"
            + "  CACHED_DOWNLOADS_LOGLEVEL: unknown variable, the nearest is CACHED_DOWNLOADS_LOG_LEVEL\n",
        console.err());
    assertEquals("", console.out());
  }

  @Test
  void configCheckAsJsonIsOneObject() throws Exception {
    Path file = Files.writeString(directory.resolve("a.yaml"), "qouta: 1\n");
    console.with("CACHED_DOWNLOADS_LOG_LEVEL", "loud");
    assertEquals(2, console.run("config", "check", file.toString(), "--json"));
    var report = new JsonObject(console.out());
    assertEquals(file.toString(), report.getString("file"));
    assertEquals(false, report.getBoolean("valid"));
    assertEquals(
        "[{\"key\":\"qouta\",\"line\":1,\"message\":\"unknown key, the nearest is quota\"},"
            + "{\"key\":\"log.level\",\"variable\":\"CACHED_DOWNLOADS_LOG_LEVEL\","
            + "\"message\":\"must be one of trace, debug, info, warn, error, not \\\"loud\\\"\"}]",
        report.getJsonArray("faults").encode());
    assertEquals("", console.err());
  }

  @Test
  void configCheckOfAGoodFileIsExitCode0() throws Exception {
    Path file = Files.writeString(directory.resolve("a.yaml"), "quota: {bytes: 1GiB}");
    assertEquals(0, console.run("config", "check", file.toString()));
    assertEquals(file + ": no faults\n", console.out());
    assertEquals(2, console.run("config", "check", directory + "/none"));
    assertTrue(console.err().contains("no such file"), console.err());
  }

  @Test
  void configShowOfAFileTellsWhereValuesComeFrom() throws Exception {
    Path file =
        Files.writeString(
            directory.resolve("a.yaml"),
            "quota:\n  bytes: 1500\norigins: {rules: [{match: '*', headers: {A: hush}}]}\n");
    console.with("CACHED_DOWNLOADS_ORIGINS_ALLOW", "*,b").with("CACHED_DOWNLOADS_SOCKET", "");
    assertEquals(0, console.run("config", "show", file.toString()));
    var lines = console.out().lines().map(line -> line.replaceAll(" +", " ")).toList();
    assertEquals("KEY VALUE FROM", lines.getFirst());
    assertTrue(lines.contains("quota.bytes 1500 " + file + ":2"), console.out());
    assertTrue(lines.contains("quota.minFreeBytes 1GiB default"), console.out());
    assertTrue(
        lines.contains("origins.allow [\"*\", b] CACHED_DOWNLOADS_ORIGINS_ALLOW"), console.out());
    assertFalse(console.out().contains("hush"), console.out());
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "1500, 1500",
    "1536, 1536",
    "1024, 1KiB",
    "21474836480, 20GiB",
    "1099511627777, 1099511627777",
    "1125899906842624, 1024TiB"
  })
  void sizesAreShownAsTheyCanBeWritten(long bytes, String text) {
    assertEquals(text, ConfigShowCommand.size(bytes));
  }

  @Test
  void reloadSaysWhatNeedsARestart() {
    assertEquals(
        List.of("changed quota.bytes, log.level", "after a restart state"),
        ConfigReloadCommand.lines(
            new JsonObject(
                "{\"changed\":[\"quota.bytes\",\"log.level\"],\"needsRestart\":[\"state\"]}")));
    assertEquals(List.of("nothing changed"), ConfigReloadCommand.lines(new JsonObject()));
  }

  @Test
  void statsAreShownAgainAndAgainUntilTheAgentIsGone() throws Exception {
    var stats = FakeAgent.json(200, "{\"version\":\"1\",\"uptimeSeconds\":1}");
    try (var agent = FakeAgent.on(socket, stats, stats, FakeAgent.hangUp())) {
      assertEquals(3, console.run("stats", "--watch", "--interval", "1ms"));
      assertEquals(3, agent.asked().size());
    }
    assertEquals("agent 1, up 1s\nagent 1, up 1s\n", console.out());
  }
}
