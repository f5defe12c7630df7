package org.cacheddownloads.catalog;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Checksum;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Entry;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.content.TreeSum;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.InsufficientSpace;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Entries, blobs and the descriptions of views, in SQLite. Thread-safe. Failures of the database
 * come as {@code NotReady}, {@code Busy} or {@code InsufficientSpace}.
 *
 * <p>Methods that return nothing and say "soon" collect their write; all others have committed when
 * they return.
 */
public final class Catalog implements AutoCloseable {
  /** How many credentials an entry remembers to have been accepted with; the newest stay. */
  private static final int GRANTS_PER_KEY = 32;

  private static final String TOTALS =
      "SELECT blobs, trees, allocated, inodes, entries FROM totals";
  private static final String HAS_FORMS =
      " EXISTS (SELECT 1 FROM blobs b WHERE b.digest = e.digest AND b.form = 0) AS has_file,"
          + " EXISTS (SELECT 1 FROM blobs b WHERE b.digest = e.digest AND b.form = 2) AS has_tree";
  private static final Logger log = LoggerFactory.getLogger(Catalog.class);

  /** The name of the value that says that views may show what a power cut has damaged. */
  private static final String VIEWS = "views";

  /**
   * Hears what happens to stored objects, once it is recorded or noted to be; on the thread that
   * tells. Short, and without I/O.
   */
  public interface Watcher {
    /** An object was made known, or published again. */
    void came(Stored stored, long allocatedBytes);

    /** An object was handed out. */
    void used(Stored stored);

    /** An object occupies other blocks than before. */
    void resized(Stored stored, long allocatedBytes);

    /** An object was deleted and forgotten. */
    void gone(Stored stored);
  }

  private static final Watcher NOBODY =
      new Watcher() {
        @Override
        public void came(Stored stored, long allocatedBytes) {}

        @Override
        public void used(Stored stored) {}

        @Override
        public void resized(Stored stored, long allocatedBytes) {}

        @Override
        public void gone(Stored stored) {}
      };

  private final Connections connections;
  private final Deferred deferred;
  private final Writer writer;

  /** Whether there may be suspects; nobody has to ask the database while there are none. */
  private volatile boolean suspects;

  /** Blobs that could not be synced and are not dropped yet. */
  private final Set<Stored> refused = ConcurrentHashMap.newKeySet();

  private volatile Watcher watcher = NOBODY;

  /** How many of the writer's commits are on the disk. */
  private volatile long synced;

  /** Whether parts of the log may be missing on the disk though a sync would not say so. */
  private volatile boolean logInDoubt;

  /** Whether rows and files are known to fit. */
  private volatile boolean reconciled;

  private Catalog(Connections connections, Predicate<Stored> isInUse) {
    this.connections = connections;
    this.deferred = new Deferred(isInUse);
    this.writer = new Writer(connections, deferred);
  }

  /**
   * Opens or makes the catalog, migrating an older one.
   *
   * @param isInUse whether a view holds a blob; asked on the writer thread, when recording which
   *     blobs are idle
   */
  public static Catalog open(Path file, Predicate<Stored> isInUse) throws IOException {
    try {
      return new Catalog(Connections.open(file), isInUse);
    } catch (SQLException e) {
      throw new IOException("cannot open the catalog " + file + ": " + e.getMessage(), e);
    }
  }

  /** Loads SQLite, which takes a tenth of a second that a start has other use for. */
  public static void preload() {
    try {
      Connections.preload();
    } catch (SQLException | IOException | RuntimeException | LinkageError e) {
      log.debug("SQLite is not there; opening a catalog will say so", e);
    }
  }

  /** Runs {@code action} once, when the catalog is found to be damaged: a new start mends it. */
  public void whenDamaged(Runnable action) {
    connections.corruption().whenFound(action);
  }

  /** Tells {@code listener} of each transaction that fails, also of those that nobody waits for. */
  public void whenFailing(Consumer<CacheException> listener) {
    writer.whenFailing(listener);
  }

  /** Tells {@code newWatcher}, and nobody else, of stored objects from now on. */
  public void watchBy(Watcher newWatcher) {
    watcher = newWatcher;
  }

  /** Whether the catalog of {@code file} was found to be damaged and not mended since. */
  public static boolean isDamaged(Path file) {
    return new Corruption(file).isMarked();
  }

