package org.cacheddownloads.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.function.LongSupplier;
import org.cacheddownloads.content.Sizes;
import org.jspecify.annotations.Nullable;

/**
 * One line that is drawn over and over on a terminal: how far a download is, how fast it goes and
 * how long it will take. Thread-safe.
 */
final class ProgressBar implements ProgressListener, AutoCloseable {
  private static final String ERASE_TO_END = "\u001b[K";
  private static final int LEAST_BAR_CHARS = 8;
  private static final int MOST_BAR_CHARS = 40;
  private static final int MOST_LABEL_CHARS = 30;

  private final PrintWriter terminal;
  private final int columns;
  private final String label;
  private final LongSupplier nanoTime;
  private @Nullable Start start;

  /**
   * Where the rate is counted from: a resumed download does not begin at 0, nor does the clock
   * start before the first byte.
   */
  private record Start(long bytes, long nanos) {}

  ProgressBar(PrintWriter terminal, int columns, String label, LongSupplier nanoTime) {
    this.terminal = terminal;
    this.columns = columns;
    this.label = label;
    this.nanoTime = nanoTime;
  }

  @Override
  public synchronized void progress(long bytes, @Nullable Long totalBytes) {
    Start from = start;
    if (from == null) start = from = new Start(bytes, nanoTime.getAsLong());
    draw(
        line(
            label,
            bytes,
            totalBytes,
            bytes - from.bytes(),
            Duration.ofNanos(nanoTime.getAsLong() - from.nanos()),
            columns));
  }

  /** Wipes the line. */
  @Override
  public synchronized void close() {
    if (start != null) draw("");
  }

  /**
   * The line itself, shorter than {@code columns}; {@code arrived} are the bytes of {@code
   * elapsed}.
   */
  static String line(
      String label,
      long bytes,
      @Nullable Long totalBytes,
      long arrived,
      Duration elapsed,
      int columns) {
    double seconds = elapsed.toMillis() / 1000.0;
    double rate = seconds < 0.2 ? 0 : arrived / seconds; // too early to tell
    String speed = rate < 1 ? "" : "  " + Sizes.format((long) rate) + "/s";
    String name =
        label.length() <= MOST_LABEL_CHARS ? label : label.substring(0, MOST_LABEL_CHARS - 1) + "…";
    if (totalBytes == null || totalBytes < 1)
      return fitted(name + "  " + Sizes.format(bytes) + speed, columns);
    String left =
        rate < 1
            ? ""
            : "  "
                + Times.span(
                    Duration.ofSeconds((long) Math.ceil(Math.max(0, totalBytes - bytes) / rate)))
                + " left";
    double done = Math.clamp(bytes / (double) totalBytes, 0, 1);
    String figures =
        String.format(Locale.ROOT, "%3d %%", (int) (done * 100))
            + "  "
            + Sizes.format(bytes)
            + " of "
            + Sizes.format(totalBytes)
            + speed
            + left;
    int barChars = Math.min(MOST_BAR_CHARS, columns - 1 - name.length() - figures.length() - 6);
    if (barChars < LEAST_BAR_CHARS) return fitted(name + "  " + figures, columns);
    int filled = (int) (done * barChars);
    return name + "  [" + "=".repeat(filled) + " ".repeat(barChars - filled) + "]  " + figures;
  }

  private static String fitted(String line, int columns) {
    return line.length() < columns ? line : line.substring(0, columns - 1);
  }

  private void draw(String line) {
    terminal.print("\r" + line + ERASE_TO_END);
    terminal.flush();
  }
}
