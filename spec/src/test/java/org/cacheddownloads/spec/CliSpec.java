package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The commands for people: tables to read, {@code --json} for scripts, and an exit code that tells.
 */
class CliSpec {
  @RegisterExtension static final AgentProcess agent = AgentProcess.with("fetch.attempts", 1);

  @RegisterExtension static final Origin origin = Origin.start();

  @Test
  void fetchGivesAContainerADownload() {
    origin.serve("/fetch", "hello", "ETag: \"f\"");

    Child.Outcome outcome =
        cli("fetch", origin.url("/fetch"), "--container", "fetch", "--name", "ruby");

    assertThat(outcome.exit()).as(outcome.errors()).isZero();
    assertThat(outcome.output()).contains("miss");
    assertThat(agent.view("fetch").resolve("ruby")).hasContent("hello");
  }

  @Test
  void fetchTellsTheReplyAsJson() {
    origin.serve("/fetch-json", "hello", "ETag: \"f\"");

    JsonNode reply =
        json("fetch", origin.url("/fetch-json"), "--container", "fetch-json", "--name", "ruby");

    assertThat(Contract.faultsOf("Download", reply)).isEmpty();
    assertThat(reply.path("outcome").asText()).isEqualTo("miss");
  }

  @Test
  void aFetchThatFailsSaysWhyAndExitsSo() {
    origin.answer("/fetch-fails", 404);

    Child.Outcome outcome =
        cli("fetch", origin.url("/fetch-fails"), "--container", "fetch-fails", "--name", "ruby");

    assertThat(outcome.exit()).isNotZero();
    assertThat(outcome.errors() + outcome.output()).contains("origin-rejected").contains("404");
    assertThat(agent.knows("fetch-fails")).isFalse();
  }

  @Test
  void lsListsContainersAndWhatTheyHold() {
    origin.serve("/ls", "hello", "ETag: \"l\"");
    agent.download("ls-container", "buildpacks/ruby", origin.url("/ls"));

    assertThat(ok("ls")).contains("ls-container");
    assertThat(ok("ls", "ls-container")).contains("buildpacks/ruby");
    assertThat(ok("ls", "--entries")).contains(origin.url("/ls"));
    assertThat(json("ls").toString()).contains("ls-container");
    assertThat(json("ls", "ls-container").toString()).contains("buildpacks/ruby");
    assertThat(json("ls", "--entries").toString()).contains(origin.url("/ls"));
  }

  @Test
  void lsOfAnUnknownContainerFails() {
    assertThat(cli("ls", "no-such-container").exit()).isNotZero();
  }

  @Test
  void statsAreReadableOrJson() {
    assertThat(ok("stats")).containsIgnoringCase("quota");
    assertThat(Contract.faultsOf("Stats", json("stats"))).isEmpty();
  }

  @Test
  void releaseLetsGoOfANameOrOfAll() {
    origin.serve("/release", "hello", "ETag: \"r\"");
    agent.download("release", "a", origin.url("/release"));
    agent.download("release", "b/c", origin.url("/release"));

    ok("release", "release", "a");
    assertThat(Json.texts(agent.container("release").path("downloads"), "name"))
        .containsExactly("b/c");
    ok("release", "release");
    assertThat(agent.knows("release")).isFalse();
  }

  @Test
  void pruneEvictsWhatItWasToldTo() {
    origin.serve("/prune/1", "prune 1", "ETag: \"1\"");
    origin.serve("/prune/2", "prune 2", "ETag: \"2\"");
    agent.prefetch(origin.url("/prune/1"));
    agent.prefetch(origin.url("/prune/2"));

    assertThat(ok("prune", "--dry-run", "--target", "0", "--prefix", origin.url("/prune/")))
        .contains(origin.url("/prune/1"));
    assertThat(agent.keys()).contains(origin.url("/prune/1"), origin.url("/prune/2"));
    ok("prune", "--older-than", "1h", "--prefix", origin.url("/prune/"));
    assertThat(agent.keys()).contains(origin.url("/prune/1"), origin.url("/prune/2"));
    JsonNode pruned = json("prune", "--prefix", origin.url("/prune/1"));
    assertThat(Contract.faultsOf("Pruned", pruned)).isEmpty();
    assertThat(agent.keys())
        .contains(origin.url("/prune/2"))
        .doesNotContain(origin.url("/prune/1"));
  }

