package org.cacheddownloads.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.cacheddownloads.config.InvalidConfig.Fault;
import org.jspecify.annotations.Nullable;

/**
 * One mapping of the file while it is read: each method asks for a key and remembers that it is
 * known. Faults are collected, never thrown, and the value asked for is then the one given as
 * {@code otherwise}, so that reading goes on. Parsers report by {@link IllegalArgumentException}.
 */
final class Section {
  private final String path;
  private final Yaml.Table table;
  private final List<Fault> faults;
  private final Map<String, Place> places;
  private final Set<String> asked = new LinkedHashSet<>();

  /**
   * @param faults is added to
   * @param places is told of every key that has a value of its own
   */
  Section(String path, Yaml.Table table, List<Fault> faults, Map<String, Place> places) {
    this.path = path;
    this.table = table;
    this.faults = faults;
    this.places = places;
  }

  /** The value of a key that may be left out, but is never null. */
  <T> T read(String name, T otherwise, Function<String, T> parse) {
    Yaml value = ask(name);
    if (value == null) return otherwise;
    T parsed = parsed(key(name), value, parse);
    return parsed == null ? otherwise : parsed;
  }

  /** The value of a key that may be left out or null. */
  <T> @Nullable T readNullable(String name, @Nullable T otherwise, Function<String, T> parse) {
    Yaml value = ask(name);
    if (value == null) return otherwise;
    return value instanceof Yaml.Nothing ? null : parsed(key(name), value, parse);
  }

  /** The value of a key that must be there; null after a fault. */
  <T> @Nullable T require(String name, Function<String, T> parse) {
    Yaml value = ask(name);
    if (value != null) return parsed(key(name), value, parse);
    fault(path, table.at(), name + " is missing");
    return null;
  }

  /** A list whose items have one parser; without the items that have faults. */
  <T> List<T> list(String name, List<T> otherwise, Function<String, T> parse) {
    return items(name, otherwise, (key, item) -> parsed(key, item, parse));
  }

  /** A list of mappings. */
  <T> List<T> sections(String name, List<T> otherwise, Function<Section, @Nullable T> read) {
    return items(name, otherwise, (key, item) -> in(key, item, read));
  }

  /** A mapping below this one; {@code otherwise} if it is left out. */
  <T> T section(String name, T otherwise, Function<Section, @Nullable T> read) {
    Yaml value = ask(name);
    T found = value == null ? null : in(key(name), value, read);
    return found == null ? otherwise : found;
  }

  /** A mapping below this one that may be left out or null. */
  <T> @Nullable T sectionOrNull(String name, Function<Section, @Nullable T> read) {
    Yaml value = ask(name);
    return value == null || value instanceof Yaml.Nothing ? null : in(key(name), value, read);
  }

  /** A mapping with names of the author's own choice. */
  <T> Map<String, T> named(
      String name,
      Function<String, String> checkName,
      BiFunction<Section, String, @Nullable T> read) {
    return section(
        name,
        Map.of(),
        below -> {
          var values = new LinkedHashMap<String, T>();
          below
              .table
              .values()
              .forEach(
                  (each, value) -> {
                    String checked = below.checked(below.key(each), value.at(), each, checkName);
                    T parsed = read.apply(below, each);
                    if (checked != null && parsed != null) values.put(each, parsed);
                  });
          return values;
        });
  }

  /** Whether a key holds a mapping rather than a value. */
  boolean isSection(String name) {
    return table.values().get(name) instanceof Yaml.Table;
  }

  /** A fault of the mapping as a whole. */
  void fault(String message) {
    fault(path, table.at(), message);
  }

  private <T> List<T> items(
      String name, List<T> otherwise, BiFunction<String, Yaml, @Nullable T> read) {
    return switch (ask(name)) {
      case null -> otherwise;
      case Yaml.Items found -> {
        var values = new ArrayList<T>();
        for (int i = 0; i < found.items().size(); i++) {
          T value = read.apply(key(name) + "[" + i + "]", found.items().get(i));
          if (value != null) values.add(value);
        }
        yield values;
      }
      case Yaml other -> {
        fault(key(name), other.at(), "must be a list, such as [a, b] or [], not " + kind(other));
        yield otherwise;
      }
    };
  }

  private <T> @Nullable T in(String key, Yaml value, Function<Section, @Nullable T> read) {
    if (!(value instanceof Yaml.Table found)) {
      String hint = value instanceof Yaml.Nothing ? "; leave the key out for the defaults" : "";
      fault(key, value.at(), "must be a section with keys of its own, not " + kind(value) + hint);
      return null;
    }
    var section = new Section(key, found, faults, places);
    T result = read.apply(section);
    section.reportUnknownKeys();
    return result;
  }

  /** To be called after the last key was asked for; {@link #in} does so for what lies below. */
  void reportUnknownKeys() {
    table
        .values()
        .forEach(
            (name, value) -> {
              if (!asked.contains(name))
                fault(
                    key(name),
                    value.at(),
                    "unknown key, the nearest is " + NearestKey.of(path, name, asked));
            });
  }

  private <T> @Nullable T parsed(String key, Yaml value, Function<String, T> parse) {
    if (value instanceof Yaml.Scalar(Place at, String text)) return checked(key, at, text, parse);
    fault(key, value.at(), "must be a single value, not " + kind(value));
    return null;
  }

  private <T> @Nullable T checked(String key, Place at, String text, Function<String, T> parse) {
    try {
      return parse.apply(text);
    } catch (IllegalArgumentException e) {
      fault(key, at, String.valueOf(e.getMessage()));
      return null;
    }
  }

  private @Nullable Yaml ask(String name) {
    asked.add(name);
    Yaml value = table.values().get(name);
    if (value != null && !(value instanceof Yaml.Table)) places.put(key(name), value.at());
    return value;
  }

  private String key(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  private void fault(String key, Place at, String message) {
    faults.add(new Fault(key, at, message));
  }

  private static String kind(Yaml value) {
    return switch (value) {
      case Yaml.Table _ -> "a section";
      case Yaml.Items _ -> "a list";
      case Yaml.Scalar _ -> "a single value";
      case Yaml.Truth _ -> "true or false";
      case Yaml.Alias _ -> "an alias";
      case Yaml.Nothing _ -> "null";
    };
  }
}
