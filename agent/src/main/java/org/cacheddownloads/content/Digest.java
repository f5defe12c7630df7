package org.cacheddownloads.content;

import java.util.regex.Pattern;
import org.cacheddownloads.failure.CacheException.InvalidRequest;

/** SHA-256 of a blob's bytes, and so the blob's name. Equality is byte identity. */
public record Digest(String hex) implements Comparable<Digest> {
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final String PREFIX = "sha256:";

  public Digest {
    if (!SHA256.matcher(hex).matches()) {
      throw new InvalidRequest("not a SHA-256 digest: 64 lower-case hex digits are expected");
    }
  }

  /** Reads {@code sha256:<hex>}. */
  public static Digest parse(String text) {
    if (!text.startsWith(PREFIX)) {
      throw new InvalidRequest("not a digest: expected sha256: and 64 lower-case hex digits");
    }
    return new Digest(text.substring(PREFIX.length()));
  }

  /** Whether {@code text} is the bare hex form, as in file names. */
  public static boolean isHex(String text) {
    return SHA256.matcher(text).matches();
  }

  @Override
  public int compareTo(Digest other) {
    return hex.compareTo(other.hex);
  }

  @Override
  public String toString() {
    return PREFIX + hex;
  }
}
