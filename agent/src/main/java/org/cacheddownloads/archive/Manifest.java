package org.cacheddownloads.archive;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.jspecify.annotations.Nullable;

/**
 * The list of all that is in a tree, read one line after another. Equal trees have equal bytes of
 * manifest:
 *
 * <pre>
 * cached-downloads-tree 1
 * d 0555 1700000000 .
 * d 0555 1700000000 bin
 * f 0555 1700000000.120000000 5 2cf24d…9824 - bin/ruby
 * f 0444 1700000000 0 e3b0c4…b855 1 bin/a%20b       names of the same inode have the same number
 * f 0444 1700000000 0 e3b0c4…b855 1 bin/c
 * l 0777 1700000000 ../lib/x bin/d
 * end 6
 * </pre>
 *
 * A directory comes before what it holds, its names in the order of their bytes. Times are seconds,
 * with nine digits of fraction where there is one. In paths and targets each byte up to 0x20, 0x7f
 * and {@code %} is written as {@code %} and two hex digits. The last line counts the lines between.
 */
public final class Manifest implements AutoCloseable {
  static final String FIRST_LINE = "cached-downloads-tree 1";
  static final String LAST_WORD = "end ";

  private final Path file;
  private final BufferedReader lines;
  private long nodes;
  private boolean ended;

  private Manifest(Path file, BufferedReader lines) {
    this.file = file;
    this.lines = lines;
  }

  /**
   * Begins to read a manifest.
   *
   * @throws DamagedTree if it is none
   */
  public static Manifest open(Path file) throws IOException {
    try {
      var manifest = new Manifest(file, Files.newBufferedReader(file, StandardCharsets.UTF_8));
      try {
        if (!FIRST_LINE.equals(manifest.line())) {
          throw new DamagedTree(file + " is not a manifest");
        }
        return manifest;
      } catch (IOException | RuntimeException e) {
        manifest.close();
        throw e;
      }
    } catch (NoSuchFileException e) {
      throw new DamagedTree(file + " is missing", e);
    }
  }

  /** The next node, or null after the last. */
  public @Nullable Node next() throws IOException {
    if (ended) {
      return null;
    }
    String line = line();
    if (line.startsWith(LAST_WORD)) {
      ended = true;
      if (!line.equals(LAST_WORD + nodes) || lines.readLine() != null) {
        throw new DamagedTree(file + " does not end as it should");
      }
      return null;
    }
    nodes++;
    try {
      return parse(line);
    } catch (RuntimeException e) { // whatever a mangled number, field or digest makes of itself
      throw new DamagedTree(file + " has a line that is none: " + Quote.of(line), e);
    }
  }

  private String line() throws IOException {
    try {
      String line = lines.readLine();
      if (line == null) {
        throw new DamagedTree(file + " was cut");
      }
      return line;
    } catch (CharacterCodingException e) {
      throw new DamagedTree(file + " is not UTF-8", e);
    }
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }

  /** The line of {@code node}, without its end. */
  static String line(Node node) {
    return switch (node) {
      case Node.Directory d -> "d 0555 " + time(d.modified()) + ' ' + path(d.path());
      case Node.File f ->
          (f.executable() ? "f 0555 " : "f 0444 ")
              + time(f.modified())
              + ' '
              + f.sizeBytes()
              + ' '
              + f.digest().hex()
              + ' '
              + (f.group() == 0 ? "-" : String.valueOf(f.group()))
              + ' '
              + path(f.path());
      case Node.Symlink l ->
          "l 0777 " + time(l.modified()) + ' ' + escape(l.target()) + ' ' + path(l.path());
    };
  }

  private static String path(String path) {
    return path.isEmpty() ? "." : escape(path);
  }

  private static String time(Instant time) {
    String seconds = String.valueOf(time.getEpochSecond());
    int nanos = time.getNano();
    return nanos == 0
        ? seconds
        : seconds + '.' + String.valueOf(1_000_000_000L + nanos).substring(1);
  }

  private static String escape(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (isEscaped(text.charAt(i))) {
        return escapeFrom(text, i);
      }
    }
    return text;
  }

  private static String escapeFrom(String text, int first) {
    var escaped = new StringBuilder(text.length() + 16).append(text, 0, first);
    for (int i = first; i < text.length(); i++) {
      char c = text.charAt(i);
      if (isEscaped(c)) {
        escaped.append('%').append(hexDigit(c >> 4)).append(hexDigit(c & 15));
      } else {
        escaped.append(c);
      }
    }
    return escaped.toString();
  }

  private static boolean isEscaped(char c) {
    return c <= ' ' || c == 0x7f || c == '%';
  }

  private static char hexDigit(int value) {
    return Character.forDigit(value, 16);
  }

  private static String unescape(String escaped) {
    if (escaped.indexOf('%') < 0) {
      return escaped;
    }
    var text = new StringBuilder(escaped.length());
    for (int i = 0; i < escaped.length(); i++) {
      char c = escaped.charAt(i);
      if (c == '%') {
        text.append((char) Integer.parseInt(escaped, i + 1, i + 3, 16));
        i += 2;
      } else {
        text.append(c);
      }
    }
    return text.toString();
  }

  private static Node parse(String line) {
    String[] fields = line.split(" ", -1);
    Instant modified = instant(fields[2]);
    String path = unescape(fields[fields.length - 1]);
    if (path.equals(".")) {
      path = "";
    }
    Node node =
        switch (fields[0]) {
          case "d" -> new Node.Directory(path, modified);
          case "f" ->
              new Node.File(
                  path,
                  modified,
                  fields[1].equals("0555"),
                  Long.parseLong(fields[3]),
                  new Digest(fields[4]),
                  fields[5].equals("-") ? 0 : Integer.parseInt(fields[5]));
          case "l" -> new Node.Symlink(path, modified, unescape(fields[3]));
          default -> throw new InvalidRequest("not a type of node: " + fields[0]);
        };
    if (!line(node).equals(line)) {
      throw new InvalidRequest("not the one way to write it");
    }
    return node;
  }

  private static Instant instant(String text) {
    int dot = text.indexOf('.');
    return dot < 0
        ? Instant.ofEpochSecond(Long.parseLong(text))
        : Instant.ofEpochSecond(
            Long.parseLong(text.substring(0, dot)), Long.parseLong(text.substring(dot + 1)));
  }
}
