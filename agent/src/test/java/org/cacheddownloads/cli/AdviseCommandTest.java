package org.cacheddownloads.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(30)
class AdviseCommandTest {
  private static final Instant NOW = Instant.parse("2026-11-22T10:00:00Z");
  private static final long GIB = 1L << 30;

  /** A quota of 20 GiB. */
  private static final String ADVICE =
      """
      {"window":"PT24H","from":"2026-11-21T09:30:00Z","requests":12345,"bytes":1319413953331,"quotaBytes":21474836480,
       "curve":[{"quotaBytes":5368709120,"requestHitRatio":0.41,"byteHitRatio":0.302},
         {"quotaBytes":10737418240,"requestHitRatio":0.5,"byteHitRatio":0.45},
         {"quotaBytes":21474836480,"requestHitRatio":0.6789,"byteHitRatio":0.5},
         {"quotaBytes":42949672960,"requestHitRatio":0.9,"byteHitRatio":0.8},
         {"quotaBytes":85899345920,"requestHitRatio":0.9,"byteHitRatio":0.81}],
       "flatBytes":32212254720,"largestBytes":2147483648,
       "actual":{"requestHitRatio":0.67,"byteHitRatio":0.49},"coldMiss":{"requestRatio":0.1,"byteRatio":0.19},
       "workingSetBytes":19327352832,"workingSets":{"PT1H":1073741824,"PT24H":19327352832,"PT168H":42949672960},
       "inUseBytes":4294967296,"regrets":{"count":1200,"bytes":3221225472,"waitSeconds":80.25},
       "ghost":{"policy":"s3fifo","requestHitRatio":0.7,"byteHitRatio":1},
       "bound":{"maxKeys":1000000,"droppedKeys":0,"exactBelowBytes":null},"trace":null,
       "summary":"Doubling the quota to 40 GiB would help."}
      """;

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

  @Test
  void theSentenceComesBeforeWhatItRestsOn() {
    assertEquals(
        """
        Doubling the quota to 40 GiB would help.

        hit ratios in the last 24h (counted since 1d ago): 12,345 requests for 1.2 TiB
        QUOTA  TIMES  REQUESTS   BYTES
         5GiB   0.25    41.0 %  30.2 %
        10GiB   0.50    50.0 %  45.0 %
        20GiB   1.00    67.9 %  50.0 %  present
        40GiB   2.00    90.0 %  80.0 %
        80GiB   4.00    90.0 %  81.0 %

        quota        20GiB at present; beyond 30.0 GiB hardly anything is gained
        cold         10.0 % of the requests and 19.0 % of the bytes, which no quota can have
        working set  1.0 GiB in 1h, 18.0 GiB in 24h, 40.0 GiB in 7d
        in use       4.0 GiB, 20.0 % of the quota, which cannot be evicted
        regrets      1,200 downloads again soon after eviction, 3.0 GiB; callers waited 1m 20s for that
        reached      67.0 % of the requests and 49.0 % of the bytes were hits
        on trial     70.0 % of the requests and 100.0 % of the bytes would have been with s3fifo at the present quota""",
        shown(new JsonObject(ADVICE)));
  }

