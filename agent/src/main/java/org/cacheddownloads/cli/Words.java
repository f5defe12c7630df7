package org.cacheddownloads.cli;

import java.util.ArrayList;
import java.util.List;

/** Lines of a word and a value, the values one below the other. */
final class Words {
  private static final String GAP = "  ";

  private record Line(String word, String value) {}

  private final List<Line> lines = new ArrayList<>();

  /** The value has no control characters. */
  Words with(String word, String value) {
    lines.add(new Line(word, value));
    return this;
  }

  List<String> lines() {
    int width = lines.stream().mapToInt(line -> line.word().length()).max().orElse(0);
    return lines.stream()
        .map(line -> line.word() + " ".repeat(width - line.word().length()) + GAP + line.value())
        .toList();
  }
}
