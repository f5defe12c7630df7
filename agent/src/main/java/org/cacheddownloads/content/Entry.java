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
    Variant variant) {

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
        Variant.NONE);
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

  /**
   * The entry after the origin confirmed it: header fields of a 304 replace the stored ones (RFC
   * 9111 section 3.2).
   */
  public Entry confirmed(Freshness response, Validator answered, Instant now) {
    var updated =
        new Validator(
            answered.etag() != null ? answered.etag() : validator.etag(),
            answered.lastModified() != null ? answered.lastModified() : validator.lastModified());
    Instant renewed =
        freshUntil == null ? null : now.plus(Duration.between(validatedAt, freshUntil));
    return new Entry(
        key,
        digest,
        size,
        url,
        source,
        updated,
        fetchedAt,
        now,
        response.silent() ? renewed : response.freshUntil(),
        response.silent() ? directives : response.directives(),
        variant);
  }
}