  @Test
  void withoutAnAgentACommandSaysSo() {
    Child.Outcome outcome =
        Child.run(Project.agent("stats", "--socket", agent.scratch("nobody.sock").toString()));

    assertThat(outcome.exit()).isNotZero();
    assertThat(outcome.errors()).contains("nobody.sock").doesNotContain("\tat ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"fetch", "nonsense", "ls --bogus", "serve --config /nowhere/config.yaml"})
  void aWrongCommandLineIsExplained(String line) {
    Child.Outcome outcome = Child.run(Project.agent(line.split(" ", -1)));

    assertThat(outcome.exit()).isNotZero();
    assertThat(outcome.errors() + outcome.output()).isNotBlank().doesNotContain("\tat ");
  }

  @Test
  void containersAreShownAndRenewed() {
    origin.serve("/renew", "hello", "ETag: \"r\"");
    agent.download("renewed", "a", origin.url("/renew"));

    JsonNode renewed = json("container", "renew", "renewed", "--expires-after", "1h");
    assertThat(renewed.path("expiresAt").isTextual()).isTrue();
    assertThat(ok("container", "show", "renewed"))
        .contains(agent.view("renewed").toString())
        .contains("expires    in 59m");
    assertThat(ok("container", "ls")).contains("renewed");
    ok("container", "release", "renewed");
    assertThat(agent.knows("renewed")).isFalse();
  }

  @Test
  void entriesAreShownAndDropped() {
    String url = origin.url("/entries/a?token=secret");
    origin.serve("/entries/a", "hello", "ETag: \"e\"");
    agent.prefetch(url);
    String listed = json("entries", "ls", "--url", url).at("/entries/0/key").asText();

    assertThat(ok("entries", "show", listed)).contains("\"e\"").doesNotContain("secret");
    ok("entries", "rm", listed);
    assertThat(agent.keys()).doesNotContain(listed);
    assertThat(cli("entries", "show", listed).exit()).isEqualTo(1);
  }

  @Test
  void verifyFindsNothingWrong() {
    assertThat(ok("verify")).contains("damaged 0");
  }

  // ---- what happens, and why

  @Test
  void explainSaysWhatWouldHappenAndWhy() {
    String url = origin.url("/explain");
    assertThat(ok("explain", url)).contains("decision  fetch").contains("policy    allowed");

    origin.serve("/explain", "hello", "ETag: \"x\"", "Cache-Control: max-age=600");
    agent.download("explain", "ruby", url);

    assertThat(ok("explain", url))
        .contains("decision   hit")
        .contains("ETag \"x\"")
        .contains("explain/ruby");
    assertThat(ok("explain", "--key", url)).contains("decision   hit");
    assertThat(json("explain", url).path("decision").asText()).isEqualTo("hit");
    assertThat(cli("explain", "no-such-key").output()).contains("decision  ");
  }

  @Test
  void requestsTellWhereTheTimeWent() {
    origin.serve("/requests", "hello", "ETag: \"q\"");
    agent.download("requests", "some/name", origin.url("/requests"));

    assertThat(ok("requests")).contains("some/name").contains("origin ");
    assertThat(ok("requests", "--slow")).startsWith("WHEN");
    assertThat(json("requests").path("requests")).isNotEmpty();
  }

  @Test
  void eventsTellWhatHappenedAndHappens() {
    origin.serve("/events", "hello", "ETag: \"v\"");
    agent.download("events", "a", origin.url("/events"));

    assertThat(ok("events")).contains("  fetched key=" + origin.url("/events"));
    assertThat(ok("events", "--kind", "released")).doesNotContain("fetched");
    try (Child following =
        Child.start(
            Project.ROOT,
            agent.scratch("events.log"),
            command("events", "--follow", "--since", "0", "--kind", "released,fetched"))) {
      eventually().until(() -> following.output().contains(origin.url("/events")));
      agent.release("events");
      eventually().until(() -> following.output().contains("released container=events"));
    }
  }

  // ---- top

  @Test
  void topShowsWhatIsBeingFetched() {
    origin.serve("/top", "hello", "ETag: \"t\"");
    origin.hold("/top");
    var download = agent.prefetchAsync(origin.url("/top"));
    origin.awaitHits("/top", 1);

    assertThat(ok("top", "--once"))
        .contains("of 16 slots")
        .contains(origin.url("/top"))
        .contains("of 20.0 GiB")
        .doesNotContain("\u001b");
    assertThat(json("top", "--once").at("/fetches/0/url").asText()).isEqualTo(origin.url("/top"));
    origin.release("/top");
    download.join();
  }

  /** Ctrl-C gives the first screen, the cursor and the breaking of lines back. */
  @Test
  void topLeavesTheTerminalAsItWas() {
    try (Child terminal =
        Child.start(
            Project.ROOT,
            agent.scratch("top.log"),
            List.of(
                Project.tool("script", "bsdutils"),
                "-qfec",
                String.join(" ", command("top")),
                "/dev/null"),
            Map.of("TERM", "xterm"))) {
      eventually().until(() -> terminal.output().contains("free quota"));
      assertThat(terminal.output()).contains("\u001b[?1049h").doesNotContain("\u001b[?1049l");

      ProcessHandle.of(terminal.pid()).stream()
          .flatMap(ProcessHandle::descendants)
          .filter(process -> process.info().command().orElse("").endsWith("/java"))
          .forEach(process -> Child.run(List.of("kill", "-INT", Long.toString(process.pid()))));

      terminal.awaitExit();
      assertThat(terminal.output().stripTrailing()).endsWith("\u001b[?7h\u001b[?25h\u001b[?1049l");
    }
  }

  // ---- configuration

  @Test
  void configShowIsWhatTheAgentHas() {
    assertThat(ok("config", "show").lines().map(line -> line.replaceAll(" +", " ")))
        .contains(
            "quota.bytes 20GiB default",
            "state " + agent.state() + " " + agent.configFile() + ":2");
  }

  @Test
  void configReloadSaysWhatChanged() {
    assertThat(ok("config", "reload")).isEqualTo("nothing changed\n");
  }

  @Test
  void configCheckNeedsNoAgent() throws IOException {
    Path bad = Files.writeString(agent.scratch("bad.yaml"), "quota: {}\nlog: {levle: info}\n");

    Child.Outcome outcome = Child.run(Project.agent("config", "check", bad.toString()));

    assertThat(outcome.exit()).isEqualTo(2);
    assertThat(outcome.errors())
        .isEqualTo(
            "error: "
                + bad
                + " has 1 fault:\n  line 2: log.levle: unknown key, the nearest is log.level\n");
    assertThat(Child.run(Project.agent("config", "check", agent.configFile().toString())).exit())
        .isZero();
  }

  // ---- shells and pages

  @ParameterizedTest
  @CsvSource({
    "conta, container",
    "'container re', release renew",
    "'entries ', ls show rm",
    "'config ch', check",
    "'fetch --che', --checksum",
    "'top --i', --interval",
    "adv, advise",
    "'advise --window ', 1h 24h 7d",
    "'completion z', zsh"
  })
  void bashCompletes(String typed, String completed) throws IOException {
    Path script = Files.writeString(agent.scratch("completion"), completion());
    String line =
        """
        source '%s'
        words='%s'
        read -ra COMP_WORDS <<<"cached-downloads $words"
        [[ $words != *' ' ]] || COMP_WORDS+=('')
        COMP_LINE="cached-downloads $words" COMP_POINT=${#COMP_LINE}
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        function=$(complete -p cached-downloads | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        "$function" && printf '%%s\\n' "${COMPREPLY[@]}"
        """
            .formatted(script, typed);

    Child.Outcome outcome = Child.run(List.of("bash", "-ec", line));

    assertThat(outcome.output().split("\\s+"))
        .as(outcome.errors())
        .containsExactlyInAnyOrder(completed.split(" ", -1));
  }

  private static String completion() {
    Child.Outcome outcome = Child.run(Project.agent("completion", "bash"));
    assertThat(outcome.exit()).as(outcome.errors()).isZero();
    return outcome.output();
  }

  @ParameterizedTest
  @ValueSource(strings = {"cached-downloads.1", "cached-downloads.5"})
  void theManPagesAreWellFormed(String page) {
    Child.Outcome outcome =
        Child.run(
            List.of(
                Project.tool("groff", "groff-base"),
                "-man",
                "-ww",
                "-Tutf8",
                "-z",
                Project.ROOT.resolve("agent/src/dist/man").resolve(page).toString()));

    assertThat(outcome.exit()).isZero();
    assertThat(outcome.errors()).isEmpty();
  }

  private static Child.Outcome cli(String... arguments) {
    return Child.run(command(arguments));
  }

  private static List<String> command(String... arguments) {
    return Project.agent(
        Stream.concat(Stream.of(arguments), Stream.of("--socket", agent.socket().toString()))
            .toArray(String[]::new));
  }

  private static String ok(String... arguments) {
    Child.Outcome outcome = cli(arguments);
    assertThat(outcome.exit())
        .as("exit code of %s: %s", List.of(arguments), outcome.errors())
        .isZero();
    return outcome.output();
  }

  private static JsonNode json(String... arguments) {
    return Json.parse(
        ok(Stream.concat(Stream.of(arguments), Stream.of("--json")).toArray(String[]::new)));
  }
}
