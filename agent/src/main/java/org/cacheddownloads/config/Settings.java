package org.cacheddownloads.config;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A configuration, and where its values were written.
 *
 * @param places by dotted key; without the keys that have their default
 */
public record Settings(Config config, Map<String, Place> places) {
  private static final Place DEFAULT = new Place.Default();

  public Settings {
    var inOrder = new LinkedHashMap<String, Place>();
    for (String key : config.keys()) {
      Place place = places.get(key);
      if (place != null) inOrder.put(key, place);
    }
    places = Collections.unmodifiableMap(inOrder);
  }

  /** Where the value of a dotted key comes from. */
  public Place place(String key) {
    return places.getOrDefault(key, DEFAULT);
  }

  /** These settings with every key that takes effect while running taken from {@code after}. */
  public Settings withLive(Settings after) {
    var merged = new LinkedHashMap<String, Place>();
    for (String key : config.keys())
      merged.put(key, (Config.isLive(key) ? after : this).place(key));
    merged.values().removeIf(DEFAULT::equals);
    return new Settings(config.withLive(after.config), merged);
  }

  /**
   * {@link Config#tree} with the field {@code sources}: for each dotted key that has not its
   * default, {@code file:line} or the name of a variable.
   */
  public Map<String, @Nullable Object> tree() {
    var sources = new LinkedHashMap<String, String>();
    places.forEach((key, place) -> sources.put(key, place.toString()));
    var tree = new LinkedHashMap<String, @Nullable Object>(config.tree());
    tree.put("sources", sources);
    return tree;
  }
}
