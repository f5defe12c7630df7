package org.cacheddownloads.fetch;

import org.cacheddownloads.content.Headers;
import org.cacheddownloads.content.SourceUrl;

/** Where bytes may come from, and what is sent along to its origin (and to no other). */
public record Source(SourceUrl url, Headers headers) {
  /** The identity under which validators and freshness are kept. */
  String identity() {
    return url.identity();
  }
}
