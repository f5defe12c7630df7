package org.cacheddownloads.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.cacheddownloads.config.InvalidConfig.Fault;
import org.jspecify.annotations.Nullable;

/**
 * The variables of the environment that stand for keys: {@code CACHED_DOWNLOADS_FETCH_PER_ORIGIN}
 * for {@code fetch.perOrigin}. They are made into the document that a file with the same values
 * would be, so that one reader knows what is right and wrong.
 */
final class Variables {
  static final String PREFIX = "CACHED_DOWNLOADS_";

  /** Those that mean something else: the socket that commands ask, and a test's point of death. */
  private static final Set<String> OTHERS = Set.of(PREFIX + "SOCKET", PREFIX + "CRASH_AT");

  private static final Pattern HUMP = Pattern.compile("(?<=[a-z0-9])(?=[A-Z])");
  private static final Pattern COMMA = Pattern.compile(",");
  private static final String NULL = "null";

  private Variables() {}

  /** The variable that stands for a key. */
  static String of(String key) {
    return PREFIX + HUMP.matcher(key.replace('.', '_')).replaceAll("_").toUpperCase(Locale.ROOT);
  }

  /**
   * What the environment says. A variable with the prefix that stands for no key is a fault; an
   * empty one is as good as none.
   */
  static Yaml.Table read(Map<String, String> environment, List<Fault> faults) {
    Map<String, String> keys =
        ConfigReader.defaults().keys().stream()
            .collect(Collectors.toMap(Variables::of, key -> key));
    var root = new LinkedHashMap<String, Yaml>();
    new TreeMap<>(environment)
        .forEach(
            (name, text) -> {
              if (!name.startsWith(PREFIX) || OTHERS.contains(name) || text.isEmpty()) return;
              var place = new Place.Variable(name);
              String key = keys.get(name);
              if (key == null) {
                String nearest = NearestKey.among(name, candidates(keys.keySet()));
                faults.add(new Fault("", place, "unknown variable, the nearest is " + nearest));
                return;
              }
              Yaml value = value(key, text, place, faults);
              if (value != null) put(root, key, value);
            });
    return new Yaml.Table(new Place.Default(), root);
  }

  private static List<String> candidates(Set<String> known) {
    return Stream.concat(known.stream(), OTHERS.stream()).sorted().toList();
  }

  /**
   * Single values are taken as they are, so that none needs quotes. Lists are YAML in brackets, or
   * words between commas.
   */
  private static @Nullable Yaml value(
      String key, String text, Place.Variable place, List<Fault> faults) {
    if (text.equals(NULL)) return new Yaml.Nothing(place);
    if (!ConfigReader.defaults().isList(key)) return new Yaml.Scalar(place, text);
    if (text.stripLeading().startsWith("[")) return Yaml.read(text, _ -> place, faults);
    return new Yaml.Items(
        place,
        COMMA
            .splitAsStream(text)
            .map(item -> (Yaml) new Yaml.Scalar(place, item.strip()))
            .toList());
  }

  private static void put(Map<String, Yaml> root, String key, Yaml value) {
    int dot = key.indexOf('.');
    if (dot < 0) {
      root.put(key, value);
      return;
    }
    var section =
        (Yaml.Table)
            root.computeIfAbsent(
                key.substring(0, dot), _ -> new Yaml.Table(value.at(), new LinkedHashMap<>()));
    section.values().put(key.substring(dot + 1), value);
  }
}
