package org.cacheddownloads.archive;

import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.cacheddownloads.failure.CacheException.NotReady;
import org.cacheddownloads.failure.CacheException.UnsafeArchive;

/**
 * A path inside a tree: relative, of names that Linux can write, without {@code .} and {@code ..}.
 * Holding one proves that the text of the archive was checked; it says nothing of symlinks on disk.
 *
 * @param text names with a slash between them; empty for the tree itself
 * @param bytes its length, in UTF-8
 * @param nameBytes length of the last name, in UTF-8
 */
record EntryPath(String text, int bytes, int nameBytes) {
  private static final int LONGEST_NAME = 255;

  /** What decoders put where bytes are not UTF-8. */
  private static final char REPLACEMENT = '\uFFFD';

  static final EntryPath ROOT = new EntryPath("", 0, 0);

  /**
   * Reads a path as an archive spells it. Empty and {@code .} segments mean nothing, as on disk.
   *
   * @param isDirectory whether it counts itself in the depth
   */
  static EntryPath of(String spelled, boolean isDirectory, Limits limits) {
    if (spelled.isEmpty()) {
      throw UnsafeArchive.of("the archive has an entry without a name");
    }
    if (spelled.charAt(0) == '/') {
      throw unsafe(spelled, "an absolute path");
    }
    if (spelled.indexOf('\0') >= 0) {
      throw unsafe(spelled, "a NUL in its name");
    }
    if (spelled.indexOf(REPLACEMENT) >= 0) {
      throw unsafe(spelled, "a name that is not UTF-8");
    }
    return checked(spelled, isDirectory, limits);
  }

  private static EntryPath checked(String spelled, boolean isDirectory, Limits limits) {
    var text = new StringBuilder(spelled.length());
    int segments = 0;
    int lastBytes = 0;
    for (String segment : spelled.split("/", -1)) {
      if (segment.isEmpty() || segment.equals(".")) {
        continue;
      }
      if (segment.equals("..")) {
        throw unsafe(spelled, "'..' in its path");
      }
      lastBytes = bytesOf(segment);
      if (lastBytes > LONGEST_NAME) {
        throw unsafe(spelled, "a name of more than " + LONGEST_NAME + " bytes");
      }
      text.append(segments == 0 ? "" : "/").append(segment);
      segments++;
    }
    int depth = isDirectory ? segments : segments - 1;
    if (depth > limits.maxDepth()) {
      throw UnsafeArchive.over(
          "archives.maxDepth",
          "the archive nests more than "
              + limits.maxDepth()
              + " directories (archives.maxDepth) at '"
              + Quote.of(spelled)
              + "'");
    }
    int bytes = bytesOf(text);
    if (bytes > limits.maxPathBytes()) {
      throw unsafe(spelled, "a path of more than " + limits.maxPathBytes() + " bytes");
    }
    return new EntryPath(text.toString(), bytes, lastBytes);
  }

  static int bytesOf(CharSequence text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) >= 0x80) {
        return text.toString().getBytes(StandardCharsets.UTF_8).length;
      }
    }
    return text.length();
  }

  private static UnsafeArchive unsafe(String spelled, String what) {
    return UnsafeArchive.of("the entry '" + Quote.of(spelled) + "' has " + what);
  }

  /** Where the text of a path leads below {@code root}. */
  static Path resolve(Path root, String text) {
    try {
      return root.resolve(text);
    } catch (InvalidPathException e) {
      throw new NotReady(
          "the agent runs in a locale that cannot write the name '"
              + Quote.of(text)
              + "'; start it with LC_ALL=C.UTF-8",
          e);
    }
  }

  boolean isRoot() {
    return text.isEmpty();
  }

  /** The text of the directory that this lies in; the root for the root itself. */
  String parent() {
    int slash = text.lastIndexOf('/');
    return slash < 0 ? "" : text.substring(0, slash);
  }

  @Override
  public String toString() {
    return isRoot() ? "." : Quote.of(text);
  }
}
