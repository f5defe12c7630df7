package org.cacheddownloads.content;

import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which request headers selected a stored response ({@code Vary}, RFC 9111 section 4.1): their
 * names, and a hash of the values that the request had, never the values.
 *
 * @param names lower case, sorted, separated by commas; {@code *} when nothing ever matches; null
 *     when the response did not vary
 * @param selecting hash of the names' values in the request that was answered
 */
public record Variant(@Nullable String names, @Nullable String selecting) {
  public static final Variant NONE = new Variant(null, null);
  private static final String ANY = "*";

  /**
   * The variant of a response to a request with {@code sent} headers. {@code Accept-Encoding} is
   * the same in every request and left out.
   */
  public static Variant of(Headers response, Headers sent, Hasher hasher) {
    var names = new TreeSet<String>();
    response.joined("vary").stream()
        .flatMap(line -> Stream.of(line.split(",")))
        .map(name -> name.strip().toLowerCase(Locale.ROOT))
        .filter(name -> !name.isEmpty() && !name.equals("accept-encoding"))
        .forEach(names::add);
    if (names.isEmpty()) {
      return NONE;
    }
    if (names.contains(ANY)) {
      return new Variant(ANY, null);
    }
    String joined = String.join(",", names);
    return new Variant(joined, hash(joined, sent, hasher));
  }

  /**
   * Whether a request with {@code sent} headers would have been answered with the same
   * representation.
   */
  public boolean matches(Headers sent, Hasher hasher) {
    return names == null || (!names.equals(ANY) && hash(names, sent, hasher).equals(selecting));
  }

  private static String hash(String names, Headers sent, Hasher hasher) {
    var values = new StringBuilder();
    for (String name : List.of(names.split(","))) {
      values.append(name).append(':').append(sent.joined(name).orElse("")).append('\n');
    }
    return hasher.hash(values.toString());
  }

  /** A keyed hash, so that what is stored cannot be guessed back. */
  @FunctionalInterface
  public interface Hasher {
    String hash(String text);
  }
}
