package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.cacheddownloads.content.Sizes;

/** What {@link AdviseCommand} shows: an agent's advice as lines and as a picture. */
record AdviceView(JsonObject advice, Instant now, Terminal terminal) {
  private static final String NOTHING =
      "No downloads were asked for of late, so there is nothing to tell yet.";
  private static final String REQUESTS = "requestHitRatio";
  private static final String BYTES = "byteHitRatio";

  /**
   * The advice in a sentence, then what it rests on; the sentence alone where there were no
   * requests.
   *
   * @param drawn whether the curve is drawn as well
   */
  List<String> lines(boolean drawn) {
    String summary = Json.text(advice, "summary");
    var lines = new ArrayList<String>();
    lines.add(summary.equals("-") ? NOTHING : summary);
    if (isEmpty()) return lines;
    lines.add("");
    lines.add(basis());
    lines.addAll(table());
    lines.add("");
    lines.addAll(words());
    if (!drawn) return lines;
    for (Plot plot : plots()) {
      lines.add("");
      lines.addAll(plot.text(terminal, terminal.size().columns()));
    }
    return lines;
  }

  /** None where there is nothing to draw. */
  List<Plot> plots() {
    var points = points().stream().filter(point -> quota(point) > 0).toList();
    if (isEmpty() || points.isEmpty()) return List.of();
    return List.of(
        new Plot(
            "hit ratio",
            List.of(
                series("requests", points, point -> Json.decimal(point, REQUESTS)),
                series("bytes", points, point -> Json.decimal(point, BYTES))),
            List.of(
                new Plot.Mark("present quota", quota(advice)),
                new Plot.Mark("flat from here", Json.number(advice, "flatBytes")))));
  }

  private static Plot.Series series(
      String name, List<JsonObject> points, ToDoubleFunction<JsonObject> ratio) {
    return new Plot.Series(
        name,
        points.stream()
            .map(point -> new Plot.Point(quota(point), ratio.applyAsDouble(point)))
            .toList());
  }

  private boolean isEmpty() {
    return Json.number(advice, "requests") == 0;
  }

  private List<JsonObject> points() {
    return Json.objects(advice, "curve");
  }

  private static long quota(JsonObject object) {
    return Json.number(object, "quotaBytes");
  }

  private String basis() {
    return String.format(
        Locale.ROOT,
        "hit ratios in the last %s (counted since %s): %,d requests for %s",
        AdviseCommand.window(Json.text(advice, "window")),
        Times.distance(Json.text(advice, "from"), now),
        Json.number(advice, "requests"),
        Sizes.format(Json.number(advice, "bytes")));
  }

  /** The row of the present quota says so. */
  private List<String> table() {
    long present = quota(advice);
    var points = points();
    var lines =
        new ArrayList<>(
            new Table("QUOTA>", "TIMES>", "REQUESTS>", "BYTES>", "")
                .page(points.stream().map(this::row).toList()));
    lines.set(0, terminal.bold(lines.getFirst()));
    for (int i = 0; i < points.size(); i++) {
      if (quota(points.get(i)) == present) lines.set(i + 1, terminal.bold(lines.get(i + 1)));
    }
    return lines;
  }

  private List<String> row(JsonObject point) {
    long bytes = quota(point);
    long present = quota(advice);
    String star = isTooLow(bytes) ? "*" : "";
    return List.of(
        Plot.size(bytes),
        present == 0 ? "-" : String.format(Locale.ROOT, "%.2f", bytes / (double) present),
        star + percent(Json.decimal(point, REQUESTS)),
        star + percent(Json.decimal(point, BYTES)),
        bytes == present ? "present" : "");
  }

  private boolean isTooLow(long quotaBytes) {
    return quotaBytes < Json.number(advice, "largestBytes")
        || (isBounded() && quotaBytes >= Json.number(bound(), "exactBelowBytes"));
  }

  private JsonObject bound() {
    return Json.section(advice, "bound");
  }

  private boolean isBounded() {
    return bound().getValue("exactBelowBytes") != null;
  }

  private List<String> words() {
    long quota = quota(advice);
    long inUse = Json.number(advice, "inUseBytes");
    var words =
        new Words()
            .with("quota", Plot.size(quota) + " at present" + flat())
            .with("cold", cold())
            .with("working set", workingSets())
            .with(
                "in use",
                Sizes.format(inUse)
                    + (quota == 0 ? "" : ", " + percent(inUse / (double) quota) + " of the quota")
                    + ", which cannot be evicted")
            .with("regrets", regrets())
            .with("reached", both(Json.section(advice, "actual"), REQUESTS, BYTES) + " were hits");
    var trial = Json.section(advice, "ghost");
    if (!trial.isEmpty())
      words.with(
          "on trial",
          both(trial, REQUESTS, BYTES)
              + " would have been with "
              + Json.text(trial, "policy")
              + " at the present quota");
    tooLow(words);
    var trace = Json.section(advice, "trace");
    if (!trace.isEmpty()) words.with("trace", trace(trace));
    return words.lines();
  }

  private String flat() {
    long flat = Json.number(advice, "flatBytes");
    return flat == 0 ? "" : "; beyond " + Sizes.format(flat) + " hardly anything is gained";
  }

  private String cold() {
    return both(Json.section(advice, "coldMiss"), "requestRatio", "byteRatio")
        + ", which no quota can have";
  }

  private String workingSets() {
    var sets = Json.section(advice, "workingSets");
    return sets.fieldNames().stream()
        .map(
            length ->
                Sizes.format(Json.number(sets, length))
                    + " in "
                    + Terminal.printable(AdviseCommand.window(length)))
        .collect(Collectors.joining(", "));
  }

  private String regrets() {
    var regrets = Json.section(advice, "regrets");
    long count = Json.number(regrets, "count");
    if (count == 0) return "none: nothing was downloaded again soon after its eviction";
    return String.format(
        Locale.ROOT,
        "%,d %s again soon after eviction, %s; callers waited %s for that",
        count,
        count == 1 ? "download" : "downloads",
        Sizes.format(Json.number(regrets, "bytes")),
        Times.span(Duration.ofMillis(Math.round(1_000 * Json.decimal(regrets, "waitSeconds")))));
  }

  /** Why ratios have a star. */
  private void tooLow(Words words) {
    long largest = Json.number(advice, "largestBytes");
    if (points().stream().anyMatch(point -> quota(point) < largest))
      words.with(
          "largest",
          Sizes.format(largest) + " in one download: ratios of smaller quotas (*) may be too low");
    if (isBounded())
      words.with(
          "bound",
          String.format(
              Locale.ROOT,
              "from %s on ratios (*) may be too low: %,d keys were forgotten; raise advice.maxKeys, now %,d",
              Sizes.format(Json.number(bound(), "exactBelowBytes")),
              Json.number(bound(), "droppedKeys"),
              Json.number(bound(), "maxKeys")));
  }

  private static String trace(JsonObject trace) {
    long lost = Json.number(trace, "lost");
    return Json.text(trace, "file")
        + " ("
        + Json.text(trace, "state")
        + "), "
        + Sizes.format(Json.number(trace, "bytes"))
        + (lost == 0 ? "" : String.format(Locale.ROOT, "; %,d requests are missing", lost));
  }

  private static String both(JsonObject ratios, String ofRequests, String ofBytes) {
    return percent(Json.decimal(ratios, ofRequests))
        + " of the requests and "
        + percent(Json.decimal(ratios, ofBytes))
        + " of the bytes";
  }

  private static String percent(double ratio) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * ratio);
  }
}
