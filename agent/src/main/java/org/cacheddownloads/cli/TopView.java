package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.cacheddownloads.cli.TopCommand.Sample;
import org.cacheddownloads.content.Sizes;
import org.jspecify.annotations.Nullable;

/** What {@code top} shows: two looks at the agent as lines. */
final class TopView {
  private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss");
  private static final int BAR_CHARS = 20;
  private static final int LEAST_ROWS = 3;
  private static final String GREEN = "32";
  private static final String CYAN = "36";
  private static final String YELLOW = "33";
  private static final String RED = "31";

  private final Sample now;
  private final @Nullable Sample before;
  private final Terminal terminal;
  private final Terminal.Size size;

  /** A part of the disk: the character and the colour that it has in the bar. */
  private record Part(char mark, String colour, String name, long bytes) {}

  /**
   * @param before the look before this one; null at the first, and then there are no rates but
   *     those since the downloads began
   */
  TopView(Sample now, @Nullable Sample before, Terminal terminal, Terminal.Size size) {
    this.now = now;
    this.before = before;
    this.terminal = terminal;
    this.size = size;
  }

  List<String> lines() {
    var lines = new ArrayList<String>();
    lines.add(
        terminal.bold("cached-downloads " + Json.text(now.stats(), "version"))
            + ", up "
            + Times.span(Duration.ofSeconds(Json.number(now.stats(), "uptimeSeconds")))
            + ", "
            + CLOCK.format(now.at().atZone(ZoneId.systemDefault())));
    lines.add("");
    lines.add(requests());
    lines.add(origin());
    lines.add(evictions());
    lines.addAll(disk());
    lines.add("");
    lines.addAll(downloads(Math.max(LEAST_ROWS, size.rows() - lines.size() - 3)));
    return lines;
  }

  private String requests() {
    JsonObject requests = Json.section(now.stats(), "requests");
    long all = requests.stream().mapToLong(each -> Json.number(requests, each.getKey())).sum();
    var line = new StringBuilder(String.format(Locale.ROOT, "requests   %,d", all));
    line.append(", hit ratio ").append(StatsCommand.hitRatio(requests));
    Sample last = before;
    if (last != null) {
      JsonObject since = difference(requests, Json.section(last.stats(), "requests"));
      long fresh = since.stream().mapToLong(each -> Json.number(since, each.getKey())).sum();
      line.append("; now ")
          .append(perSecond(fresh))
          .append("/s, hit ratio ")
          .append(StatsCommand.hitRatio(since));
    }
    return line.append(String.format(Locale.ROOT, "; failed %,d", Json.number(requests, "failed")))
        .toString();
  }

  private String origin() {
    JsonObject origin = Json.section(now.stats(), "origin");
    long inFlight = Json.number(origin, "inFlight");
    long queued = Json.number(origin, "queued");
    String slots = inFlight + " of " + now.slots() + " slots";
    String waiting = ", " + queued + " queued";
    long errors = Json.number(origin, "errors");
    return "origin     ["
        + bar(now.slots() == 0 ? 0 : inFlight / (double) now.slots(), BAR_CHARS)
        + "] "
        + slots
        + (queued > 0 ? terminal.paint(YELLOW, waiting) : waiting)
        + (before == null ? "" : "; " + Sizes.format((long) rate("bytes", "fetched")) + "/s")
        + "; "
        + Sizes.format(figure("bytes", "fetched"))
        + " fetched, "
        + errors
        + " errors";
  }

  private String evictions() {
    return "evictions  "
        + String.format(Locale.ROOT, "%,d", figure("evictions", "count"))
        + ", "
        + Sizes.format(figure("evictions", "bytes"))
        + (before == null
            ? ""
            : String.format(Locale.ROOT, "; now %.1f/s, ", rate("evictions", "count"))
                + Sizes.format((long) rate("evictions", "bytes"))
                + "/s")
        + "; oldest idle "
        + Times.span(Duration.ofSeconds(figure("evictions", "oldestIdleSeconds")));
  }

