package org.cacheddownloads.content;

import java.util.Locale;
import java.util.Optional;
import org.cacheddownloads.failure.CacheException.InvalidRequest;

/**
 * What the caller says the bytes hash to, such as {@code md5:<hex>}; hex digits are kept in lower
 * case.
 */
public record Checksum(Algorithm algorithm, String hex) {

  /**
   * The algorithms of the contract, with the name that {@code MessageDigest} knows and the length
   * of the hex form.
   */
  public enum Algorithm {
    MD5("MD5", 32),
    SHA1("SHA-1", 40),
    SHA256("SHA-256", 64),
    SHA512("SHA-512", 128);

    private final String jcaName;
    private final int hexLength;

    Algorithm(String jcaName, int hexLength) {
      this.jcaName = jcaName;
      this.hexLength = hexLength;
    }

    public String jcaName() {
      return jcaName;
    }

    int hexLength() {
      return hexLength;
    }

    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Reads {@code md5|sha1|sha256|sha512:<hex>}, in upper or lower case. */
  public static Checksum parse(String text) {
    int colon = text.indexOf(':');
    String label = colon < 0 ? "" : text.substring(0, colon).toLowerCase(Locale.ROOT);
    for (Algorithm algorithm : Algorithm.values()) {
      if (algorithm.label().equals(label)) {
        return of(algorithm, text.substring(colon + 1).toLowerCase(Locale.ROOT));
      }
    }
    throw new InvalidRequest(
        "not a checksum: expected md5:, sha1:, sha256: or sha512: and hex digits");
  }

  private static Checksum of(Algorithm algorithm, String hex) {
    if (hex.length() != algorithm.hexLength
        || !hex.chars().allMatch(c -> Character.digit(c, 16) >= 0 && c < 128)) {
      throw new InvalidRequest(
          "not a "
              + algorithm.label()
              + " checksum: "
              + algorithm.hexLength
              + " hex digits are expected");
    }
    return new Checksum(algorithm, hex);
  }

  /** The digest itself where this is a SHA-256. */
  public Optional<Digest> asDigest() {
    return algorithm == Algorithm.SHA256 ? Optional.of(new Digest(hex)) : Optional.empty();
  }

  @Override
  public String toString() {
    return algorithm.label() + ":" + hex;
  }
}
