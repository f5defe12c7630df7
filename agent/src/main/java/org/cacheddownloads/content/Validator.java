package org.cacheddownloads.content;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What an origin gave to recognise a representation by (RFC 9110 section 8.8), kept verbatim: both
 * are sent back as they came, also a date that nobody can parse.
 */
public record Validator(@Nullable String etag, @Nullable String lastModified) {
  public static final Validator NONE = new Validator(null, null);

  /** Longer ones are not kept: sent back they could be more than an origin takes. */
  private static final int MOST_CHARS = 4096;

  /** What a response gives, none for what is too long. */
  public static Validator of(Headers response) {
    return new Validator(
        response.first("etag").filter(Validator::isShort).orElse(null),
        response.first("last-modified").filter(Validator::isShort).orElse(null));
  }

  private static boolean isShort(String value) {
    return value.length() <= MOST_CHARS;
  }

  /** The date as a time; null where there is none that can be read. */
  public @Nullable Instant lastModifiedAt() {
    return lastModified == null ? null : Freshness.date(lastModified).orElse(null);
  }

  public boolean isPresent() {
    return etag != null || lastModified != null;
  }

  /**
   * Whether a 304 with these headers means the representation that {@code this} validates (RFC 9111
   * section 4.3.4, weak comparison). One that leaves out the tag that a 200 had (RFC 9110 section
   * 15.4.5 demands it) is not believed; where there was but a date, one that says nothing is.
   */
  public boolean matches(Validator answered) {
    if (etag != null) {
      return answered.etag != null && opaque(etag).equals(opaque(answered.etag));
    }
    return answered.etag == null
        && (answered.lastModified == null || answered.lastModified.equals(lastModified));
  }

  private static String opaque(String etag) {
    return etag.startsWith("W/") ? etag.substring(2) : etag;
  }
}
