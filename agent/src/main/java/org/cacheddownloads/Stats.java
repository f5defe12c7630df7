package org.cacheddownloads;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.Totals;
import org.cacheddownloads.config.Config;
import org.cacheddownloads.fetch.Flights;
import org.cacheddownloads.fetch.Slots;
import org.cacheddownloads.metrics.Meters;
import org.cacheddownloads.metrics.Meters.Figure;
import org.cacheddownloads.space.Budget;
import org.cacheddownloads.view.Views;

/**
 * The figures of {@code /v1/stats}, and the same ones as gauges: each is defined once, here, and
 * read by both.
 */
final class Stats {
  private final Supplier<Config> config;
  private final Meters meters;
  private final Budget budget;
  private final LongSupplier freeBytes;
  private final Catalog catalog;
  private final Views views;
  private final Slots slots;
  private final Flights flights;
  private final Clock clock;
  private final Instant start;
  private final String version;
  private volatile Seen seen;

  Stats(
      Supplier<Config> config,
      Meters meters,
      Budget budget,
      LongSupplier freeBytes,
      Catalog catalog,
      Views views,
      Slots slots,
      Flights flights,
      Clock clock,
      String version) {
    this.config = config;
    this.meters = meters;
    this.budget = budget;
    this.freeBytes = freeBytes;
    this.catalog = catalog;
    this.views = views;
    this.slots = slots;
    this.flights = flights;
    this.clock = clock;
    this.start = clock.instant();
    this.version = version;
    this.seen = see();
  }

  Map<String, Object> tree() {
    Meters.Counts counts = meters.counts();
    var tree = new LinkedHashMap<String, Object>();
    tree.put("requests", counts.requests());
    tree.put(
        "bytes",
        section(
            "served",
            counts.servedBytes(),
            "fetched",
            counts.fetchedBytes(),
            "saved",
            counts.savedBytes()));
    tree.put(
        "origin",
        section(
            "requests",
            counts.originRequests(),
            "errors",
            counts.originErrors(),
            "inFlight",
            (long) slots.inFlight(),
            "queued",
            (long) slots.queued()));
    tree.put("disk", disk());
    tree.put("cache", cache());
    tree.put(
        "evictions",
        section(
            "count",
            counts.evictions(),
            "bytes",
            counts.evictedBytes(),
            "oldestIdleSeconds",
            oldestIdleSeconds()));
    tree.put("uptimeSeconds", uptimeSeconds());
    tree.put("version", version);
    return tree;
  }

  private Map<String, Long> disk() {
    Budget.Sums sums = budget.sums();
    return section(
        "quotaBytes", config.get().quota().bytes(),
        "usedBytes", sums.usedBytes(),
        "inUseBytes", sums.inUseBytes(),
        "idleBytes", sums.idleBytes(),
        "partialBytes", sums.partialBytes(),
        "quarantineBytes", sums.quarantineBytes(),
        "reservedBytes", sums.reservedBytes(),
        "minFreeBytes", config.get().quota().minFreeBytes(),
        "freeBytes", freeBytes.getAsLong());
  }

  private Map<String, Long> cache() {
    var totals = catalog.totals();
    return section(
        "entries", totals.entries(),
        "blobs", totals.blobs(),
        "trees", totals.trees(),
        "containers", views.containers(),
        "references", views.references());
  }

  private static Map<String, Long> section(Object... namesAndFigures) {
    var section = new LinkedHashMap<String, Long>();
    for (int i = 0; i < namesAndFigures.length; i += 2) {
      section.put((String) namesAndFigures[i], (Long) namesAndFigures[i + 1]);
    }
    return section;
  }

  private long oldestIdleSeconds() {
    return catalog
        .oldestIdle()
        .map(at -> Math.max(0, Duration.between(at, clock.instant()).toSeconds()))
        .orElse(0L);
  }

  private long uptimeSeconds() {
    return Duration.between(start, clock.instant()).toSeconds();
  }

  /** Sums that are to agree with each other, of one instant. */
  private record Seen(Budget.Sums sums, Totals totals) {}

  private Seen see() {
    return new Seen(budget.sums(), catalog.totals());
  }

  /** Makes the gauges, once. */
  void register() {
    meters.beforeEachLook(() -> seen = see());
    meters.gauge(Figure.DISK_QUOTA, () -> config.get().quota().bytes());
    meters.gauge(Figure.DISK_USED, () -> seen.sums().usedBytes());
    meters.gauge(Figure.DISK_IN_USE, () -> seen.sums().inUseBytes());
    meters.gauge(Figure.DISK_IDLE, () -> seen.sums().idleBytes());
    meters.gauge(Figure.DISK_PARTIAL, () -> seen.sums().partialBytes());
    meters.gauge(Figure.DISK_QUARANTINE, () -> seen.sums().quarantineBytes());
    meters.gauge(Figure.DISK_RESERVED, () -> seen.sums().reservedBytes());
    meters.gauge(Figure.DISK_MIN_FREE, () -> config.get().quota().minFreeBytes());
    meters.gauge(Figure.DISK_FREE, freeBytes::getAsLong);
    meters.gauge(Figure.DISK_FILES, () -> seen.sums().files());
    meters.gauge(Figure.DISK_QUOTA_FILES, () -> config.get().quota().files());
    meters.gauge(Figure.ENTRIES, () -> seen.totals().entries());
    meters.gauge(Figure.BLOBS, () -> seen.totals().blobs());
    meters.gauge(Figure.TREES, () -> seen.totals().trees());
    meters.gauge(Figure.UNSYNCED, catalog::countNotDurable);
    meters.gauge(Figure.CONTAINERS, views::containers);
    meters.gauge(Figure.REFERENCES, views::references);
    meters.gauge(Figure.ORIGIN_IN_FLIGHT, slots::inFlight);
    meters.gauge(Figure.ORIGIN_QUEUED, slots::queued);
    meters.gauge(Figure.ORIGIN_SLOTS, () -> config.get().fetch().concurrency());
    meters.gauge(Figure.FLIGHT_WAITERS, flights::waiters);
    meters.gauge(Figure.OLDEST_IDLE, this::oldestIdleSeconds);
    meters.gauge(Figure.UPTIME, this::uptimeSeconds);
  }
}
