package org.cacheddownloads.api;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.content.Percent;
import org.cacheddownloads.failure.CacheException.InvalidRequest;

/**
 * One request with its body, off the event loop.
 *
 * @param path the raw path, escapes not decoded
 * @param segments of the raw path, after the first slash
 */
record ApiRequest(
    String method,
    String path,
    List<String> segments,
    Map<String, String> query,
    Headers headers,
    @SuppressWarnings("ArrayRecordComponent") byte[] body /* read once, never compared */) {
  private static final int LARGEST_PAGE = 1000;
  private static final int USUAL_PAGE = 100;

  static ApiRequest of(String method, String path, String rawQuery, Headers headers, byte[] body) {
    List<String> segments = Arrays.asList(path.substring(1).split("/", -1));
    return new ApiRequest(method, path, segments, parseQuery(rawQuery), headers, body);
  }

  private static Map<String, String> parseQuery(String raw) {
    var parameters = new HashMap<String, String>();
    for (String pair : raw.split("&", -1)) {
      if (!pair.isEmpty()) {
        int equals = pair.indexOf('=');
        String name = Percent.decode(equals < 0 ? pair : pair.substring(0, equals));
        String value =
            Percent.decode(equals < 0 ? "" : pair.substring(equals + 1).replace('+', ' '));
        if (parameters.put(name, value) != null) {
          throw new InvalidRequest(name, "the parameter '" + name + "' is given twice");
        }
      }
    }
    return parameters;
  }

  /** Refuses query parameters that the route does not have. */
  ApiRequest allowing(String... parameters) {
    Set<String> allowed = Set.of(parameters);
    for (String name : query.keySet()) {
      if (!allowed.contains(name)) {
        throw new InvalidRequest(
            name,
            "unknown parameter '"
                + name
                + "'"
                + (allowed.isEmpty() ? "" : "; known are " + allowed));
      }
    }
    return this;
  }

  Optional<String> parameter(String name) {
    return Optional.ofNullable(query.get(name));
  }

  /** The {@code limit} parameter: 1 to 1,000, usually 100. */
  int limit() {
    String text = query.getOrDefault("limit", String.valueOf(USUAL_PAGE));
    boolean digits =
        !text.isEmpty() && text.length() < 6 && text.chars().allMatch(c -> c >= '0' && c <= '9');
    int limit = digits ? Integer.parseInt(text) : 0;
    if (limit < 1 || limit > LARGEST_PAGE) {
      throw new InvalidRequest("limit", "limit is a number from 1 to " + LARGEST_PAGE);
    }
    return limit;
  }

  boolean wantsLines() {
    return headers.joined("accept").orElse("").contains("application/x-ndjson");
  }
}
