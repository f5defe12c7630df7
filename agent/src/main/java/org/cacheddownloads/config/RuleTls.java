package org.cacheddownloads.config;

import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * TLS towards the origins of a rule, by absolute paths of PEM files.
 *
 * @param ca certificates trusted for these origins; null: the system's and {@code origins.trust}
 * @param certificate the client's own; null exactly when {@code key} is
 */
public record RuleTls(@Nullable Path ca, @Nullable Path certificate, @Nullable Path key) {
  Map<String, @Nullable Object> tree() {
    return new Tree()
        .with("ca", text(ca))
        .with("certificate", text(certificate))
        .with("key", text(key))
        .map();
  }

  private static @Nullable String text(@Nullable Path path) {
    return path == null ? null : path.toString();
  }
}
