package org.cacheddownloads;

import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.cacheddownloads.advice.Advisor;
import org.cacheddownloads.api.Downloads;
import org.cacheddownloads.api.Gate;
import org.cacheddownloads.api.Journal;
import org.cacheddownloads.api.SocketServer;
import org.cacheddownloads.archive.TreeMaker;
import org.cacheddownloads.catalog.BlobRow;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.DownloadRow;
import org.cacheddownloads.config.Config.Changes;
import org.cacheddownloads.config.Settings;
import org.cacheddownloads.content.Sizes;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.fetch.Authority;
import org.cacheddownloads.fetch.Breakers;
import org.cacheddownloads.fetch.Download;
import org.cacheddownloads.fetch.Fetcher;
import org.cacheddownloads.fetch.Flights;
import org.cacheddownloads.fetch.HttpOrigin;
import org.cacheddownloads.fetch.Proxies;
import org.cacheddownloads.fetch.RuleHeaders;
import org.cacheddownloads.fetch.Slots;
import org.cacheddownloads.fetch.Transfer;
import org.cacheddownloads.metrics.Meters;
import org.cacheddownloads.metrics.Meters.Figure;
import org.cacheddownloads.space.Budget;
import org.cacheddownloads.space.Copies;
import org.cacheddownloads.space.EvictionOrder;
import org.cacheddownloads.space.Evictor;
import org.cacheddownloads.space.Flusher;
import org.cacheddownloads.space.Holds;
import org.cacheddownloads.space.Partials;
import org.cacheddownloads.space.Recency;
import org.cacheddownloads.space.Recount;
import org.cacheddownloads.space.Scrubber;
import org.cacheddownloads.space.Verifier;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Hashing;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.StorageHealth;
import org.cacheddownloads.store.StoreLayout;
import org.cacheddownloads.trace.Events;
import org.cacheddownloads.trace.RequestLog;
import org.cacheddownloads.view.Rebuild;
import org.cacheddownloads.view.Reconciler;
import org.cacheddownloads.view.ViewScan;
import org.cacheddownloads.view.Views;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The map of the program: makes every part, from the disk up to the socket, and closes them in
 * reverse.
 *
 * <p>Order of a start: lock the state, open the catalog, listen (not ready), read the views, let
 * requests in, reconcile in the background.
 */
