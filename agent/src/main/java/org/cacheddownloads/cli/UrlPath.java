package org.cacheddownloads.cli;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.StringJoiner;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Paths and queries of requests, percent-encoded (RFC 3986 section 2.1). */
final class UrlPath {
  private static final String UNRESERVED =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  private static final String HEX = "0123456789ABCDEF";

  private UrlPath() {}

  /**
   * The path of segments, of which each may hold several: {@code /} within one stays a slash.
   *
   * @throws IllegalArgumentException if a segment is empty, {@code .} or {@code ..}: such a path
   *     would mean another thing than its words
   */
  static String of(String... segments) {
    return Stream.of(segments)
        .flatMap(segment -> Stream.of(segment.split("/", -1)))
        .map(UrlPath::segment)
        .collect(Collectors.joining("/", "/", ""));
  }

  /**
   * The path of a container, or of its download of that name.
   *
   * @throws IllegalArgumentException as {@link #of}, and if the id holds a slash
   */
  static String container(String id, @Nullable String name) {
    if (id.indexOf('/') >= 0)
      throw new IllegalArgumentException("the id of a container holds no slash");
    return name == null
        ? of("v1", "containers", id)
        : of("v1", "containers", id, "downloads", name);
  }

  /** The path of an entry; its key may hold anything. */
  static String entry(String key) {
    return of("v1", "entries") + "/" + encode(key);
  }

  /** The path with a query of those parameters that are not empty. */
  static String withQuery(String path, Map<String, String> parameters) {
    var query = new StringJoiner("&", "?", "").setEmptyValue("");
    parameters.forEach(
        (name, value) -> {
          if (!value.isEmpty()) query.add(name + "=" + encode(value));
        });
    return path + query;
  }

  static String encode(String text) {
    var encoded = new StringBuilder();
    for (byte each : text.getBytes(StandardCharsets.UTF_8)) {
      if (UNRESERVED.indexOf(each) >= 0) encoded.append((char) each);
      else encoded.append('%').append(HEX.charAt(each >> 4 & 0xF)).append(HEX.charAt(each & 0xF));
    }
    return encoded.toString();
  }

  private static String segment(String segment) {
    if (segment.isEmpty() || segment.equals(".") || segment.equals(".."))
      throw new IllegalArgumentException(
          "a name has segments that are neither empty nor \".\" nor \"..\"");
    return encode(segment);
  }
}
