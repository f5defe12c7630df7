package org.cacheddownloads.cli;

import java.util.ArrayList;
import java.util.List;

/**
 * Rows in columns as wide as their widest cell. Rows may come in several pages, so that a long list
 * needs memory for one page only: columns never get narrower from page to page, and the header is
 * written once.
 */
final class Table {
  private static final String GAP = "  ";

  private final List<Column> columns;
  private final int[] widths;
  private boolean headerWritten;

  private record Column(String title, boolean right) {}

  /** Titles; those that end in {@code >} stand over figures, which are aligned to the right. */
  Table(String... titles) {
    columns =
        List.of(titles).stream()
            .map(
                title ->
                    title.endsWith(">")
                        ? new Column(title.substring(0, title.length() - 1), true)
                        : new Column(title, false))
            .toList();
    widths = columns.stream().mapToInt(column -> column.title().length()).toArray();
  }

  /**
   * The lines of one page, on the first page with the header; without trailing blanks and without
   * control characters.
   */
  List<String> page(List<List<String>> rows) {
    var cells = rows.stream().map(row -> row.stream().map(Terminal::printable).toList()).toList();
    for (List<String> row : cells) {
      for (int i = 0; i < widths.length; i++) widths[i] = Math.max(widths[i], length(row.get(i)));
    }
    var lines = new ArrayList<String>();
    if (!headerWritten) lines.add(line(columns.stream().map(Column::title).toList()));
    headerWritten = true;
    for (List<String> row : cells) lines.add(line(row));
    return lines;
  }

  private String line(List<String> cells) {
    var line = new StringBuilder();
    for (int i = 0; i < widths.length; i++) {
      String blanks = " ".repeat(widths[i] - length(cells.get(i)));
      if (i > 0) line.append(GAP);
      line.append(columns.get(i).right() ? blanks + cells.get(i) : cells.get(i) + blanks);
    }
    return line.toString().stripTrailing();
  }

  private static int length(String text) {
    return text.codePointCount(0, text.length());
  }
}
