package org.cacheddownloads.content;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Header fields by case-insensitive name, values in order. Values may be secrets, so {@code
 * toString} shows names only.
 */
public final class Headers {
  public static final Headers NONE = new Headers(Map.of());
  private final Map<String, List<String>> fields;

  private Headers(Map<String, List<String>> fields) {
    this.fields = fields;
  }

  public static Headers of(Iterable<Map.Entry<String, String>> lines) {
    var fields = new LinkedHashMap<String, List<String>>();
    for (var line : lines) {
      fields
          .computeIfAbsent(line.getKey().toLowerCase(Locale.ROOT), _ -> new ArrayList<>())
          .add(line.getValue());
    }
    return new Headers(fields);
  }

  public static Headers of(Map<String, String> lines) {
    return of(lines.entrySet());
  }

  /** The first line of {@code name}. */
  public Optional<String> first(String name) {
    List<String> lines = fields.get(name.toLowerCase(Locale.ROOT));
    return lines == null ? Optional.empty() : Optional.of(lines.getFirst());
  }

  /** All lines of {@code name} as one list value (RFC 9110 section 5.3). */
  public Optional<String> joined(String name) {
    List<String> lines = fields.get(name.toLowerCase(Locale.ROOT));
    return lines == null ? Optional.empty() : Optional.of(String.join(", ", lines));
  }

  /** Name in lower case to its lines, sorted by name. */
  public Map<String, List<String>> sorted() {
    return new TreeMap<>(fields);
  }

  /** These fields and one more. */
  public Headers with(String name, String value) {
    var more = new LinkedHashMap<>(fields);
    more.put(name.toLowerCase(Locale.ROOT), List.of(value));
    return new Headers(more);
  }

  /** These fields, and those of {@code others} that are missing here. */
  public Headers orElse(Headers others) {
    var more = new LinkedHashMap<>(others.fields);
    more.putAll(fields);
    return new Headers(more);
  }

  public boolean isEmpty() {
    return fields.isEmpty();
  }

  @Override
  public String toString() {
    return fields.keySet().toString();
  }
}