public final class Agent implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Agent.class);
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
  private static final double SLOW_HASH = 100e6;
  private static final long PATIENCE_SECONDS = 10;
  private static final long FILE_BLOCK = 4096;
  private static final Duration ADVICE_PAUSE = Duration.ofMinutes(1);
  private static final Duration PROBE_PAUSE = Duration.ofSeconds(1);
  private static final Duration EXPIRY_CHECK = Duration.ofMillis(250);
  private static final Duration QUOTA_CHECK = Duration.ofMillis(250);
  private static final Duration HASH_CHECK = Duration.ofSeconds(2);
  private static final Duration SCRUB_STEP = Duration.ofMillis(250);

  private final ArrayDeque<AutoCloseable> parts = new ArrayDeque<>();
  private final LiveConfig config;
  private final Gate gate;

  /** As precise as the catalog keeps times. */
  private final Clock clock = Clock.tick(Clock.systemUTC(), Duration.ofNanos(1_000));

  private final Events events = new Events(clock);
  private final CompletableFuture<@Nullable Void> broken = new CompletableFuture<>();
  private Supplier<CompletableFuture<String>> pulse = CompletableFuture::new;

  private Agent(LiveConfig config) {
    this.config = config;
    this.gate = new Gate();
  }

  /**
   * Starts an agent; it serves when this returns.
   *
   * @param file where {@code start} was read from, and is read again from on reload; null for the
   *     embedded defaults
   * @param environment whose variables win over the file
   * @throws IOException with a sentence for the operator, if the state or an address cannot be had
   */
  public static Agent start(@Nullable Path file, Map<String, String> environment, Settings start)
      throws IOException {
    var config = new LiveConfig(file, environment, start);
    try {
      return started(config);
    } catch (IOException | RuntimeException e) {
      if (!Catalog.isDamaged(StoreLayout.catalogOf(start.config().state()))) {
        throw e;
      }
      // Which sets the damaged catalog aside and begins a new one.
      return started(new LiveConfig(file, environment, start));
    }
  }

  private static Agent started(LiveConfig config) throws IOException {
    var agent = new Agent(config);
    try {
      agent.build();
      return agent;
    } catch (IOException | RuntimeException e) {
      agent.close();
      throw e;
    }
  }

  /** Runs {@code action} once if this agent has to be started anew to mend what it found. */
  public void whenBroken(Runnable action) {
    CompletableFuture<Void> _ = broken.thenRun(action);
  }

  private <T extends AutoCloseable> T owned(T part) {
    parts.push(part);
    return part;
  }

  private void build() throws IOException {
    String version = Version.text();
    CompletableFuture<Vertx> vertxSoon = vertxSoon(); // takes long, and the disk needs none of it

    // The disk.
    Posix.umask(0022);
    StoreLayout layout = owned(StoreLayout.open(config.get().state()));
    String boot = Files.readString(BOOT_ID).strip();
    BlobStore store = owned(new BlobStore(layout, boot));
    LongSupplier freeBytes = freeBytes(layout.state());

    // Who holds what, and how much there may be.
    Meters meters = owned(new Meters(version));
    Recency recency = new Recency(clock);
    Holds holds = new Holds();
    Budget budget = new Budget(() -> config.get().quota(), freeBytes, clock);
    Catalog catalog = owned(Catalog.open(layout.catalog(), holds::isInUse));
    catalog.whenDamaged(() -> broken.complete(null));
    catalog.newestUse().ifPresent(recency::startAfter);
    String salt = catalog.keep("advice", randomHex());
    Advisor advisor =
        owned(
            Advisor.open(
                layout.advice(),
                config.get().advice().maxKeys(),
                () -> config.get().quota().bytes(),
                text -> hash(salt + text),
                clock));
    Partials partials = new Partials(budget, () -> config.get().durability().partialTtl(), clock);
    Evictor evictor =
        new Evictor(
            catalog,
            store,
            holds,
            EvictionOrder.of(config.get().quota().policy(), catalog, holds),
            budget,
            partials,
            clock,
            new EvictionNews(meters, events, advisor));
    Copies copies = new Copies(catalog, store, budget, holds, evictor, recency);
    Recount recount = new Recount(catalog, store, holds, budget);
    StorageHealth health = new StorageHealth(layout);
    catalog.whenFailing(health::heard);
    Flusher flusher = new Flusher(catalog, store, recount, evictor, health, clock, meters);
    Scrubber scrubber =
        new Scrubber(
            catalog, store, evictor, () -> config.get().durability().scrubPeriod(), clock, meters);
    TreeMaker trees =
        new TreeMaker(config, catalog, store, budget, evictor, copies, recency, clock);
    Verifier verifier = new Verifier(catalog, store, evictor);

    // From URLs to bytes.
    Vertx vertx = vertxSoon.join();
    RuleHeaders ruleHeaders = new RuleHeaders(() -> config.get().origins().rules(), clock);
    Proxies proxies = Proxies.of(System.getenv());
    if (proxies.isAny()) {
      log.info("proxies of the environment {}", proxies);
    }
    HttpOrigin origin =
        owned(new HttpOrigin(vertx, config, ruleHeaders, proxies, clock, meters, version));
    Slots slots = new Slots(config, clock);
    Breakers breakers = new Breakers(() -> config.get().fetch(), clock);
    Flights flights = new Flights(clock);
    Authority authority = new Authority(catalog.keep("authority", randomHex()), ruleHeaders);
    var transfers = new Transfer.Parts(config, store, budget, partials, authority, meters, clock);
    Download download =
        new Download(
            config, origin, slots, breakers, catalog, store, evictor, copies, recency, authority,
            transfers, clock);
    Fetcher fetcher =
        new Fetcher(
            config, catalog, store, evictor, copies, trees, recency, breakers, flights, download,
            authority, clock);

    // From bytes to containers, and to callers.
    Views views = new Views(layout, catalog, holds, budget, evictor, copies, store, clock);
    views.whenReleased(
        (container, name) ->
            events.tell(
                Events.Kind.RELEASED,
                "container",
                container.text(),
                "name",
                name == null ? null : name.toString()));
    RequestLog requests = new RequestLog(() -> config.get().log().slowAfter());
    Journal journal = new Journal(requests, events);
    Downloads downloads =
        new Downloads(
            fetcher,
            copies,
            trees,
            views,
            meters,
            health,
            journal,
            advisor,
            row -> allocated(catalog, row),
            clock);
    Stats stats =
        new Stats(
            config, meters, budget, freeBytes, catalog, views, slots, flights, clock, version);
    stats.register();
    new QuotaFigures(meters, advisor::advise, () -> config.get().quota().bytes(), clock).register();
    meters.gauge(Figure.REGRETS, () -> advisor.regrets().count());
    meters.gauge(Figure.REGRET_BYTES, () -> advisor.regrets().bytes());
    meters.gauge(Figure.REGRET_WAIT, () -> advisor.regrets().waited().toMillis() / 1000.0);
    meters.gauge(
        Figure.ADVICE_TRACE_BYTES,
        () -> advisor.traceStatus().map(Advisor.TraceStatus::bytes).orElse(0L));
    meters.gauge(
        Figure.ADVICE_TRACE_WRITING,
        () -> advisor.traceStatus().filter(t -> t.state().equals("writing")).isPresent() ? 1 : 0);
    meters.gauge(Figure.ORIGINS_RESTING, breakers::resting);
    meters.gauge(Figure.UNPACKS_RUNNING, trees::running);
    meters.gauge(Figure.UNPACKS_QUEUED, trees::queued);
    meters.gauge(Figure.SCRUB_PROGRESS, scrubber::progress);
    meters.gauge(Figure.STORAGE_HEALTHY, () -> health.isHealthy() ? 1 : 0);
    meters.gauge(Figure.STORAGE_ERRORS, health::counted);
    meters.gauge(Figure.READY, () -> gate.isOpen() && health.isHealthy() ? 1 : 0);
    meters.gauge(Figure.CONFIG_RELOADED, () -> config.isFileGood() ? 1 : 0);
    advisor.recordIn(config.get().advice().trace(), config.get().advice().traceMaxBytes());
    config.follow(
        after -> advisor.recordIn(after.advice().trace(), after.advice().traceMaxBytes()));
    config.follow(after -> budget.enforce());
    config.follow(after -> Logging.level(after.log().level()));
    owned(
        SocketServer.start(
            vertx,
            new SocketServer.Parts(
                config,
                config::settings,
                downloads,
                views,
                catalog,
                store,
                evictor,
                copies,
                verifier,
                meters,
                stats::tree,
                this::reload,
                gate,
                health,
                fetcher.explainer(proxies),
                flights,
                requests,
                events,
                advisor,
                () -> budget.sums().inUseBytes(),
                clock)));

    if (catalog.noteBoot(boot)) {
      log.info(
          "the machine was started anew: blobs that were not synced are verified before their first use");
    }
    new Rebuild(layout, catalog, store).runIfNeeded();
    new ViewScan(layout, catalog, store, budget, views, partials, recency).run();
    Context loop = vertx.getOrCreateContext(); // on this thread: the one that both listeners have
    pulse = () -> through(loop, () -> status(views, budget, slots, health));
    gate.open();
    log.info(
        "ready state={} socket={} containers={}",
        layout.state(),
        config.get().socket().path(),
        views.containers());

    Chores chores = owned(new Chores());
    chores.onceAfter(HASH_CHECK, "check the speed of hashing", () -> checkHashSpeed(meters));
    Reconciler reconciler = new Reconciler(layout, catalog, store, budget, recount, evictor);
    chores.once("make the fan-out directories", layout::makeShelves);
    chores.once("reconcile", reconciler::run);
    chores.every(() -> config.get().durability().flushInterval(), "flush", flusher::flush);
    chores.every(() -> EXPIRY_CHECK, "expire partial downloads", partials::expire);
    // A start may find more than there may be, and so may a release after the quota was lowered.
    chores.every(() -> QUOTA_CHECK, "enforce quota", budget::enforce);
    chores.every(() -> SCRUB_STEP, "scrub", scrubber::step);
    chores.every(() -> ADVICE_PAUSE, "keep what advice is made of", advisor::save);
    chores.every(() -> PROBE_PAUSE, "probe the disk", health::probe);
    chores.every(
        () -> EXPIRY_CHECK,
        "expire containers",
        () -> {
          var expired = views.expire();
          if (!expired.isEmpty()) {
            log.info("containers expired containers={}", expired);
          }
        });
  }

  /** Asked of the directory and not of its mount, which cannot be found from within a chroot. */
  private static LongSupplier freeBytes(Path state) {
    File directory = state.toFile();
    return () -> {
      long free = directory.getUsableSpace();
      if (free == 0 && directory.getTotalSpace() == 0) { // what it answers instead of an error
        log.warn("the free space of the file system cannot be read state={}", state);
        return Long.MAX_VALUE; // the quota still holds
      }
      return free;
    };
  }

  private CompletableFuture<Vertx> vertxSoon() {
    var soon = new CompletableFuture<Vertx>();
    Thread.ofPlatform()
        .daemon()
        .name("preload-vertx")
        .start(() -> soon.completeAsync(Agent::vertx, Runnable::run));
    owned(
        () ->
            soon.get(PATIENCE_SECONDS, TimeUnit.SECONDS)
                .close()
                .toCompletionStage()
                .toCompletableFuture()
                .get(PATIENCE_SECONDS, TimeUnit.SECONDS));
    return soon;
  }

  private static Vertx vertx() {
    var options =
        new VertxOptions()
            .setEventLoopPoolSize(Math.max(2, Runtime.getRuntime().availableProcessors()));
    options.getFileSystemOptions().setFileCachingEnabled(false).setClassPathResolvingEnabled(false);
    return Vertx.vertx(options);
  }

  /** What a request needs as well: the loop of the listeners, a virtual thread, and the figures. */
  private static CompletableFuture<String> through(Context loop, Supplier<String> status) {
    var passed = new CompletableFuture<String>();
    loop.runOnContext(
        _ -> Thread.startVirtualThread(() -> passed.completeAsync(status, Runnable::run)));
    return passed;
  }

  private String status(Views views, Budget budget, Slots slots, StorageHealth health) {
    Budget.Sums sums = budget.sums();
    long containers = views.containers();
    return "ready, %d container%s, %s of %s, requests at origins: %d%s"
        .formatted(
            containers,
            containers == 1 ? "" : "s",
            Sizes.format(sums.usedBytes()),
            Sizes.format(config.get().quota().bytes()),
            slots.inFlight(),
            health.trouble().map(trouble -> "; " + trouble).orElse(""));
  }

  /** A tree has as much as the catalog says; of a file the blocks follow from its size. */
  private static long allocated(Catalog catalog, DownloadRow row) {
    Stored stored = row.stored();
    Optional<BlobRow> tree = stored.isTree() ? catalog.blob(stored) : Optional.empty();
    return tree.map(BlobRow::allocatedBytes)
        .orElse(Math.ceilDiv(row.size(), FILE_BLOCK) * FILE_BLOCK);
  }

  private static long hash(String text) {
    byte[] digest = Hashing.digest("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    return ByteBuffer.wrap(digest).getLong();
  }

  private static String randomHex() {
    byte[] bytes = new byte[32];
    new SecureRandom().nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  private static void checkHashSpeed(Meters meters) {
    double speed = Hashing.measureBytesPerSecond();
    meters.gauge(Figure.HASH_SPEED, () -> speed);
    if (speed < SLOW_HASH) {
      log.warn(
          "SHA-256 is slow on this machine bytesPerSecond={} fallback={}",
          (long) speed,
          Hashing.fallback());
    }
  }

  /** What applies now: as it was read last. */
  public Settings settings() {
    return config.settings();
  }

  /**
   * A sign of life: how the agent is, in one line, told through the threads and locks that a
   * request needs. Never completes if one of them hangs.
   */
  CompletableFuture<String> pulse() {
    return pulse.get();
  }

  /** Reads the configuration again. @return what was applied and what needs a restart */
  public Changes reload() {
    Changes changes = config.reload();
    events.tell(
        Events.Kind.CONFIG_CHANGED,
        "changed",
        changes.changed(),
        "needsRestart",
        changes.needsRestart());
    return changes;
  }

  /**
   * Takes no new requests and waits for those that run, at most {@code drain.timeout}. @return
   * whether all of them ended
   */
  public boolean drain() throws InterruptedException {
    Duration patience = config.get().drain().timeout();
    events.end();
    log.info("draining timeout={}", patience);
    return gate.drain(patience);
  }

  @Override
  public void close() {
    while (!parts.isEmpty()) {
      AutoCloseable part = parts.pop();
      try {
        part.close();
      } catch (Exception e) { // whatever one part says, the others are closed as well
        log.warn(
            "a part did not close well part={} error={}",
            part.getClass().getSimpleName(),
            e.toString());
      }
    }
  }
}
