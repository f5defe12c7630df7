package org.cacheddownloads.content;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.cacheddownloads.failure.CacheException.InvalidRequest;

/**
 * Percent-decoding of one segment (RFC 3986 section 2.1); {@code +} stays a plus, unlike in forms.
 */
public final class Percent {
  private Percent() {}

  /**
   * Decodes escapes as UTF-8.
   *
   * @throws InvalidRequest when an escape is cut off or not hex, or when the bytes are not UTF-8
   */
  public static String decode(String text) {
    if (text.indexOf('%') < 0) {
      return text;
    }
    var bytes = new ByteArrayOutputStream(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c != '%') {
        bytes.writeBytes(String.valueOf(c).getBytes(StandardCharsets.UTF_8));
        continue;
      }
      int high = i + 2 <= text.length() - 1 ? Character.digit(text.charAt(i + 1), 16) : -1;
      int low = i + 2 <= text.length() - 1 ? Character.digit(text.charAt(i + 2), 16) : -1;
      if (high < 0 || low < 0) {
        throw new InvalidRequest("a % must be followed by two hex digits");
      }
      bytes.write(high * 16 + low);
      i += 2;
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes.toByteArray()))
          .toString();
    } catch (CharacterCodingException e) {
      throw new InvalidRequest("percent-encoded bytes must be UTF-8");
    }
  }
}
