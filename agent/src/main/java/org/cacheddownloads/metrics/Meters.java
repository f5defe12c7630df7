package org.cacheddownloads.metrics;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.management.MemoryUsage;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.cacheddownloads.content.Outcome;
import org.cacheddownloads.content.SourceUrl;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.fetch.HttpOrigin;
import org.cacheddownloads.fetch.Transfer;
import org.cacheddownloads.space.EvictionReason;
import org.cacheddownloads.space.Evictor;
import org.cacheddownloads.space.Flusher;
import org.cacheddownloads.space.Scrubber;
import org.cacheddownloads.trace.Phase;
import org.jspecify.annotations.Nullable;

/**
 * Every meter of the agent: name, unit, labels, help. Thread-safe. Counters exist from the start,
 * so that a rate sees their first step.
 *
 * <p>The unit ends the name; counters end in {@code _total}, which the registry appends, and so
 * does it {@code _seconds} to a timer. A histogram has a gauge beside it, {@code _max}, for the
 * largest value of the last minutes.
 */
public final class Meters
    implements HttpOrigin.Listener,
        Transfer.Listener,
        Evictor.Listener,
        Scrubber.Listener,
        Flusher.Listener,
        AutoCloseable {
  private static final String PREFIX = "cached_downloads_";
  private static final String TOTAL = "_total";
  private static final String FAILED = "failed";
  private static final String ERROR = "error";

  /** The codes of problems, which the contract lists. */
  private static final List<String> PROBLEMS =
      List.of(
          "bad-response",
          "busy",
          "checksum-mismatch",
          "conflict",
          "draining",
          "insufficient-space",
          "internal",
          "invalid-request",
          "method-not-allowed",
          "not-found",
          "not-ready",
          "origin-not-allowed",
          "origin-rejected",
          "origin-unavailable",
          "peer-not-allowed",
          "timeout",
          "too-large",
          "unsafe-archive",
          "unsupported-archive");

  private static final Duration[] DURATIONS = {
    Duration.ofMillis(1),
    Duration.ofMillis(2),
    Duration.ofMillis(5),
    Duration.ofMillis(10),
    Duration.ofMillis(25),
    Duration.ofMillis(50),
    Duration.ofMillis(100),
    Duration.ofMillis(250),
    Duration.ofMillis(500),
    Duration.ofSeconds(1),
    Duration.ofMillis(2500),
    Duration.ofSeconds(5),
    Duration.ofSeconds(10),
    Duration.ofSeconds(30),
    Duration.ofMinutes(1),
    Duration.ofMinutes(5),
    Duration.ofMinutes(10)
  };

  /** From a link, which takes a tenth of a millisecond, to a body that takes minutes. */
  private static final Duration[] PHASES = {
    Duration.ofNanos(100_000),
    Duration.ofNanos(500_000),
    Duration.ofMillis(2),
    Duration.ofMillis(5),
    Duration.ofMillis(10),
    Duration.ofMillis(25),
    Duration.ofMillis(50),
    Duration.ofMillis(100),
    Duration.ofMillis(250),
    Duration.ofMillis(500),
    Duration.ofSeconds(1),
    Duration.ofMillis(2500),
    Duration.ofSeconds(5),
    Duration.ofSeconds(10),
    Duration.ofSeconds(30),
    Duration.ofMinutes(1),
    Duration.ofMinutes(5)
  };

  /** Until an origin begins its answer: a question is cheap, so the steps are few. */
  private static final Duration[] FIRST_BYTES = {
    Duration.ofMillis(5),
    Duration.ofMillis(25),
    Duration.ofMillis(100),
    Duration.ofMillis(250),
    Duration.ofMillis(500),
    Duration.ofSeconds(1),
    Duration.ofMillis(2500),
    Duration.ofSeconds(5),
    Duration.ofSeconds(10),
    Duration.ofSeconds(30),
    Duration.ofMinutes(1)
  };

  /** Seconds that a group of blobs took to reach the disk. */
  private static final Duration[] FLUSHES = {
    Duration.ofMillis(10),
    Duration.ofMillis(50),
    Duration.ofMillis(250),
    Duration.ofSeconds(1),
    Duration.ofSeconds(5),
    Duration.ofSeconds(15),
    Duration.ofMinutes(1)
  };

  /** Seconds that victims had been idle: from a minute, which is much too short, to a month. */
  private static final double[] IDLE_SECONDS = {
    60, 300, 900, 3600, 4 * 3600, 12 * 3600, 86_400, 3 * 86_400, 7 * 86_400, 30 * 86_400
  };

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Map<String, Counter> requests = new LinkedHashMap<>();
  private final Map<String, Timer> durations = new LinkedHashMap<>();
  private final Map<Phase, Timer> phases = new EnumMap<>(Phase.class);
  private final Counter served = bytes("served_bytes", "Bytes handed to containers.");
  private final Counter fetched = bytes("fetched_bytes", "Body bytes received from origins.");
  private final Counter resumes =
      bytes("resumes", "Downloads that went on where they had been cut.");
  private final Counter resumed =
      bytes("resumed_bytes", "Body bytes that a resumed download did not have to fetch again.");
  private final Counter scrubbed =
      bytes("scrubbed_bytes", "Bytes of blobs that were read again to find damage.");
  private final Counter scrubPasses =
      bytes("scrub_passes", "Times that all blobs were read again.");
  private volatile @Nullable Instant scrubCompleted;
  private final Map<Boolean, Counter> damaged = new LinkedHashMap<>();
  private final Counter saved =
      bytes("saved_bytes", "Bytes handed to containers that did not have to be fetched for them.");
  private final Map<String, Counter> problems = new LinkedHashMap<>();
  private final Hosts hosts = new Hosts();
  private final Map<String, OfHost> ofHosts = new ConcurrentHashMap<>();
  private final Counter flushed =
      bytes(
          "flushed_blobs",
          "Blobs and trees brought to the disk, so that they outlast a power cut.");
  private final Timer flushes =
      Timer.builder(PREFIX + "flush")
          .description("Time that a group of blobs and trees, at most 256, took to reach the disk.")
          .serviceLevelObjectives(FLUSHES)
          .register(registry);
  private final List<Runnable> beforeLook = new CopyOnWriteArrayList<>();
  private final ReentrantLock looking = new ReentrantLock();

  @GuardedBy("looking")
  private boolean hasMachine;

  /** What is read at a look, kept from being collected: the registry holds some of it weakly. */
  private final List<DoubleSupplier> figures = new CopyOnWriteArrayList<>();

  private final Map<String, Counter> originRequests = new ConcurrentHashMap<>();
  private final Map<String, Counter> originErrors = new ConcurrentHashMap<>();
  private final Map<EvictionReason, Counter> evictions = new LinkedHashMap<>();
  private final Map<EvictionReason, Counter> evictedBytes = new LinkedHashMap<>();
  private final DistributionSummary evictedIdle =
      DistributionSummary.builder(PREFIX + "evicted_idle_seconds")
          .description("How long evicted objects had not been handed out.")
          .serviceLevelObjectives(IDLE_SECONDS)
          .register(registry);

  /**
   * Figures that are no events: who knows one gives it to {@link #gauge}, and it is read whenever
   * somebody looks.
   */
  public enum Figure {
    DISK_QUOTA("disk_quota_bytes", "Most bytes that all the agent keeps may occupy (quota.bytes)."),
    DISK_USED("disk_used_bytes", "Bytes on disk that count against the quota."),
    DISK_IN_USE("disk_in_use_bytes", "Bytes on disk that containers hold; never evicted."),
    DISK_IDLE("disk_idle_bytes", "Bytes on disk that nobody holds and that can be evicted."),
    DISK_PARTIAL("disk_partial_bytes", "Bytes on disk of downloads that are not complete."),
    DISK_QUARANTINE(
        "disk_quarantine_bytes", "Bytes on disk in quarantine, for somebody to look at."),
    DISK_RESERVED(
        "disk_reserved_bytes", "Bytes that are promised to downloads and not written yet."),
    DISK_MIN_FREE("disk_min_free_bytes", "Free bytes to be left to others (quota.minFreeBytes)."),
    DISK_FREE("disk_free_bytes", "Free bytes of the file system of the state directory."),
    DISK_FILES("disk_files", "Inodes that count against the quota, with reserved ones."),
    DISK_QUOTA_FILES(
        "disk_quota_files", "Most inodes that all the agent keeps may take (quota.files)."),
    ENTRIES("entries", "Keys that the cache has bytes for."),
    BLOBS("blobs", "Blobs in the store."),
    TREES("trees", "Unpacked archives in the store."),
    CONTAINERS("containers", "Containers that have a view."),
    REFERENCES("references", "Names in views."),
    ORIGIN_IN_FLIGHT("origin_in_flight", "Requests at origins now."),
    ORIGIN_QUEUED("origin_queued", "Requests that wait for a download slot now."),
    ORIGIN_SLOTS("origin_slots", "Most requests at origins at once (fetch.concurrency)."),
    ORIGINS_RESTING(
        "origins_resting", "Origins that are not asked for a while, since they did not answer."),
    FLIGHT_WAITERS("flight_waiters", "Requests that wait for a fetch now, their own or another's."),
    UNPACKS_RUNNING("unpacks_running", "Archives that are unpacked now."),
    UNPACKS_QUEUED("unpacks_queued", "Archives that wait to be unpacked (archives.concurrency)."),
    OLDEST_IDLE("oldest_idle_seconds", "How long the next victim has not been handed out."),
    UNSYNCED("unsynced_blobs", "Blobs and trees that a power cut now would make suspect."),
    SCRUB_PROGRESS("scrub_progress_ratio", "Share of all blobs that this pass has read, 0 to 1."),
    SCRUB_COMPLETED(
        "scrub_completed_timestamp_seconds",
        "When the last pass over all blobs ended; NaN until one did since the start."),
    STORAGE_HEALTHY(
        "storage_healthy",
        "1 while the disk of the state works, 0 after errors in a row until a probe works."),
    STORAGE_ERRORS("storage_errors" + TOTAL, "I/O errors of the disk of the state."),
    HASH_SPEED("hash_bytes_per_second", "Speed of SHA-256 when the agent started."),
    READY("ready", "1 while requests are let in and the disk works, as /readyz says, else 0."),
    UPTIME("uptime_seconds", "Time since the agent started."),
    CONFIG_RELOADED(
        "config_last_reload_successful", "1 if the last reload took the file, 0 if it was bad."),

    ADVICE_REQUEST_HITS(
        "advice_request_hit_ratio",
        "Share of the window's requests that a quota of so many times the present one would have answered; NaN without requests.",
        "window",
        "factor"),
    ADVICE_BYTE_HITS(
        "advice_byte_hit_ratio",
        "Share of the window's bytes that a quota of so many times the present one would have answered; NaN without any.",
        "window",
        "factor"),
    ADVICE_ACTUAL_REQUEST_HITS(
        "advice_actual_request_hit_ratio",
        "Share of the window's requests that were answered without a download; NaN without requests.",
        "window"),
    ADVICE_ACTUAL_BYTE_HITS(
        "advice_actual_byte_hit_ratio",
        "Share of the window's bytes that were answered without a download; NaN without any.",
        "window"),
    GHOST_REQUEST_HITS(
        "ghost_request_hit_ratio",
        "Share of the window's requests that the policy on trial would have answered at the present quota; NaN without requests.",
        "window",
        "policy"),
    GHOST_BYTE_HITS(
        "ghost_byte_hit_ratio",
        "Share of the window's bytes that the policy on trial would have answered at the present quota; NaN without any.",
        "window",
        "policy"),
    ADVICE_COLD_REQUESTS(
        "advice_cold_miss_request_ratio",
        "Share of the window's requests that no quota could have answered; NaN without requests.",
        "window"),
    ADVICE_COLD_BYTES(
        "advice_cold_miss_byte_ratio",
        "Share of the window's bytes that no quota could have answered; NaN without any.",
        "window"),
    ADVICE_REQUESTS(
        "advice_requests", "Requests that the advice of the window is made of.", "window"),
    ADVICE_COVERED(
        "advice_covered_seconds",
        "Time that the window covers; less than its name says until there are records of so long.",
        "window"),
    ADVICE_WORKING_SET(
        "advice_working_set_bytes",
        "Allocated bytes of all that was asked for in the window, each object once.",
        "window"),
    ADVICE_FLAT_QUOTA(
        "advice_flat_quota_bytes",
        "Smallest quota from which on less than 0.01 of byte hit ratio is to be won; NaN without requests.",
        "window"),
    ADVICE_DROPPED_KEYS(
        "advice_dropped_keys",
        "Keys that were forgotten in the window for want of room (advice.maxKeys); above 0 large quotas look worse than they are.",
        "window"),
    ADVICE_TRACE_BYTES(
        "advice_trace_bytes", "Size of the recording of requests (advice.trace); 0 without one."),
    ADVICE_TRACE_WRITING(
        "advice_trace_writing",
        "1 while requests are recorded (advice.trace), 0 if that is not wanted, full or failed."),
    REGRETS(
        "regrets" + TOTAL,
        "Requests that waited for a download of what had been evicted within the hour before."),
    REGRET_BYTES(
        "regret_bytes" + TOTAL,
        "Bytes downloaded again though they had been evicted within the hour before."),
    REGRET_WAIT(
        "regret_wait_seconds" + TOTAL,
        "Time that requests took which had to wait for what had been evicted within the hour before."),

    PROCESS_CPU("process_cpu_seconds" + TOTAL, "Processor time, user and system."),
    PROCESS_START("process_start_time_seconds", "When the process started, since the Unix epoch."),
    PROCESS_RESIDENT("process_resident_memory_bytes", "Resident memory."),
    PROCESS_VIRTUAL("process_virtual_memory_bytes", "Virtual memory."),
    PROCESS_OPEN_FDS("process_open_fds", "Open file descriptors."),
    PROCESS_MAX_FDS("process_max_fds", "Most open file descriptors (LimitNOFILE)."),
    JVM_THREADS("jvm_threads_current", "Platform threads; virtual ones are not among them.");

    private final String name;
    private final String help;

    @SuppressWarnings("ImmutableEnumChecker") // the list of List.of cannot be changed
    private final List<String> labels;

    Figure(String name, String help, String... labels) {
      this.name = name.startsWith("process_") || name.startsWith("jvm_") ? name : PREFIX + name;
      this.help = help;
      this.labels = List.of(labels);
    }

    private Tags tags(String... values) {
      if (values.length != labels.size()) {
        throw new IllegalArgumentException(name + " has the labels " + labels);
      }
      return Tags.of(
          IntStream.range(0, values.length)
              .mapToObj(i -> Tag.of(labels.get(i), values[i]))
              .toList());
    }
  }

  public Meters(String version) {
    Stream.concat(Stream.of(Outcome.values()).map(Outcome::label), Stream.of(FAILED))
        .forEach(
            outcome -> {
              requests.put(
                  outcome,
                  counter("requests", "Downloads asked for, by outcome.", "outcome", outcome));
              durations.put(
                  outcome,
                  Timer.builder(PREFIX + "request_duration")
                      .description("Time from the request for a download to its reply, by outcome.")
                      .tag("outcome", outcome)
                      .serviceLevelObjectives(DURATIONS)
                      .register(registry));
            });
    for (Phase phase : Phase.values()) {
      phases.put(
          phase,
          Timer.builder(PREFIX + "phase")
              .description(
                  "Time that requests spent in each phase, one sample for each time they were in it.")
              .tag("phase", phase.label())
              .serviceLevelObjectives(PHASES)
              .register(registry));
    }
    for (EvictionReason reason : EvictionReason.values()) {
      evictions.put(
          reason,
          counter(
              "evictions",
              "Objects evicted, by the limit that demanded it.",
              "reason",
              reason.label()));
      evictedBytes.put(
          reason,
          Counter.builder(PREFIX + "evicted_bytes")
              .description("Allocated bytes evicted, by the limit that demanded it.")
              .tag("reason", reason.label())
              .register(registry));
    }
    for (boolean inUse : new boolean[] {false, true}) {
      damaged.put(
          inUse,
          counter(
              "damaged_blobs",
              "Blobs whose bytes differed from their digest.",
              "in_use",
              String.valueOf(inUse)));
    }
    for (String code : PROBLEMS) {
      problems.put(
          code, counter("problems", "Problems that callers were told, by code.", "code", code));
    }
    Stream.of("200", "304", ERROR).forEach(this::originRequests);
    Stream.of("origin-unavailable", "timeout", "cut", "5xx").forEach(this::originErrors);
    gauge(
        Figure.SCRUB_COMPLETED,
        () -> scrubCompleted == null ? Double.NaN : scrubCompleted.toEpochMilli() / 1000.0);
    Gauge.builder(PREFIX + "build.info", () -> 1)
        .description("The running version and the version of its Java runtime.")
        .tag("version", version)
        .tag("java", Runtime.version().toString())
        .register(registry);
  }

  private Counter counter(String name, String description, String tag, String value) {
    return Counter.builder(PREFIX + name)
        .description(description)
        .tag(tag, value)
        .register(registry);
  }

  private Counter bytes(String name, String description) {
    return Counter.builder(PREFIX + name).description(description).register(registry);
  }

  private Counter originRequests(String code) {
    return originRequests.computeIfAbsent(
        code, c -> counter("origin_requests", "Requests to origins, by status.", "code", c));
  }

  private Counter originErrors(String kind) {
    return originErrors.computeIfAbsent(
        kind, k -> counter("origin_errors", "Failures of origins, by kind.", "kind", k));
  }

  /**
   * A figure is read whenever somebody looks; one that has no value now is {@code NaN}.
   *
   * @param labels a value for each label of the figure, in their order
   */
  public void gauge(Figure figure, DoubleSupplier value, String... labels) {
    figures.add(value);
    Tags tags = figure.tags(labels);
    if (figure.name.endsWith(TOTAL)) {
      FunctionCounter.builder(
              figure.name.substring(0, figure.name.length() - TOTAL.length()),
              value,
              DoubleSupplier::getAsDouble)
          .description(figure.help)
          .tags(tags)
          .register(registry);
    } else {
      Gauge.builder(figure.name, value::getAsDouble)
          .description(figure.help)
          .tags(tags)
          .strongReference(true)
          .register(registry);
    }
  }

  /** A download was answered, or provided for nobody ({@code servedTo} false: a prefetch). */
  public void answered(
      Outcome outcome, long sizeBytes, boolean servedToContainer, Duration duration) {
    count(outcome.label(), duration);
    if (servedToContainer) {
      served.increment((double) sizeBytes);
      if (outcome.saved()) {
        saved.increment((double) sizeBytes);
      }
    }
  }

  /** A phase of a request has ended. */
  @SuppressWarnings("NullAway") // every phase is there since the constructor
  public void phase(Phase phase, Duration took) {
    phases.get(phase).record(took);
  }

  public void failed(Duration duration) {
    count(FAILED, duration);
  }

  @SuppressWarnings("NullAway") // every outcome is there since the constructor
  private void count(String outcome, Duration duration) {
    requests.get(outcome).increment();
    durations.get(outcome).record(duration);
  }

  /** A caller was told of a problem. */
  public void problem(String code) {
    Counter counter = problems.get(code);
    if (counter != null) {
      counter.increment();
    }
  }

  @Override
  public void answered(SourceUrl url, int status, Duration firstByte) {
    String code = String.valueOf(status);
    originRequests(code).increment();
    if (status >= 500) {
      originErrors("5xx").increment();
    }
    OfHost host = ofHost(url);
    host.requests(code).increment();
    host.firstByte.record(firstByte);
  }

  @Override
  public void unanswered(SourceUrl url, String kind) {
    originRequests(ERROR).increment();
    ofHost(url).requests(ERROR).increment();
    trouble(kind);
  }

  private OfHost ofHost(SourceUrl url) {
    return ofHosts.computeIfAbsent(hosts.label(url.host()), OfHost::new);
  }

  /** The series of one host, or of all that came late. */
  private final class OfHost {
    private final String host;
    private final Map<String, Counter> requests = new ConcurrentHashMap<>();
    private final Counter received;
    private final Timer firstByte;

    private OfHost(String host) {
      this.host = host;
      received =
          counter(
              "origin_host_received_bytes",
              "Body bytes received from origins, by host.",
              "host",
              host);
      firstByte =
          Timer.builder(PREFIX + "origin_host_first_byte")
              .description(
                  "Time from a request to an origin, with connecting, to the head of its answer, by host.")
              .tag("host", host)
              .serviceLevelObjectives(FIRST_BYTES)
              .register(registry);
      Counter _ = requests(ERROR);
    }

    private Counter requests(String code) {
      return requests.computeIfAbsent(
          code,
          c ->
              Counter.builder(PREFIX + "origin_host_requests")
                  .description(
                      "Requests to origins, by host and status or 'error'; hosts after the first "
                          + Hosts.MOST
                          + " are 'other'.")
                  .tag("host", host)
                  .tag("code", c)
                  .register(registry));
    }
  }

  @Override
  public void trouble(String kind) {
    originErrors(kind.toLowerCase(Locale.ROOT)).increment();
  }

  @Override
  public void received(SourceUrl url, long bytes) {
    fetched.increment((double) bytes);
    ofHost(url).received.increment((double) bytes);
  }

  @Override
  public void flushed(int blobs, Duration duration) {
    flushed.increment(blobs);
    flushes.record(duration);
  }

  @Override
  public void scrubbed(long bytes) {
    scrubbed.increment((double) bytes);
  }

  @Override
  public void passCompleted(Instant at) {
    scrubPasses.increment();
    scrubCompleted = at;
  }

  @Override
  @SuppressWarnings("NullAway") // both are there since the constructor
  public void damaged(Stored stored, boolean inUse) {
    damaged.get(inUse).increment();
  }

  @Override
  public void resumed(long bytes) {
    resumes.increment();
    resumed.increment((double) bytes);
  }

  @Override
  @SuppressWarnings("NullAway") // every reason is there since the constructor
  public void evicted(Stored stored, long bytes, Duration idleFor, EvictionReason reason) {
    evictions.get(reason).increment();
    evictedBytes.get(reason).increment((double) bytes);
    evictedIdle.record(Math.max(0, idleFor.toMillis() / 1000.0));
  }

  /** The counters at one moment. */
  public record Counts(
      Map<String, Long> requests,
      long servedBytes,
      long fetchedBytes,
      long savedBytes,
      long originRequests,
      long originErrors,
      long evictions,
      long evictedBytes) {}

  public Counts counts() {
    var byOutcome = new LinkedHashMap<String, Long>();
    requests.forEach((outcome, counter) -> byOutcome.put(outcome, (long) counter.count()));
    return new Counts(
        byOutcome,
        sum(served),
        sum(fetched),
        sum(saved),
        sum(originRequests),
        sum(originErrors),
        sum(evictions),
        sum(evictedBytes));
  }

  private static long sum(Counter counter) {
    return (long) counter.count();
  }

  private static long sum(Map<?, Counter> counters) {
    return counters.values().stream().mapToLong(counter -> (long) counter.count()).sum();
  }

  /** The JVM needs 20 ms to make the beans that know: nobody waits for that at a start. */
  private void addMachine() {
    gauge(Figure.PROCESS_CPU, Machine::cpuSeconds);
    gauge(Figure.PROCESS_START, Machine::startSeconds);
    gauge(Figure.PROCESS_RESIDENT, () -> Machine.status("VmRSS") * 1024);
    gauge(Figure.PROCESS_VIRTUAL, () -> Machine.status("VmSize") * 1024);
    gauge(Figure.PROCESS_OPEN_FDS, Machine::openFiles);
    gauge(Figure.PROCESS_MAX_FDS, Machine::mostOpenFiles);
    gauge(Figure.JVM_THREADS, () -> Machine.status("Threads"));
    memory("heap", MemoryMXBean::getHeapMemoryUsage);
    memory("nonheap", MemoryMXBean::getNonHeapMemoryUsage);
    for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
      Gauge.builder("jvm_buffer_pool_used_bytes", pool, BufferPoolMXBean::getMemoryUsed)
          .description("Memory outside the heap that buffers use, by pool.")
          .tag("pool", pool.getName())
          .strongReference(true)
          .register(registry);
    }
    for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      FunctionTimer.builder(
              "jvm_gc_collection",
              collector,
              GarbageCollectorMXBean::getCollectionCount,
              GarbageCollectorMXBean::getCollectionTime,
              TimeUnit.MILLISECONDS)
          .description("Garbage collections and the time they took, by collector.")
          .tag("gc", collector.getName())
          .register(registry);
    }
  }

  private void memory(String area, Function<MemoryMXBean, MemoryUsage> usage) {
    MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
    memory("used", "Memory of the JVM in use, by area.", area, () -> usage.apply(memory).getUsed());
    memory(
        "committed",
        "Memory that the JVM has of the system, by area.",
        area,
        () -> usage.apply(memory).getCommitted());
    memory(
        "max",
        "Most memory that the JVM may use, by area; -1 if there is no limit.",
        area,
        () -> usage.apply(memory).getMax());
  }

  private void memory(String what, String description, String area, Supplier<Number> bytes) {
    Gauge.builder("jvm_memory_" + what + "_bytes", bytes)
        .description(description)
        .tag("area", area)
        .strongReference(true)
        .register(registry);
  }

  /** Lets somebody take down what several figures are read from, before each look at them. */
  public void beforeEachLook(Runnable takeDown) {
    beforeLook.add(takeDown);
  }

  /** Everything in the Prometheus text format 0.0.4. One look at a time. */
  public String scrape() {
    looking.lock();
    try {
      return look();
    } finally {
      looking.unlock();
    }
  }

  @GuardedBy("looking")
  private String look() {
    if (!hasMachine) {
      hasMachine = true;
      addMachine();
    }
    beforeLook.forEach(Runnable::run);
    return registry.scrape();
  }

  @Override
  public void close() {
    registry.close();
  }
}
