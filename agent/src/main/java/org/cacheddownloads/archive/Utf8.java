package org.cacheddownloads.archive;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.cacheddownloads.failure.CacheException.UnsafeArchive;

/** Names as archives have them: bytes, which have to be UTF-8 here. */
final class Utf8 {
  private Utf8() {}

  /** The text of {@code bytes}. */
  static String of(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw UnsafeArchive.of(
          "the archive has a name that is not UTF-8: '"
              + Quote.of(new String(bytes, StandardCharsets.UTF_8))
              + "'");
    }
  }

  /** The text of bytes that were read as one character each. */
  static String of(String bytes) {
    for (int i = 0; i < bytes.length(); i++) {
      if (bytes.charAt(i) >= 0x80) {
        return of(bytes.getBytes(StandardCharsets.ISO_8859_1));
      }
    }
    return bytes;
  }
}