  /** Whether the rows were lost and have to be made from what is on disk. */
  public boolean mustBeRebuilt() {
    return kept(Connections.REBUILD).isPresent();
  }

  /**
   * Adds blobs that were found on disk: not to be trusted before they are hashed, and each with an
   * entry that is named by its digest, so that it stays until it is evicted. @return how many are
   * new
   */
  public long addRebuilt(Collection<BlobRow> found) {
    suspects = true;
    return writer.write(
        sql -> {
          long added = 0;
          for (BlobRow blob : found) {
            Digest digest = blob.stored().digest();
            added +=
                sql.run(
                    "INSERT INTO blobs (digest, form, size, allocated, last_used, durable, idle) VALUES (?, ?, ?, ?,"
                        + " max(?, (SELECT coalesce(max(last_used), 0) + 1 FROM blobs WHERE idle = 1)), -1, 1) ON CONFLICT DO NOTHING",
                    Rows.bytes(digest),
                    blob.stored().form().code(),
                    blob.sizeBytes(),
                    blob.allocatedBytes(),
                    Rows.micros(blob.lastUsed()));
            if (!hasEntry(sql, digest)) {
              Rows.upsertEntry(sql, Entry.ofDigest(digest, blob.sizeBytes(), blob.lastUsed()));
            }
          }
          return added;
        });
  }

  /** All that was on disk is known again. */
  public void rebuilt() {
    writer.write(sql -> sql.run("DELETE FROM meta WHERE name = ?", Connections.REBUILD));
  }

  // ---- entries ----

  /**
   * The entry of {@code key} as the holder of {@code credentials} sees it; empty too if its bytes
   * are not in the store.
   */
  public Optional<Known> find(CacheKey key, String credentials) {
    return connections.read(
        sql ->
            sql.first(
                    "SELECT "
                        + Rows.ENTRY_COLUMNS
                        + ", EXISTS (SELECT 1 FROM blobs b WHERE b.digest = e.digest) AS here,"
                        + " EXISTS (SELECT 1 FROM grants g WHERE g.key = e.key AND g.credentials IN ('', ?)) AS granted"
                        + " FROM entries e WHERE e.key = ?",
                    this::known,
                    credentials,
                    key.text())
                .flatMap(known -> known));
  }

  /**
   * An entry of {@code digest} that the holder of {@code credentials} may have without asking
   * anybody.
   */
  public Optional<Known> findGranted(Digest digest, String credentials) {
    return connections.read(
        sql ->
            sql.first(
                    "SELECT "
                        + Rows.ENTRY_COLUMNS
                        + ", EXISTS (SELECT 1 FROM blobs b WHERE b.digest = e.digest) AS here, 1 AS granted"
                        + " FROM entries e WHERE e.digest = ?"
                        + " AND EXISTS (SELECT 1 FROM grants g WHERE g.key = e.key AND g.credentials IN ('', ?)) LIMIT 1",
                    this::known,
                    Rows.bytes(digest),
                    credentials)
                .flatMap(known -> known));
  }

  private Optional<Known> known(ResultSet row) throws SQLException {
    if (!row.getBoolean("here") || !Rows.isSound(row)) {
      return Optional.empty();
    }
    return Optional.of(new Known(deferred.newest(Rows.entry(row)), row.getBoolean("granted")));
  }

  /** The digest that is known to have this checksum. */
  public Optional<Digest> digestOf(Checksum checksum) {
    if (checksum.asDigest().isPresent()) {
      return checksum.asDigest();
    }
    return connections.read(
        sql ->
            sql.first(
                "SELECT digest FROM checksums WHERE algorithm = ? AND hex = ?",
                row -> Rows.digest(row.getBytes(1)),
                checksum.algorithm().label(),
                checksum.hex()));
  }

  public boolean isChecksumKnown(Digest digest, Checksum.Algorithm algorithm) {
    return connections.read(
        sql ->
            sql.exists(
                "SELECT 1 FROM checksums WHERE digest = ? AND algorithm = ?",
                Rows.bytes(digest),
                algorithm.label()));
  }

  public void learnChecksum(Digest digest, Checksum checksum) {
    writer.write(sql -> insertChecksum(sql, digest, checksum));
  }

  private static int insertChecksum(Sql sql, Digest digest, Checksum checksum) throws SQLException {
    return sql.run(
        "INSERT OR REPLACE INTO checksums VALUES (?, ?, ?)",
        checksum.algorithm().label(),
        checksum.hex(),
        Rows.bytes(digest));
  }

