package org.cacheddownloads.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What surrounds a command: its two outputs, what they lead to, and the environment.
 *
 * @param out results
 * @param err errors and progress
 */
record Terminal(
    PrintWriter out,
    PrintWriter err,
    boolean outIsTerminal,
    boolean errIsTerminal,
    Map<String, String> environment) {
  private static final Pattern CONTROL = Pattern.compile("[\\p{Cntrl}\\p{Cf}\\x{2028}\\x{2029}]");
  private static final int USUAL_COLUMNS = 80;

  /** The process's own. */
  static Terminal ofProcess() {
    var environment = System.getenv();
    boolean dumb = "dumb".equals(environment.get("TERM"));
    return new Terminal(
        writer(FileDescriptor.out),
        writer(FileDescriptor.err),
        !dumb && leadsToTerminal(1),
        !dumb && leadsToTerminal(2),
        environment);
  }

  /** Whether results may be coloured (https://no-color.org). */
  boolean outInColour() {
    return outIsTerminal && allowsColour();
  }

  String bold(String text) {
    return outInColour() ? "\u001b[1m" + text + "\u001b[0m" : text;
  }

  /** For {@code err}. */
  String red(String text) {
    return errIsTerminal && allowsColour() ? "\u001b[1;31m" + text + "\u001b[0m" : text;
  }

  int columns() {
    try {
      return Math.clamp(Integer.parseInt(environment.getOrDefault("COLUMNS", "")), 40, 400);
    } catch (NumberFormatException e) {
      return USUAL_COLUMNS;
    }
  }

  /** The text with everything that could steer a terminal replaced by {@code ?}. */
  static String printable(String text) {
    return CONTROL.matcher(text).replaceAll("?");
  }

  private boolean allowsColour() {
    return environment.getOrDefault("NO_COLOR", "").isEmpty();
  }

  private static PrintWriter writer(FileDescriptor descriptor) {
    return new PrintWriter(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
  }

  /**
   * {@code System.console()} speaks of input and output together, and not at all of errors; the
   * kernel tells each apart.
   */
  private static boolean leadsToTerminal(int descriptor) {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
      return target.startsWith("/dev/pts/")
          || target.startsWith("/dev/tty")
          || target.equals("/dev/console");
    } catch (IOException e) {
      return false;
    }
  }
}
