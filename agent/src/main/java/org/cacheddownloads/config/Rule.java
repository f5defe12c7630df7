package org.cacheddownloads.config;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How URLs that match are asked for. {@code toString} shows no secret.
 *
 * @param headers by name as written; no two names differ only in case
 * @param proxy null: what the environment says
 * @param concurrency requests at once to what matches, for each origin, at least 1; null: {@code
 *     fetch.perOrigin}
 */
public record Rule(
    UrlPattern match,
    @Nullable RuleTls tls,
    Map<String, HeaderValue> headers,
    @Nullable Proxy proxy,
    @Nullable Integer concurrency) {
  public Rule {
    headers = Collections.unmodifiableMap(new LinkedHashMap<>(headers));
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
        .with("match", match.toString())
        .with("tls", tls == null ? null : tls.tree())
        .with("headers", shown)
        .with("proxy", proxy == null ? null : proxy.toString())
        .with("concurrency", concurrency)
        .map();
  }

  @Override
  public String toString() {
    return "Rule" + redacted();
  }
}
