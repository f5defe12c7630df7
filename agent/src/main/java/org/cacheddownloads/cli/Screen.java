package org.cacheddownloads.cli;

import java.io.PrintWriter;
import java.util.List;

/**
 * The terminal's second screen, drawn over and over. The first screen is back after {@link #close},
 * and after Ctrl-C as well. Thread-safe.
 */
final class Screen implements AutoCloseable {
  /** The second screen, no cursor, and long lines are cut instead of broken. */
  private static final String ENTER = "\u001b[?1049h\u001b[?25l\u001b[?7l";

  private static final String LEAVE = "\u001b[?7h\u001b[?25h\u001b[?1049l";
  private static final String HOME = "\u001b[H";
  private static final String ERASE_LINE = "\u001b[K";
  private static final String ERASE_REST = "\u001b[J";

  private final PrintWriter out;
  private final Thread atExit = new Thread(this::leave);
  private boolean left;

  Screen(PrintWriter out) {
    this.out = out;
    Runtime.getRuntime().addShutdownHook(atExit);
    out.print(ENTER);
    out.flush();
  }

  /** Shows these lines, as many as there is room for. */
  synchronized void draw(List<String> lines, int rows) {
    if (left) return;
    var text = new StringBuilder(HOME);
    var shown = lines.subList(0, Math.min(rows, lines.size()));
    for (int i = 0; i < shown.size(); i++)
      text.append(i == 0 ? "" : "\r\n").append(shown.get(i)).append(ERASE_LINE);
    out.print(text.append(ERASE_REST));
    out.flush();
  }

  private synchronized void leave() {
    if (left) return;
    left = true;
    out.print(LEAVE);
    out.flush();
  }

  @Override
  public void close() {
    leave();
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      // the process ends already
    }
  }
}
