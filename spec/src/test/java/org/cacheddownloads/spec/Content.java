package org.cacheddownloads.spec;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;

/** Bytes to download, and their checksums. */
final class Content {
  static final int MIB = 1024 * 1024;

  private static final Map<String, String> ALGORITHMS =
      Map.of("md5", "MD5", "sha1", "SHA-1", "sha256", "SHA-256", "sha512", "SHA-512");

  private Content() {}

  /** Bytes that no other seed gives, and that do not compress. */
  static byte[] random(int size, String seed) {
    byte[] bytes = new byte[size];
    new Random(seed.hashCode()).nextBytes(bytes);
    return bytes;
  }

  /** A checksum as requests and replies write it, {@code sha256:<hex>}. */
  static String checksum(String algorithm, byte[] bytes) {
    try {
      return algorithm
          + ":"
          + HexFormat.of()
              .formatHex(MessageDigest.getInstance(ALGORITHMS.get(algorithm)).digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalArgumentException(e);
    }
  }

  static String sha256(String text) {
    return checksum("sha256", text.getBytes(StandardCharsets.UTF_8));
  }
}
