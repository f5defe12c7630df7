package org.cacheddownloads.content;

import java.nio.charset.StandardCharsets;
import org.cacheddownloads.failure.CacheException.InvalidRequest;

/**
 * The name of an entry: the caller's {@code cacheKey}, or else the identity of the URL. At most
 * 2,048 bytes of UTF-8.
 */
public record CacheKey(String text) {
  public static final int MAX_BYTES = 2048;

  public CacheKey {
    if (text.isEmpty()) {
      throw new InvalidRequest("a key must not be empty; leave it out to use the URL");
    }
    if (text.getBytes(StandardCharsets.UTF_8).length > MAX_BYTES) {
      throw new InvalidRequest("a key has at most " + MAX_BYTES + " bytes");
    }
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      throw new InvalidRequest("a key must be valid Unicode");
    }
    if (text.chars().anyMatch(Character::isISOControl)) {
      throw new InvalidRequest("a key must not contain control characters");
    }
  }

  /** The key of a download that names none. */
  public static CacheKey of(SourceUrl url) {
    return new CacheKey(url.identity());
  }

  @Override
  public String toString() {
    return text;
  }
}
