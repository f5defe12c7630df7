package org.cacheddownloads.spec;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.cacheddownloads.spec.Dashboard.Panel;
import org.cacheddownloads.spec.Dashboard.Target;

/**
 * One row of the dashboard as an SVG, with the figures that a Prometheus has: places, titles,
 * units, stacks and legends are those of the dashboard. Readable on light and dark pages. Equal
 * figures make equal pictures.
 */
final class DashboardPicture {
  private static final int COLUMN = 50;
  private static final int LINE = 32;
  private static final int GAP = 8;
  private static final int TITLE = 26;
  private static final int AXIS = 56;
  private static final int LEGEND = 18;
  private static final int CHARACTER = 7;
  private static final String RATE_INTERVAL = "15s";
  private static final Pattern LABEL = Pattern.compile("\\{\\{(\\w+)}}");
  private static final List<String> COLOURS =
      List.of(
          "#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#4fb0a5", "#c9a227", "#9c755f");

  private final StringBuilder svg = new StringBuilder();
  private final PrometheusServer prometheus;
  private final long end;
  private final int seconds;

  private DashboardPicture(PrometheusServer prometheus, int seconds) {
    this.prometheus = prometheus;
    this.seconds = seconds;
    this.end = prometheus.lastScrape();
  }

  /** The row with this title, over the last {@code seconds}. */
  static String of(Dashboard dashboard, String row, PrometheusServer prometheus, int seconds) {
    return new DashboardPicture(prometheus, seconds)
        .draw(dashboard.panels().stream().filter(panel -> panel.row().equals(row)).toList());
  }

  /** One curve: a value for each second, NaN where there is none. */
  private record Series(String name, List<Double> values, boolean isLine, boolean isRight) {
    double last() {
      return values.reversed().stream()
          .filter(value -> Double.isFinite(value))
          .findFirst()
          .orElse(Double.NaN);
    }
  }

  private record Box(int x, int y, int width, int height) {}

  private String draw(List<Panel> panels) {
    int top = panels.stream().mapToInt(panel -> place(panel, "y")).min().orElse(0);
    int bottom =
        panels.stream().mapToInt(panel -> place(panel, "y") + place(panel, "h")).max().orElse(0);
    int width = 24 * COLUMN + GAP;
    int height = (bottom - top) * LINE + GAP;
    add(
        ("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\""
                + " font-family=\"sans-serif\" font-size=\"12\">")
            .formatted(width, height, width, height));
    add(
        "<style>.page{fill:#f4f5f5}.panel{fill:#fff;stroke:#d8d9da}.text{fill:#24292e}"
            + ".faint{fill:#6b7280}.grid{stroke:#e3e4e6}"
            + "@media(prefers-color-scheme:dark){.page{fill:#111217}.panel{fill:#181b1f;stroke:#2c3036}"
            + ".text{fill:#d8d9da}.faint{fill:#9aa0a8}.grid{stroke:#2c3036}}</style>");
    add("<rect class=\"page\" width=\"%d\" height=\"%d\" rx=\"4\"/>".formatted(width, height));
    for (Panel panel : panels) {
      var box =
          new Box(
              GAP + place(panel, "x") * COLUMN,
              GAP + (place(panel, "y") - top) * LINE,
              place(panel, "w") * COLUMN - GAP,
              place(panel, "h") * LINE - GAP);
      draw(panel, box);
    }
    add("</svg>");
    return svg.toString();
  }

  private static int place(Panel panel, String side) {
    return panel.json().path("gridPos").path(side).asInt();
  }

  private void draw(Panel panel, Box box) {
    add(
        "<rect class=\"panel\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"3\"/>"
            .formatted(box.x(), box.y(), box.width(), box.height()));
    text(box.x() + 10, box.y() + 18, "text", "font-weight=\"bold\"", panel.title());
    switch (panel.type()) {
      case "timeseries" -> curves(panel, box);
      case "table" -> list(panel, box);
      default -> figures(panel, box);
    }
  }

  // ---- kinds of panels

  private void figures(Panel panel, Box box) {
    List<Series> all = series(panel);
    int each = box.width() / Math.max(1, all.size());
    for (int i = 0; i < all.size(); i++) {
      int x = box.x() + i * each + each / 2;
      String value = Unit.of(panel.unit()).text(all.get(i).last());
      text(x, box.y() + 74, "text", "font-size=\"30\" text-anchor=\"middle\"", value);
      text(x, box.y() + 98, "faint", "text-anchor=\"middle\"", all.get(i).name());
    }
  }

  private void list(Panel panel, Box box) {
    int y = box.y() + TITLE + 22;
    for (Target target : panel.targets()) {
      for (JsonNode found : prometheus.query(target.query(RATE_INTERVAL, seconds + "s"))) {
        String name = found.at("/metric/alertname").asText();
        text(box.x() + 10, y, "text", "font-size=\"11\"", name);
        text(
            box.x() + 10,
            y + 16,
            "faint",
            "font-size=\"11\"",
            found.at("/metric/severity").asText());
        y += 36;
      }
    }
  }

