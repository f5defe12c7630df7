package org.cacheddownloads.content;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What an origin gave to recognise a representation by (RFC 9110 section 8.8), kept verbatim: both
 * are sent back as they came, also a date that nobody can parse.
 */
public record Validator(@Nullable String etag, @Nullable String lastModified) {
  public static final Validator NONE = new Validator(null, null);

  /** The date as a time; null where there is none that can be read. */
  public @Nullable Instant lastModifiedAt() {
    return lastModified == null ? null : Freshness.date(lastModified).orElse(null);
  }

  public boolean isPresent() {
    return etag != null || lastModified != null;
  }

  /**
   * Whether a 304 with these headers can mean the representation that {@code this} validates (RFC
   * 9111 section 4.3.4, weak comparison).
   */
  public boolean matches(Validator answered) {
    if (etag != null && answered.etag != null) {
      return opaque(etag).equals(opaque(answered.etag));
    }
    return true;
  }

  private static String opaque(String etag) {
    return etag.startsWith("W/") ? etag.substring(2) : etag;
  }
}
