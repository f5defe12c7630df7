package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is there to scrape: names, helps, labels that cannot grow without end. */
class MetricsSpec {
  private static final String PREFIX = "cached_downloads_";
  private static final String PROBLEMS = PREFIX + "problems_total";
  private static final String HOST_REQUESTS = PREFIX + "origin_host_requests_total";
  private static final int MOST_HOSTS = 50;

  @RegisterExtension
  static final AgentProcess agent =
      AgentProcess.with("fetch.attempts", 1, "fetch.negativeTtl", "0s", "fetch.breakerFailures", 0)
          .knowingHosts(hosts());

  @RegisterExtension static final Origin origin = Origin.start();

  private static String[] hosts() {
    return Stream.concat(
            Stream.of("blobs.test", "other.test"),
            IntStream.range(0, MOST_HOSTS + 10).mapToObj(i -> "late" + i + ".test"))
        .flatMap(host -> Stream.of(host, "127.0.0.1"))
        .toArray(String[]::new);
  }

  private static String at(String host, String path) {
    return origin.url(path).replace("127.0.0.1", host);
  }

  // ---- form

  @Test
  void promtoolHasNothingToSayAboutAScrape() throws IOException {
    origin.serve("/scraped", "scraped", "ETag: \"s\"");
    agent.download("scraped", "a", origin.url("/scraped"));
    agent.refused("scraped", "b", origin.url("/nothing"));
    Path scrape = agent.scratch("scrape");
    Files.write(scrape, agent.tcp().get("/metrics").expect(200).bytes());

    Child.Outcome lint =
        Child.run(
            List.of(
                "sh",
                "-c",
                "exec \"$0\" check metrics < \"$1\"",
                Project.tool("promtool", "prometheus"),
                scrape.toString()));

    assertThat(lint.output() + lint.errors()).isEmpty();
    assertThat(lint.exit()).isZero();
  }

  @Test
  void everyMetricSaysWhatItMeansInASentence() {
    List<String> helps =
        agent
            .get("/metrics")
            .expect(200)
            .text()
            .lines()
            .filter(l -> l.startsWith("# HELP"))
            .toList();

    assertThat(helps).hasSizeGreaterThan(60);
    assertThat(helps).allSatisfy(help -> assertThat(help).matches("# HELP \\S+ [A-Z0-9].{10,}\\."));
  }

  // ---- problems

  @Test
  void everyCodeOfTheContractIsCountedFromTheStart() {
    List<String> codes =
        Json.texts(Contract.document().at("/components/schemas/Problem/properties/code/enum"));

    assertThat(codes).contains("not-found", "insufficient-space");
    assertThat(codes)
        .allSatisfy(code -> assertThat(agent.samples(PROBLEMS, "code", code)).hasSize(1));
    assertThat(agent.samples(PROBLEMS, "code", "internal")).hasSize(1);
  }

  @Test
  void aProblemCountsOnceByItsCodeHoweverItIsTold() {
    double notFound = agent.metric(PROBLEMS, "code", "not-found");
    double rejected = agent.metric(PROBLEMS, "code", "origin-rejected");
    double invalid = agent.metric(PROBLEMS, "code", "invalid-request");
    origin.serve("/ranged", "12345", "ETag: \"r\"");
    Download ranged = agent.prefetch(origin.url("/ranged"));

    agent.get(Request.entryPath("nothing")).expect(404);
    agent.refused("problems", "a", origin.url("/gone"));
    agent
        .send(
            AgentClient.downloadRequest("problems", "a", origin.url("/gone"))
                .header("Accept", "application/x-ndjson"))
        .expect(200);
    agent.send(Request.get("/v1/blobs/" + ranged.digest()).header("Range", "bytes=9-")).expect(416);

    assertThat(agent.metric(PROBLEMS, "code", "not-found")).isEqualTo(notFound + 1);
    assertThat(agent.metric(PROBLEMS, "code", "origin-rejected")).isEqualTo(rejected + 2);
    assertThat(agent.metric(PROBLEMS, "code", "invalid-request")).isEqualTo(invalid + 1);
  }

  // ---- hosts of origins

  @Test
  void requestsAreCountedByHostAndStatus() {
    origin.serve("/of-host", "of a host", "ETag: \"h\"");
    agent.download("of-host", "a", at("blobs.test", "/of-host"));
    agent.download("of-host", "a", at("blobs.test", "/of-host"));
    agent.download("of-host", "shouted", at("BLOBS.test", "/of-host"));
    agent.refused("of-host", "b", "http://other.test:" + Project.freePort() + "/");

    assertThat(agent.metric(HOST_REQUESTS, "host", "blobs.test", "code", "200")).isEqualTo(2);
    assertThat(agent.metric(HOST_REQUESTS, "host", "blobs.test", "code", "304")).isEqualTo(1);
    assertThat(agent.metric(HOST_REQUESTS, "host", "other.test", "code", "error")).isEqualTo(1);
    assertThat(agent.metric(PREFIX + "origin_host_received_bytes_total", "host", "blobs.test"))
        .isEqualTo(2.0 * "of a host".length());
    assertThat(agent.metric(PREFIX + "origin_host_first_byte_seconds_count", "host", "blobs.test"))
        .isEqualTo(3);
  }

