package org.cacheddownloads.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SimulateCommandTest {
  /** A, B, A, C, A, B of 1 MiB each, the first and the last second apart. */
  private static final String TRACE =
      """
      time,key,size,allocated,outcome,duration
      1000,000000000000000a,1048576,1048576,miss,9
      1200,000000000000000b,1048576,1048576,miss,9
      1400,000000000000000a,1048576,1048576,hit,1
      1500,000000000000000d,0,0,failed,1
      1600,000000000000000c,1048576,1048576,miss,9
      1800,000000000000000a,1048576,1048576,revalidated,1
      2000,000000000000000b,1048576,1048576,miss,9
      2100,000000000000000b,10""";

  @TempDir
  @SuppressWarnings("NullAway.Init") // set by JUnit
  private Path directory;

  @SuppressWarnings("NullAway.Init") // set before each test
  private Path trace;

  private Console console = new Console();

  @BeforeEach
  void writeTheTrace() throws IOException {
    trace = Files.writeString(directory.resolve("trace.csv"), TRACE);
  }

  @Test
  void ratiosAreATableByQuotaAndPolicy() {
    assertEquals(
        0,
        console.run(
            "simulate", trace.toString(), "--policy", "lru,gdsf", "--quota", "3MiB,2MiB,2MiB"),
        console.err());
    assertEquals(
        """
        requests  6 for 6.0 MiB within 1s
        cold      50.0 % of the requests and 50.0 % of the bytes, which no cache can have
        recorded  33.3 % of the requests and 33.3 % of the bytes were hits
        left out  1 requests that failed
        torn      the last line has no end, and was left out

        request hit ratio
        QUOTA     LRU    GDSF  NO LIMIT
         2MiB  33.3 %  33.3 %    50.0 %
         3MiB  50.0 %  50.0 %    50.0 %

        byte hit ratio
        QUOTA     LRU    GDSF  NO LIMIT
         2MiB  33.3 %  33.3 %    50.0 %
         3MiB  50.0 %  50.0 %    50.0 %
        """,
        console.out());
    assertEquals("", console.err());
  }

  @Test
  void jsonHasTheCountsBehindTheRatios() {
    assertEquals(
        0,
        console.run("simulate", trace.toString(), "--policy", "lru", "--quota", "2MiB", "--json"),
        console.err());
    assertEquals(
        new JsonObject(
            """
            {"requests":6,"bytes":6291456,"spanMillis":1000,"coldRequests":3,"coldBytes":3145728,"coldEstimated":false,
             "recordedHits":2,"recordedHitBytes":2097152,"failed":1,"torn":true,
             "results":[{"policy":"lru","quotaBytes":2097152,"hits":2,"hitBytes":2097152,
               "requestHitRatio":0.3333333333333333,"byteHitRatio":0.3333333333333333,"droppedKeys":0}]}"""),
        new JsonObject(console.out()));
  }

  /** What is not kept counts as a request that no cache can answer. */
  @Test
  void whatMayNotBeKeptIsNeverAHit() throws IOException {
    Files.writeString(trace, "time,key,size,outcome\n1,a,4,uncached\n2,a,4,uncached\n");
    assertEquals(0, console.run("simulate", trace.toString(), "--quota", "1MiB", "--json"));
    var reply = new JsonObject(console.out());
    assertEquals(2, reply.getInteger("coldRequests"));
    assertEquals(0, reply.getJsonArray("results").getJsonObject(0).getInteger("hits"));
  }

  @Test
  void aWorkloadIsTheSameEachTime() {
    String[] command = {
      "simulate", "--workload", "storm", "--requests", "20000", "--seed", "5", "--json"
    };
    assertEquals(0, console.run(command), console.err());
    var again = new Console();
    assertEquals(0, again.run(command));
    assertEquals(again.out(), console.out());
    assertEquals(20_000, new JsonObject(console.out()).getInteger("requests"));
  }

  @Test
  void onATerminalAndWhereItIsAskedForTheRatiosAreDrawn() {
    console.onTerminal().with("NO_COLOR", "1").with("COLUMNS", "60");
    assertEquals(0, console.run("simulate", trace.toString(), "--policy", "lru"));
    assertTrue(console.out().contains("o lru   x no limit"), console.out());
    assertFalse(console.out().contains("\u001b"), console.out());
    assertTrue(console.out().lines().skip(5).allMatch(line -> line.length() <= 60), console.out());

    console = new Console();
    assertEquals(0, console.run("simulate", trace.toString(), "--policy", "lru", "--plot"));
    assertTrue(console.out().contains("o lru   x no limit"), console.out());
  }

  @Test
  void thePictureIsWritten() throws IOException {
    Path picture = directory.resolve("ratios.svg");
    assertEquals(0, console.run("simulate", trace.toString(), "--svg", picture.toString()));
    assertTrue(Files.readString(picture).startsWith("<svg "));
  }

  @Test
  void aFileThatIsNoTraceIsNamedWithTheLine() throws IOException {
    Files.writeString(trace, "time,key,size\n1,a,many\n");
    assertEquals(2, console.run("simulate", trace.toString()));
    assertEquals(
        "error: cannot read the trace "
            + trace
            + ": line 2: size must be a whole number from 0 on, not \"many\"; correct the line or remove it\n",
        console.err());
    assertEquals("", console.out());
  }

  @Test
  void filesThatCannotBeReadOrWrittenAreNamed() {
    assertEquals(2, console.run("simulate", directory + "/none", "--json"));
    assertEquals("unusable-file", new JsonObject(console.out()).getString("code"));
    assertEquals(
        "error: cannot read the trace "
            + directory
            + "/none: no such file; give one that an agent has recorded, or --workload\n",
        console.err());

    console = new Console();
    String picture = directory + "/none/a.svg";
    assertEquals(2, console.run("simulate", trace.toString(), "--svg", picture));
    assertEquals(
        List.of("error: cannot write " + picture + ": no such directory; make it first"),
        console.err().lines().toList());
  }
}
