package org.cacheddownloads;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.LongToDoubleFunction;
import java.util.function.ToDoubleFunction;
import org.cacheddownloads.advice.Advice;
import org.cacheddownloads.advice.Advisor;
import org.cacheddownloads.advice.Curve;
import org.cacheddownloads.advice.Span;
import org.cacheddownloads.metrics.Meters;
import org.cacheddownloads.metrics.Meters.Figure;

/**
 * What advice tells about the quota, as gauges. A scrape stays cheap: a window is asked at most
 * once in {@link #FRESH}, and all figures of it are of that moment. Scrapes come one at a time.
 *
 * <p>Decided: a share of nothing is {@code NaN} and not absent, because so a window without
 * requests can be told from an agent that gives no advice; price: whoever adds such series up has
 * to leave those out, which {@code >= 0} does.
 */
final class QuotaFigures {
  /** How old figures may become. */
  static final Duration FRESH = Duration.ofSeconds(15);

  /** Times the quota in force. */
  private static final List<String> FACTORS = List.of("0.25", "0.5", "1", "2", "4", "8");

  private final Meters meters;
  private final Function<Span, Advice> advise;
  private final LongSupplier quotaBytes;
  private final Clock clock;
  private volatile Map<Span, Seen> seen = Map.of();

  /** What a window told, with what it takes time to read off its curve; hits are by factor. */
  private record Seen(
      Instant at, Advice advice, double flatBytes, List<Double> hits, List<Double> byteHits) {}

  /**
   * @param advise may take some milliseconds
   * @param quotaBytes the quota in force
   */
  QuotaFigures(Meters meters, Function<Span, Advice> advise, LongSupplier quotaBytes, Clock clock) {
    this.meters = meters;
    this.advise = advise;
    this.quotaBytes = quotaBytes;
    this.clock = clock;
  }

  /** Makes the gauges, once. */
  void register() {
    meters.beforeEachLook(this::look);
    for (Span span : Span.values()) {
      curve(span);
      reached(span);
      ofAdvice(Figure.ADVICE_REQUESTS, span, advice -> advice.curve().requests());
      ofAdvice(Figure.ADVICE_WORKING_SET, span, Advice::workingSetBytes);
      ofAdvice(Figure.ADVICE_DROPPED_KEYS, span, Advice::droppedKeys);
      gauge(Figure.ADVICE_COVERED, span, QuotaFigures::coveredSeconds);
    }
  }

  private void curve(Span span) {
    for (int i = 0; i < FACTORS.size(); i++) {
      int place = i;
      String factor = FACTORS.get(i);
      gauge(Figure.ADVICE_REQUEST_HITS, span, now -> now.hits().get(place), factor);
      gauge(Figure.ADVICE_BYTE_HITS, span, now -> now.byteHits().get(place), factor);
    }
    gauge(Figure.ADVICE_FLAT_QUOTA, span, Seen::flatBytes);
    ofRequests(Figure.ADVICE_COLD_REQUESTS, span, advice -> advice.curve().coldRequests());
    ofBytes(Figure.ADVICE_COLD_BYTES, span, advice -> advice.curve().coldBytes());
  }

  private void reached(Span span) {
    ofRequests(Figure.ADVICE_ACTUAL_REQUEST_HITS, span, Advice::hits);
    ofBytes(Figure.ADVICE_ACTUAL_BYTE_HITS, span, Advice::hitBytes);
    String policy = Advisor.TRIAL.word();
    ofRequests(Figure.GHOST_REQUEST_HITS, span, Advice::ghostHits, policy);
    ofBytes(Figure.GHOST_BYTE_HITS, span, Advice::ghostHitBytes, policy);
  }

  private void ofRequests(
      Figure figure, Span span, ToDoubleFunction<Advice> part, String... labels) {
    ofAdvice(figure, span, a -> share(part.applyAsDouble(a), a.curve().requests()), labels);
  }

  private void ofBytes(Figure figure, Span span, ToDoubleFunction<Advice> part, String... labels) {
    ofAdvice(figure, span, a -> share(part.applyAsDouble(a), a.curve().bytes()), labels);
  }

  private void ofAdvice(
      Figure figure, Span span, ToDoubleFunction<Advice> value, String... labels) {
    gauge(figure, span, now -> value.applyAsDouble(now.advice()), labels);
  }

  private void gauge(Figure figure, Span span, ToDoubleFunction<Seen> value, String... labels) {
    String[] all = new String[labels.length + 1];
    all[0] = window(span);
    System.arraycopy(labels, 0, all, 1, labels.length);
    meters.gauge(
        figure,
        () -> {
          Seen now = seen.get(span);
          return now == null ? Double.NaN : value.applyAsDouble(now);
        },
        all);
  }

  private static String window(Span span) {
    return switch (span) {
      case HOUR -> "1h";
      case DAY -> "24h";
      case WEEK -> "7d";
    };
  }

  private static double share(double part, long whole) {
    return orNone(part / whole, whole);
  }

  private static double orNone(double value, long whole) {
    return whole == 0 ? Double.NaN : value;
  }

  private static double coveredSeconds(Seen now) {
    Duration recorded = Duration.between(now.advice().from(), now.at());
    Duration longest = now.advice().span().length();
    return Math.clamp(recorded.toSeconds(), 0, longest.toSeconds());
  }

  private void look() {
    var after = new EnumMap<Span, Seen>(Span.class);
    Instant now = clock.instant();
    for (Span span : Span.values()) {
      Seen before = seen.get(span);
      after.put(span, before != null && isFresh(before, now) ? before : ask(span, now));
    }
    seen = after;
  }

  /** A clock that was set back makes nothing fresh. */
  private static boolean isFresh(Seen before, Instant now) {
    return !now.isBefore(before.at()) && now.isBefore(before.at().plus(FRESH));
  }

  private Seen ask(Span span, Instant now) {
    Advice advice = advise.apply(span);
    Curve curve = advice.curve();
    long quota = quotaBytes.getAsLong();
    return new Seen(
        now,
        advice,
        orNone((double) curve.flatBytes(), curve.requests()),
        atFactors(quota, bytes -> orNone(curve.hitRatio(bytes), curve.requests())),
        atFactors(quota, bytes -> orNone(curve.byteHitRatio(bytes), curve.bytes())));
  }

  private static List<Double> atFactors(long quota, LongToDoubleFunction ratio) {
    return FACTORS.stream()
        .map(factor -> ratio.applyAsDouble((long) (quota * Double.parseDouble(factor))))
        .toList();
  }
}
