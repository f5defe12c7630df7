package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.AgentClient.result;
import static org.cacheddownloads.spec.Json.named;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.stream.Stream;
import org.cacheddownloads.spec.Origin.Answer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the agent counts, and that its two ways of telling agree. */
class StatsSpec {
  private static final String PREFIX = "cached_downloads_";

  @RegisterExtension
  static final AgentProcess agent =
      AgentProcess.with("fetch.attempts", 1, "fetch.negativeTtl", "0s");

  @RegisterExtension static final Origin origin = Origin.start();

  @BeforeAll
  static void letEveryFigureMove() {
    everyOutcomeOnce("moved");
    agent.release("moved");
    agent.post("/v1/prune", "targetBytes", 0).expect(200);
    everyOutcomeOnce("held");
  }

  // ---- the same numbers twice

  /** Each figure of the statistics, and the metric (with its label) that says the same. */
  static Stream<Arguments> figures() {
    return Stream.of(
            Stream.of(
                    "hit",
                    "revalidated",
                    "miss",
                    "updated",
                    "coalesced",
                    "stale",
                    "uncached",
                    "failed")
                .map(
                    outcome ->
                        arguments("requests." + outcome, "requests_total", "outcome=" + outcome)),
            Stream.of(
                arguments("bytes.served", "served_bytes_total", ""),
                arguments("bytes.fetched", "fetched_bytes_total", ""),
                arguments("bytes.saved", "saved_bytes_total", ""),
                arguments("origin.requests", "origin_requests_total", ""),
                arguments("origin.errors", "origin_errors_total", ""),
                arguments("origin.inFlight", "origin_in_flight", ""),
                arguments("origin.queued", "origin_queued", ""),
                arguments("disk.quotaBytes", "disk_quota_bytes", ""),
                arguments("disk.usedBytes", "disk_used_bytes", ""),
                arguments("disk.inUseBytes", "disk_in_use_bytes", ""),
                arguments("disk.idleBytes", "disk_idle_bytes", ""),
                arguments("disk.partialBytes", "disk_partial_bytes", ""),
                arguments("disk.quarantineBytes", "disk_quarantine_bytes", ""),
                arguments("disk.reservedBytes", "disk_reserved_bytes", ""),
                arguments("disk.minFreeBytes", "disk_min_free_bytes", ""),
                arguments("cache.entries", "entries", ""),
                arguments("cache.blobs", "blobs", ""),
                arguments("cache.trees", "trees", ""),
                arguments("cache.containers", "containers", ""),
                arguments("cache.references", "references", ""),
                arguments("evictions.count", "evictions_total", ""),
                arguments("evictions.bytes", "evicted_bytes_total", "")))
        .flatMap(part -> part);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("figures")
  void statisticsAndMetricsSayTheSame(String figure, String metric, String label) {
    String[] labels = label.isEmpty() ? new String[0] : label.split("=", 2);

    assertThat(agent.metric(PREFIX + metric, labels)).isEqualTo((double) agent.stat(figure));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "requests_total",
        "served_bytes_total",
        "fetched_bytes_total",
        "saved_bytes_total",
        "origin_requests_total",
        "origin_errors_total",
        "origin_in_flight",
        "origin_queued",
        "disk_quota_bytes",
        "disk_used_bytes",
        "disk_in_use_bytes",
        "disk_idle_bytes",
        "disk_partial_bytes",
        "disk_quarantine_bytes",
        "disk_reserved_bytes",
        "disk_min_free_bytes",
        "disk_free_bytes",
        "entries",
        "blobs",
        "trees",
        "containers",
        "references",
        "evictions_total",
        "evicted_bytes_total",
        "evicted_idle_seconds_bucket",
        "evicted_idle_seconds_sum",
        "evicted_idle_seconds_count",
        "request_duration_seconds_bucket",
        "request_duration_seconds_sum",
        "request_duration_seconds_count",
        "flight_waiters",
        "oldest_idle_seconds",
        "uptime_seconds",
        "build_info"
      })
  void everyMetricIsThere(String name) {
    assertThat(agent.samples(PREFIX + name)).as(name).isNotEmpty();
    assertThat(agent.tcp().samples(PREFIX + name)).as(name + " on TCP").isNotEmpty();
  }

  @Test
  void labelsAreThoseOfTheContract() {
    assertThat(agent.samples(PREFIX + "requests_total"))
        .allSatisfy(line -> assertThat(line).contains("outcome=\""));
    assertThat(agent.samples(PREFIX + "request_duration_seconds_count"))
        .allSatisfy(line -> assertThat(line).contains("outcome=\""));
    assertThat(agent.metric(PREFIX + "origin_requests_total", "code", "200")).isPositive();
    assertThat(agent.metric(PREFIX + "origin_requests_total", "code", "304")).isPositive();
    assertThat(agent.metric(PREFIX + "origin_requests_total", "code", "error")).isPositive();
    assertThat(agent.samples(PREFIX + "origin_errors_total"))
        .allSatisfy(line -> assertThat(line).contains("kind=\""));
    assertThat(agent.samples(PREFIX + "evictions_total"))
        .allSatisfy(line -> assertThat(line).contains("reason=\""));
    assertThat(
            agent.metric(PREFIX + "build_info", "version", agent.stats().path("version").asText()))
        .isEqualTo(1);
  }

  @Test
  void freeBytesAreThoseOfTheFileSystem() {
    assertThat(agent.stat("disk.freeBytes")).isBetween(1L, agent.state().toFile().getTotalSpace());
    assertThat(agent.metric(PREFIX + "disk_free_bytes")).isPositive();
    assertThat(agent.stat("disk.quotaBytes")).isEqualTo(20L << 30);
    assertThat(agent.stat("disk.minFreeBytes")).isEqualTo(1L << 30);
  }

