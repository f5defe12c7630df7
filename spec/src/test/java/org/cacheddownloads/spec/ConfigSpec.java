package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Content.MIB;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The configuration: its defaults, its faults, and how it changes while the agent runs. */
class ConfigSpec {
  @RegisterExtension static final Origin origin = Origin.start();

  @Test
  void everyKeyHasItsDefault() {
    try (AgentProcess agent = AgentProcess.running()) {
      JsonNode config = agent.get("/v1/config").expect(200).json();

      assertThat(config.path("state").asText()).isEqualTo(agent.state().toString());
      assertThat(config.path("mountPath").asText()).isEqualTo("/cached-downloads");
      assertThat(config.at("/quota/bytes").asLong()).isEqualTo(20L << 30);
      assertThat(config.at("/quota/files").asLong()).isEqualTo(2_000_000);
      assertThat(config.at("/quota/minFreeBytes").asLong()).isEqualTo(1L << 30);
      assertThat(config.at("/fetch/concurrency").asInt()).isEqualTo(16);
      assertThat(config.at("/fetch/perOrigin").asInt()).isEqualTo(8);
      assertThat(config.at("/fetch/attempts").asInt()).isEqualTo(4);
      assertThat(config.at("/fetch/freshness").asText()).isEqualTo("rfc9111");
      assertThat(Json.texts(config.at("/origins/schemes"))).containsExactly("http", "https");
      assertThat(Json.texts(config.at("/origins/denyAddresses")))
          .containsExactly("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128");
      assertThat(config.at("/archives/maxRatio").asInt()).isEqualTo(200);
      assertThat(config.at("/log/level").asText()).isEqualTo("info");
    }
  }

  @Test
  void theMountPathIsTheOneOfTheConfiguration() {
    try (AgentProcess agent = AgentProcess.running("mountPath", "/downloads")) {
      origin.serve("/mounted", "hello", "ETag: \"m\"");

      assertThat(agent.download("c", "a", origin.url("/mounted")).path()).isEqualTo("/downloads/a");
      assertThat(agent.container("c").at("/mount/destination").asText()).isEqualTo("/downloads");
    }
  }

  // ---- faults

  @ParameterizedTest
  @CsvSource({
    "quota.byte, bytes",
    "fetch.conccurency, concurrency",
    "origins.shemes, schemes",
    "stat, state"
  })
  void anUnknownKeyIsRefusedWithTheNearestOne(String wrong, String nearest) {
    try (AgentProcess agent = AgentProcess.with(wrong, "1")) {
      Child.Outcome outcome = agent.startsNot();

      assertThat(outcome.exit()).isNotZero();
      assertThat(outcome.output())
          .contains(wrong.substring(wrong.indexOf('.') + 1))
          .contains(nearest);
    }
  }

  @Test
  void everyFaultOfAFileIsNamedAtOnce() {
    try (AgentProcess agent =
        AgentProcess.with("quota.bytes", "plenty", "fetch.timeout", "soon", "log.level", "loud")) {
      Child.Outcome outcome = agent.startsNot();

      assertThat(outcome.exit()).isNotZero();
      assertThat(outcome.output()).contains("quota.bytes", "fetch.timeout", "log.level");
    }
  }

  // ---- environment

  @Test
  void aVariableOfTheEnvironmentWinsOverTheFile() {
    try (AgentProcess agent =
        AgentProcess.with("quota.bytes", "64MiB", "fetch.attempts", 2)
            .environment("CACHED_DOWNLOADS_QUOTA_BYTES", "32MiB")
            .environment("CACHED_DOWNLOADS_ORIGINS_ALLOW", "127.0.0.1, *.example.com")) {
      agent.start();

      JsonNode config = agent.get("/v1/config").expect(200).json();

      assertThat(agent.stat("disk.quotaBytes")).isEqualTo(32 * MIB);
      assertThat(Json.texts(config.at("/origins/allow")))
          .containsExactly("127.0.0.1", "*.example.com");
      JsonNode sources = config.path("sources");
      assertThat(sources.path("quota.bytes").asText()).isEqualTo("CACHED_DOWNLOADS_QUOTA_BYTES");
      assertThat(sources.path("fetch.attempts").asText()).startsWith(agent.configFile() + ":");
      assertThat(sources.has("quota.files")).isFalse();

      agent.configure("quota.bytes", "16MiB", "fetch.attempts", 3).writeConfig();
      assertThat(Json.texts(reload(agent).expect(200).json().path("changed")))
          .containsExactly("fetch.attempts");
      assertThat(agent.stat("disk.quotaBytes")).isEqualTo(32 * MIB);
    }
  }

