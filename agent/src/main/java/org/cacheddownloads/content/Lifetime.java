package org.cacheddownloads.content;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What an origin said of how long a response may be used, verbatim: a later 304 replaces it field
 * by field (RFC 9111 section 3.2).
 *
 * @param cacheControl all lines of it as one list, or null
 * @param expires also where it is no date, or null
 */
public record Lifetime(@Nullable String cacheControl, @Nullable String expires) {
  public static final Lifetime NONE = new Lifetime(null, null);

  /** Longer values are not kept; what cannot be kept is asked for each time. */
  private static final int MOST_CHARS = 4096;

  private static final String ALWAYS_ASK = "no-cache";

  /** What {@code response} says; {@code Pragma} counts as RFC 9111 section 5.4 has it. */
  public static Lifetime of(Headers response) {
    String control =
        response
            .joined("cache-control")
            .orElse(Freshness.isPragmaNoCache(response) ? ALWAYS_ASK : null);
    String expires = response.first("expires").orElse(null);
    return isTooLong(control) || isTooLong(expires)
        ? new Lifetime(ALWAYS_ASK, null)
        : new Lifetime(control, expires);
  }

  private static boolean isTooLong(@Nullable String value) {
    return value != null && value.length() > MOST_CHARS;
  }

  /** The same as header fields. */
  Headers headers() {
    Map<String, String> fields = new LinkedHashMap<>();
    if (cacheControl != null) {
      fields.put("cache-control", cacheControl);
    }
    if (expires != null) {
      fields.put("expires", expires);
    }
    return Headers.of(fields);
  }

  /**
   * How long after its freshness a response may be used without waiting for the origin, which is
   * asked beside (RFC 5861 section 3). Zero where nothing is said.
   */
  Duration staleWhileRevalidate() {
    return seconds("stale-while-revalidate");
  }

  /**
   * How long after its freshness a response may stand in for an origin that fails (RFC 5861 section
   * 4). Zero where nothing is said.
   */
  Duration staleIfError() {
    return seconds("stale-if-error");
  }

  private Duration seconds(String directive) {
    return Optional.ofNullable(cacheControl)
        .map(Freshness::directives)
        .map(found -> found.get(directive))
        .flatMap(Freshness::seconds)
        .orElse(Duration.ZERO);
  }
}
