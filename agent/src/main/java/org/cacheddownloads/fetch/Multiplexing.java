package org.cacheddownloads.fetch;

import io.vertx.core.http.Http2Settings;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpVersion;
import java.util.List;

/**
 * The measures of HTTP/2: how many streams share a connection and how much may be under way. A
 * stream that nobody reads from takes its own window from the connection's too (RFC 9113 section
 * 6.9.1), so the connection's has room for all of them: none waits for another one's reader.
 */
final class Multiplexing {
  /** Bounds what a stream that is not read from holds in memory; 80 MB/s at 25 ms. */
  private static final int STREAM_WINDOW_BYTES = 2 << 20;

  private static final int STREAMS_PER_CONNECTION = 32;
  private static final int MAX_HEADER_BYTES = 64 * 1024;
  private static final int IDLE_SECONDS = 30;

  private Multiplexing() {}

  /** HTTP/2 for origins that choose it in the handshake of TLS; HTTP/1.1 for all others. */
  static void allow(HttpClientOptions options) {
    options
        .setProtocolVersion(HttpVersion.HTTP_2)
        .setUseAlpn(true)
        .setAlpnVersions(List.of(HttpVersion.HTTP_2, HttpVersion.HTTP_1_1))
        .setHttp2ClearTextUpgrade(false)
        .setHttp2MultiplexingLimit(STREAMS_PER_CONNECTION)
        .setHttp2ConnectionWindowSize(STREAMS_PER_CONNECTION * STREAM_WINDOW_BYTES)
        .setHttp2KeepAliveTimeout(IDLE_SECONDS)
        .setInitialSettings(
            new Http2Settings()
                .setPushEnabled(false)
                .setInitialWindowSize(STREAM_WINDOW_BYTES)
                .setMaxHeaderListSize(MAX_HEADER_BYTES));
  }
}