  @Test
  void faultsOfTheEnvironmentNameTheVariable() {
    try (AgentProcess agent =
        AgentProcess.with("log.level", "loud")
            .environment("CACHED_DOWNLOADS_QOUTA_BYTES", "1GiB")
            .environment("CACHED_DOWNLOADS_FETCH_TIMEOUT", "soon")) {
      Child.Outcome outcome = agent.startsNot();

      assertThat(outcome.exit()).isNotZero();
      assertThat(outcome.output())
          .contains("log.level")
          .contains("CACHED_DOWNLOADS_FETCH_TIMEOUT: fetch.timeout")
          .contains("CACHED_DOWNLOADS_QOUTA_BYTES: unknown variable")
          .contains("CACHED_DOWNLOADS_QUOTA_BYTES");
    }
  }

  // ---- reload

  /** From the reply on, while downloads begin and end all the time. */
  @Test
  void aQuotaLoweredUnderLoadIsKeptAtOnce() {
    long lowered = 24 * MIB;
    try (AgentProcess agent =
        AgentProcess.running(
            "quota.bytes", "80MiB", "quota.waitForSpace", "100s", "fetch.concurrency", 3)) {
      for (int i = 0; i < 12; i++) prefetchAsync(agent, "/before/" + i).join();
      Download held = agent.download("c", "held", origin.url("/before/0"));
      origin.hold("/during/0");
      var downloads =
          IntStream.range(0, 12).mapToObj(i -> prefetchAsync(agent, "/during/" + i)).toList();
      origin.awaitHits("/during/0", 1);
      assertThat(agent.stat("disk.usedBytes")).isGreaterThan(48 * MIB);

      agent.configure("quota.bytes", lowered).writeConfig();
      reload(agent).expect(200);
      var samples = new ArrayList<Long>(List.of(taken(agent)));
      origin.release("/during/0");
      while (!downloads.stream().allMatch(CompletableFuture::isDone)) samples.add(taken(agent));

      assertThat(samples).allSatisfy(bytes -> assertThat(bytes).isLessThanOrEqualTo(lowered));
      assertThat(downloads)
          .allSatisfy(download -> assertThat(download.join().outcome()).isEqualTo("miss"));
      assertThat(agent.view("c").resolve("held")).hasSize(4 * MIB);
      assertThat(agent.blob(held.digest())).exists();
    }
  }

  private static long taken(AgentProcess agent) {
    JsonNode disk = agent.stats().path("disk");
    return disk.path("usedBytes").asLong() + disk.path("reservedBytes").asLong();
  }

  private static CompletableFuture<Download> prefetchAsync(AgentProcess agent, String path) {
    origin.serve(path, Content.random(4 * MIB, path), "ETag: \"l\"");
    return agent.prefetchAsync(origin.url(path));
  }

  /** The line that tells of a reload is written at the level that the reload has set. */
  @Test
  void theLogLevelChangesWhileRunning() {
    try (AgentProcess agent = AgentProcess.running("log.level", "warn")) {
      reload(agent).expect(200);
      assertThat(agent.log()).doesNotContain("configuration reloaded");

      agent.configure("log.level", "info").writeConfig();
      reload(agent).expect(200);
      assertThat(agent.log()).containsOnlyOnce("configuration reloaded changed=[log.level]");

      agent.configure("log.level", "error").writeConfig();
      reload(agent).expect(200);
      assertThat(agent.log()).containsOnlyOnce("configuration reloaded");
    }
  }

