package org.cacheddownloads.config;

import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.cacheddownloads.config.Config.Freshness;
import org.cacheddownloads.config.Config.Policy;
import org.cacheddownloads.content.Durations;
import org.cacheddownloads.content.Sizes;

/**
 * Parsers of single values; each throws {@link IllegalArgumentException} with a sentence for
 * whoever wrote the file.
 */
final class Values {
  static final int MAX_CONCURRENCY = 10_000;

  /** What {@code sun_path} holds besides its closing NUL (unix(7)). */
  private static final int MAX_SOCKET_PATH_BYTES = 107;

  private static final Pattern MODE = Pattern.compile("0?[0-7]{3}");
  private static final Pattern GROUP = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}");
  private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");
  private static final String LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
  private static final String HOST = LABEL + "(?:\\." + LABEL + ")*";
  private static final Pattern HOST_PATTERN =
      Pattern.compile("\\*|\\*\\." + HOST + "|(?:" + HOST + "|\\[[0-9a-f:.]+])(?::([0-9]{1,5}))?");
  private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+");
  static final Pattern HEADER_TEXT =
      Pattern.compile("[\\x21-\\x7e](?:[\\t\\x20-\\x7e]*[\\x21-\\x7e])?");

  /**
   * Those that belong to the agent (validators, ranges) or to the connection (RFC 9110 section
   * 7.6.1).
   */
  private static final Set<String> RESERVED_HEADERS =
      Set.of(
          "accept-encoding",
          "connection",
          "content-length",
          "expect",
          "host",
          "keep-alive",
          "proxy-authorization",
          "proxy-connection",
          "range",
          "te",
          "trailer",
          "transfer-encoding",
          "upgrade");

  private Values() {}

  static Duration duration(String text) {
    return Durations.parse(text);
  }

  static Duration positiveDuration(String text) {
    Duration duration = Durations.parse(text);
    if (duration.toMillis() < 1)
      throw new IllegalArgumentException("must be at least 1ms: \"" + text + "\"");
    return duration;
  }

  static Function<String, Long> size(long least) {
    return text -> {
      long bytes = Sizes.parse(text);
      if (bytes < least)
        throw new IllegalArgumentException("must be at least " + least + " B: \"" + text + "\"");
      return bytes;
    };
  }

  static Function<String, Long> count(long least) {
    return text -> wholeNumber(text, least, Long.MAX_VALUE);
  }

  static Function<String, Integer> integer(int least, int most) {
    return text -> (int) wholeNumber(text, least, most);
  }

  private static long wholeNumber(String text, long least, long most) {
    try {
      long number = Long.parseLong(text);
      if (number >= least && number <= most) return number;
    } catch (NumberFormatException e) {
      // said below, with the range
    }
    String range =
        most == Long.MAX_VALUE ? "of at least " + least : "between " + least + " and " + most;
    throw new IllegalArgumentException(
        "must be a whole number " + range + ", not \"" + text + "\"");
  }

  static Function<String, String> oneOf(String... choices) {
    var all = List.of(choices);
    return text -> {
      if (!all.contains(text))
        throw new IllegalArgumentException(
            "must be one of " + String.join(", ", all) + ", not \"" + text + "\"");
      return text;
    };
  }

  static Freshness freshness(String text) {
    return oneOf(Freshness.RFC9111.text(), Freshness.ALWAYS.text())
            .apply(text)
            .equals(Freshness.ALWAYS.text())
        ? Freshness.ALWAYS
        : Freshness.RFC9111;
  }

  static Policy policy(String text) {
    return oneOf(Policy.LRU.text(), Policy.S3FIFO.text()).apply(text).equals(Policy.S3FIFO.text())
        ? Policy.S3FIFO
        : Policy.LRU;
  }

  /** Absolute and normal; a relative path is taken from the current directory. */
  static Path path(String text) {
    if (text.isBlank()) throw new IllegalArgumentException("must be a path, not empty");
    if (CONTROL.matcher(text).find())
      throw new IllegalArgumentException("must be a path without control characters");
    try {
      return Path.of(text).toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException("not a path: \"" + text + "\"", e);
    }
  }

  static Path socketPath(String text) {
    Path path = path(text);
    int bytes = path.toString().getBytes(StandardCharsets.UTF_8).length;
    if (bytes > MAX_SOCKET_PATH_BYTES)
      throw new IllegalArgumentException(
          "the path of a Unix socket has at most "
              + MAX_SOCKET_PATH_BYTES
              + " bytes, and "
              + path
              + " has "
              + bytes);
    return path;
  }

  static String mountPath(String text) {
    if (!text.startsWith("/") || text.equals("/") || !path(text).toString().equals(text))
      throw new IllegalArgumentException(
          "must be an absolute path other than / with no \".\", \"..\", double or closing slash: \""
              + text
              + "\"");
    return text;
  }

  static String mode(String text) {
    if (!MODE.matcher(text).matches())
      throw new IllegalArgumentException(
          "not a file mode: \"" + text + "\"; write octal digits, such as \"0660\"");
    return text.length() == 3 ? "0" + text : text;
  }

  static String group(String text) {
    if (!GROUP.matcher(text).matches())
      throw new IllegalArgumentException("not the name or number of a group: \"" + text + "\"");
    return text;
  }

  static String hostPattern(String text) {
    String pattern = text.toLowerCase(Locale.ROOT);
    var parts = HOST_PATTERN.matcher(pattern);
    if (!parts.matches())
      throw new IllegalArgumentException(
          "not a host pattern: \"" + text + "\"; write *, *.example.com, host or host:port");
    if (parts.group(1) != null) {
      int _ = port(Integer.parseInt(parts.group(1)));
    }
    return pattern;
  }

  /**
   * A parser of the names of one mapping: it remembers them, since {@code accept} and {@code
   * Accept} are one header.
   */
  static Function<String, String> headerNames() {
    var seen = new HashSet<String>();
    return name -> {
      String lower = name.toLowerCase(Locale.ROOT);
      if (!TOKEN.matcher(name).matches())
        throw new IllegalArgumentException("not the name of a header");
      if (RESERVED_HEADERS.contains(lower) || lower.startsWith("if-"))
        throw new IllegalArgumentException("this header is the agent's own");
      if (!seen.add(lower)) throw new IllegalArgumentException("this header is there twice");
      return name;
    };
  }

  /** Never quotes the text: it is a secret. */
  static HeaderValue headerText(String text) {
    if (!HEADER_TEXT.matcher(text).matches())
      throw new IllegalArgumentException(
          "must be visible ASCII characters, with spaces only between them");
    return new HeaderValue.Text(text);
  }

  static int port(int port) {
    if (port < 1 || port > 65_535)
      throw new IllegalArgumentException("a port is between 1 and 65535, not " + port);
    return port;
  }
}