  /**
   * Makes a committed blob known under a key.
   *
   * @return the digest that the key had before, if no other key has it: its bytes are to be dropped
   *     at their last release
   */
  public Optional<Digest> publish(Publication publication, Instant now) {
    Entry entry = publication.entry();
    Optional<Digest> replaced =
        writer.write(
            sql -> {
              Optional<Digest> before =
                  sql.first(
                      "SELECT digest FROM entries WHERE key = ?",
                      row -> Rows.digest(row.getBytes(1)),
                      entry.key().text());
              insertBlob(
                  sql,
                  Stored.file(entry.digest()),
                  entry.size(),
                  publication.allocatedBytes(),
                  now);
              Rows.upsertEntry(sql, entry);
              deferred.forget(entry.key());
              sql.run("DELETE FROM grants WHERE key = ?", entry.key().text());
              insertGrant(sql, entry.key(), publication.credentials(), now);
              noteIfForAnybody(sql, entry.digest(), publication.credentials());
              if (publication.checksum().isPresent()) {
                insertChecksum(sql, entry.digest(), publication.checksum().get());
              }
              if (before.isEmpty() || hasEntry(sql, before.get())) {
                return Optional.empty();
              }
              return before;
            });
    watcher.came(Stored.file(entry.digest()), publication.allocatedBytes());
    return replaced;
  }

  /** Records an origin's 304 soon; a grant to credentials that were not accepted before at once. */
  public void confirm(Entry entry, String credentials, boolean granted, Instant now) {
    deferred.confirmed(entry);
    if (!granted) {
      writer.write(
          sql -> {
            if (!hasBytes(sql, entry)) {
              return 0; // the key has other bytes by now: what was confirmed is not these
            }
            insertGrant(sql, entry.key(), credentials, now);
            noteIfForAnybody(sql, entry.digest(), credentials);
            return sql.run(
                "DELETE FROM grants WHERE key = ? AND credentials NOT IN"
                    + " (SELECT credentials FROM grants WHERE key = ? ORDER BY granted_at DESC LIMIT "
                    + GRANTS_PER_KEY
                    + ")",
                entry.key().text(),
                entry.key().text());
          });
    }
    hurryIfMany();
  }

  private static void insertGrant(Sql sql, CacheKey key, String credentials, Instant now)
      throws SQLException {
    sql.run(
        "INSERT OR REPLACE INTO grants VALUES (?, ?, ?)",
        key.text(),
        credentials,
        Rows.micros(now));
  }

  private static boolean hasBytes(Sql sql, Entry entry) throws SQLException {
    return sql.exists(
        "SELECT 1 FROM entries WHERE key = ? AND digest = ? AND coalesce(source, key) = ?",
        entry.key().text(),
        Rows.bytes(entry.digest()),
        entry.source());
  }

  private static void noteIfForAnybody(Sql sql, Digest digest, String credentials)
      throws SQLException {
    if (credentials.isEmpty()) {
      sql.run("UPDATE blobs SET for_anybody = 1 WHERE digest = ?", Rows.bytes(digest));
    }
  }

  /**
   * Whether an origin ever gave these bytes to a request without credentials, in a response that
   * may be stored.
   */
  public boolean isForAnybody(Digest digest) {
    return connections.read(
        sql ->
            sql.exists(
                "SELECT 1 FROM blobs WHERE digest = ? AND for_anybody = 1", Rows.bytes(digest)));
  }

  /**
   * Deletes the entry of a key.
   *
   * @return the digest that it had; {@link #hasEntry} tells whether another key has it still
   */
  public Optional<Digest> deleteEntry(CacheKey key) {
    return writer.write(
        sql -> {
          deferred.forget(key);
          return sql.first(
              "DELETE FROM entries WHERE key = ? RETURNING digest",
              row -> Rows.digest(row.getBytes(1)),
              key.text());
        });
  }

  /** Drops every entry of {@code digest}. @return their keys */
  public List<CacheKey> deleteEntriesOf(Digest digest) {
    return writer.write(sql -> deleteEntries(sql, digest));
  }

  private List<CacheKey> deleteEntries(Sql sql, Digest digest) throws SQLException {
    List<CacheKey> keys =
        sql.list(
            "DELETE FROM entries WHERE digest = ? RETURNING key",
            row -> new CacheKey(row.getString(1)),
            Rows.bytes(digest));
    keys.forEach(deferred::forget);
    return keys;
  }