  @Test
  void aSmallerQuotaEvictsDownToIt() {
    try (AgentProcess agent = AgentProcess.running("quota.bytes", "64MiB")) {
      prefetchFour(agent);

      agent.configure("quota.bytes", "9MiB").writeConfig();
      JsonNode reloaded = reload(agent).expect(200).json();

      assertThat(Json.texts(reloaded.path("changed"))).containsExactly("quota.bytes");
      assertThat(reloaded.path("needsRestart")).isEmpty();
      assertThat(agent.stat("disk.quotaBytes")).isEqualTo(9 * MIB);
      eventually()
          .untilAsserted(
              () -> assertThat(agent.stat("disk.usedBytes")).isLessThanOrEqualTo(9 * MIB));
      assertThat(agent.keys())
          .containsExactlyInAnyOrder(origin.url("/reload/2"), origin.url("/reload/3"));
    }
  }

  @Test
  void sighupReloadsToo() {
    try (AgentProcess agent = AgentProcess.running("quota.bytes", "64MiB")) {
      agent.configure("quota.bytes", "32MiB").writeConfig();

      agent.sighup();

      eventually().until(() -> agent.stat("disk.quotaBytes") == 32 * MIB);
    }
  }

  /** The socket is there before requests are let in. */
  @Test
  void sighupDuringTheStartReloadsAfterIt() {
    try (AgentProcess agent = AgentProcess.with("quota.bytes", "64MiB")) {
      agent.begin();
      eventually().until(() -> Files.exists(agent.socket()));
      agent.configure("quota.bytes", "32MiB").writeConfig();

      agent.sighup();

      // A socket that is bound is there a moment before anybody listens on it.
      eventually().ignoreExceptions().until(() -> agent.get("/readyz").status() == 200);
      eventually().until(() -> agent.stat("disk.quotaBytes") == 32 * MIB);
    }
  }

  @Test
  void aBadFileChangesNothingAndNamesItsFaults() {
    try (AgentProcess agent = AgentProcess.running("quota.bytes", "64MiB")) {
      JsonNode before = agent.get("/v1/config").expect(200).json();

      agent
          .configure("quota.bytes", "32MiB", "fetch.timeout", "soon", "fetch.bogus", 1)
          .writeConfig();
      Problem problem = reload(agent).problem().is(400, "invalid-request");

      assertThat(problem.json().toString()).contains("fetch.timeout", "fetch.bogus");
      assertThat(agent.get("/v1/config").expect(200).json()).isEqualTo(before);
      assertThat(agent.stat("disk.quotaBytes")).isEqualTo(64 * MIB);
    }
  }

  @Test
  void whatNeedsARestartIsNamed() {
    try (AgentProcess agent = AgentProcess.running()) {
      agent.configure("state", agent.scratch("elsewhere").toString()).writeConfig();

      JsonNode reloaded = reload(agent).expect(200).json();

      assertThat(Json.texts(reloaded.path("needsRestart"))).containsExactly("state");
      assertThat(agent.scratch("elsewhere")).doesNotExist();
    }
  }

  @Test
  void anUnchangedFileChangesNothing() {
    try (AgentProcess agent = AgentProcess.running()) {
      JsonNode reloaded = reload(agent).expect(200).json();

      assertThat(reloaded.path("changed")).isEmpty();
      assertThat(reloaded.path("needsRestart")).isEmpty();
    }
  }

  // ---- what single keys do

  @Test
  void freshnessAlwaysAsks() {
    try (AgentProcess agent = AgentProcess.running("fetch.freshness", "always")) {
      origin.serve("/always", "hello", "ETag: \"a\"", "Cache-Control: max-age=600");
      agent.prefetch(origin.url("/always"));

      assertThat(agent.prefetch(origin.url("/always")).outcome()).isEqualTo("revalidated");
    }
  }

  @Test
  void withoutATcpAddressThereIsNoTcpListener() {
    try (AgentProcess agent = AgentProcess.with()) {
      agent.withoutTcp();
      agent.start();

      agent.get("/metrics").expect(200);
      assertThat(agent.listensOnTcp()).isFalse();
    }
  }

  private static Reply reload(AgentProcess agent) {
    return agent.send(Request.of("POST", "/v1/config/reload"));
  }

  /** Four entries of 4 MiB, 0 the oldest. */
  private static void prefetchFour(AgentProcess agent) {
    for (int i = 0; i < 4; i++) {
      origin.serve("/reload/" + i, Content.random(4 * MIB, "reload " + i), "ETag: \"r\"");
      agent.prefetch(origin.url("/reload/" + i));
    }
  }
}
