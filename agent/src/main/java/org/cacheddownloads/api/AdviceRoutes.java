package org.cacheddownloads.api;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;
import org.cacheddownloads.advice.Advice;
import org.cacheddownloads.advice.Advisor;
import org.cacheddownloads.advice.Curve;
import org.cacheddownloads.advice.Span;
import org.cacheddownloads.advice.Summary;
import org.cacheddownloads.config.Config;
import org.cacheddownloads.content.Durations;
import org.cacheddownloads.content.Sizes;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.jspecify.annotations.Nullable;

/** How large the cache should be, as the requests so far tell. */
final class AdviceRoutes {
  /** Of the quota in force. */
  private static final double[] USUAL_POINTS = {0.25, 0.5, 1, 2, 4, 8};

  /** Each asks all that a window has counted. */
  private static final int MOST_POINTS = 64;

  private final Supplier<Config> config;
  private final Advisor advisor;
  private final LongSupplier inUseBytes;
  private final Clock clock;

  AdviceRoutes(Supplier<Config> config, Advisor advisor, LongSupplier inUseBytes, Clock clock) {
    this.config = config;
    this.advisor = advisor;
    this.inUseBytes = inUseBytes;
    this.clock = clock;
  }

  void addTo(Routes routes) {
    routes.add("GET", "v1/advice", this::advice);
  }

  private Answer advice(ApiRequest request) {
    request.allowing("window", "quota");
    Span span = request.parameter("window").map(AdviceRoutes::span).orElse(Span.DAY);
    long quota = config.get().quota().bytes();
    long[] points =
        request
            .parameter("quota")
            .map(AdviceRoutes::quotas)
            .orElseGet(() -> usual(quota))
            .sorted()
            .distinct()
            .toArray();
    return Answer.Json.ok(body(advisor.advise(span), quota, points));
  }

  private Map<String, @Nullable Object> body(Advice advice, long quota, long[] points) {
    Curve curve = advice.curve();
    Instant now = clock.instant();
    var body = new LinkedHashMap<String, @Nullable Object>();
    body.put("window", advice.span().length().toString());
    body.put("from", Json.time(advice.from()));
    body.put("requests", curve.requests());
    body.put("bytes", curve.bytes());
    body.put("quotaBytes", quota);
    body.put("curve", Arrays.stream(points).mapToObj(bytes -> point(curve, bytes)).toList());
    body.put("flatBytes", curve.flatBytes());
    body.put("largestBytes", curve.largestBytes());
    body.put("actual", ratios(curve, advice.hits(), advice.hitBytes()));
    body.put(
        "coldMiss",
        Map.of(
            "requestRatio", share(curve.coldRequests(), curve.requests()),
            "byteRatio", share(curve.coldBytes(), curve.bytes())));
    body.put("workingSetBytes", advice.workingSetBytes());
    body.put("workingSets", workingSets());
    body.put("inUseBytes", inUseBytes.getAsLong());
    body.put("regrets", regrets(advice.regrets()));
    body.put("ghost", ghost(advice));
    body.put("bound", bound(advice));
    body.put("trace", advisor.traceStatus().map(AdviceRoutes::trace).orElse(null));
    body.put("summary", Summary.of(advice, quota, now));
    return body;
  }

  private static Map<String, Object> point(Curve curve, long quotaBytes) {
    var point = new LinkedHashMap<String, Object>();
    point.put("quotaBytes", quotaBytes);
    point.put("requestHitRatio", curve.hitRatio(quotaBytes));
    point.put("byteHitRatio", curve.byteHitRatio(quotaBytes));
    return point;
  }

  private static Map<String, Object> ratios(Curve curve, long hits, long hitBytes) {
    var ratios = new LinkedHashMap<String, Object>();
    ratios.put("requestHitRatio", share(hits, curve.requests()));
    ratios.put("byteHitRatio", share(hitBytes, curve.bytes()));
    return ratios;
  }

  private static double share(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }

  private Map<String, Object> workingSets() {
    var sets = new LinkedHashMap<String, Object>();
    for (Span span : Span.values()) {
      sets.put(span.length().toString(), advisor.workingSetBytes(span));
    }
    return sets;
  }

  private static Map<String, Object> regrets(Advice.Regrets regrets) {
    var body = new LinkedHashMap<String, Object>();
    body.put("count", regrets.count());
    body.put("bytes", regrets.bytes());
    body.put("waitSeconds", regrets.waited().toMillis() / 1000.0);
    return body;
  }

  private static Map<String, Object> ghost(Advice advice) {
    var body = new LinkedHashMap<String, Object>();
    body.put("policy", Advisor.TRIAL.word());
    body.putAll(ratios(advice.curve(), advice.ghostHits(), advice.ghostHitBytes()));
    return body;
  }

  private Map<String, @Nullable Object> bound(Advice advice) {
    OptionalLong exactBelow = advice.curve().exactBelowBytes();
    var body = new LinkedHashMap<String, @Nullable Object>();
    body.put("maxKeys", config.get().advice().maxKeys());
    body.put("droppedKeys", advice.droppedKeys());
    body.put("exactBelowBytes", exactBelow.isPresent() ? exactBelow.getAsLong() : null);
    return body;
  }

  private static Map<String, Object> trace(Advisor.TraceStatus trace) {
    Path file = trace.file();
    var body = new LinkedHashMap<String, Object>();
    body.put("file", file.toString());
    body.put("state", trace.state());
    body.put("bytes", trace.bytes());
    body.put("lost", trace.lost());
    return body;
  }

  private static LongStream usual(long quotaBytes) {
    return DoubleStream.of(USUAL_POINTS).mapToLong(factor -> (long) (factor * quotaBytes));
  }

  private static Span span(String text) {
    Duration length;
    try {
      length = Durations.parse(text);
    } catch (IllegalArgumentException e) {
      throw new InvalidRequest("window", "window is 1h, 24h or 7d");
    }
    return Arrays.stream(Span.values())
        .filter(span -> span.length().equals(length))
        .findFirst()
        .orElseThrow(() -> new InvalidRequest("window", "window is 1h, 24h or 7d"));
  }

  private static LongStream quotas(String text) {
    String[] sizes = text.split(",", -1);
    if (sizes.length > MOST_POINTS) {
      throw new InvalidRequest("quota", "quota has at most " + MOST_POINTS + " sizes");
    }
    return Arrays.stream(sizes).mapToLong(AdviceRoutes::quota);
  }

  private static long quota(String text) {
    try {
      long bytes = Sizes.parse(text.strip());
      if (bytes > 0) {
        return bytes;
      }
    } catch (IllegalArgumentException e) {
      throw new InvalidRequest("quota", String.valueOf(e.getMessage()));
    }
    throw new InvalidRequest("quota", "quota is a size above 0, or several separated by commas");
  }
}
