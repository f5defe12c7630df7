package org.cacheddownloads.fetch;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.OptionalLong;
import org.cacheddownloads.content.Headers;
import org.jspecify.annotations.Nullable;

/**
 * The head of a response, and its body as it arrives. One thread reads; closing before the end
 * resets the exchange.
 */
public interface OriginResponse extends AutoCloseable {
  int status();

  Headers headers();

  /** When the request was sent and when the head came, for the age of the response. */
  Instant requestedAt();

  Instant receivedAt();

  /** The announced length of the body. */
  default OptionalLong contentLength() {
    String text = headers().first("content-length").orElse("").strip();
    boolean digits =
        !text.isEmpty() && text.length() < 19 && text.chars().allMatch(c -> c >= '0' && c <= '9');
    return digits ? OptionalLong.of(Long.parseLong(text)) : OptionalLong.empty();
  }

  /**
   * The next piece of the body, or null at its end.
   *
   * @throws org.cacheddownloads.failure.CacheException.BadResponse if the connection ended before
   *     the body
   * @throws org.cacheddownloads.failure.CacheException.TimedOut if nothing came for {@code
   *     fetch.idleTimeout} or until {@code deadline}
   */
  @Nullable ByteBuffer read(Instant deadline);

  @Override
  void close();
}
