package org.cacheddownloads.config;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A map in the order it is written down, in which a value may be null; {@code Map.of} has neither.
 */
final class Tree {
  private final Map<String, @Nullable Object> values = new LinkedHashMap<>();

  Tree with(String key, @Nullable Object value) {
    values.put(key, value);
    return this;
  }

  /** Unmodifiable. */
  Map<String, @Nullable Object> map() {
    return Collections.unmodifiableMap(values);
  }
}