  @Test
  void hostsAfterTheFirstFiftyShareOneSeries() {
    try (AgentProcess fresh = AgentProcess.with().knowingHosts(hosts())) {
      fresh.start();
      origin.serve("/late", "late", "Cache-Control: no-store");
      for (int i = 0; i < MOST_HOSTS + 10; i++) {
        fresh.prefetch(at("late" + i + ".test", "/late"));
      }

      assertThat(fresh.metric(HOST_REQUESTS, "host", "other", "code", "200")).isEqualTo(10);
      assertThat(
              fresh
                  .samples(HOST_REQUESTS, "code", "200")
                  .map(line -> line.replaceAll(".*host=\"([^\"]*)\".*", "$1"))
                  .distinct())
          .hasSize(MOST_HOSTS + 1);
    }
  }

  // ---- process

  @ParameterizedTest
  @ValueSource(
      strings = {
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_start_time_seconds",
        "jvm_memory_used_bytes",
        "jvm_memory_committed_bytes",
        "jvm_memory_max_bytes",
        "jvm_buffer_pool_used_bytes",
        "jvm_threads_current",
        "jvm_gc_collection_seconds_count",
        "jvm_gc_collection_seconds_sum"
      })
  void whatOthersCallSoIsThereUnderTheSameName(String name) {
    assertThat(agent.samples(name)).as(name).isNotEmpty();
    assertThat(agent.samples(name)).allSatisfy(line -> assertThat(line).doesNotContain("NaN"));
  }

  @Test
  void theProcessIsThisProcess() throws IOException {
    Path self = Path.of("/proc", String.valueOf(agent.pid()));
    String status = Files.readString(self.resolve("status"));
    var resident = Pattern.compile("VmRSS:\\s+(\\d+) kB").matcher(status);
    assertThat(resident.find()).isTrue();
    double bytes = Long.parseLong(resident.group(1)) * 1024.0;

    assertThat(agent.metric("process_resident_memory_bytes")).isBetween(bytes / 2, bytes * 2);
    assertThat(agent.metric("process_open_fds"))
        .isPositive()
        .isLessThan(agent.metric("process_max_fds"));
    assertThat(agent.metric("process_start_time_seconds"))
        .isBetween(Instant.now().getEpochSecond() - 3600.0, Instant.now().getEpochSecond() + 2.0);
    assertThat(agent.metric("process_cpu_seconds_total")).isPositive();
  }

  // ---- state

  /** Read one after the other, the parts would add up to more than the quota now and then. */
  @Test
  void theSumsOfAScrapeAreOfOneInstant() {
    try (AgentProcess busy = AgentProcess.running("quota.bytes", "4MiB")) {
      var running = new ArrayList<CompletableFuture<Download>>();
      for (int i = 0; i < 40; i++) {
        origin.serve("/busy/" + i, Content.random(Content.MIB / 2, "busy " + i), "ETag: \"b\"");
        running.add(busy.prefetchAsync(origin.url("/busy/" + i)));
      }

      while (running.stream().anyMatch(call -> !call.isDone())) {
        String scrape = busy.get("/metrics").expect(200).text();
        double parts =
            Stream.of("in_use", "idle", "partial", "quarantine")
                .mapToDouble(part -> disk(scrape, part))
                .sum();
        assertThat(disk(scrape, "used")).isEqualTo(parts);
        assertThat(parts + disk(scrape, "reserved")).isLessThanOrEqualTo(4.0 * Content.MIB);
      }
      running.forEach(call -> assertThat(AgentClient.result(call).outcome()).isEqualTo("miss"));
    }
  }

  private static double disk(String scrape, String part) {
    String name = PREFIX + "disk_" + part + "_bytes ";
    return scrape
        .lines()
        .filter(line -> line.startsWith(name))
        .mapToDouble(line -> Double.parseDouble(line.substring(name.length())))
        .sum();
  }

  @Test
  void readinessIsAFigureToo() {
    assertThat(agent.metric(PREFIX + "ready")).isEqualTo(1);
    try (AgentProcess draining = AgentProcess.running("drain.timeout", "60s")) {
      origin.serve("/drained", "drained", "ETag: \"d\"");
      origin.hold("/drained");
      var last = draining.downloadAsync("drained", "a", origin.url("/drained"));
      origin.awaitHits("/drained", 1);

      draining.sigterm();

      eventually().until(() -> draining.tcp().metric(PREFIX + "ready") == 0);
      origin.release("/drained");
      assertThat(AgentClient.result(last).content()).isEqualTo("drained");
    }
  }

  @Test
  void aBadFileShowsUntilAGoodOneWasRead() {
    try (AgentProcess reloaded = AgentProcess.running()) {
      assertThat(reloaded.metric(PREFIX + "config_last_reload_successful")).isEqualTo(1);
      reloaded.writeConfig("qouta: 1\n");
      reloaded.send(Request.of("POST", "/v1/config/reload")).expect(400);
      assertThat(reloaded.metric(PREFIX + "config_last_reload_successful")).isZero();

      reloaded.writeConfig();
      reloaded.send(Request.of("POST", "/v1/config/reload")).expect(200);

      assertThat(reloaded.metric(PREFIX + "config_last_reload_successful")).isEqualTo(1);
    }
  }

  @Test
  void whatReachedTheDiskIsCounted() {
    try (AgentProcess flushing = AgentProcess.running("durability.flushInterval", "100ms")) {
      origin.serve("/flushed", "flushed", "ETag: \"f\"");
      flushing.prefetch(origin.url("/flushed"));

      flushing.awaitMetric(PREFIX + "flushed_blobs_total", 1);
      eventually().until(() -> flushing.metric(PREFIX + "unsynced_blobs") == 0);
      assertThat(flushing.metric(PREFIX + "flush_seconds_count")).isEqualTo(1);
    }
  }
}
