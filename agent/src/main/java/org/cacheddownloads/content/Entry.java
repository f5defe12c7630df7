package org.cacheddownloads.content;

import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the cache holds under a key.
 *
 * @param size bytes of the blob
 * @param url where the bytes came from, without user info and query
 * @param source the identity of that URL ({@link SourceUrl#identity}): validators and freshness are
 *     valid for this source only
 * @param validator what the origin gave to revalidate by
 * @param fetchedAt when the bytes came
 * @param validatedAt when the origin last vouched for them
 * @param freshUntil until when they need no validation, or null where the origin gave no lifetime
 * @param directives what the origin's {@code Cache-Control} demands beyond a lifetime
 * @param variant which request headers selected this representation
 * @param lifetime what {@code freshUntil} and {@code directives} were read from
 */
public record Entry(
    CacheKey key,
    Digest digest,
    long size,
    String url,
    String source,
    Validator validator,
    Instant fetchedAt,
    Instant validatedAt,
    @Nullable Instant freshUntil,
    Set<Directive> directives,
    Variant variant,
    Lifetime lifetime) {

  public Entry {
    directives = Set.copyOf(directives);
  }

  /** An entry for bytes of which it is not known what they were the answer to. */
  public static Entry ofDigest(Digest digest, long size, Instant came) {
    String name = digest.toString();
    return new Entry(
        new CacheKey(name),
        digest,
        size,
        "",
        name,
        Validator.NONE,
        came,
        came,
        null,
        Set.of(Directive.NO_CACHE),
        Variant.NONE,
        Lifetime.NONE);
  }

  /** Directives of a stored response that matter later (RFC 9111 section 5.2.2). */
  public enum Directive {
    /** Never used without validation, nor stale. */
    NO_CACHE,
    /** Never used stale. */
    MUST_REVALIDATE
  }

  public boolean isFreshAt(Instant now) {
    return freshUntil != null
        && now.isBefore(freshUntil)
        && !directives.contains(Directive.NO_CACHE);
  }

  /** Whether the origin last vouched for the bytes at most {@code maxAge} ago. */
  public boolean isYoungerThan(Duration maxAge, Instant now) {
    return !maxAge.isZero() && !validatedAt.plus(maxAge).isBefore(now);
  }

  /**
   * Whether the entry may stand in for an origin that fails, {@code maxStale} after it stopped
   * being fresh.
   */
  public boolean mayBeStale(Duration maxStale, Instant now) {
    if (maxStale.isZero() || !directives.isEmpty()) {
      return false;
    }
    Instant staleSince = freshUntil == null ? validatedAt : freshUntil;
    return !staleSince.plus(maxStale).isBefore(now);
  }

  /** Whether its origin allows that by itself ({@code stale-if-error}, RFC 5861 section 4). */
  public boolean mayStandInForAnError(Instant now) {
    return mayBeStale(lifetime.staleIfError(), now);
  }

  /**
   * Whether its origin allows that it is used while it is validated ({@code
   * stale-while-revalidate}, RFC 5861 section 3).
   */
  public boolean mayBeUsedMeanwhile(Instant now) {
    return mayBeStale(lifetime.staleWhileRevalidate(), now);
  }

  /**
   * The entry after the origin confirmed it: header fields of a 304 replace the stored ones, one by
   * one (RFC 9111 section 3.2). How old it is the 304 alone says.
   *
   * @param sent what the request had in headers, for a {@code Vary} of the 304
   */
  public Entry confirmed(
      Headers response, Instant requested, Instant received, Headers sent, Variant.Hasher hasher) {
    Headers merged = response.orElse(lifetime.headers());
    Freshness freshness = Freshness.of(merged, requested, received);
    Validator answered = Validator.of(response);
    return new Entry(
        key,
        digest,
        size,
        url,
        source,
        new Validator(
            answered.etag() != null ? answered.etag() : validator.etag(),
            answered.lastModified() != null ? answered.lastModified() : validator.lastModified()),
        fetchedAt,
        received,
        freshness.freshUntil(),
        freshness.directives(),
        response.first("vary").isPresent() ? Variant.of(response, sent, hasher) : variant,
        Lifetime.of(merged));
  }

  /** The entry after the origin confirmed it and forbade to keep it: never used without asking. */
  public Entry confirmedForOne(Instant received) {
    return new Entry(
        key,
        digest,
        size,
        url,
        source,
        validator,
        fetchedAt,
        received,
        null,
        Set.of(Directive.NO_CACHE),
        variant,
        Lifetime.NONE);
  }
}