  public boolean hasEntry(Digest digest) {
    return connections.read(sql -> hasEntry(sql, digest));
  }

  private static boolean hasEntry(Sql sql, Digest digest) throws SQLException {
    return sql.exists("SELECT 1 FROM entries WHERE digest = ?", Rows.bytes(digest));
  }

  /** Entries of {@code digest}, by key. */
  public List<Entry> entriesOf(Digest digest) {
    return connections.read(
        sql ->
            sql.list(
                "SELECT "
                    + Rows.ENTRY_COLUMNS
                    + " FROM entries e WHERE e.digest = ? ORDER BY e.key",
                row -> deferred.newest(Rows.entry(row)),
                Rows.bytes(digest)));
  }

  /** Which entries to list: keys that start with {@code prefix}, of a URL where one is given. */
  public record EntryFilter(String prefix, @Nullable String source, boolean anyQuery) {
    public static final EntryFilter ALL = new EntryFilter("", null, false);
  }

  /** At most {@code limit} entries with keys after {@code afterKey}, by key. */
  public List<EntryRow> entries(EntryFilter filter, String afterKey, int limit) {
    String source = filter.source();
    var parameters = new ArrayList<Object>(List.of(afterKey, filter.prefix(), filter.prefix()));
    String ofUrl = "";
    if (source != null) {
      ofUrl =
          filter.anyQuery()
              ? " AND (coalesce(e.source, e.key) = ? OR substr(coalesce(e.source, e.key), 1, length(?) + 3) = ? || '?q=')"
              : " AND coalesce(e.source, e.key) = ?";
      parameters.addAll(filter.anyQuery() ? List.of(source, source, source) : List.of(source));
    }
    parameters.add(limit);
    String where = ofUrl;
    return connections.read(
        sql ->
            sql.list(
                "SELECT "
                    + Rows.ENTRY_COLUMNS
                    + ", (SELECT max(last_used) FROM blobs b WHERE b.digest = e.digest) AS last_used,"
                    + HAS_FORMS
                    + " FROM entries e WHERE e.key > ? AND substr(e.key, 1, length(?)) = ?"
                    + where
                    + " ORDER BY e.key LIMIT ?",
                this::entryRow,
                parameters.toArray()));
  }

  private EntryRow entryRow(ResultSet row) throws SQLException {
    Entry entry = deferred.newest(Rows.entry(row));
    Instant written = Rows.instant(row.getLong("last_used"));
    Instant asFile = deferred.lastUsed(Stored.file(entry.digest()), written);
    return new EntryRow(
        entry,
        deferred.lastUsed(Stored.tree(entry.digest()), asFile),
        row.getBoolean("has_file"),
        row.getBoolean("has_tree"));
  }

  public Optional<EntryRow> entry(CacheKey key) {
    return connections.read(
        sql ->
            sql.first(
                "SELECT "
                    + Rows.ENTRY_COLUMNS
                    + ", (SELECT max(last_used) FROM blobs b WHERE b.digest = e.digest) AS last_used,"
                    + HAS_FORMS
                    + " FROM entries e WHERE e.key = ?",
                this::entryRow,
                key.text()));
  }

  // ---- blobs ----

  /**
   * Makes a committed blob known that belongs to no key: an uncached response, or another form of
   * bytes that have one.
   */
  public void addBlob(Stored stored, long sizeBytes, long allocatedBytes, Instant now) {
    writer.write(sql -> insertBlob(sql, stored, sizeBytes, allocatedBytes, now));
    watcher.came(stored, allocatedBytes);
  }

  /** Makes a tree known, which is about to be put in its place. */
  public void addTree(BlobRow row) {
    TreeSum tree = Objects.requireNonNull(row.tree());
    writer.write(
        sql ->
            sql.run(
                "INSERT INTO blobs (digest, form, size, allocated, inodes, last_used, durable, idle, tree, tree_bytes, tree_files, for_anybody)"
                    + " VALUES (?, ?, ?, ?, ?, ?, 0, 1, ?, ?, ?, (SELECT coalesce(max(for_anybody), 0) FROM blobs WHERE digest = ?))"
                    + " ON CONFLICT (digest, form) DO UPDATE SET allocated = excluded.allocated, inodes = excluded.inodes,"
                    + " last_used = excluded.last_used, durable = 0, tree = excluded.tree, tree_bytes = excluded.tree_bytes,"
                    + " tree_files = excluded.tree_files",
                Rows.bytes(row.stored().digest()),
                row.stored().form().code(),
                row.sizeBytes(),
                row.allocatedBytes(),
                row.inodes(),
                Rows.micros(row.lastUsed()),
                Rows.bytes(tree.digest()),
                tree.bytes(),
                tree.files(),
                Rows.bytes(row.stored().digest())));
    watcher.came(row.stored(), row.allocatedBytes());
  }

