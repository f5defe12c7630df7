package org.cacheddownloads.content;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.jspecify.annotations.Nullable;

/**
 * The relative path of a download in its view: 1 to 8 segments of 1 to 255 bytes, safe to use as a
 * path below the view.
 */
public record DownloadName(List<String> segments) implements Comparable<DownloadName> {
  /** What the agent keeps for itself in a view; no segment of a name starts so. */
  public static final String RESERVED = ".cached-downloads";

  private static final int MAX_SEGMENTS = 8;
  private static final int MAX_SEGMENT_BYTES = 255;

  public DownloadName {
    segments = List.copyOf(segments);
    if (segments.isEmpty() || segments.size() > MAX_SEGMENTS) {
      throw new InvalidRequest("name", "a name has 1 to " + MAX_SEGMENTS + " segments");
    }
    segments.forEach(DownloadName::check);
  }

  /** The name of these segments, or null if there is no such name. */
  public static @Nullable DownloadName ifValid(List<String> segments) {
    try {
      return new DownloadName(segments);
    } catch (InvalidRequest e) {
      return null;
    }
  }

  /** Reads a decoded name, as it stands in a body: segments separated by slashes. */
  public static DownloadName parse(String text) {
    return new DownloadName(List.of(text.split("/", -1)));
  }

  /**
   * Reads a name from a raw path of a URL: slashes separate, everything else may be
   * percent-encoded, but no slash may hide.
   */
  public static DownloadName parseEncoded(String raw) {
    return new DownloadName(Stream.of(raw.split("/", -1)).map(DownloadName::decode).toList());
  }

  private static String decode(String raw) {
    try {
      return Percent.decode(raw);
    } catch (InvalidRequest e) {
      throw e.in("name");
    }
  }

  private static void check(String segment) {
    if (segment.isEmpty() || segment.equals(".") || segment.equals("..")) {
      throw new InvalidRequest("name", "a segment of a name must not be empty, '.' or '..'");
    }
    if (segment.indexOf('/') >= 0 || segment.indexOf('\0') >= 0) {
      throw new InvalidRequest("name", "a segment of a name must not contain a slash (%2F) or NUL");
    }
    if (segment.getBytes(StandardCharsets.UTF_8).length > MAX_SEGMENT_BYTES) {
      throw new InvalidRequest(
          "name", "a segment of a name has at most " + MAX_SEGMENT_BYTES + " bytes");
    }
    if (segment.startsWith(RESERVED)) {
      throw new InvalidRequest("name", "no segment of a name may start with " + RESERVED);
    }
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(segment)) {
      throw new InvalidRequest("name", "a name must be valid Unicode");
    }
  }

  /** Whether one of the two would have to be a directory and a download at once. */
  public boolean conflictsWith(DownloadName other) {
    int shared = Math.min(segments.size(), other.segments.size());
    return segments.size() != other.segments.size()
        && segments.subList(0, shared).equals(other.segments.subList(0, shared));
  }

  public int depth() {
    return segments.size();
  }

  @Override
  public int compareTo(DownloadName other) {
    return toString().compareTo(other.toString());
  }

  @Override
  public String toString() {
    return segments.stream().collect(Collectors.joining("/"));
  }
}