  // ---- what is counted

  @Test
  void eachDownloadCountsOnceByItsOutcome() {
    JsonNode before = agent.stats().path("requests");

    everyOutcomeOnce("once");

    JsonNode after = agent.stats().path("requests");
    for (String outcome :
        List.of(
            "miss", "revalidated", "updated", "hit", "coalesced", "stale", "uncached", "failed")) {
      long expected = outcome.equals("miss") ? 3 : 1;
      assertThat(after.path(outcome).asLong() - before.path(outcome).asLong())
          .as(outcome)
          .isEqualTo(expected);
    }
  }

  /**
   * One download of each outcome, and two more misses: those that a hit and a coalesced one need.
   */
  private static void everyOutcomeOnce(String container) {
    String path = "/" + container;
    origin.serve(path + "/a", "12345", "ETag: \"1\"");
    agent.download(container, "a", origin.url(path + "/a"));
    agent.download(container, "a", origin.url(path + "/a"));
    origin.answer(path + "/a", 500);
    agent.download(container, "a", origin.url(path + "/a"), "maxStale", "1h");
    origin.serve(path + "/a", "1234567", "ETag: \"2\"");
    agent.download(container, "a", origin.url(path + "/a"));
    origin.serve(path + "/b", "12345 fresh", "Cache-Control: max-age=600");
    agent.download(container, "b", origin.url(path + "/b"));
    agent.download(container, "b", origin.url(path + "/b"));
    origin.answer(path + "/c", Answer.ok("not kept"));
    agent.download(container, "c", origin.url(path + "/c"));
    agent.refused(container, "d", "http://127.0.0.1:" + Project.freePort() + "/");
    twoAtOnce(container, path + "/e");
  }

  private static void twoAtOnce(String container, String path) {
    origin.serve(path, "waited for", "ETag: \"e\"");
    origin.hold(path);
    var first = agent.downloadAsync(container, "e", origin.url(path));
    origin.awaitHits(path, 1);
    var second = agent.downloadAsync(container, "f", origin.url(path));
    agent.awaitMetric(PREFIX + "flight_waiters", 1);
    origin.release(path);
    assertThat(List.of(result(first).outcome(), result(second).outcome()))
        .containsExactly("miss", "coalesced");
  }

  @Test
  void servedFetchedAndSavedAreBytesOfBodies() {
    origin.serve("/bytes", "x".repeat(1000), "ETag: \"b\"");
    JsonNode before = agent.stats().path("bytes");

    agent.prefetch(origin.url("/bytes"));
    agent.download("bytes", "a", origin.url("/bytes"));
    agent.download("bytes", "b", origin.url("/bytes"));

    JsonNode after = agent.stats().path("bytes");
    assertThat(after.path("fetched").asLong() - before.path("fetched").asLong()).isEqualTo(1000);
    assertThat(after.path("served").asLong() - before.path("served").asLong()).isEqualTo(2000);
    assertThat(after.path("saved").asLong() - before.path("saved").asLong()).isEqualTo(2000);
  }

  @Test
  void eachDownloadOfASetCounts() {
    origin.serve("/set", "set", "Cache-Control: max-age=600");
    agent.prefetch(origin.url("/set"));
    long hits = agent.stat("requests.hit");

    agent
        .declare(
            "set",
            List.of(
                named("a", origin.url("/set")),
                named("b", origin.url("/set")),
                named("c", origin.url("/set"))))
        .expect(201);

    assertThat(agent.stat("requests.hit")).isEqualTo(hits + 3);
  }

  @Test
  void whatIsRefusedAsInvalidIsNotCounted() {
    JsonNode before = agent.stats().path("requests");

    agent
        .send(
            Request.put("/v1/containers/invalid/downloads/a", Json.object("bogus", 1))
                .deliberatelyBad())
        .problem()
        .is(400, "invalid-request");

    assertThat(agent.stats().path("requests")).isEqualTo(before);
  }

  @Test
  void containersAndReferencesAreCounted() {
    origin.serve("/counted", "counted", "ETag: \"c\"");
    JsonNode before = agent.stats().path("cache");
    agent.download("counted", "a", origin.url("/counted"));
    agent.download("counted", "b", origin.url("/counted"));

    JsonNode after = agent.stats().path("cache");
    assertThat(after.path("containers").asLong()).isEqualTo(before.path("containers").asLong() + 1);
    assertThat(after.path("references").asLong()).isEqualTo(before.path("references").asLong() + 2);
    assertThat(after.path("entries").asLong()).isEqualTo(before.path("entries").asLong() + 1);
    assertThat(after.path("blobs").asLong()).isEqualTo(before.path("blobs").asLong() + 1);
    agent.release("counted");
    assertThat(agent.stat("cache.containers")).isEqualTo(before.path("containers").asLong());
    assertThat(agent.stat("cache.references")).isEqualTo(before.path("references").asLong());
  }

  // ---- listeners

  @ParameterizedTest
  @ValueSource(strings = {"/metrics", "/livez", "/readyz"})
  void metricsAndHealthAreOnBothListeners(String path) {
    agent.get(path).expect(200);
    agent.tcp().get(path).expect(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/v1/stats", "/v1/config", "/v1/containers", "/v1/entries", "/"})
  void nothingElseIsOnTcp(String path) {
    agent.tcp().send(Request.get(path).deliberatelyBad()).expect(404);
  }
}