  private static int insertBlob(
      Sql sql, Stored stored, long sizeBytes, long allocatedBytes, Instant now)
      throws SQLException {
    return sql.run(
        "INSERT INTO blobs (digest, form, size, allocated, last_used, durable, idle) VALUES (?, ?, ?, ?, ?, 0, 1)"
            + " ON CONFLICT (digest, form) DO UPDATE SET last_used = excluded.last_used",
        Rows.bytes(stored.digest()),
        stored.form().code(),
        sizeBytes,
        allocatedBytes,
        Rows.micros(now));
  }

  public Optional<BlobRow> blob(Stored stored) {
    return connections.read(
        sql ->
            sql.first(
                "SELECT * FROM blobs WHERE digest = ? AND form = ?",
                Rows::blob,
                Rows.bytes(stored.digest()),
                stored.form().code()));
  }

  /** Forms of {@code digest} that are in the store. */
  public List<Stored> forms(Digest digest) {
    return connections.read(
        sql ->
            sql.list(
                "SELECT digest, form FROM blobs WHERE digest = ?",
                Rows::stored,
                Rows.bytes(digest)));
  }

  /**
   * Forgets files that were deleted. A digest of which no form is left loses its entries.
   *
   * @return the keys that went
   */
  public List<CacheKey> removeBlobs(Collection<Stored> gone) {
    List<CacheKey> keys =
        writer.write(
            sql -> {
              var orphaned = new ArrayList<CacheKey>();
              for (Stored stored : gone) {
                sql.run(
                    "DELETE FROM blobs WHERE digest = ? AND form = ?",
                    Rows.bytes(stored.digest()),
                    stored.form().code());
                if (!sql.exists(
                    "SELECT 1 FROM blobs WHERE digest = ?", Rows.bytes(stored.digest()))) {
                  orphaned.addAll(deleteEntries(sql, stored.digest()));
                  sql.run("DELETE FROM checksums WHERE digest = ?", Rows.bytes(stored.digest()));
                }
              }
              return orphaned;
            });
    gone.forEach(refused::remove);
    gone.forEach(watcher::gone);
    return keys;
  }

  /** The time a blob was handed out, recorded soon. */
  public void used(Stored stored, Instant at) {
    deferred.used(stored, at);
    watcher.used(stored);
    hurryIfMany();
  }

  /** References to a blob came or went: whether it is idle is asked and recorded soon. */
  public void holdingChanged(Stored stored) {
    deferred.holdingChanged(stored);
  }

  /**
   * Idle blobs, least recently used first, after {@code after}. Exact as of the call: what was
   * deferred is written first. On a file system without a free block, where nothing can be written
   * before something was deleted, as of the last write.
   */
  public List<BlobRow> idleBlobs(Instant after, int limit) {
    flushIfThereIsRoom();
    return connections.read(
        sql ->
            sql.list(
                "SELECT * FROM blobs WHERE idle = 1 AND last_used > ? ORDER BY last_used LIMIT ?",
                Rows::blob,
                Rows.micros(after),
                limit));
  }

  /**
   * Like {@link #flush}, but does nothing on a file system without a free block, where nothing can
   * be written before something was deleted.
   */
  public void flushIfThereIsRoom() {
    try {
      writer.flush();
    } catch (InsufficientSpace e) {
      log.warn("idle blobs are listed as they were recorded last error={}", e.getMessage());
    }
  }

  /** Objects of one form whose digests are from {@code first} to {@code last}, by digest. */
  public List<BlobRow> blobsBetween(Digest first, Digest last, Form form) {
    return connections.read(
        sql ->
            sql.list(
                "SELECT * FROM blobs WHERE digest BETWEEN ? AND ? AND form = ? ORDER BY digest",
                Rows::blob,
                Rows.bytes(first),
                Rows.bytes(last),
                form.code()));
  }