  private void curves(Panel panel, Box box) {
    List<Series> all = series(panel);
    boolean stacked =
        panel.json().at("/fieldConfig/defaults/custom/stacking/mode").asText().equals("normal");
    boolean hasRight = all.stream().anyMatch(Series::isRight);
    int legendLines = legend(all, box);
    var plot =
        new Box(
            box.x() + AXIS,
            box.y() + TITLE + 8,
            box.width() - AXIS - (hasRight ? AXIS : 16),
            box.height() - TITLE - 8 - 22 - legendLines * LEGEND);
    Unit unit = Unit.of(panel.unit());
    double most =
        panel.json().at("/fieldConfig/defaults/max").asDouble(unit.ceiling(most(all, stacked)));
    axis(plot, most, unit, false);
    times(plot);
    double[] floor = new double[seconds + 1];
    for (int i = 0; i < all.size(); i++) {
      Series series = all.get(i);
      String colour = COLOURS.get(i % COLOURS.size());
      if (series.isRight()) {
        Unit right = Unit.of(rightUnit(panel, series.name()));
        double rightMost = right.ceiling(max(series.values()));
        axis(plot, rightMost, right, true);
        line(plot, series.values(), rightMost, colour, true);
      } else if (stacked && !series.isLine()) {
        floor = area(plot, floor, series.values(), most, colour);
      } else {
        line(plot, series.values(), most, colour, series.isLine());
      }
    }
  }

  private static double most(List<Series> all, boolean stacked) {
    double most = 0;
    double[] sums = new double[all.isEmpty() ? 0 : all.getFirst().values().size()];
    for (Series series : all) {
      if (series.isRight()) {
        continue;
      }
      most = Math.max(most, max(series.values()));
      for (int i = 0; stacked && !series.isLine() && i < sums.length; i++) {
        sums[i] += finite(series.values().get(i));
      }
    }
    return Math.max(most, Arrays.stream(sums).max().orElse(0));
  }

  private static double max(List<Double> values) {
    return values.stream().mapToDouble(DashboardPicture::finite).max().orElse(0);
  }

  private static double finite(double value) {
    return Double.isFinite(value) ? value : 0;
  }

  // ---- parts of a plot

  private void axis(Box plot, double most, Unit unit, boolean right) {
    for (int tick = 0; tick <= 4; tick++) {
      int y = plot.y() + plot.height() - plot.height() * tick / 4;
      if (!right) {
        add(
            "<line class=\"grid\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>"
                .formatted(plot.x(), y, plot.x() + plot.width(), y));
      }
      text(
          right ? plot.x() + plot.width() + 4 : plot.x() - 6,
          y + 4,
          "faint",
          "font-size=\"10\"" + (right ? "" : " text-anchor=\"end\""),
          unit.text(most * tick / 4));
    }
  }

  private void times(Box plot) {
    for (int tick = 0; tick <= 4; tick++) {
      int at = seconds * tick / 4;
      text(
          plot.x() + plot.width() * tick / 4,
          plot.y() + plot.height() + 15,
          "faint",
          "font-size=\"10\" text-anchor=\"middle\"",
          "%d:%02d".formatted(at / 60, at % 60));
    }
  }

  private double[] area(Box plot, double[] floor, List<Double> values, double most, String colour) {
    double[] top = new double[floor.length];
    var points = new StringBuilder();
    for (int i = 0; i < top.length; i++) {
      top[i] = floor[i] + finite(values.get(i));
      points.append(point(plot, i, top[i], most));
    }
    for (int i = top.length - 1; i >= 0; i--) {
      points.append(point(plot, i, floor[i], most));
    }
    add(
        "<polygon fill=\"%s\" fill-opacity=\"0.75\" points=\"%s\"/>"
            .formatted(colour, points.toString().strip()));
    return top;
  }

  private void line(Box plot, List<Double> values, double most, String colour, boolean dashed) {
    var points = new StringBuilder();
    for (int i = 0; i <= values.size(); i++) {
      if (i < values.size() && Double.isFinite(values.get(i))) {
        points.append(point(plot, i, values.get(i), most));
      } else if (!points.isEmpty()) {
        add(
            "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\"%s points=\"%s\"/>"
                .formatted(
                    colour, dashed ? " stroke-dasharray=\"6 4\"" : "", points.toString().strip()));
        points.setLength(0);
      }
    }
  }

  private String point(Box plot, int second, double value, double most) {
    double x = plot.x() + (double) plot.width() * second / seconds;
    double y = plot.y() + plot.height() * (1 - Math.min(1, value / most));
    return String.format(Locale.ROOT, "%.1f,%.1f ", x, y);
  }

