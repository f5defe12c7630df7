package org.cacheddownloads.spec;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One request to the agent. Immutable: each step makes another one. {@code target} is
 * percent-encoded already.
 */
record Request(
    String method, String target, Map<String, String> headers, @Nullable String body, boolean bad) {

  static Request of(String method, String target) {
    return new Request(method, target, Map.of(), null, false);
  }

  static Request get(String target) {
    return of("GET", target);
  }

  static Request put(String target, Object json) {
    return of("PUT", target).json(json);
  }

  static Request post(String target, Object json) {
    return of("POST", target).json(json);
  }

  static Request delete(String target) {
    return of("DELETE", target);
  }

  Request json(Object json) {
    return new Request(
        method, target, with("Content-Type", "application/json"), json.toString(), bad);
  }

  Request header(String name, String value) {
    return new Request(method, target, with(name, value), body, bad);
  }

  /** Breaks the contract on purpose: {@link Contract} looks at the reply only. */
  Request deliberatelyBad() {
    return new Request(method, target, headers, body, true);
  }

  /** A download's path; the slashes between the segments of its name stay. */
  static String downloadPath(String container, String name) {
    return containerPath(container)
        + "/downloads/"
        + Arrays.stream(name.split("/", -1)).map(Request::encoded).collect(Collectors.joining("/"));
  }

  static String containerPath(String container) {
    return "/v1/containers/" + encoded(container);
  }

  static String entryPath(String key) {
    return "/v1/entries/" + encoded(key);
  }

  /** Percent-encoded, so that it is one segment of a path or one value of a query. */
  static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private Map<String, String> with(String name, String value) {
    var copy = new TreeMap<String, String>(String.CASE_INSENSITIVE_ORDER);
    copy.putAll(headers);
    copy.put(name, value);
    return copy;
  }

  @Override
  public String toString() {
    return method
        + " "
        + target
        + (body == null ? "" : " " + (body.length() < 500 ? body : body.substring(0, 500) + "…"));
  }
}
