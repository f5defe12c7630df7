package org.cacheddownloads.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.cacheddownloads.content.Durations;
import org.jspecify.annotations.Nullable;

/**
 * Everything an operator may decide, as immutable values; one nested record per section of the YAML
 * file. Sizes are in bytes. What comes from {@link ConfigReader} is in range; a {@code Config}
 * built by hand is not checked.
 *
 * @param state absolute directory of everything on disk, one file system
 * @param mountPath absolute destination inside containers, named in replies
 */
public record Config(
    Path state,
    String mountPath,
    Socket socket,
    Metrics metrics,
    Quota quota,
    Fetch fetch,
    Origins origins,
    Archives archives,
    Durability durability,
    Drain drain,
    Log log,
    Advice advice) {
  /** Keys that are read once, at the start; each covers the keys below it. */
  private static final Set<String> RESTART_KEYS =
      Set.of(
          "state",
          "mountPath",
          "socket",
          "metrics.address",
          "quota.policy",
          "log.format",
          "origins.trust",
          "advice.maxKeys");

  /**
   * The Unix socket of the API.
   *
   * @param path absolute, at most 107 bytes
   * @param mode four octal digits, such as {@code 0660}
   * @param group name or number of the owning group; null leaves the agent's own
   * @param allowUids user ids that may ask; empty: whoever may open the socket
   * @param idleTimeout how long a connection may bring no complete request while none is answered;
   *     holds on the TCP listener too; above zero
   */
  public record Socket(
      Path path,
      String mode,
      @Nullable String group,
      List<Integer> allowUids,
      Duration idleTimeout) {
    public Socket {
      allowUids = List.copyOf(allowUids);
    }

    private Map<String, @Nullable Object> tree() {
      return new Tree()
          .with("path", path.toString())
          .with("mode", mode)
          .with("group", group)
          .with("allowUids", allowUids)
          .with("idleTimeout", Durations.format(idleTimeout))
          .map();
    }
  }

  /** The TCP listener of metrics and health; null switches it off. */
  public record Metrics(@Nullable HostPort address) {
    private Map<String, @Nullable Object> tree() {
      return new Tree().with("address", address == null ? null : address.toString()).map();
    }
  }

  /**
   * Space the cache may take.
   *
   * @param bytes allocated bytes under {@code state}, at least 1
   * @param files inodes under {@code state}, at least 1
   * @param minFreeBytes free space of the file system that is left alone
   * @param waitForSpace how long a download waits for room before it fails; zero: not at all
   * @param policy who goes first where room is needed
   */
  public record Quota(
      long bytes, long files, long minFreeBytes, Duration waitForSpace, Policy policy) {
    /** A quota under which the least recently used go first. */
    public Quota(long bytes, long files, long minFreeBytes, Duration waitForSpace) {
      this(bytes, files, minFreeBytes, waitForSpace, Policy.LRU);
    }

    private Quota with(Policy other) {
      return new Quota(bytes, files, minFreeBytes, waitForSpace, other);
    }

    private Map<String, @Nullable Object> tree() {
      return new Tree()
          .with("bytes", bytes)
          .with("files", files)
          .with("minFreeBytes", minFreeBytes)
          .with("waitForSpace", Durations.format(waitForSpace))
          .with("policy", policy.text())
          .map();
    }
  }

  /** By which rule idle objects are evicted. */
  public enum Policy {
    /** The least recently used go first. */
    LRU,
    /** What was asked for once or twice goes before what was asked for more often (S3-FIFO). */
    S3FIFO;

    /** The form in YAML. */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * How origins are asked. All counts are at least 1; {@code timeout}, the three timeouts after it
   * and {@code minRateWindow} are above zero.
   *
   * @param minRateBytes bytes per second that a body must bring on average over {@code
   *     minRateWindow}; 0 switches the check off
   * @param maxBytes largest download; null: only the quota limits
   * @param maxStale what a request without {@code maxStale} accepts
   * @param breakerFailures downloads without an answer in a row after which an origin is not asked
   *     for {@code breakerPause}; 0: it is always asked
   * @param retryBudget repetitions that one origin gets in a row, of which one comes back each
   *     second; 0: none is repeated
   * @param hedgeAfter how long a source may take to begin its answer before the next one is asked
   *     beside it; null: as long as the other limits say
   */
  public record Fetch(
      int concurrency,
      int perOrigin,
      int attempts,
      Duration timeout,
      Duration connectTimeout,
      Duration firstByteTimeout,
      Duration idleTimeout,
      long minRateBytes,
      Duration minRateWindow,
      @Nullable Long maxBytes,
      Duration maxStale,
      Duration staleAfter,
      Freshness freshness,
      Duration negativeTtl,
      int breakerFailures,
      Duration breakerPause,
      int retryBudget,
      @Nullable Duration hedgeAfter) {
    private Map<String, @Nullable Object> tree() {
      return new Tree()
          .with("concurrency", concurrency)
          .with("perOrigin", perOrigin)
          .with("attempts", attempts)
          .with("timeout", Durations.format(timeout))
          .with("connectTimeout", Durations.format(connectTimeout))
          .with("firstByteTimeout", Durations.format(firstByteTimeout))
          .with("idleTimeout", Durations.format(idleTimeout))
          .with("minRate", minRateBytes)
          .with("minRateWindow", Durations.format(minRateWindow))
          .with("maxBytes", maxBytes)
          .with("maxStale", Durations.format(maxStale))
          .with("staleAfter", Durations.format(staleAfter))
          .with("freshness", freshness.text())
          .with("negativeTtl", Durations.format(negativeTtl))
          .with("breakerFailures", breakerFailures)
          .with("breakerPause", Durations.format(breakerPause))
          .with("retryBudget", retryBudget)
          .with("hedgeAfter", hedgeAfter == null ? null : Durations.format(hedgeAfter))
          .map();
    }
  }

  /** When a stored entry may be used without asking its origin. */
  public enum Freshness {
    /** While it is fresh by its own headers (RFC 9111 section 4.2). */
    RFC9111,
    /** Never: the origin is always asked. */
    ALWAYS;

    /** The form in YAML. */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * Which origins may be asked, and how.
   *
   * @param schemes of {@code http} and {@code https}
   * @param allow lower-case host patterns: {@code *}, {@code *.example.com}, {@code host}, {@code
   *     host:port}; empty allows none
   * @param allowAddresses wins over {@code denyAddresses}
   * @param trust absolute paths of CA files, beside the system's
   * @param rules in the order of the file
   */
  public record Origins(
      List<String> schemes,
      List<String> allow,
      List<Cidr> allowAddresses,
      List<Cidr> denyAddresses,
      List<Path> trust,
      List<Rule> rules) {
    public Origins {
      schemes = List.copyOf(schemes);
      allow = List.copyOf(allow);
      allowAddresses = List.copyOf(allowAddresses);
      denyAddresses = List.copyOf(denyAddresses);
      trust = List.copyOf(trust);
      rules = List.copyOf(rules);
    }

    private Map<String, @Nullable Object> tree(List<?> shownRules) {
      return new Tree()
          .with("schemes", schemes)
          .with("allow", allow)
          .with("allowAddresses", texts(allowAddresses))
          .with("denyAddresses", texts(denyAddresses))
          .with("trust", texts(trust))
          .with("rules", shownRules)
          .map();
    }
  }

  /**
   * Limits of unpacking; all at least 1.
   *
   * @param maxBytes largest tree; null: only the quota limits
   * @param maxRatio largest ratio of unpacked to packed bytes
   */
  public record Archives(
      int concurrency, long maxFiles, @Nullable Long maxBytes, long maxRatio, int maxDepth) {
    private Map<String, @Nullable Object> tree() {
      return new Tree()
          .with("concurrency", concurrency)
          .with("maxFiles", maxFiles)
          .with("maxBytes", maxBytes)
          .with("maxRatio", maxRatio)
          .with("maxDepth", maxDepth)
          .map();
    }
  }

  /**
   * The rhythm of background work; {@code flushInterval} and {@code scrubPeriod} are above zero.
   */
  public record Durability(Duration flushInterval, Duration scrubPeriod, Duration partialTtl) {
    private Map<String, @Nullable Object> tree() {
      return new Tree()
          .with("flushInterval", Durations.format(flushInterval))
          .with("scrubPeriod", Durations.format(scrubPeriod))
          .with("partialTtl", Durations.format(partialTtl))
          .map();
    }
  }

  /** How long running requests may finish after SIGTERM. */
  public record Drain(Duration timeout) {
    private Map<String, @Nullable Object> tree() {
      return new Tree().with("timeout", Durations.format(timeout)).map();
    }
  }

  /**
   * The log.
   *
   * @param level of {@code trace}, {@code debug}, {@code info}, {@code warn}, {@code error}
   * @param format {@code text} or {@code json}
   * @param slowAfter from when on a request is kept among the slow ones
   */
  public record Log(String level, String format, Duration slowAfter) {
    private Map<String, @Nullable Object> tree() {
      return new Tree()
          .with("level", level)
          .with("format", format)
          .with("slowAfter", Durations.format(slowAfter))
          .map();
    }
  }

  /**
   * What is kept of requests to tell how large the cache should be.
   *
   * @param maxKeys keys that are remembered, at most 64 bytes of memory each; at least 1
   * @param trace absolute file that requests are recorded in; null: they are not
   * @param traceMaxBytes size at which that ends
   */
  public record Advice(int maxKeys, @Nullable Path trace, long traceMaxBytes) {
    private Map<String, @Nullable Object> tree() {
      return new Tree()
          .with("maxKeys", maxKeys)
          .with("trace", trace == null ? null : trace.toString())
          .with("traceMaxBytes", traceMaxBytes)
          .map();
    }
  }

  /**
   * Dotted keys whose values differ between two configurations.
   *
   * @param changed those that take effect while running
   * @param needsRestart those that do not
   */
  public record Changes(List<String> changed, List<String> needsRestart) {
    public Changes {
      changed = List.copyOf(changed);
      needsRestart = List.copyOf(needsRestart);
    }
  }

  /** What a reload from {@code before} to {@code after} changes; keys in the order of the file. */
  public static Changes between(Config before, Config after) {
    var old = before.values();
    var changed = new ArrayList<String>();
    var needsRestart = new ArrayList<String>();
    after
        .values()
        .forEach(
            (key, value) -> {
              if (!Objects.equals(old.get(key), value))
                (isLive(key) ? changed : needsRestart).add(key);
            });
    return new Changes(changed, needsRestart);
  }

  /** This configuration with every key that takes effect while running taken from {@code after}. */
  public Config withLive(Config after) {
    var origins = after.origins;
    return new Config(
        state,
        mountPath,
        socket,
        metrics,
        after.quota.with(quota.policy),
        after.fetch,
        new Origins(
            origins.schemes,
            origins.allow,
            origins.allowAddresses,
            origins.denyAddresses,
            this.origins.trust,
            origins.rules),
        after.archives,
        after.durability,
        after.drain,
        new Log(after.log.level, log.format, after.log.slowAfter),
        new Advice(advice.maxKeys, after.advice.trace, after.advice.traceMaxBytes));
  }

  /**
   * The shape of the YAML file as maps, lists, text and numbers, without secrets: fit for showing
   * to anybody who may ask the agent.
   */
  public Map<String, @Nullable Object> tree() {
    return tree(origins.rules.stream().map(Rule::redacted).toList());
  }

  /** Every dotted key. */
  List<String> keys() {
    return List.copyOf(values().keySet());
  }

  /** Whether a key's value is a list. */
  boolean isList(String key) {
    return values().get(key) instanceof List<?>;
  }

  /** Whether a dotted key takes effect while running. */
  static boolean isLive(String key) {
    return RESTART_KEYS.stream()
        .noneMatch(restart -> key.equals(restart) || key.startsWith(restart + "."));
  }

  /** Every dotted key with its value, secrets included; lists are values. */
  private Map<String, @Nullable Object> values() {
    var values = new LinkedHashMap<String, @Nullable Object>();
    flatten("", tree(origins.rules), values);
    return values;
  }

  private static void flatten(String prefix, Map<?, ?> tree, Map<String, @Nullable Object> into) {
    tree.forEach(
        (key, value) -> {
          if (value instanceof Map<?, ?> section) flatten(prefix + key + ".", section, into);
          else into.put(prefix + key, value);
        });
  }

  private Map<String, @Nullable Object> tree(List<?> rules) {
    return new Tree()
        .with("state", state.toString())
        .with("mountPath", mountPath)
        .with("socket", socket.tree())
        .with("metrics", metrics.tree())
        .with("quota", quota.tree())
        .with("fetch", fetch.tree())
        .with("origins", origins.tree(rules))
        .with("archives", archives.tree())
        .with("durability", durability.tree())
        .with("drain", drain.tree())
        .with("log", log.tree())
        .with("advice", advice.tree())
        .map();
  }

  private static List<String> texts(List<?> values) {
    return values.stream().map(Object::toString).toList();
  }
}
