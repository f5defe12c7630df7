package org.cacheddownloads.spec;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What other quotas and policies would have hit is told from a trace, without any agent. */
class SimulateSpec {
  private static final String COLUMNS = "time,key,size,allocated,outcome,duration\n";

  @TempDir private Path directory;

  /**
   * Four objects of 100 bytes, each of which takes 4096 of the quota, in the order A B C A D B C A
   * A. Room for two: only the last is a hit. For three: A, since D then evicts B, B evicts C, C
   * evicts A, A evicts D, and the last. For four: all but the first of each.
   */
  @Test
  void lruHitsAsCountedByHand() throws IOException {
    JsonNode reply =
        json(
            "simulate",
            trace("abcadbcaa").toString(),
            "--policy",
            "lru",
            "--quota",
            "8KiB,12KiB,16KiB",
            "--json");

    assertThat(reply.path("requests").asInt()).isEqualTo(9);
    assertThat(reply.path("bytes").asInt()).isEqualTo(900);
    assertThat(reply.path("coldRequests").asInt()).isEqualTo(4);
    assertThat(reply.path("coldBytes").asInt()).isEqualTo(400);
    assertThat(reply.path("spanMillis").asInt()).isEqualTo(8_000);
    assertThat(reply.path("results").findValuesAsText("hits")).containsExactly("1", "2", "5");
    assertThat(reply.path("results").findValuesAsText("hitBytes"))
        .containsExactly("100", "200", "500");
  }

  @Test
  void everyPolicyIsShownBesideACacheWithoutALimit() throws IOException {
    String shown = ok("simulate", trace("abcadbcaa").toString(), "--quota", "12KiB");

    assertThat(shown)
        .contains("9 for 900 B within 8s")
        .containsSubsequence("LRU", "S3FIFO", "SIEVE", "LFU-DA", "GDSF", "NO LIMIT")
        .containsSubsequence("12KiB", "22.2 %", "55.6 %")
        .doesNotContain("\u001b", "└");
  }

  @Test
  void aTraceMayComeFromStandardInputAndBeTorn() throws Exception {
    Path torn = trace("aba");
    Files.writeString(torn, Files.readString(torn) + "4000,00000000");
    var program =
        new ProcessBuilder(Project.agent("simulate", "-", "--quota", "1MiB"))
            .redirectInput(torn.toFile())
            .start();
    String shown = new String(program.getInputStream().readAllBytes(), UTF_8);

    assertThat(program.waitFor()).isZero();
    assertThat(shown).contains("3 for 300 B", "the last line has no end", "33.3 %");
  }

  @Test
  void aWorkloadNeedsNoTrace() {
    JsonNode reply =
        json("simulate", "--workload", "mixed", "--requests", "5000", "--quota", "20GiB", "--json");

    assertThat(reply.path("requests").asInt()).isEqualTo(5_000);
    assertThat(reply.path("results").findValuesAsText("policy"))
        .containsExactly("lru", "s3fifo", "sieve", "lfu-da", "gdsf");
  }

  @Test
  void theRatiosAreDrawnIntoAFile() throws IOException {
    Path picture = directory.resolve("ratios.svg");

    ok("simulate", trace("abab").toString(), "--svg", picture.toString());

    assertThat(picture).content().startsWith("<svg ").contains("byte hit ratio", "160GiB");
  }

  @Test
  void whatIsWrongIsSaidInOneLine() throws IOException {
    Path broken =
        Files.writeString(
            directory.resolve("broken.csv"), COLUMNS + "0,a,1,1,miss,0\n1,a,-1,1,hit,0\n");

    assertWrong("line 3: size must be a whole number from 0 on", broken.toString());
    assertWrong("no such file", directory.resolve("none.csv").toString());
    assertWrong(
        "line 1: no column time", Files.writeString(directory.resolve("x"), "a\n").toString());
    assertWrong("cannot write", trace("a").toString(), "--svg", directory + "/no/such.svg");
    assertWrong("give either TRACE or --workload");
    assertWrong("--policy knows lru", trace("a").toString(), "--policy", "best");
    assertWrong("not a size", trace("a").toString(), "--quota", "big");
  }

  private static void assertWrong(String said, String... arguments) {
    var outcome = Child.run(command(arguments));
    assertThat(outcome.exit()).as(outcome.errors()).isEqualTo(2);
    assertThat(outcome.errors().lines().findFirst().orElse(""))
        .startsWith("error: ")
        .contains(said);
    assertThat(outcome.output()).isEmpty();
  }

  private static List<String> command(String... arguments) {
    var all = new ArrayList<>(List.of("simulate"));
    all.addAll(List.of(arguments));
    return Project.agent(all.toArray(String[]::new));
  }

  /** A letter a request, one a second. */
  private Path trace(String letters) throws IOException {
    var lines = new StringBuilder(COLUMNS);
    for (int i = 0; i < letters.length(); i++)
      lines.append(
          String.format(
              "%d,%016x,100,4096,miss,3%n",
              1_790_000_000_000L + i * 1_000L, (int) letters.charAt(i)));
    return Files.writeString(directory.resolve(letters + ".csv"), lines);
  }

  private static String ok(String... arguments) {
    var outcome = Child.run(Project.agent(arguments));
    assertThat(outcome.exit()).as(outcome.errors()).isZero();
    return outcome.output();
  }

  private static JsonNode json(String... arguments) {
    return Json.parse(ok(arguments));
  }
}