  /** The newest time of use on record. */
  public Optional<Instant> newestUse() {
    return connections.read(
        sql ->
            sql.first(
                "SELECT max(newest) FROM (SELECT max(last_used) AS newest FROM blobs WHERE idle = 1"
                    + " UNION ALL SELECT max(last_used) FROM blobs WHERE idle = 0)",
                row -> Rows.instant(row.getLong(1))));
  }

  /** When the idle blob that was not used for longest was last used. */
  public Optional<Instant> oldestIdle() {
    return connections.read(
        sql ->
            sql.first(
                "SELECT last_used FROM blobs WHERE idle = 1 ORDER BY last_used LIMIT 1",
                row -> Rows.instant(row.getLong(1))));
  }

  /**
   * How soon a blob or tree would be evicted.
   *
   * @param position 1 for the next victim
   * @param of how many could be evicted
   */
  public record EvictionRank(long position, long of) {}

  /**
   * The place of {@code stored} among what is idle, by last use; empty if it is in use or not here.
   * Counts what is idle: some milliseconds with a million blobs.
   */
  public Optional<EvictionRank> evictionRank(Stored stored) {
    writer.flush();
    return connections.read(
        sql ->
            sql.first(
                "SELECT (SELECT count(*) FROM blobs o WHERE o.idle = 1 AND o.last_used <= b.last_used),"
                    + " (SELECT count(*) FROM blobs WHERE idle = 1)"
                    + " FROM blobs b WHERE b.digest = ? AND b.form = ? AND b.idle = 1",
                row -> new EvictionRank(row.getLong(1), row.getLong(2)),
                Rows.bytes(stored.digest()),
                stored.form().code()));
  }

  /** Blobs that the catalog believes to be in use. */
  public List<Stored> believedInUse() {
    return connections.read(
        sql -> sql.list("SELECT digest, form FROM blobs WHERE idle = 0", Rows::stored));
  }

  /**
   * A blob with its place in the order of coming.
   *
   * @param synced the stamp of the file that was synced, 0 if none was
   */
  public record NumberedBlob(long id, BlobRow row, long synced) {}

  /**
   * All blobs, in the order they came, {@code limit} after {@code afterId} at a time; for the ones
   * who look at everything.
   */
  public List<NumberedBlob> blobs(long afterId, int limit) {
    return connections.read(
        sql ->
            sql.list(
                "SELECT *, iif(durable = 1, synced, 0) AS stamp FROM blobs WHERE id > ? ORDER BY id LIMIT ?",
                row -> new NumberedBlob(row.getLong("id"), Rows.blob(row), row.getLong("stamp")),
                afterId,
                limit));
  }

  /**
   * Sums up all rows and corrects the kept sums if they differ, in one transaction.
   *
   * @return by how much they were too small
   */
  public Totals recountTotals() {
    return writer.write(
        sql -> {
          Totals kept = sql.first(TOTALS, Catalog::totals).orElseThrow();
          Totals counted =
              sql.first(
                      "SELECT (SELECT count(*) FROM blobs WHERE form <> 2), (SELECT count(*) FROM blobs WHERE form = 2),"
                          + " (SELECT total(allocated) FROM blobs), (SELECT total(inodes) FROM blobs), (SELECT count(*) FROM entries)",
                      Catalog::totals)
                  .orElseThrow();
          if (!kept.equals(counted)) {
            log.warn("the sums of the catalog were wrong kept={} counted={}", kept, counted);
            sql.run(
                "UPDATE totals SET blobs = ?, trees = ?, allocated = ?, inodes = ?, entries = ?",
                counted.blobs(),
                counted.trees(),
                counted.allocatedBytes(),
                counted.inodes(),
                counted.entries());
          }
          return new Totals(
              counted.blobs() - kept.blobs(),
              counted.trees() - kept.trees(),
              counted.allocatedBytes() - kept.allocatedBytes(),
              counted.inodes() - kept.inodes(),
              counted.entries() - kept.entries());
        });
  }

  private static Totals totals(ResultSet row) throws SQLException {
    return new Totals(
        row.getLong(1), row.getLong(2), row.getLong(3), row.getLong(4), row.getLong(5));
  }

  public Totals totals() {
    return connections.read(sql -> sql.first(TOTALS, Catalog::totals)).orElseThrow();
  }

  // ---- durability ----

