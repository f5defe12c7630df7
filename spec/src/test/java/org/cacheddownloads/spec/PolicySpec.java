package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.AgentClient.result;
import static org.cacheddownloads.spec.Content.MIB;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who goes first under each {@code quota.policy}; who never goes is the same under both. */
class PolicySpec {
  /** Room for some fifteen objects of 1 MiB. */
  private static final int QUOTA = 16 * MIB;

  private static final int SCAN = 30;

  @RegisterExtension static final Origin origin = Origin.start();

  private static AgentProcess agentWith(String policy, int quota) {
    return AgentProcess.running(
        "quota.bytes", quota, "quota.waitForSpace", "60s", "quota.policy", policy);
  }

  @ParameterizedTest
  @CsvSource({"lru, miss", "s3fifo, hit"})
  void whatIsAskedForAgainAndAgainOutlivesAScanOrNot(String policy, String afterwards) {
    try (AgentProcess agent = agentWith(policy, QUOTA)) {
      assertThat(prefetch(agent, "/hot").outcome()).isEqualTo("miss");
      assertThat(prefetch(agent, "/hot").outcome()).isEqualTo("hit");
      assertThat(prefetch(agent, "/hot").outcome()).isEqualTo("hit");
      scan(agent, "/scanned/");
      assertThat(agent.stat("disk.usedBytes")).isLessThanOrEqualTo(QUOTA);
      assertThat(prefetch(agent, "/hot").outcome()).isEqualTo(afterwards);
    }
  }

  @Test
  void theRankIsThatOfThePolicy() {
    try (AgentProcess agent = agentWith("s3fifo", QUOTA)) {
      for (int i = 0; i < 3; i++) prefetch(agent, "/hot");
      prefetch(agent, "/once/1");
      prefetch(agent, "/once/2");

      assertThat(rank(agent, "/once/1")).isEqualTo("1 of 3");
      assertThat(rank(agent, "/once/2")).isEqualTo("2 of 3");
      assertThat(rank(agent, "/hot")).isEqualTo("3 of 3");
    }
  }

  private static String rank(AgentProcess agent, String path) {
    String url = URLEncoder.encode(origin.url(path), StandardCharsets.UTF_8);
    JsonNode rank = agent.get("/v1/explain?url=" + url).expect(200).json().path("evictionRank");
    return rank.path("position").asText() + " of " + rank.path("of").asText();
  }

  @Test
  void aKillLosesNoObjectAndNoOrderOfUse() {
    try (AgentProcess agent = agentWith("s3fifo", QUOTA)) {
      serve("/held");
      Download held = agent.download("policy", "held", origin.url("/held"));
      for (int i = 0; i < 10; i++) prefetch(agent, "/before/" + i);

      agent.kill9();
      agent.start();
      for (int i = 0; i < 3; i++)
        assertThat(prefetch(agent, "/before/5").outcome()).isEqualTo("hit");
      scan(agent, "/after/");

      assertThat(held.bytes()).isEqualTo(Content.random(MIB, "/held"));
      assertThat(agent.hasBlob(held.digest())).isTrue();
      assertThat(prefetch(agent, "/before/5").outcome()).isEqualTo("hit");
      assertThat(agent.stat("disk.usedBytes")).isLessThanOrEqualTo(QUOTA);
      agent.assertUsedIsAllocated();
    }
  }

  @Test
  void whatIsInUseStaysAndTheQuotaIsKeptThroughParallelDownloads() {
    int quota = 10 * MIB;
    try (AgentProcess agent = agentWith("s3fifo", quota)) {
      serve("/in-use");
      Download held = agent.download("parallel", "a", origin.url("/in-use"));
      var downloads =
          IntStream.range(0, 24).mapToObj(i -> prefetchAsync(agent, "/parallel/" + i)).toList();
      var samples = new ArrayList<Long>();
      while (!downloads.stream().allMatch(CompletableFuture::isDone)) {
        samples.add(DiskUsage.certainlyReached(agent.state()));
        JsonNode disk = agent.stats().path("disk");
        samples.add(disk.path("usedBytes").asLong() + disk.path("reservedBytes").asLong());
      }
      assertThat(downloads)
          .allSatisfy(download -> assertThat(result(download).outcome()).isEqualTo("miss"));
      assertThat(samples)
          .isNotEmpty()
          .allSatisfy(bytes -> assertThat(bytes).isLessThanOrEqualTo(quota));
      assertThat(held.bytes()).isEqualTo(Content.random(MIB, "/in-use"));
      assertThat(agent.hasBlob(held.digest())).isTrue();
      agent.assertUsedIsAllocated();
    }
  }

  // ---- given

  private static void serve(String path) {
    origin.serve(path, Content.random(MIB, path), "Cache-Control: max-age=600");
  }

  private static Download prefetch(AgentProcess agent, String path) {
    serve(path);
    return agent.prefetch(origin.url(path));
  }

  private static CompletableFuture<Download> prefetchAsync(AgentProcess agent, String path) {
    serve(path);
    return agent.prefetchAsync(origin.url(path));
  }

  /** Asks once for each of more objects than there is room for. */
  private static void scan(AgentProcess agent, String prefix) {
    for (int i = 0; i < SCAN; i++) prefetch(agent, prefix + i);
  }
}
