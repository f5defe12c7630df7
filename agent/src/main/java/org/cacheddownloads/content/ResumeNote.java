package org.cacheddownloads.content;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What must be known of a download that was cut, so that the rest can be asked for (RFC 9110
 * sections 13.1.5 and 14): which request it was, and which representation.
 *
 * @param source identity of the URL
 * @param sent keyed hash of everything that was sent for it
 * @param strong the strong validator that {@code If-Range} needs
 * @param headers of the response: those that an entry is made from and a 206 may leave out
 * @param totalBytes announced length of the whole, -1 if there was none
 */
public record ResumeNote(
    String source, String sent, String strong, Headers headers, long totalBytes) {
  private static final String[] KEPT = {
    "etag", "last-modified", "vary", "cache-control", IntegrityField.WHOLE
  };

  /** A validator longer than this is not worth keeping. */
  private static final int MOST_HEADER_CHARS = 4096;

  /** RFC 9110 section 8.8.2.2: a date this much older than the response is a strong validator. */
  private static final Duration SETTLED = Duration.ofSeconds(1);

  /**
   * The note for a response with status 200.
   *
   * @return empty if it cannot be resumed: no strong validator, or the origin says that it serves
   *     no ranges; or it is coded, and origins were seen that give both codings one tag, so that a
   *     rest without the coding would pass for the rest of this
   */
  public static Optional<ResumeNote> of(
      String source, String sent, Headers response, long totalBytes) {
    boolean refusesRanges =
        response.joined("accept-ranges").map(text -> text.strip().equals("none")).orElse(false);
    Map<String, String> kept = new LinkedHashMap<>();
    for (String name : KEPT) {
      response.joined(name).ifPresent(value -> kept.put(name, value));
    }
    boolean tooLong = kept.values().stream().anyMatch(text -> text.length() > MOST_HEADER_CHARS);
    return refusesRanges || tooLong || isCoded(response)
        ? Optional.empty()
        : strong(response)
            .map(
                validator -> new ResumeNote(source, sent, validator, Headers.of(kept), totalBytes));
  }

  private static Optional<String> strong(Headers response) {
    Optional<String> etag = response.first("etag");
    if (etag.isPresent()) {
      return etag.filter(text -> text.startsWith("\"") && text.endsWith("\"") && text.length() > 1);
    }
    Optional<Instant> changed = response.first("last-modified").flatMap(Freshness::date);
    Optional<Instant> answered = response.first("date").flatMap(Freshness::date);
    boolean settled =
        changed.isPresent()
            && answered.isPresent()
            && !answered.get().isBefore(changed.get().plus(SETTLED));
    return settled ? response.first("last-modified") : Optional.empty();
  }

  /** Whether a body with these headers has a content coding (RFC 9110 section 8.4). */
  private static boolean isCoded(Headers response) {
    return response
        .joined("content-encoding")
        .map(coding -> !coding.strip().equalsIgnoreCase("identity") && !coding.isBlank())
        .orElse(false);
  }

  /**
   * Whether a 206 with these headers is a part of the same representation. It must say so by the
   * tag where the whole had one (RFC 9110 section 15.3.7 demands it): an origin that does not know
   * {@code If-Range} sends the range of whatever it has.
   */
  public boolean isOf(Headers part) {
    return !isCoded(part)
        && headers.first("etag").equals(part.first("etag"))
        && (part.first("last-modified").isEmpty()
            || part.first("last-modified").equals(headers.first("last-modified")));
  }
}