  /** How many blobs are not synced yet. */
  public long countNotDurable() {
    return connections.read(
        sql ->
            sql.first(
                    "SELECT count(*) FROM blobs WHERE durable <> 1 AND durable = 0",
                    row -> row.getLong(1))
                .orElse(0L));
  }

  /** The number of the blob that came last, 0 if there is none. */
  public long lastBlobId() {
    return connections.read(
        sql -> sql.first("SELECT max(id) FROM blobs", row -> row.getLong(1)).orElse(0L));
  }

  /** Blobs that are not synced yet. */
  public List<Stored> notDurable(int limit) {
    return connections.read(
        sql ->
            sql.list(
                "SELECT digest, form FROM blobs WHERE durable <> 1 AND durable = 0 LIMIT ?",
                Rows::stored,
                limit));
  }

  /** A blob has a new inode, which nobody has synced yet. */
  public void replaced(Stored stored, long allocatedBytes) {
    writer.write(
        sql ->
            sql.run(
                "UPDATE blobs SET allocated = ?, durable = 0 WHERE digest = ? AND form = ?",
                allocatedBytes,
                Rows.bytes(stored.digest()),
                stored.form().code()));
    watcher.resized(stored, allocatedBytes);
  }

  /** An object occupies other blocks than was recorded, or a tree has other inodes. */
  public void resize(Stored stored, long allocatedBytes, long inodes) {
    writer.write(
        sql ->
            sql.run(
                "UPDATE blobs SET allocated = ?, inodes = ? WHERE digest = ? AND form = ?",
                allocatedBytes,
                inodes,
                Rows.bytes(stored.digest()),
                stored.form().code()));
    watcher.resized(stored, allocatedBytes);
  }

  /** Records that files are on the disk; what was replaced meanwhile stays to be synced. */
  public void markDurable(Collection<Synced> synced) {
    writer.write(
        sql -> {
          int rows = 0;
          for (Synced file : synced) {
            rows +=
                sql.run(
                    "UPDATE blobs SET durable = 1, synced = ? WHERE digest = ? AND form = ? AND durable = 0",
                    file.stamp(),
                    Rows.bytes(file.stored().digest()),
                    file.stored().form().code());
          }
          return rows;
        });
  }

  /**
   * Whether a file may not have been synced before a power cut, and must be hashed before its first
   * use. A power cut may also have brought back an older state of the catalog: one that lacks the
   * row, or has that of a file which another one has replaced since.
   *
   * @param stamp of the file that is there now
   */
  public boolean isSuspect(Stored stored, long stamp) {
    if (refused.contains(stored)) {
      return true;
    }
    return (suspects || !reconciled)
        && connections.read(
            sql ->
                !sql.exists(
                    "SELECT 1 FROM blobs WHERE digest = ? AND form = ?"
                        + " AND (durable = 0 OR (durable = 1 AND synced = ?))",
                    Rows.bytes(stored.digest()),
                    stored.form().code(),
                    stamp));
  }

  /** The row of a file is that of another one: it is to be hashed before its first use. */
  public void suspect(Stored stored) {
    suspects = true;
    writer.write(
        sql ->
            sql.run(
                "UPDATE blobs SET durable = -1 WHERE digest = ? AND form = ?",
                Rows.bytes(stored.digest()),
                stored.form().code()));
  }

  /** Every file of the store has its row, and every row is about the file that is there. */
  public void reconciled() {
    reconciled = true;
  }

  /**
   * Brings all that is committed to the disk. After a failure all of it is written anew first: the
   * kernel forgets what it could not write, and would call the next sync a success. One thread.
   */
  public void sync() throws IOException {
    if (logInDoubt) {
      connections.rewrite();
      logInDoubt = false;
    }
    long upTo = writer.commits();
    try {
      connections.sync();
    } catch (IOException e) {
      logInDoubt = true;
      throw e;
    }
    synced = upTo;
  }

  /** Whether all that this process has committed was brought to the disk. */
  public boolean isSynced() {
    return synced == writer.commits();
  }

  /** The bytes of a suspect were hashed and are right; they are to be synced. */
  public void trust(Stored stored) {
    writer.write(
        sql ->
            sql.run(
                "UPDATE blobs SET durable = 0 WHERE digest = ? AND form = ?",
                Rows.bytes(stored.digest()),
                stored.form().code()));
  }

