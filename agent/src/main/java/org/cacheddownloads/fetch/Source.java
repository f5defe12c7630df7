package org.cacheddownloads.fetch;

import java.util.Map;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.content.SourceUrl;

/** Where bytes may come from, and what is sent along to its origin (and to no other). */
public record Source(SourceUrl url, Headers headers) {
  /**
   * What the caller sends to the origin of the URL: its headers, and user info as RFC 7617 has it.
   */
  Headers sent() {
    return url.basicAuthorization()
        .map(basic -> headers.orElse(Headers.of(Map.of("Authorization", basic))))
        .orElse(headers);
  }

  /** The identity under which validators and freshness are kept. */
  String identity() {
    return url.identity();
  }
}
