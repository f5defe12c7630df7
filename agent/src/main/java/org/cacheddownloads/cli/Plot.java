package org.cacheddownloads.cli;

import com.google.errorprone.annotations.FormatMethod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.cacheddownloads.content.Sizes;

/**
 * Ratios over sizes, a line for each series, as text for a terminal or as a picture in SVG. Sizes
 * are on a logarithmic axis, ratios run from 0 or a little below the least one up to 1.
 *
 * @param title what the ratios are
 * @param series at most {@value #MOST_SERIES}, so that each has a mark and a colour of its own
 * @param marks at most {@value #MOST_MARKS}; those beyond the points are left out
 */
record Plot(String title, List<Series> series, List<Mark> marks) {
  static final int MOST_SERIES = 8;
  static final int MOST_MARKS = 2;

  private static final String MARKS = "ox+*#@%&";

  /** Of ECMA-48, and for SVG: told apart by most people who see few colours (Okabe and Ito). */
  private static final List<String> COLOURS =
      List.of("34", "31", "32", "35", "36", "33", "1;34", "1;31");

  private static final List<String> RGB =
      List.of(
          "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#999999");

  /** Upright lines, as text and as the dashes of SVG. */
  private static final String UPRIGHT = "|:";

  private static final List<String> DASHES = List.of("8 4", "2 3");

  private static final int ROWS = 14;
  private static final int MOST_COLUMNS = 100;
  private static final int LABEL = 6;
  private static final int SHORT_SIZE = 7;

