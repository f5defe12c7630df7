package org.cacheddownloads.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.cacheddownloads.config.ConfigReader;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class CliTest {
  private static final String DOWNLOAD =
      """
            {"name":"ruby","url":"http://o/ruby.zip","cacheKey":"http://o/ruby.zip","digest":"sha256:00ff","size":104857600,"as":"file",\
            "outcome":"miss","bytesFetched":104857600,"durationMillis":812,"path":"/cached-downloads/ruby","hostPath":"/s/containers/c1/ruby"}""";

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private boolean errIsTerminal;
  private final List<@Nullable Path> served = new ArrayList<>();

  @TempDir
  @SuppressWarnings("NullAway.Init") // set by JUnit
  private Path directory;

  @SuppressWarnings("NullAway.Init") // set before each test
  private Path socket;

  @BeforeEach
  void nameTheSocket() {
    socket = directory.resolve("s");
  }

  @Test
  void fetchForAContainerIsAPutOfItsName() throws Exception {
    try (var agent = FakeAgent.on(socket, FakeAgent.json(201, DOWNLOAD))) {
      assertEquals(0, run("fetch", "http://o/dir/ruby.zip?x=1", "--container", "c1"));
      assertEquals(
          List.of(
              new FakeAgent.Asked(
                  "PUT",
                  "/v1/containers/c1/downloads/ruby.zip",
                  "application/json",
                  "{\"url\":\"http://o/dir/ruby.zip?x=1\"}")),
          agent.asked());
    }
    assertEquals(
        """
                name       ruby
                outcome    miss
                size       100.0 MiB, fetched 100.0 MiB in 812 ms
                digest     sha256:00ff
                key        http://o/ruby.zip
                path       /cached-downloads/ruby
                host path  /s/containers/c1/ruby
                """,
        out.toString());
    assertEquals("", err.toString());
  }

  @Test
  void fetchWithoutAContainerIsAPrefetch() throws Exception {
    try (var agent =
        FakeAgent.on(
            socket,
            FakeAgent.json(200, "{\"outcome\":\"hit\",\"size\":5,\"digest\":\"sha256:00\"}"))) {
      assertEquals(0, run("fetch", "http://o/"));
      assertEquals(
          "POST /v1/prefetch {\"url\":\"http://o/\"}", described(agent.asked().getFirst()));
    }
    assertTrue(out.toString().contains("5 B, nothing fetched"), out.toString());
  }

  @Test
  void everyOptionOfFetchReachesTheAgent() throws Exception {
    try (var agent = FakeAgent.on(socket, FakeAgent.json(201, DOWNLOAD))) {
      int exit =
          run(
              "fetch",
              "http://o/a",
              "--container",
              "c1",
              "--name",
              "b p/ü",
              "--key",
              "k",
              "--checksum",
              "sha256:00",
              "--executable",
              "-H",
              "Authorization: Bearer a:b",
              "--header=X-Two:two",
              "--mirror",
              "http://m/1",
              "--mirror",
              "http://m/2",
              "--max-age",
              "90s",
              "--max-stale",
              "PT1H",
              "--timeout",
              "5m");
      assertEquals(0, exit);
      assertEquals(
          "PUT /v1/containers/c1/downloads/b%20p/%C3%BC {\"url\":\"http://o/a\",\"cacheKey\":\"k\",\"checksum\":\"sha256:00\","
              + "\"executable\":true,\"headers\":{\"Authorization\":\"Bearer a:b\",\"X-Two\":\"two\"},"
              + "\"mirrors\":[\"http://m/1\",\"http://m/2\"],\"maxAge\":\"90s\",\"maxStale\":\"1h\",\"timeout\":\"5m\"}",
          described(agent.asked().getFirst()));
    }
    assertFalse((out.toString() + err).contains("Bearer"));
  }

  @Test
  void argumentsMayComeFromAFile() throws Exception {
    Path arguments =
        Files.writeString(directory.resolve("arguments"), "-H \"Authorization: Bearer hush\"\n");
    try (var agent = FakeAgent.on(socket, FakeAgent.json(200, DOWNLOAD))) {
      assertEquals(0, run("fetch", "http://o/a", "@" + arguments));
      assertTrue(agent.asked().getFirst().body().contains("Bearer hush"));
    }
  }

  @Test
  void onATerminalFetchShowsProgressAndThenTheDownload() throws Exception {
    errIsTerminal = true;
    var lines =
        FakeAgent.lines(
            "{\"event\":\"progress\",\"bytes\":0,\"total\":104857600}",
            "{\"event\":\"progress\",\"bytes\":52428800,\"total\":104857600}",
            "{\"event\":\"done\",\"download\":" + DOWNLOAD + "}");
    try (var agent = FakeAgent.on(socket, lines)) {
      assertEquals(0, run("fetch", "http://o/ruby.zip", "--container", "c1"));
      assertEquals("application/x-ndjson, application/json", agent.asked().getFirst().accept());
    }
    assertTrue(err.toString().startsWith("\rruby.zip  ["), err.toString());
    assertTrue(err.toString().contains(" 50 %  50.0 MiB of 100.0 MiB"), err.toString());
    assertTrue(err.toString().endsWith("\r\u001b[K"), err.toString());
    assertTrue(out.toString().startsWith("name       ruby\noutcome    miss\n"), out.toString());
  }

  @Test
  void aFailureAtTheEndOfProgressIsAProblem() throws Exception {
    errIsTerminal = true;
    String failed =
        "{\"event\":\"failed\",\"problem\":{\"code\":\"checksum-mismatch\",\"detail\":\"other bytes\"}}";
    try (var _ =
        FakeAgent.on(
            socket,
            FakeAgent.lines("{\"event\":\"progress\",\"bytes\":1,\"total\":null}", failed))) {
      assertEquals(1, run("fetch", "http://o/a"));
    }
    assertTrue(
        err.toString()
            .endsWith(" other bytes (checksum-mismatch); check --checksum against the origin's\n"),
        err.toString());
  }

  @Test
  void aProblemBeforeProgressIsAProblem() throws Exception {
    errIsTerminal = true;
    String problem =
        "{\"code\":\"invalid-request\",\n \"detail\":\"no such scheme\",\n \"field\":\"url\"}";
    try (var _ = FakeAgent.on(socket, FakeAgent.json(400, problem))) {
      assertEquals(1, run("fetch", "ftp://o/a"));
    }
    assertTrue(
        err.toString().contains("no such scheme (invalid-request); correct url and ask again\n"),
        err.toString());
  }

  @Test
  void anAgentThatHangsUpDuringProgressIsNotReached() throws Exception {
    errIsTerminal = true;
    try (var _ =
        FakeAgent.on(socket, FakeAgent.lines("{\"event\":\"progress\",\"bytes\":1,\"total\":2}"))) {
      assertEquals(3, run("fetch", "http://o/a"));
    }
    assertTrue(err.toString().contains("hung up before it was done"), err.toString());
  }

  @Test
  void jsonIsTheReplyAsItIs() throws Exception {
    try (var _ =
        FakeAgent.on(socket, FakeAgent.json(200, "{\"outcome\":\"hit\",  \"added\":1}\n"))) {
      assertEquals(0, run("fetch", "http://o/a", "--json"));
    }
    assertEquals("{\"outcome\":\"hit\",  \"added\":1}\n", out.toString());
  }

  @Test
  void aProblemIsOneLineWithWhatToDoNext() throws Exception {
    String problem =
        "{\"status\":404,\"code\":\"not-found\",\"detail\":\"no container c9\\u001b[2J\"}";
    try (var _ = FakeAgent.on(socket, FakeAgent.json(404, problem))) {
      assertEquals(1, run("ls", "c9", "--json"));
    }
    assertEquals(
        "error: no container c9?[2J (not-found); 'cached-downloads container ls' and 'entries ls' show what there is\n",
        err.toString());
    assertTrue(out.toString().startsWith("{\"status\":404,"), out.toString());
  }

  @Test
  void aMissingSocketIsNamedWithHowToStartTheAgent() {
    assertEquals(3, run("stats"));
    assertTrue(
        err.toString()
            .startsWith(
                "error: no agent at "
                    + socket
                    + " (no such socket); start it with 'cached-downloads serve'"),
        err.toString());
    assertEquals(1, err.toString().lines().count());
  }

  @Test
  void aSocketThatNobodyListensOnIsSaidToBeOne() throws Exception {
    try (var channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.bind(UnixDomainSocketAddress.of(socket));
    }
    assertEquals(3, run("stats"));
    assertTrue(err.toString().contains("(nobody listens)"), err.toString());
  }

  @Test
  void anAgentThatDoesNotAnswerInTimeIsNotReached() throws Exception {
    try (var _ = FakeAgent.on(socket, _ -> {})) {
      assertEquals(3, run("stats", "--timeout", "50ms"));
    }
    assertTrue(err.toString().contains("did not answer within 50ms"), err.toString());
  }

  @Test
  void theSocketMayBeNamedByTheEnvironment() throws Exception {
    try (var agent = FakeAgent.on(socket, FakeAgent.json(200, "{}"))) {
      var terminal = terminal(Map.of("CACHED_DOWNLOADS_SOCKET", socket.toString()));
      assertEquals(0, Cli.run(new String[] {"stats"}, _ -> 0, terminal));
      assertEquals("GET /v1/stats ", described(agent.asked().getFirst()));
    }
  }

  @Test
  void lsShowsContainersAndFollowsTheCursors() throws Exception {
    String first =
        """
                {"containers":[{"container":"c1","downloads":[{"name":"ruby","size":5,"digest":"sha256:0123456789abcdef0123"},
                 {"name":"go","size":2048,"digest":"sha256:ff"}],"expiresAt":null}],"next":"c 1"}""";
    String second = "{\"containers\":[{\"container\":\"c2\",\"downloads\":[]}],\"next\":null}";
    try (var agent =
        FakeAgent.on(socket, FakeAgent.json(200, first), FakeAgent.json(200, second))) {
      assertEquals(0, run("ls"));
      assertEquals(
          List.of("GET /v1/containers?limit=500 ", "GET /v1/containers?limit=500&cursor=c%201 "),
          agent.asked().stream().map(CliTest::described).toList());
    }
    assertEquals(
        """
                CONTAINER  NAME     SIZE  DIGEST               EXPIRES
                c1         ruby      5 B  sha256:0123456789ab  -
                c1         go    2.0 KiB  sha256:ff            -
                c2         -           -  -                    -
                """,
        out.toString());
  }

  @Test
  void lsOfEntriesPassesThePrefixOn() throws Exception {
    String page =
        "{\"entries\":[{\"key\":\"a\\u001b[31mb\",\"size\":1,\"digest\":\"sha256:00\",\"references\":2}],\"next\":null}";
    try (var agent = FakeAgent.on(socket, FakeAgent.json(200, page))) {
      assertEquals(0, run("ls", "--entries", "--prefix", "a/&b"));
      assertEquals(
          "GET /v1/entries?limit=500&prefix=a%2F%26b ", described(agent.asked().getFirst()));
    }
    assertEquals(
        """
                KEY      SIZE  DIGEST     REFERENCES  FETCHED  LAST USED
                a?[31mb   1 B  sha256:00           2  -        -
                """,
        out.toString());
  }

  @Test
  void lsOfOneContainerShowsItsMount() throws Exception {
    String container =
        """
                {"container":"c1","mount":{"destination":"/cached-downloads","source":"/s/containers/c1"},"expiresAt":null,
                 "downloads":[{"name":"ruby","size":5,"digest":"sha256:00","url":"http://o/ruby"}]}""";
    try (var agent = FakeAgent.on(socket, FakeAgent.json(200, container))) {
      assertEquals(0, run("ls", "c1"));
      assertEquals("GET /v1/containers/c1 ", described(agent.asked().getFirst()));
    }
    assertEquals(
        """
                container  c1
                mount      /s/containers/c1 at /cached-downloads
                created    -
                expires    -

                NAME  SIZE  DIGEST     URL
                ruby   5 B  sha256:00  http://o/ruby
                """,
        out.toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "release c1       | DELETE /v1/containers/c1                    | released c1",
        "release c1 a/b   | DELETE /v1/containers/c1/downloads/a/b      | released a/b of c1"
      })
  void releaseIsADelete(String arguments, String request, String said) throws Exception {
    try (var agent = FakeAgent.on(socket, response -> response.setStatusCode(204).end())) {
      assertEquals(0, run(arguments.split(" ", -1)));
      assertEquals(request + " ", described(agent.asked().getFirst()));
    }
    assertEquals(said + "\n", out.toString());
  }

  @Test
  void pruneSendsItsConditionsAndSumsUp() throws Exception {
    String reply = "{\"entries\":[{\"key\":\"k\",\"size\":2048}],\"freedBytes\":4096}";
    try (var agent = FakeAgent.on(socket, FakeAgent.json(200, reply))) {
      assertEquals(
          0,
          run("prune", "--target", "1.5 GiB", "--older-than", "24h", "--prefix", "k", "--dry-run"));
      assertEquals(
          "POST /v1/prune {\"targetBytes\":1610612736,\"olderThan\":\"1d\",\"keyPrefix\":\"k\",\"dryRun\":true}",
          described(agent.asked().getFirst()));
    }
    assertEquals(
        "KEY     SIZE  LAST USED\nk    2.0 KiB  -\nwould free 4.0 KiB in 1 entry\n",
        out.toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "                                          | a command is missing",
        "fetch                                     | URL",
        "frobnicate                                | no such command",
        "container                                 | a command is missing",
        "container frobnicate                      | no such command",
        "container renew c1                        | --expires-after",
        "container show c1/downloads               | no slash",
        "entries show a b                          | quote what contains blanks",
        "config check                              | FILE",
        "config show a.yaml --socket s             | exclude each other",
        "completion fish                           | bash, zsh",
        "top                                       | --once",
        "top --interval soon                       | not a duration",
        "fetch http://o/a --contaner c1            | --contaner",
        "fetch http://o/ --container c1            | give one with --name",
        "fetch http://o/a --container c1 --name a/../b | nor",
        "fetch http://o/a --container ..           | nor",
        "fetch http://o/a --name b                 | --container",
        "fetch http://o/a --max-age soon           | not a duration",
        "fetch http://o/a -H secret                | -H takes",
        "fetch http://o/a -H A:secret -H a:secret  | there twice",
        "fetch http://o/a -H Authorization: secret secret | quote what contains blanks",
        "prune --target lots                       | not a size",
        "prune --target 5 --target 6               | --target",
        "ls c1 --entries                           | exclude each other",
        "ls --prefix a                             | --entries",
        "release                                   | CONTAINER",
        "release c1 ..                             | nor",
        "release c1/downloads/a                    | no slash",
        "stats --timeout 11000d                    | 10 years",
        "advise --window 2h                        | --window knows 1h, 24h, 7d, and not 2h",
        "advise --window soon                      | not a duration",
        "advise --quota 10GiB,lots                 | not a size",
        "advise --quota 0                          | above 0",
        "simulate                                  | give either TRACE or --workload",
        "simulate a.csv --workload mixed           | give either TRACE or --workload",
        "simulate a.csv --seed 2                   | go with --workload",
        "simulate --workload mixed --requests 0    | from 1 to",
        "simulate --workload stagings              | --workload knows staging, starts, oneoff, storm, mixed, and not \"stagings\"",
        "simulate a.csv --policy lru,mru           | --policy knows lru, s3fifo, sieve, lfu-da, gdsf, and not \"mru\"",
        "simulate a.csv --quota 10GiB,lots         | not a size",
        "simulate a.csv --quota 0                  | above 0",
        "simulate a.csv --quota 1,2,3,4,5,6,7,8,9,10,11,12,13 | at most 64 caches",
        "serve --config /no/such/file              | cannot read"
      })
  void aWrongCommandLineIsExitCode2AndAsksNobody(@Nullable String arguments, String said) {
    assertEquals(2, run(arguments == null ? new String[0] : arguments.split(" ", -1)));
    assertTrue(
        err.toString().startsWith("error: ") && err.toString().contains(said), err.toString());
    assertTrue(err.toString().endsWith("--help'.\n"), err.toString());
    assertFalse(err.toString().contains("secret"), err.toString());
    assertEquals("", out.toString());
  }

  @Test
  void serveIsGivenItsFile() throws Exception {
    Path file = Files.writeString(directory.resolve("agent.yaml"), "");
    assertEquals(7, run("serve", "--config", file.toString()));
    assertEquals(7, run("serve"));
    assertEquals(Arrays.asList(file, null), served);
    assertNull(served.getLast());
  }

  @Test
  void aBadConfigurationIsExitCode2WithItsFaults() {
    var terminal = terminal(Map.of());
    int exit =
        Cli.run(
            new String[] {"serve"},
            _ -> ConfigReader.parse("quotas: 1", "agent.yaml").hashCode(),
            terminal);
    assertEquals(2, exit);
    assertEquals(
        "error: agent.yaml has 1 fault:\n  line 1: quotas: unknown key, the nearest is quota\n",
        err.toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--help",
        "container --help",
        "container renew --help",
        "entries --help",
        "entries rm --help",
        "config --help",
        "config check --help",
        "top --help",
        "explain --help",
        "requests --help",
        "events --help",
        "verify --help",
        "completion --help",
        "fetch --help",
        "serve --help",
        "ls --help",
        "stats --help",
        "release --help",
        "prune --help",
        "advise --help",
        "simulate --help",
        "version --help"
      })
  void helpIsThere(String arguments) {
    assertEquals(0, run(arguments.split(" ", -1)));
    assertTrue(out.toString().startsWith("Usage: cached-downloads"), out.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"version", "--version", "fetch --version"})
  void theVersionIsThere(String arguments) {
    assertEquals(0, run(arguments.split(" ", -1)));
    assertEquals("cached-downloads development\n", out.toString());
  }

  private int run(String... arguments) {
    return Cli.run(
        arguments, this::serve, terminal(Map.of("CACHED_DOWNLOADS_SOCKET", socket.toString())));
  }

  private int serve(@Nullable Path config) {
    served.add(config);
    return 7;
  }

  private Terminal terminal(Map<String, String> environment) {
    var colourless = new HashMap<>(environment);
    colourless.put("NO_COLOR", "1");
    return new Terminal(
        new PrintWriter(out, true), new PrintWriter(err, true), false, errIsTerminal, colourless);
  }

  private static String described(FakeAgent.Asked asked) {
    return asked.method() + " " + asked.uri() + " " + asked.body();
  }
}
