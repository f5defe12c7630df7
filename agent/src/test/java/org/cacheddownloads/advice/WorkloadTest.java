package org.cacheddownloads.advice;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WorkloadTest {
  private static final int REQUESTS = 200_000;
  private static final long DAY = 24 * 60 * 60 * 1000L;

  @ParameterizedTest
  @EnumSource
  void aSeedAlwaysGivesTheSameRequestsAndAnotherSeedOthers(Workload workload) {
    assertThat(take(workload, 1, 10_000)).isEqualTo(take(workload, 1, 10_000));
    assertThat(keys(take(workload, 1, 10_000)))
        .doesNotContainAnyElementsOf(keys(take(workload, 2, 10_000)));
  }

  @ParameterizedTest
  @EnumSource
  void timeNeverRunsBackAndSizesStayWithTheirKeys(Workload workload) {
    var sizes = new HashMap<Long, Long>();
    long before = 0;
    for (Access access : take(workload, 1, REQUESTS)) {
      assertThat(access.millis()).isGreaterThanOrEqualTo(before);
      before = access.millis();
      assertThat(access.bytes()).isBetween(1L << 10, 2L << 30);
      assertThat(sizes.merge(access.key(), access.bytes(), (first, again) -> first))
          .isEqualTo(access.bytes());
    }
  }

  /** By their upper byte: 256 bins, none with twice its share. */
  @Test
  void keysAreSpreadEvenly() {
    var bins = new int[256];
    var keys = keys(take(Workload.ONEOFF, 1, REQUESTS));
    keys.forEach(key -> bins[(int) (key >>> 56)]++);
    assertThat(Arrays.stream(bins)).allMatch(count -> count > 0 && count < 2 * keys.size() / 256);
  }

  @Test
  void buildpacksOfStagingGetNewVersions() {
    var requests = take(Workload.STAGING, 1, 3 * REQUESTS);
    var early = largeKeys(requests, 0, DAY);
    assertThat(largeKeys(requests, 20 * DAY, 21 * DAY))
        .isNotEmpty()
        .doesNotContainAnyElementsOf(early);
    assertThat(largeKeys(requests, DAY, 2 * DAY)).containsAnyElementsOf(early);
  }

  @Test
  void mostOfWhatOneoffAsksForIsAskedForOnceOrTwice() {
    var counts = new HashMap<Long, Integer>();
    take(Workload.ONEOFF, 1, REQUESTS)
        .forEach(access -> counts.merge(access.key(), 1, Integer::sum));
    long rare = counts.values().stream().filter(count -> count <= 2).count();
    assertThat(rare).isGreaterThan(counts.size() * 9L / 10);
    assertThat(counts.values()).anyMatch(count -> count > 500);
  }

  /** The busiest object of an hour is asked for by dozens, and within minutes by nobody. */
  @Test
  void stormsComeAndGo() {
    var first = new HashMap<Long, Long>();
    var last = new HashMap<Long, Long>();
    var counts = new HashMap<Long, Integer>();
    for (Access access : take(Workload.STORM, 1, REQUESTS)) {
      first.putIfAbsent(access.key(), access.millis());
      last.put(access.key(), access.millis());
      counts.merge(access.key(), 1, Integer::sum);
    }
    long stormed =
        counts.entrySet().stream()
            .filter(each -> each.getValue() >= 20)
            .map(each -> each.getKey())
            .filter(key -> last.getOrDefault(key, 0L) - first.getOrDefault(key, 0L) < 600_000)
            .count();
    assertThat(stormed).isGreaterThan(100);
  }

  @Test
  void mixedIsBusyByDayAndQuietByNight() {
    var byHour = new int[24];
    take(Workload.MIXED, 1, REQUESTS).stream()
        .filter(access -> access.millis() < 2 * DAY)
        .forEach(access -> byHour[(int) (access.millis() % DAY / (DAY / 24))]++);
    assertThat(byHour[12]).isGreaterThan(3 * byHour[0]);
  }

  private static List<Access> take(Workload workload, long seed, int count) {
    var requests = workload.requests(seed);
    var taken = new ArrayList<Access>(count);
    for (int i = 0; i < count; i++) taken.add(requests.next());
    return taken;
  }

  private static Set<Long> keys(List<Access> requests) {
    var keys = new HashSet<Long>();
    requests.forEach(access -> keys.add(access.key()));
    return keys;
  }

  /** Above 200 MiB there are only buildpacks in staging. */
  private static List<Long> largeKeys(List<Access> requests, long fromMillis, long toMillis) {
    return requests.stream()
        .filter(access -> access.bytes() > 200L << 20)
        .filter(access -> access.millis() >= fromMillis && access.millis() < toMillis)
        .map(Access::key)
        .distinct()
        .toList();
  }
}
