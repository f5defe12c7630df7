package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.fail;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What an agent's catalog says of durability, read by the sqlite3 program while the agent runs.
 * Blobs are named as in {@code blobs/}: hex digits, and {@code .x} for the executable copy.
 */
final class CatalogFile {
  private static final String NAME = "lower(hex(digest)) || CASE form WHEN 0 THEN '' ELSE '.x' END";

  private final Path file;

  CatalogFile(Path state) {
    this.file = state.resolve("catalog.db");
  }

  /** Blobs that are synced for good. */
  Set<String> durable() {
    return query("SELECT " + NAME + " FROM blobs WHERE durable = 1");
  }

  /** Blobs that will be hashed before they are used. */
  Set<String> suspect() {
    return query("SELECT " + NAME + " FROM blobs WHERE durable < 0");
  }

  /** Blobs that are in use without having been synced yet. */
  Set<String> notYetDurable() {
    return query("SELECT " + NAME + " FROM blobs WHERE durable = 0");
  }

  /** What SQLite itself finds wrong with the file; {@code ok} alone when nothing is. */
  Set<String> faults() {
    return query("PRAGMA integrity_check");
  }

  private Set<String> query(String sql) {
    Child.Outcome outcome =
        Child.run(
            List.of(
                Project.tool("sqlite3", "sqlite3"),
                "-readonly",
                "-cmd",
                ".timeout 10000",
                file.toString(),
                sql));
    if (outcome.exit() != 0) {
      fail("sqlite3 " + file + ": " + outcome.errors());
    }
    return outcome.output().lines().collect(Collectors.toSet());
  }
}
