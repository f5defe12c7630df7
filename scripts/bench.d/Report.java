import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What was measured, as a table or as JSON. Not thread-safe. */
final class Report {
  /**
   * @param floor what this row is compared with; null for a floor and for what has none
   * @param note what else was seen; may be empty
   */
  private record Row(String what, Samples samples, Samples floor, String note) {}

  private record Section(String id, String title, String unit, List<Row> rows) {}

  private final String version;
  private final Bench.Scale scale;
  private final Instant start = Instant.now().truncatedTo(ChronoUnit.SECONDS);
  private final String load;
  private final List<Section> sections = new ArrayList<>();
  private final List<String> faults = new ArrayList<>();

  Report(String version, Bench.Scale scale) throws IOException {
    this.version = version;
    this.scale = scale;
    this.load = Files.readString(Path.of("/proc/loadavg")).split(" ")[0];
  }

  /** Begins a section; rows go to the one begun last. */
  void section(String id, String title, String unit) {
    sections.add(new Section(id, title, unit, new ArrayList<>()));
  }

  void row(String what, Samples samples, Samples floor, String note) {
    sections.getLast().rows().add(new Row(what, samples, floor, note));
  }

  /** Something is wrong, not slow. */
  void fault(String text) {
    if (!faults.contains(text)) faults.add(text);
  }

  List<String> faults() {
    return faults;
  }

  String text() {
    var out = new StringBuilder();
    line(out, "cached-downloads %s · %s", version, start);
    line(out, "%s · load before: %s", machine(), load);
    line(out, "%d interleaved runs; ratio: the median of the runs' ratios to the floor", scale.runs());
    for (Section section : sections) {
      line(out, "");
      int width = section.rows().stream().mapToInt(row -> row.what().length()).max().orElse(0);
      line(out, "%s, %s", section.title(), section.unit());
      String columns = "  %-" + width + "s %9s %9s %9s %7s  %s";
      line(out, columns, "", "median", "min", "max", "ratio", "");
      for (Row row : section.rows()) {
        line(
            out,
            columns,
            row.what(),
            figure(row.samples().median()),
            figure(row.samples().min()),
            figure(row.samples().max()),
            row.floor() == null
                ? ""
                : String.format(Locale.ROOT, "%.2f", row.samples().ratioTo(row.floor())),
            row.note());
      }
    }
    if (!faults.isEmpty()) line(out, "");
    for (String fault : faults) line(out, "BROKEN: %s", fault);
    return out.toString();
  }

  private static void line(StringBuilder out, String format, Object... values) {
    out.append(String.format(Locale.ROOT, format, values).stripTrailing()).append('\n');
  }

  private static String figure(double value) {
    return String.format(Locale.ROOT, "%,.0f", value);
  }

  private static String machine() {
    String memory = "";
    try {
      String total = Files.readAllLines(Path.of("/proc/meminfo")).getFirst().replaceAll("\\D", "");
      memory = String.format(Locale.ROOT, ", %.0f GiB", Long.parseLong(total) / 1048576.0);
    } catch (IOException e) {
      // an unknown size is left out
    }
    return Runtime.getRuntime().availableProcessors()
        + " cores"
        + memory
        + ", Linux "
        + System.getProperty("os.version")
        + ", Java "
        + Runtime.version();
  }

  String json() {
    var out = new StringBuilder();
    out.append("{\"version\":").append(quoted(version));
    out.append(",\"at\":").append(quoted(start.toString()));
    out.append(",\"machine\":").append(quoted(machine()));
    out.append(",\"loadBefore\":").append(load);
    out.append(",\"runs\":").append(scale.runs());
    out.append(",\"sections\":[");
    String between = "";
    for (Section section : sections) {
      out.append(between).append("{\"id\":").append(quoted(section.id()));
      out.append(",\"title\":").append(quoted(section.title()));
      out.append(",\"unit\":").append(quoted(section.unit())).append(",\"rows\":[");
      out.append(String.join(",", section.rows().stream().map(Report::json).toList())).append("]}");
      between = ",";
    }
    out.append("],\"broken\":[");
    out.append(String.join(",", faults.stream().map(Report::quoted).toList()));
    return out.append("]}\n").toString();
  }

  private static String json(Row row) {
    Samples samples = row.samples();
    return String.format(
        Locale.ROOT,
        "{\"what\":%s,\"median\":%.3f,\"min\":%.3f,\"max\":%.3f,\"ratio\":%s,\"note\":%s,\"samples\":[%s]}",
        quoted(row.what()),
        samples.median(),
        samples.min(),
        samples.max(),
        row.floor() == null
            ? "null"
            : String.format(Locale.ROOT, "%.4f", samples.ratioTo(row.floor())),
        quoted(row.note()),
        String.join(
            ",",
            samples.values().stream().map(v -> String.format(Locale.ROOT, "%.3f", v)).toList()));
  }

  private static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
  }
}