  /** Names with their colours, from the bottom of the box. @return how many lines they took */
  private int legend(List<Series> all, Box box) {
    var lines = new ArrayList<List<Integer>>(List.of(new ArrayList<>()));
    int x = 0;
    for (int i = 0; i < all.size(); i++) {
      int width = width(all.get(i));
      if (x + width > box.width() - 20 && !lines.getLast().isEmpty()) {
        lines.add(new ArrayList<>());
        x = 0;
      }
      lines.getLast().add(i);
      x += width;
    }
    for (int line = 0; line < lines.size(); line++) {
      x = box.x() + 12;
      int y = box.y() + box.height() - 8 - (lines.size() - 1 - line) * LEGEND;
      for (int i : lines.get(line)) {
        add(
            "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"4\" fill=\"%s\"/>"
                .formatted(x, y - 6, COLOURS.get(i % COLOURS.size())));
        text(x + 17, y, "text", "font-size=\"11\"", all.get(i).name());
        x += width(all.get(i));
      }
    }
    return lines.size();
  }

  private static int width(Series series) {
    return 30 + CHARACTER * series.name().length();
  }

  // ---- figures

  private List<Series> series(Panel panel) {
    var all = new ArrayList<Series>();
    for (Target target : panel.targets()) {
      var found = new TreeMap<String, List<Double>>();
      String query = target.query(RATE_INTERVAL, seconds + "s");
      for (JsonNode series : prometheus.history(query, end, seconds)) {
        found.put(name(target.legend(), series.path("metric")), values(series.path("values")));
      }
      found.forEach(
          (name, values) ->
              all.add(
                  new Series(
                      name,
                      values,
                      override(panel, name, "custom.stacking").isPresent(),
                      override(panel, name, "custom.axisPlacement").isPresent())));
    }
    return all;
  }

  private static String name(String legend, JsonNode labels) {
    Matcher label = LABEL.matcher(legend);
    return label.replaceAll(
        found -> Matcher.quoteReplacement(labels.path(found.group(1)).asText()));
  }

  private List<Double> values(JsonNode pairs) {
    var values = new ArrayList<Double>(Collections.nCopies(seconds + 1, Double.NaN));
    for (JsonNode pair : pairs) {
      String text = pair.path(1).asText();
      int second = (int) (pair.path(0).asLong() - (end - seconds));
      values.set(second, text.endsWith("Inf") ? Double.NaN : Double.parseDouble(text));
    }
    return values;
  }

  private static Optional<JsonNode> override(Panel panel, String series, String property) {
    for (JsonNode override : panel.json().at("/fieldConfig/overrides")) {
      for (JsonNode found : override.path("properties")) {
        if (override.at("/matcher/options").asText().equals(series)
            && found.path("id").asText().equals(property)) {
          return Optional.of(found.path("value"));
        }
      }
    }
    return Optional.empty();
  }

  private static String rightUnit(Panel panel, String series) {
    return override(panel, series, "unit").map(JsonNode::asText).orElse(panel.unit());
  }

  /** How figures are written. */
  private enum Unit {
    SHARE,
    BYTES,
    BYTES_A_SECOND,
    RATE,
    SECONDS,
    NUMBER;

    static Unit of(String grafana) {
      return switch (grafana) {
        case "percentunit" -> SHARE;
        case "bytes" -> BYTES;
        case "Bps" -> BYTES_A_SECOND;
        case "reqps", "ops" -> RATE;
        case "s" -> SECONDS;
        default -> NUMBER;
      };
    }

    String text(double value) {
      if (!Double.isFinite(value)) {
        return "–";
      }
      return switch (this) {
        case SHARE -> number(value * 100) + " %";
        case BYTES -> bytes(value);
        case BYTES_A_SECOND -> bytes(value) + "/s";
        case RATE -> number(value) + "/s";
        case SECONDS -> value < 1 ? number(value * 1000) + " ms" : number(value) + " s";
        case NUMBER -> number(value);
      };
    }

    /** The top of an axis that shows this much: 1, 2 or 4 times a power of the unit's base. */
    double ceiling(double value) {
      if (value <= 0) {
        return this == BYTES || this == BYTES_A_SECOND ? 1024 : 1;
      }
      double base = this == BYTES || this == BYTES_A_SECOND ? 2 : 10;
      double power = Math.pow(base, Math.floor(Math.log(value) / Math.log(base)));
      for (double times :
          base == 2 ? new double[] {1, 1.25, 1.5, 2} : new double[] {1, 2, 4, 6, 8}) {
        if (value <= times * power * 1.000001) {
          return times * power;
        }
      }
      return base * power;
    }

    private static String bytes(double value) {
      List<String> units = List.of("B", "KiB", "MiB", "GiB", "TiB");
      int step = 0;
      double left = value;
      while (left >= 1024 && step < units.size() - 1) {
        left /= 1024;
        step++;
      }
      return number(left) + " " + units.get(step);
    }

    private static String number(double value) {
      String text =
          String.format(Locale.ROOT, value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value);
      return text.contains(".") ? text.replaceAll("0+$", "").replaceAll("\\.$", "") : text;
    }
  }

  // ---- writing

  private void text(int x, int y, String style, String attributes, String text) {
    add(
        "<text class=\"%s\" x=\"%d\" y=\"%d\" %s>%s</text>"
            .formatted(
                style,
                x,
                y,
                attributes,
                text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")));
  }

  private void add(String element) {
    svg.append(element).append('\n');
  }
}