  /** Dots of a braille character: 2 across and 4 down (Unicode, U+2800 to U+28FF). */
  private static final int[][] DOTS = {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}};

  private static final char BLANK = '\u2800';

  private static final int WIDTH = 760;
  private static final int HEIGHT = 400;
  private static final int LEFT = 64;
  private static final int RIGHT = 140;
  private static final int TOP = 44;
  private static final int BOTTOM = 52;

  /** One line; from left to right. */
  record Series(String name, List<Point> points) {}

  /**
   * @param bytes above 0
   * @param ratio from 0 to 1
   */
  record Point(long bytes, double ratio) {}

  /** A size that is worth an upright line. */
  record Mark(String name, long bytes) {}

  Plot {
    if (series.size() > MOST_SERIES)
      throw new IllegalArgumentException("at most " + MOST_SERIES + " series");
    if (marks.size() > MOST_MARKS)
      throw new IllegalArgumentException("at most " + MOST_MARKS + " marks");
  }

  Plot(String title, List<Series> series) {
    this(title, series, List.of());
  }

  /** As it can be written where that is short, else to one decimal. */
  static String size(long bytes) {
    String whole = ConfigShowCommand.size(bytes);
    return bytes % 1024 == 0 && whole.length() <= SHORT_SIZE ? whole : Sizes.format(bytes);
  }

  /** Writes the picture of {@link #svg}. */
  static void write(Path file, List<Plot> plots) throws UnusableFile {
    try {
      Files.writeString(file, svg(plots));
    } catch (IOException e) {
      throw UnusableFile.picture(file, e);
    }
  }

  /** Lines for a terminal of this width; with colours where the terminal has them. */
  List<String> text(Terminal terminal, int columns) {
    int width = Math.min(MOST_COLUMNS, columns) - LABEL - 3;
    var dots = new int[ROWS][width];
    var marks = new char[ROWS][width];
    var owners = new int[ROWS][width];
    String uprights = uprights(width);
    for (int s = 0; s < series.size(); s++) {
      int[] last = {};
      for (Point point : series.get(s).points()) {
        int[] at = {
          (int) Math.round(across(point.bytes()) * (2 * width - 1)),
          (int) Math.round(down(point.ratio()) * (4 * ROWS - 1))
        };
        draw(last.length == 0 ? at : last, at, s, dots, owners);
        marks[at[1] / 4][at[0] / 2] = MARKS.charAt(s);
        owners[at[1] / 4][at[0] / 2] = s;
        last = at;
      }
    }
    var lines = new ArrayList<String>();
    lines.add(terminal.bold(title));
    for (int row = 0; row < ROWS; row++) {
      var line = new StringBuilder(percentAt(row)).append(" │");
      for (int column = 0; column < width; column++) {
        String cell =
            marks[row][column] != 0
                ? String.valueOf(marks[row][column])
                : dots[row][column] == 0 ? "" : String.valueOf((char) (BLANK + dots[row][column]));
        line.append(
            cell.isEmpty()
                ? String.valueOf(uprights.charAt(column))
                : terminal.paint(COLOURS.get(owners[row][column]), cell));
      }
      lines.add(line.toString().stripTrailing());
    }
    lines.add(" ".repeat(LABEL) + " └" + "─".repeat(width));
    lines.add(" ".repeat(LABEL + 2) + sizesBelow(width));
    lines.add(" ".repeat(LABEL + 2) + legend(terminal));
    return lines;
  }

  /** A picture with these plots one below the other. */
  static String svg(List<Plot> plots) {
    var svg = new StringBuilder(8192);
    int height = HEIGHT * plots.size();
    svg.append(
        text(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\""
                + " font-family=\"sans-serif\" font-size=\"13\">\n",
            WIDTH, height, WIDTH, height));
    svg.append(text("<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n", WIDTH, height));
    for (int i = 0; i < plots.size(); i++) {
      svg.append(text("<g transform=\"translate(0 %d)\">\n", i * HEIGHT));
      plots.get(i).panel(svg);
      svg.append("</g>\n");
    }
    return svg.append("</svg>\n").toString();
  }

  private void panel(StringBuilder svg) {
    svg.append(
        text(
            "<text x=\"%d\" y=\"26\" font-size=\"16\" font-weight=\"bold\">%s</text>\n",
            LEFT, escaped(title)));
    double step = bottom() >= 0.8 ? 0.05 : 0.1;
    for (int tick = 0; bottom() + tick * step < 1 + step / 2; tick++) {
      double ratio = bottom() + tick * step;
      svg.append(
          text(
              "<path d=\"M%d %.1fH%d\" stroke=\"#dddddd\"/><text x=\"%d\" y=\"%.1f\""
                  + " text-anchor=\"end\">%s</text>\n",
              LEFT, y(ratio), WIDTH - RIGHT, LEFT - 8, y(ratio) + 4.5, percent(ratio).strip()));
    }
    double free = -1e9;
    for (long bytes : sizes()) {
      double x = x(bytes);
      svg.append(text("<path d=\"M%.1f %dV%d\" stroke=\"#eeeeee\"/>", x, TOP, HEIGHT - BOTTOM));
      if (x - free < 58) continue;
      free = x;
      svg.append(
          text(
              "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
              x, HEIGHT - BOTTOM + 18, escaped(size(bytes))));
    }
    svg.append(
        text(
            "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">quota</text>\n",
            (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10));
    svg.append(
        text(
            "<path d=\"M%d %dV%dH%d\" stroke=\"#333333\" fill=\"none\"/>\n",
            LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT));
    for (int m = 0; m < marks.size(); m++) {
      if (isWithin(marks.get(m))) upright(m, svg);
    }
    for (int s = 0; s < series.size(); s++) line(s, svg);
  }

  private void upright(int m, StringBuilder svg) {
    int legend = TOP + 14 + 20 * (series.size() + m);
    int beside = WIDTH - RIGHT + 14;
    svg.append(
        text(
            "<path d=\"M%.1f %dV%dM%d %dh22\" stroke=\"#555555\" stroke-dasharray=\"%s\"/>"
                + "<text x=\"%d\" y=\"%d\">%s</text>\n",
            x(marks.get(m).bytes()),
            TOP,
            HEIGHT - BOTTOM,
            beside,
            legend - 4,
            DASHES.get(m),
            beside + 28,
            legend,
            escaped(marks.get(m).name())));
  }

  private void line(int s, StringBuilder svg) {
    var path = new StringBuilder();
    var circles = new StringBuilder();
    for (Point point : series.get(s).points()) {
      path.append(
          text("%s%.1f %.1f", path.isEmpty() ? "M" : "L", x(point.bytes()), y(point.ratio())));
      circles.append(
          text("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>", x(point.bytes()), y(point.ratio())));
    }
    int legend = TOP + 14 + 20 * s;
    int beside = WIDTH - RIGHT + 14;
    svg.append(
        text(
            "<g fill=\"%s\"><path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>%s"
                + "<path d=\"M%d %dh22v4h-22z\"/></g><text x=\"%d\" y=\"%d\">%s</text>\n",
            RGB.get(s),
            path,
            RGB.get(s),
            circles,
            beside,
            legend - 6,
            beside + 28,
            legend,
            escaped(series.get(s).name())));
  }

  private double x(long bytes) {
    return LEFT + across(bytes) * (WIDTH - LEFT - RIGHT);
  }

  private double y(double ratio) {
    return TOP + down(ratio) * (HEIGHT - TOP - BOTTOM);
  }

  /** From 0 on the left to 1 on the right. */
  private double across(long bytes) {
    List<Long> sizes = sizes();
    double least = Math.log((double) sizes.getFirst());
    double most = Math.log((double) sizes.getLast());
    return most == least ? 0.5 : (Math.log((double) bytes) - least) / (most - least);
  }

  /** From 0 at the top to 1 at the bottom. */
  private double down(double ratio) {
    return (1 - ratio) / (1 - bottom());
  }

  /** The least ratio, down to a whole tenth; never so high that noise looks like a slope. */
  private double bottom() {
    double least =
        series.stream()
            .flatMap(each -> each.points().stream())
            .mapToDouble(Point::ratio)
            .min()
            .orElse(0);
    return Math.min(0.8, Math.floor(least * 10) / 10);
  }

  /** All there are, each once. */
  private List<Long> sizes() {
    return series.stream()
        .flatMap(each -> each.points().stream())
        .map(Point::bytes)
        .distinct()
        .sorted()
        .toList();
  }

  /** What is beside the row that is nearest to a round ratio. */
  private String percentAt(int row) {
    double step = bottom() < 0.5 ? 0.2 : bottom() < 0.75 ? 0.1 : 0.05;
    for (int tick = 0; tick * step < 1 - bottom() + step / 2; tick++) {
      if (Math.round(down(1 - tick * step) * (ROWS - 1)) == row) return percent(1 - tick * step);
    }
    return " ".repeat(LABEL);
  }

  private static String percent(double ratio) {
    return String.format(Locale.ROOT, "%4.0f %%", 100 * ratio);
  }

  /** As many sizes as have room, the first and others below their points. */
  private String sizesBelow(int width) {
    var line = new StringBuilder();
    for (long bytes : sizes()) {
      String text = size(bytes);
      int at = (int) Math.round(across(bytes) * (width - 1)) - text.length() / 2;
      int fitted = Math.clamp(at, 0, Math.max(0, width - text.length()));
      if (!line.isEmpty() && fitted < line.length() + 1) continue;
      line.append(" ".repeat(fitted - line.length())).append(text);
    }
    return line.toString();
  }

  private String legend(Terminal terminal) {
    var line = new ArrayList<String>();
    for (int s = 0; s < series.size(); s++)
      line.add(terminal.paint(COLOURS.get(s), MARKS.charAt(s) + " " + series.get(s).name()));
    for (int m = 0; m < marks.size(); m++) {
      if (isWithin(marks.get(m))) line.add(UPRIGHT.charAt(m) + " " + marks.get(m).name());
    }
    return String.join("   ", line);
  }

  private boolean isWithin(Mark mark) {
    List<Long> sizes = sizes();
    return mark.bytes() >= sizes.getFirst() && mark.bytes() <= sizes.getLast();
  }

  /** What is in each column where no line is: that of a mark, or a blank. */
  private String uprights(int width) {
    var columns = new StringBuilder(" ".repeat(width));
    for (int m = marks.size() - 1; m >= 0; m--) {
      if (isWithin(marks.get(m)))
        columns.setCharAt(
            (int) Math.round(across(marks.get(m).bytes()) * (2 * width - 1)) / 2,
            UPRIGHT.charAt(m));
    }
    return columns.toString();
  }

  /** A line of dots, one at each step of its longer side. */
  private static void draw(int[] from, int[] to, int owner, int[][] dots, int[][] owners) {
    int steps = Math.max(1, Math.max(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1])));
    for (int i = 0; i <= steps; i++) {
      int x = from[0] + Math.round((to[0] - from[0]) * (float) i / steps);
      int y = from[1] + Math.round((to[1] - from[1]) * (float) i / steps);
      dots[y / 4][x / 2] |= DOTS[x % 2][y % 4];
      owners[y / 4][x / 2] = owner;
    }
  }

  @FormatMethod
  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  private static String escaped(String text) {
    return Terminal.printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