  /** The other shapes that a part of the reply may have. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "flatBytes   | 0                | quota        20GiB at present",
        "window      | \"PT168H\"       | hit ratios in the last 7d (",
        "window      | \"PT2H\"         | hit ratios in the last PT2H (",
        "from        | \"2026-11-22T09:55:00Z\" | (counted since 5m ago): 12,345",
        "regrets     | {\"count\":0,\"bytes\":0,\"waitSeconds\":0} | regrets      none: nothing was downloaded again",
        "regrets     | {\"count\":1,\"bytes\":5,\"waitSeconds\":0.5} | regrets      1 download again soon after eviction, 5 B; callers waited 500 ms",
        "trace       | {\"file\":\"/t/a.csv\",\"state\":\"writing\",\"bytes\":2048,\"lost\":0} | trace        /t/a.csv (writing), 2.0 KiB",
        "trace       | {\"file\":\"/t/\\u001b[2J\",\"state\":\"full\",\"bytes\":1,\"lost\":1500} | trace        /t/?[2J (full), 1 B; 1,500 requests are missing",
        "largestBytes| 10737418240      | largest      10.0 GiB in one download: ratios of smaller quotas (*) may be too low",
        "bound       | {\"maxKeys\":1000,\"droppedKeys\":2345,\"exactBelowBytes\":42949672960} | bound        from 40.0 GiB on ratios (*) may be too low: 2,345 keys were forgotten; raise advice.maxKeys, now 1,000",
        "quotaBytes  | 50000000000      | quota        46.6 GiB at present; beyond"
      })
  void whatMattersIsToldAsItIs(String field, String value, String line) {
    var advice = new JsonObject(ADVICE);
    advice.put(field, new JsonArray("[" + value + "]").getValue(0));
    assertTrue(shown(advice).contains(line), shown(advice));
  }

  @Test
  void ratiosThatMayBeTooLowHaveAStar() {
    var advice = new JsonObject(ADVICE).put("largestBytes", 8 * GIB);
    advice.getJsonObject("bound").put("exactBelowBytes", 40 * GIB);
    assertEquals(
        "5GiB, 40GiB, 80GiB",
        shown(advice)
            .lines()
            .skip(4)
            .limit(5)
            .filter(line -> line.indexOf('*') < line.lastIndexOf('*'))
            .map(line -> line.strip().split(" ", -1)[0])
            .collect(Collectors.joining(", ")));
    assertFalse(shown(new JsonObject(ADVICE)).contains("*"));
  }

  /** What was asked for need not have the quota among it. */
  @Test
  void withoutAPointAtThePresentQuotaNoneIsMarked() {
    var advice = new JsonObject(ADVICE).put("quotaBytes", 15 * GIB);
    assertTrue(shown(advice).contains("40GiB   2.67    90.0 %"), shown(advice));
    assertFalse(shown(advice).contains("%  present"), shown(advice));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "advise                             | /v1/advice",
        "advise --window 60m                | /v1/advice?window=1h",
        "advise --window 24h                | /v1/advice?window=24h",
        "advise --window P7D                | /v1/advice?window=7d",
        "advise --quota 10GiB,1.5KiB --quota 7 | /v1/advice?quota=10737418240%2C1536%2C7",
        "advise --window 7d --quota 1KiB    | /v1/advice?window=7d&quota=1024"
      })
  void theAgentIsAskedForWindowAndQuotas(String arguments, String uri) throws Exception {
    try (var agent = FakeAgent.on(socket, FakeAgent.json(200, ADVICE))) {
      assertEquals(0, console.run(arguments.split(" ", -1)), console.err());
      var asked = agent.asked().getFirst();
      assertEquals("GET " + uri, asked.method() + " " + asked.uri());
    }
  }

  @Test
  void withoutATerminalNothingIsDrawnUnlessAskedFor() throws Exception {
    try (var _ = FakeAgent.on(socket, FakeAgent.json(200, ADVICE))) {
      assertEquals(0, console.run("advise"));
      assertFalse(console.out().contains("└"), console.out());

      console = Console.of(socket);
      assertEquals(0, console.run("advise", "--plot"));
      assertTrue(console.out().contains("└"), console.out());
      assertFalse(console.out().contains("\u001b"), console.out());

      console = Console.of(socket).onTerminal().with("COLUMNS", "70").with("NO_COLOR", "1");
      assertEquals(0, console.run("advise"));
      assertFalse(console.out().contains("\u001b"), console.out());
      assertTrue(
          console
              .out()
              .endsWith("        o requests   x bytes   | present quota   : flat from here\n"),
          console.out());

      console = Console.of(socket).onTerminal();
      assertEquals(0, console.run("advise"));
      assertTrue(
          console
              .out()
              .contains("\u001b[1m20GiB   1.00    67.9 %  50.0 %  present\u001b[0m\n40GiB"),
          console.out());
    }
  }

  @Test
  void thePictureIsWrittenBesideWhatIsPrinted() throws Exception {
    Path picture = directory.resolve("curve.svg");
    try (var _ = FakeAgent.on(socket, FakeAgent.json(200, ADVICE))) {
      assertEquals(0, console.run("advise", "--json", "--svg", picture.toString()));
      assertEquals(ADVICE, console.out());
      String svg = Files.readString(picture);
      assertTrue(svg.startsWith("<svg ") && svg.contains(">present quota<"), svg);

      console = Console.of(socket);
      assertEquals(2, console.run("advise", "--svg", directory + "/none/a.svg"));
      assertEquals(
          "error: cannot write " + directory + "/none/a.svg: no such directory; make it first\n",
          console.err());
      assertEquals("", console.out());
    }
  }

  /** The agent's own sentence where it has one. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"requests\":0,\"summary\":\"Nothing yet.\",\"curve\":[{\"quotaBytes\":1024}]} | Nothing yet.",
        "{}                                                | No downloads were asked for of late, so there is nothing to tell yet."
      })
  void withoutRequestsThereIsOneSentence(String reply, String sentence) throws Exception {
    Path picture = directory.resolve("curve.svg");
    try (var _ = FakeAgent.on(socket, FakeAgent.json(200, reply))) {
      assertEquals(0, console.run("advise", "--plot", "--svg", picture.toString()));
    }
    assertEquals(sentence + "\n", console.out());
    assertEquals(picture + " is not written: there is nothing to draw yet\n", console.err());
    assertFalse(Files.exists(picture));
  }

  /** Nothing that is missing or of another kind is a reason to fail. */
  @Test
  void aReplyWithLittleInItIsShownAsFarAsItGoes() {
    var view = new AdviceView(new JsonObject("{\"requests\":1,\"curve\":[]}"), NOW, plain());
    assertEquals(List.of(), view.plots());
    assertTrue(
        view.lines(true).contains("QUOTA  TIMES  REQUESTS  BYTES"), view.lines(true)::toString);
  }

  private static String shown(JsonObject advice) {
    return String.join("\n", new AdviceView(advice, NOW, plain()).lines(false));
  }

  private static Terminal plain() {
    return new Console().terminal();
  }
}
