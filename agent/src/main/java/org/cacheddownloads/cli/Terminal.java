package org.cacheddownloads.cli;

import static java.nio.charset.StandardCharsets.US_ASCII;

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
  private static final Size USUAL = new Size(80, 24);
  private static final Path CONTROLLING = Path.of("/dev/tty");

  /** How many characters there is room for; at least 40 by 5. */
  record Size(int columns, int rows) {
    Size {
      columns = Math.clamp(columns, 40, 1000);
      rows = Math.clamp(rows, 5, 1000);
    }
  }

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

  /** The text in a colour of ECMA-48, such as {@code 32}; none for an empty colour. */
  String paint(String colour, String text) {
    return outInColour() && !colour.isEmpty() && !text.isEmpty()
        ? "\u001b[" + colour + "m" + text + "\u001b[0m"
        : text;
  }

  /** What {@code COLUMNS} and {@code LINES} say, else the terminal as it is now, else 80 by 24. */
  Size size() {
    Size real = environment.containsKey("COLUMNS") ? USUAL : ofTerminal();
    return new Size(number("COLUMNS", real.columns()), number("LINES", real.rows()));
  }

  private int number(String variable, int otherwise) {
    try {
      return Integer.parseInt(environment.getOrDefault(variable, ""));
    } catch (NumberFormatException e) {
      return otherwise;
    }
  }

  /** The JDK does not tell; stty(1) does. */
  private Size ofTerminal() {
    if (!outIsTerminal && !errIsTerminal) return USUAL;
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(CONTROLLING.toFile())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String[] said =
          new String(stty.getInputStream().readAllBytes(), US_ASCII).strip().split(" ", -1);
      return said.length == 2 && !said[1].equals("0")
          ? new Size(Integer.parseInt(said[1]), Integer.parseInt(said[0]))
          : USUAL;
    } catch (IOException | NumberFormatException e) {
      return USUAL;
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
