package org.cacheddownloads.catalog;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.cacheddownloads.failure.CacheException.Busy;
import org.sqlite.SQLiteConfig;

/**
 * The connections to one catalog file: one that writes, a few that read. Applies the migrations
 * when opened.
 */
final class Connections implements AutoCloseable {
  /** The name of the value that says that the rows of this catalog have to be made anew. */
  static final String REBUILD = "rebuild";

  private static final int READERS = 4;
  private static final int NEWEST_SCHEMA = 4;
  private static final int BUSY_SECONDS = 30;

  private final Corruption corruption;
  private final Path file;
  private final Path log;
  private final Sql writer;
  private final BlockingQueue<Sql> readers = new ArrayBlockingQueue<>(READERS);
  private final List<Sql> all = new ArrayList<>();

  private Connections(Path file, Corruption corruption, Sql writer) {
    this.file = file;
    this.log = Path.of(file + "-wal");
    this.corruption = corruption;
    this.writer = writer;
    all.add(writer);
  }

  /** Opens the catalog; one that is damaged is set aside and begun anew. */
  static Connections open(Path file) throws SQLException, IOException {
    var corruption = new Corruption(file);
    if (corruption.isMarked()) {
      return anew(file, corruption);
    }
    try {
      return open(file, corruption);
    } catch (SQLException e) {
      if (!Corruption.is(e)) {
        throw e;
      }
      return anew(file, corruption);
    }
  }

  private static Connections anew(Path file, Corruption corruption)
      throws SQLException, IOException {
    corruption.setAside();
    Connections connections = open(file, corruption);
    connections.writer.run("INSERT INTO meta VALUES (?, ?)", REBUILD, "pending");
    return connections;
  }

  private static Connections open(Path file, Corruption corruption)
      throws SQLException, IOException {
    var connections = new Connections(file, corruption, connect(file, false));
    try {
      migrate(connections.writer, file);
      checkSchema(connections.writer);
      for (int i = 0; i < READERS; i++) {
        Sql reader = connect(file, true);
        connections.all.add(reader);
        connections.readers.add(reader);
      }
      return connections;
    } catch (SQLException | IOException | RuntimeException e) {
      connections.close();
      throw e;
    }
  }

  private static Sql connect(Path file, boolean readOnly) throws SQLException {
    var config = new SQLiteConfig();
    config.setJournalMode(SQLiteConfig.JournalMode.WAL);
    config.setSynchronous(SQLiteConfig.SynchronousMode.NORMAL);
    config.setBusyTimeout(BUSY_SECONDS * 1000);
    config.setTempStore(SQLiteConfig.TempStore.MEMORY);
    config.setCacheSize(-4096); // negative: KiB, and a fixed amount whatever the number of entries
    config.setReadOnly(readOnly);
    Connection connection = config.createConnection("jdbc:sqlite:" + file);
    return new Sql(connection);
  }

  private static void migrate(Sql writer, Path file) throws SQLException, IOException {
    int found = writer.first("PRAGMA user_version", row -> row.getInt(1)).orElse(0);
    if (found > NEWEST_SCHEMA) {
      throw new IOException(
          "the catalog "
              + file
              + " has schema "
              + found
              + ", this program knows up to "
              + NEWEST_SCHEMA
              + "; use the program that wrote it, or another 'state'");
    }
    for (int version = found + 1; version <= NEWEST_SCHEMA; version++) {
      writer.script(
          "BEGIN IMMEDIATE;"
              + resource("migration-" + version + ".sql")
              + ";PRAGMA user_version = "
              + version
              + ";COMMIT");
    }
  }

  /** Loads all that opening a catalog needs, by making one in memory. */
  static void preload() throws SQLException, IOException {
    try (Sql fresh = new Sql(new SQLiteConfig().createConnection("jdbc:sqlite::memory:"))) {
      migrate(fresh, Path.of(":memory:"));
      var _ = schema(fresh);
    }
  }

  /** SQLite believes any text of a schema; a bit that flipped there shows only in a comparison. */
  private static void checkSchema(Sql writer) throws SQLException, IOException {
    try (var fresh = new Sql(new SQLiteConfig().createConnection("jdbc:sqlite::memory:"))) {
      migrate(fresh, Path.of(":memory:"));
      if (!schema(fresh).equals(schema(writer))) {
        throw new UnreadableRow(new IllegalStateException("its schema is not what was made"));
      }
    }
  }

  private static List<String> schema(Sql sql) throws SQLException {
    return sql.list(
        "SELECT type || name || tbl_name || coalesce(sql, '') AS line FROM sqlite_master"
            + " WHERE name NOT LIKE 'sqlite_stat%' ORDER BY line",
        row -> row.getString(1));
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = Connections.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IOException("the program is incomplete: it lacks the resource " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  Corruption corruption() {
    return corruption;
  }

  /**
   * Brings all that is committed to the disk; SQLite by itself does so only when its log is full.
   */
  void sync() throws IOException {
    try (FileChannel channel = FileChannel.open(log, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** Moves all that is in the log to the catalog itself, and begins the log anew. */
  void rewrite() throws IOException {
    try (Sql sql = connect(file, false)) {
      boolean busy =
          sql.first("PRAGMA wal_checkpoint(TRUNCATE)", row -> row.getBoolean(1)).orElse(true);
      if (busy) {
        throw new IOException("somebody reads the log of the catalog");
      }
    } catch (SQLException e) {
      throw new IOException("the log of the catalog cannot be written anew: " + e.getMessage(), e);
    }
  }

  /** Only for the writer thread. */
  Sql writer() {
    return writer;
  }

  /** A statement or a few on a reading connection. */
  interface Work<T> {
    T on(Sql sql) throws SQLException;
  }

  <T> T read(Work<T> work) {
    Sql reader = takeReader();
    try {
      return work.on(reader);
    } catch (SQLException e) {
      corruption.look(e);
      throw CatalogFault.of(e);
    } finally {
      readers.add(reader);
    }
  }

  /** Not ended by an interrupt: the wait is short, and half of a release would be worse. */
  private Sql takeReader() {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          Sql reader = readers.poll(BUSY_SECONDS, TimeUnit.SECONDS);
          if (reader == null) {
            throw new Busy("the catalog is busy; try again", null);
          }
          return reader;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void close() {
    for (Sql sql : all.reversed()) {
      try {
        sql.close();
      } catch (SQLException e) {
        throw CatalogFault.of(e);
      }
    }
  }
}
