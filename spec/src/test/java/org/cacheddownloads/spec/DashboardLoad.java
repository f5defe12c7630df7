package org.cacheddownloads.spec;

import static org.cacheddownloads.spec.AgentClient.result;
import static org.cacheddownloads.spec.Eventually.eventually;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.cacheddownloads.spec.Origin.Answer;

/**
 * A day of a cell in short: containers come and go and share most of what they ask for, a release
 * changes many files at once, an origin fails for a while, and then more is asked for than the
 * quota has room for, some of it again when it was evicted. Each round ends with a scrape, so that
 * what it did is in the figures. The same in every run but for times.
 */
final class DashboardLoad implements AutoCloseable {
  private static final int QUOTA = 24 * Content.MIB;
  private static final int FILES = 10;
  private static final int FILE_BYTES = Content.MIB / 2;
  private static final int MORE_BYTES = 2 * Content.MIB;
  private static final int CONTAINERS_A_ROUND = 4;
  private static final int MOST_CONTAINERS = 8;
  private static final List<String> HOSTS =
      List.of("packages.test", "images.test", "tools.test", "slow.test", "down.test");

  private final Origin origin = Origin.start();
  private final AgentProcess agent;
  private final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(7);
  private final ArrayDeque<String> containers = new ArrayDeque<>();
  private final ArrayDeque<String> more = new ArrayDeque<>();
  private final int downPort = Project.freePort();
  private int made;

  DashboardLoad() {
    agent =
        AgentProcess.with(
                "quota.bytes", QUOTA,
                "quota.minFreeBytes", "1MiB",
                "quota.waitForSpace", "1s",
                "fetch.attempts", 1,
                "fetch.perOrigin", 2,
                "fetch.concurrency", 4,
                "fetch.negativeTtl", "0s",
                "fetch.freshness", "rfc9111",
                "durability.flushInterval", "1s",
                "durability.scrubPeriod", "3s")
            .knowingHosts(
                HOSTS.stream()
                    .flatMap(host -> List.of(host, "127.0.0.1").stream())
                    .toArray(String[]::new));
    for (int file = 0; file < FILES; file++) {
      serve(file, "1");
    }
    origin.serve("/tool", RawTar.program("1"), "ETag: \"t\"");
    origin.serve("/no-archive", "this is no archive", "ETag: \"n\"");
    origin.serve("/huge", new byte[QUOTA + Content.MIB], "ETag: \"huge\"");
    origin.answer("/uncached", Answer.ok("never kept", "Cache-Control: no-store"));
  }

  AgentProcess agent() {
    return agent;
  }

  /** So many rounds, each of which ends with a scrape of this Prometheus. */
  void run(int rounds, PrometheusServer prometheus) {
    for (int round = 0; round < rounds; round++) {
      int progress = round * 100 / rounds;
      if (progress >= 40 && (round - 1) * 100 / rounds < 40) {
        for (int file = 0; file < FILES; file++) {
          serve(file, "2");
        }
      }
      boolean isFailing = progress >= 60 && progress < 70;
      containers(isFailing, progress >= 70 ? 4 : 0);
      trouble(round);
      slow(round, prometheus);
    }
  }

  private void serve(int file, String version) {
    byte[] bytes = Content.random(FILE_BYTES + file * 1000, file + "/" + version);
    String[] headers =
        file % 3 == 0
            ? new String[] {"ETag: \"" + version + "\"", "Cache-Control: max-age=2"}
            : new String[] {"ETag: \"" + version + "\""};
    origin.serve("/file/" + file, bytes, headers);
  }

  private String url(String host, String path) {
    return origin.url(path).replace("127.0.0.1", host);
  }

  private String file(int file) {
    return url(file % 2 == 0 ? "packages.test" : "images.test", "/file/" + file);
  }

  private void containers(boolean isFailing, int moreFiles) {
    if (isFailing) {
      for (int file = 0; file < FILES; file += 2) {
        origin.answer("/file/" + file, 503);
      }
    }
    var asked = new ArrayList<CompletableFuture<?>>();
    for (int i = 0; i < CONTAINERS_A_ROUND; i++) {
      String container = "c" + ++made;
      containers.add(container);
      for (String name : List.of("a", "b")) {
        String url = file(random.nextInt(FILES));
        Object[] more = random.nextBoolean() ? new Object[] {"maxStale", "1h"} : new Object[0];
        asked.add(agent.sendAsync(AgentClient.downloadRequest(container, name, url, more)));
      }
      asked.add(
          agent.sendAsync(
              AgentClient.downloadRequest(
                  container, "tool", url("tools.test", "/tool"), "as", "directory")));
    }
    for (int i = 0; i < moreFiles; i++) {
      String path = "/more/" + made + "/" + i;
      origin.serve(path, Content.random(MORE_BYTES, path), "ETag: \"m\"");
      more.add(url("images.test", path));
      asked.add(agent.prefetchAsync(more.getLast()));
    }
    asked.forEach(DashboardLoad::ended);
    regret();
    while (containers.size() > MOST_CONTAINERS) {
      agent.release(containers.removeFirst());
    }
    if (isFailing) {
      for (int file = 0; file < FILES; file += 2) {
        serve(file, "2");
      }
    }
  }

  /** What came before as much as fills the quota was evicted, and is wanted again. */
  private void regret() {
    while (more.size() * MORE_BYTES > QUOTA + 2 * MORE_BYTES) {
      agent.prefetch(more.removeFirst());
    }
  }

  /** Whatever came of it: that requests fail is part of the script. */
  private static void ended(CompletableFuture<?> call) {
    Object _ = result(call);
  }

  private void trouble(int round) {
    switch (round % 6) {
      case 0 -> agent.refused("trouble", "a", url("tools.test", "/missing"));
      case 1 -> agent.refused("trouble", "b", "http://down.test:" + downPort + "/");
      case 2 -> agent.refused("trouble", "c", url("images.test", "/huge"));
      case 3 -> agent.refused("trouble", "d", url("tools.test", "/no-archive"), "as", "directory");
      case 4 -> agent.prefetch(url("images.test", "/uncached"));
      default -> newTree(round);
    }
  }

  private void newTree(int round) {
    origin.serve("/tree", RawTar.program("round " + round), "ETag: \"" + round + "\"");
    agent.download("trees", "tree", url("tools.test", "/tree"), "as", "directory");
  }

  /** Two who wait together for an origin that takes until the next scrape. */
  private void slow(int round, PrometheusServer prometheus) {
    String path = "/slow/" + round;
    origin.serve(path, "slow", "ETag: \"s\"");
    origin.hold(path);
    var first = agent.prefetchAsync(url("slow.test", path));
    origin.awaitHits(path, 1);
    var second = agent.prefetchAsync(url("slow.test", path));
    agent.awaitMetric("cached_downloads_flight_waiters", 2);
    prometheus.awaitScrape();
    origin.release(path);
    ended(first);
    ended(second);
  }

  /** A bit flips in a blob that nobody holds, and the scrubber finds it. */
  void damage() {
    origin.serve("/rotten", "rotten", "ETag: \"r\"");
    Download rotten = agent.prefetch(url("tools.test", "/rotten"));
    Path blob = agent.blob(rotten.digest());
    try {
      Files.setPosixFilePermissions(blob, PosixFilePermissions.fromString("rw-r--r--"));
      Files.writeString(blob, "r0tten");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    agent.awaitMetric("cached_downloads_damaged_blobs_total", 1);
    eventually().until(() -> agent.metric("cached_downloads_scrub_passes_total") > 0);
  }

  @Override
  public void close() {
    agent.close();
    origin.close();
  }
}
