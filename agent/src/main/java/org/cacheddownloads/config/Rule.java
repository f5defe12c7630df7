package org.cacheddownloads.config;

import java.net.URI;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How URLs that match are asked for. {@code toString} shows no secret.
 *
 * @param match a URL in which {@code *} stands for any text, such as {@code
 *     https://blobs.example/*}, or {@code *} alone
 * @param headers by name as written; no two names differ only in case
 * @param proxy {@code http://} or {@code socks5://}, user info allowed, always with a port
 * @param concurrency requests at once to what matches, at least 1; null: {@code fetch.perOrigin}
 */
public record Rule(
    String match,
    @Nullable RuleTls tls,
    Map<String, HeaderValue> headers,
    @Nullable String proxy,
    @Nullable Integer concurrency) {
  public Rule {
    headers = Collections.unmodifiableMap(new LinkedHashMap<>(headers));
  }

  /** The proxy without its user info. */
  public @Nullable String proxyWithoutUserInfo() {
    if (proxy == null) return null;
    URI uri = URI.create(proxy);
    return uri.getScheme() + "://" + uri.getHost() + ":" + uri.getPort();
  }

  /** The YAML shape with header values hidden; files that hold them are named. */
  Map<String, @Nullable Object> redacted() {
    var shown = new LinkedHashMap<String, Object>();
    headers.forEach(
        (name, value) ->
            shown.put(
                name,
                switch (value) {
                  case HeaderValue.Text _ -> "redacted";
                  case HeaderValue.InFile(Path file) -> Map.of("file", file.toString());
                }));
    return new Tree()
        .with("match", match)
        .with("tls", tls == null ? null : tls.tree())
        .with("headers", shown)
        .with("proxy", proxyWithoutUserInfo())
        .with("concurrency", concurrency)
        .map();
  }

  @Override
  public String toString() {
    return "Rule" + redacted();
  }
}
