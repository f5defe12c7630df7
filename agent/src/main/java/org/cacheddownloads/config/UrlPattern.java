package org.cacheddownloads.config;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.cacheddownloads.content.SourceUrl;
import org.jspecify.annotations.Nullable;

/**
 * Which URLs a rule is for: {@code *} for all, or a scheme, a host and a path, such as {@code
 * https://blobs.example/*}. The host is one name, {@code *.example.com} for every host below it, or
 * {@code *}; the port is the scheme's own unless it is written, and {@code *} for any; in the path
 * {@code *} stands for any text, and no path at all for every path. Queries do not matter.
 *
 * <p>Host and path are held against their own parts of the pattern, so that {@code
 * https://elsewhere/.example.com/} is no host below {@code example.com}. A path with dot segments
 * matches only patterns for every path, since origins may take it for another one.
 */
public final class UrlPattern {
  private static final String LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
  private static final Pattern FORM =
      Pattern.compile(
          "(https?)://(\\*|(?:\\*\\.)?"
              + LABEL
              + "(?:\\."
              + LABEL
              + ")*|\\[[0-9a-f:.]+])(?::([0-9]{1,5}|\\*))?(/[^\\s?#]*)?",
          Pattern.CASE_INSENSITIVE);
  private static final Pattern DOT_SEGMENT = Pattern.compile("(?:^|/)\\.{1,2}(?:/|$)");
  private static final int ANY_PORT = -1;
  private static final String EVERY_PATH = "/*";

  private final String text;
  private final @Nullable String scheme;
  private final String host;
  private final int port;
  private final String path;

  private UrlPattern(String text, @Nullable String scheme, String host, int port, String path) {
    this.text = text;
    this.scheme = scheme;
    this.host = host;
    this.port = port;
    this.path = path;
  }

  /**
   * Reads what an operator wrote.
   *
   * @throws IllegalArgumentException with a sentence for whoever wrote the text
   */
  public static UrlPattern parse(String text) {
    if (text.equals("*")) {
      return new UrlPattern(text, null, "*", ANY_PORT, EVERY_PATH);
    }
    Matcher parts = FORM.matcher(text);
    if (!parts.matches())
      throw new IllegalArgumentException(
          "not a pattern of URLs; write *, or http:// or https://, a host (name, *.name or *) and a path"
              + " without user info and query, such as https://blobs.example/*");
    String scheme = parts.group(1).toLowerCase(Locale.ROOT);
    String path = parts.group(4);
    return new UrlPattern(
        text,
        scheme,
        parts.group(2).toLowerCase(Locale.ROOT),
        port(parts.group(3), scheme),
        path == null ? EVERY_PATH : path);
  }

  private static int port(@Nullable String text, String scheme) {
    if (text == null) return scheme.equals("https") ? 443 : 80;
    if (text.equals("*")) return ANY_PORT;
    return Values.port(Integer.parseInt(text));
  }

  public boolean matches(SourceUrl url) {
    return (scheme == null || scheme.equals(url.scheme()))
        && (port == ANY_PORT || port == url.port())
        && matchesHost(url.host())
        && (path.equals(EVERY_PATH) || (!hasDotSegments(url.path()) && matchesPath(url.path())));
  }

  private boolean matchesHost(String name) {
    if (host.startsWith("*")) {
      return name.endsWith(host.substring(1));
    }
    return name.equals(host);
  }

  private static boolean hasDotSegments(String path) {
    String decoded =
        path.toLowerCase(Locale.ROOT)
            .replace("%2e", ".")
            .replace("%2f", "/")
            .replace("%5c", "/")
            .replace('\\', '/');
    return DOT_SEGMENT.matcher(decoded).find();
  }

  /** Each piece between two stars is sought behind the one before it; the last one at the end. */
  private boolean matchesPath(String actual) {
    String[] pieces = path.split("\\*", -1);
    if (pieces.length == 1) {
      return actual.equals(path);
    }
    int from = pieces[0].length();
    if (!actual.startsWith(pieces[0])) {
      return false;
    }
    for (int i = 1; i < pieces.length - 1; i++) {
      int found = actual.indexOf(pieces[i], from);
      if (found < 0) {
        return false;
      }
      from = found + pieces[i].length();
    }
    String last = pieces[pieces.length - 1];
    return actual.length() - last.length() >= from && actual.endsWith(last);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof UrlPattern that && text.equals(that.text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  /** As it was written. */
  @Override
  public String toString() {
    return text;
  }
}
