package org.cacheddownloads.metrics;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * This process as the system sees it, read from {@code /proc/self} (proc(5)). What cannot be read
 * is {@code NaN}.
 */
final class Machine {
  private static final Path SELF = Path.of("/proc/self");

  private Machine() {}

  static double cpuSeconds() {
    Optional<Duration> used = ProcessHandle.current().info().totalCpuDuration();
    return used.map(duration -> duration.toNanos() / 1e9).orElse(Double.NaN);
  }

  static double startSeconds() {
    return ProcessHandle.current()
        .info()
        .startInstant()
        .map(start -> start.toEpochMilli() / 1000.0)
        .orElse(Double.NaN);
  }

  /** A number of {@code /proc/self/status}; of memory in KiB. */
  static double status(String name) {
    return number("status", name + ":", 1);
  }

  static double openFiles() {
    try (Stream<Path> open = Files.list(SELF.resolve("fd"))) {
      return open.count() - 1.0; // without the one that lists
    } catch (IOException e) {
      return Double.NaN;
    }
  }

  static double mostOpenFiles() {
    return number("limits", "Max open files", 3);
  }

  /** The word at {@code index} of the line that begins so; the beginning's own words count. */
  private static double number(String file, String beginning, int index) {
    try {
      List<String> lines = Files.readAllLines(SELF.resolve(file));
      return lines.stream()
          .filter(line -> line.startsWith(beginning))
          .findFirst()
          .map(line -> line.split("\\s+", -1)[index])
          .map(
              word ->
                  word.equals("unlimited") ? Double.POSITIVE_INFINITY : Double.parseDouble(word))
          .orElse(Double.NaN);
    } catch (IOException e) {
      return Double.NaN;
    }
  }
}