  /**
   * A blob could not be synced: its entries go, unless they have another form of the bytes, and no
   * later sync or hash makes it trusted again, since both look at what is in memory. It is refused
   * from now on even if the catalog cannot be written either.
   */
  public void refuse(Stored stored) {
    refused.add(stored);
    suspects = true;
    writer.write(
        sql -> {
          if (!sql.exists(
              "SELECT 1 FROM blobs WHERE digest = ? AND form <> ? AND durable >= 0",
              Rows.bytes(stored.digest()),
              stored.form().code())) {
            deleteEntries(sql, stored.digest());
          }
          return sql.run(
              "UPDATE blobs SET durable = -2 WHERE digest = ? AND form = ?",
              Rows.bytes(stored.digest()),
              stored.form().code());
        });
  }

  /** Whether a blob was {@link #refuse refused}, and is to be dropped before any use. */
  public boolean isRefused(Stored stored) {
    return refused.contains(stored)
        || (suspects
            && connections.read(
                sql ->
                    sql.exists(
                        "SELECT 1 FROM blobs WHERE digest = ? AND form = ? AND durable = -2",
                        Rows.bytes(stored.digest()),
                        stored.form().code())));
  }

  /**
   * Compares the boot that wrote the catalog with this one.
   *
   * @return true if the machine was started anew since: what was not synced then is suspect from
   *     now on
   */
  public boolean noteBoot(String bootId) {
    boolean another =
        writer.write(
            sql -> {
              Optional<String> before = meta(sql, "boot");
              sql.run("INSERT OR REPLACE INTO meta VALUES ('boot', ?)", bootId);
              if (before.isEmpty() || before.get().equals(bootId)) {
                return false;
              }
              sql.run("UPDATE blobs SET durable = -1 WHERE durable <> 1 AND durable = 0");
              sql.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", VIEWS, "unchecked");
              return true;
            });
    suspects =
        connections.read(
            sql -> sql.exists("SELECT 1 FROM blobs WHERE durable <> 1 AND durable < 0"));
    return another;
  }

  /** Whether views may show what a power cut has damaged. */
  public boolean viewsAreUnchecked() {
    return kept(VIEWS).isPresent();
  }

  /** What views show is undamaged. */
  public void viewsAreChecked() {
    writer.write(sql -> sql.run("DELETE FROM meta WHERE name = ?", VIEWS));
  }

  private static Optional<String> meta(Sql sql, String name) throws SQLException {
    return sql.first("SELECT value FROM meta WHERE name = ?", row -> row.getString(1), name);
  }

  /** A value made once and kept, such as the key of keyed hashes. */
  public String keep(String name, String fresh) {
    return writer.write(
        sql -> {
          Optional<String> kept = meta(sql, name);
          if (kept.isPresent()) {
            return kept.get();
          }
          sql.run("INSERT INTO meta VALUES (?, ?)", name, fresh);
          return fresh;
        });
  }

  /** A value that {@link #keep} or {@link #keepSoon} kept. */
  public Optional<String> kept(String name) {
    return connections.read(sql -> meta(sql, name));
  }

  /** Keeps a value that may be lost by a kill; the newest counts. */
  public void keepSoon(String name, String value) {
    deferred.kept(name, value);
  }

  // ---- views ----

  public List<ContainerRow> containers() {
    return connections.read(sql -> sql.list("SELECT * FROM containers", Rows::container));
  }

  public List<DownloadRow> downloads() {
    return connections.read(sql -> sql.list("SELECT * FROM downloads", Rows::download));
  }

  /** Records a container and its expiry now: a reply promises it. */
  public void saveContainer(ContainerRow row) {
    deferred.container(row);
    writer.flush();
  }

  /** Records a container soon. */
  public void noteContainer(ContainerRow row) {
    deferred.container(row);
  }

  /** Forgets a container and its downloads soon. */
  public void forgetContainer(ContainerId container) {
    deferred.containerGone(container);
  }

  public void noteDownload(DownloadRow row) {
    deferred.download(row);
    hurryIfMany();
  }

  public void forgetDownload(ContainerId container, DownloadName name) {
    deferred.downloadGone(container, name);
  }

  private void hurryIfMany() {
    if (deferred.isMany()) {
      writer.hurry();
    }
  }

  /** Writes what was deferred; returns when it is committed. */
  public void flush() {
    writer.flush();
  }

  @Override
  public void close() {
    writer.close();
    connections.close();
  }
}