  private List<String> disk() {
    long quota = figure("disk", "quotaBytes");
    long used = figure("disk", "usedBytes");
    var parts =
        List.of(
            new Part('#', GREEN, "in use", figure("disk", "inUseBytes")),
            new Part('=', CYAN, "idle", figure("disk", "idleBytes")),
            new Part('~', YELLOW, "partial", figure("disk", "partialBytes")),
            new Part('x', RED, "quarantine", figure("disk", "quarantineBytes")),
            new Part('.', "", "free quota", Math.max(0, quota - used)));
    int width = Math.clamp(size.columns() - 50L, BAR_CHARS, 80);
    var bar = new StringBuilder();
    var legend = new StringBuilder();
    long whole = Math.max(1, Math.max(quota, used));
    long reached = 0;
    int drawn = 0;
    for (Part part : parts) {
      reached += part.bytes();
      int end = (int) Math.round(reached * (double) width / whole);
      int chars = Math.max(0, Math.min(width, end) - drawn);
      drawn += chars;
      bar.append(terminal.paint(part.colour(), String.valueOf(part.mark()).repeat(chars)));
      if (part.bytes() > 0 || part.mark() == '.')
        legend
            .append(legend.isEmpty() ? "" : "  ")
            .append(terminal.paint(part.colour(), String.valueOf(part.mark())))
            .append(' ')
            .append(part.name())
            .append(' ')
            .append(Sizes.format(part.bytes()));
    }
    return List.of(
        "disk       [" + bar + "] " + Sizes.format(used) + " of " + Sizes.format(quota),
        "           " + legend);
  }

  private List<String> downloads(int rows) {
    var fetches = now.fetches();
    var lines = new ArrayList<String>();
    lines.add(terminal.bold("downloads  " + fetches.size()));
    if (fetches.isEmpty()) return lines;
    int shown = fetches.size() <= rows ? fetches.size() : rows - 1;
    lines.addAll(
        new Table("PHASE", "WAITERS>", "PROGRESS", "%>", "DONE>", "OF>", "RATE>", "LEFT>", "URL")
            .page(fetches.subList(0, shown).stream().map(this::row).toList()));
    if (shown < fetches.size()) lines.add("and " + (fetches.size() - shown) + " more");
    return lines;
  }

  private List<String> row(JsonObject fetch) {
    long bytes = Json.number(fetch, "bytes");
    long total = Json.number(fetch, "total");
    double rate = rate(fetch);
    double done = total == 0 ? 0 : Math.clamp(bytes / (double) total, 0, 1);
    String left =
        rate < 1 || total == 0
            ? "-"
            : Times.span(Duration.ofSeconds((long) Math.ceil(Math.max(0, total - bytes) / rate)));
    return List.of(
        Json.text(fetch, "phase"),
        Json.text(fetch, "waiters"),
        total == 0 ? "" : "[" + bar(done, BAR_CHARS) + "]",
        total == 0 ? "-" : Long.toString((long) (100 * done)),
        Sizes.format(bytes),
        total == 0 ? "-" : Sizes.format(total),
        rate < 1 ? "-" : Sizes.format((long) rate) + "/s",
        left,
        Json.text(fetch, "url"));
  }

  /** Bytes per second since the look before; for what is new, since it began. */
  private double rate(JsonObject fetch) {
    long bytes = Json.number(fetch, "bytes");
    Sample last = before;
    if (last != null) {
      for (JsonObject old : last.fetches()) {
        if (same(old, fetch)) return (bytes - Json.number(old, "bytes")) / seconds(last.at());
      }
    }
    try {
      return bytes / seconds(Instant.parse(Json.text(fetch, "startedAt")));
    } catch (DateTimeParseException e) {
      return 0;
    }
  }

  private static boolean same(JsonObject left, JsonObject right) {
    return Json.text(left, "key").equals(Json.text(right, "key"))
        && Json.text(left, "startedAt").equals(Json.text(right, "startedAt"))
        && Json.number(left, "bytes") <= Json.number(right, "bytes");
  }

  private double rate(String section, String name) {
    Sample last = before;
    if (last == null) return 0;
    long was = Json.number(Json.section(last.stats(), section), name);
    return Math.max(0, figure(section, name) - was) / seconds(last.at());
  }

  private String perSecond(long count) {
    Sample last = before;
    return last == null ? "-" : String.format(Locale.ROOT, "%.1f", count / seconds(last.at()));
  }

  private double seconds(Instant since) {
    return Math.max(1, Duration.between(since, now.at()).toMillis()) / 1000.0;
  }

  private long figure(String section, String name) {
    return Json.number(Json.section(now.stats(), section), name);
  }

  /** Never negative: an agent that was started anew counts from zero. */
  private static JsonObject difference(JsonObject after, JsonObject before) {
    var difference = new JsonObject();
    for (String name : after.fieldNames())
      difference.put(name, Math.max(0, Json.number(after, name) - Json.number(before, name)));
    return difference;
  }

  private static String bar(double done, int chars) {
    int filled = (int) (Math.clamp(done, 0, 1) * chars);
    return "=".repeat(filled) + " ".repeat(chars - filled);
  }
}
