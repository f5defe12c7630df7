package org.cacheddownloads.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.cacheddownloads.content.Outcome;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.fetch.HttpOrigin;
import org.cacheddownloads.fetch.Transfer;
import org.cacheddownloads.space.EvictionReason;
import org.cacheddownloads.space.Evictor;
import org.cacheddownloads.space.Scrubber;
import org.cacheddownloads.trace.Phase;

/**
 * The meters of the agent, by the names of the contract. Thread-safe. Counters exist from the
 * start, so that a rate sees their first step.
 */
public final class Meters
    implements HttpOrigin.Listener,
        Transfer.Listener,
        Evictor.Listener,
        Scrubber.Listener,
        AutoCloseable {
  private static final String PREFIX = "cached_downloads_";
  private static final String FAILED = "failed";
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
  private final Map<Boolean, Counter> damaged = new LinkedHashMap<>();
  private final Counter saved =
      bytes("saved_bytes", "Bytes handed to containers that did not have to be fetched for them.");
  private final Map<String, Counter> originRequests = new ConcurrentHashMap<>();
  private final Map<String, Counter> originErrors = new ConcurrentHashMap<>();
  private final Map<EvictionReason, Counter> evictions = new LinkedHashMap<>();
  private final Map<EvictionReason, Counter> evictedBytes = new LinkedHashMap<>();
  private final DistributionSummary evictedIdle =
      DistributionSummary.builder(PREFIX + "evicted_idle_seconds")
          .description("How long evicted objects had not been handed out.")
          .serviceLevelObjectives(IDLE_SECONDS)
          .register(registry);

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
              .description("Time that requests spent in each phase, one sample each time.")
              .tag("phase", phase.label())
              .serviceLevelObjectives(DURATIONS)
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
    Stream.of("200", "304", "error").forEach(this::originRequests);
    Stream.of("origin-unavailable", "timeout", "cut", "5xx").forEach(this::originErrors);
    Gauge.builder(PREFIX + "build.info", () -> 1)
        .description("The running version.")
        .tag("version", version)
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
   * A figure that is read whenever somebody looks; the name without prefix, its unit at the end.
   */
  public <T> void gauge(String name, String description, T source, ToDoubleFunction<T> figure) {
    Gauge.builder(PREFIX + name, source, figure)
        .description(description)
        .strongReference(true)
        .tags(Tags.empty())
        .register(registry);
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

  @Override
  public void answered(int status) {
    originRequests(String.valueOf(status)).increment();
    if (status >= 500) {
      originErrors("5xx").increment();
    }
  }

  @Override
  public void unanswered(String kind) {
    originRequests("error").increment();
    trouble(kind);
  }

  @Override
  public void trouble(String kind) {
    originErrors(kind.toLowerCase(Locale.ROOT)).increment();
  }

  @Override
  public void received(long bytes) {
    fetched.increment((double) bytes);
  }

  @Override
  public void scrubbed(long bytes) {
    scrubbed.increment((double) bytes);
  }

  @Override
  public void passCompleted(Instant at) {
    scrubPasses.increment();
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

  /** Everything in the Prometheus text format 0.0.4. */
  public String scrape() {
    return registry.scrape();
  }

  @Override
  public void close() {
    registry.close();
  }
}
