package org.cacheddownloads.catalog;

import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Set;
import java.util.zip.CRC32C;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.Deliver;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Entry;
import org.cacheddownloads.content.Entry.Directive;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.Lifetime;
import org.cacheddownloads.content.Outcome;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.content.TreeSum;
import org.cacheddownloads.content.Validator;
import org.cacheddownloads.content.Variant;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Values to columns and back. */
final class Rows {
  static final String ENTRY_COLUMNS =
      "e.key, e.digest, e.size, e.source, e.etag, e.last_modified, e.fetched_at, e.validated_at, e.fresh_until, e.directives, e.vary, e.selecting, e.cache_control, e.expires, e.sum";

  private static final Logger log = LoggerFactory.getLogger(Rows.class);

  private Rows() {}

  static long micros(Instant time) {
    return ChronoUnit.MICROS.between(Instant.EPOCH, time);
  }

  private static @Nullable Long microsOrNull(@Nullable Instant time) {
    return time == null ? null : micros(time);
  }

  static Instant instant(long micros) {
    return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
  }

  static @Nullable Instant instantOrNull(ResultSet row, String column) throws SQLException {
    long micros = row.getLong(column);
    return row.wasNull() ? null : instant(micros);
  }

  static byte[] bytes(Digest digest) {
    return HexFormat.of().parseHex(digest.hex());
  }

  static Digest digest(byte[] bytes) {
    return new Digest(HexFormat.of().formatHex(bytes));
  }

  static Stored stored(ResultSet row) throws SQLException {
    return new Stored(digest(row.getBytes("digest")), Form.ofCode(row.getInt("form")));
  }

  static BlobRow blob(ResultSet row) throws SQLException {
    return new BlobRow(
        stored(row),
        row.getLong("size"),
        row.getLong("allocated"),
        row.getLong("inodes"),
        instant(row.getLong("last_used")),
        tree(row));
  }

  static @Nullable TreeSum tree(ResultSet row) throws SQLException {
    byte[] digest = row.getBytes("tree");
    return digest == null
        ? null
        : new TreeSum(digest(digest), row.getLong("tree_bytes"), row.getLong("tree_files"));
  }

  static Entry entry(ResultSet row) throws SQLException {
    String key = row.getString("key");
    String stored = row.getString("source");
    String source = stored == null ? key : stored;
    int query = source.indexOf('?');
    return new Entry(
        new CacheKey(key),
        digest(row.getBytes("digest")),
        row.getLong("size"),
        query < 0 ? source : source.substring(0, query),
        source,
        new Validator(row.getString("etag"), row.getString("last_modified")),
        instant(row.getLong("fetched_at")),
        instant(row.getLong("validated_at")),
        instantOrNull(row, "fresh_until"),
        directives(row.getInt("directives")),
        new Variant(row.getString("vary"), row.getString("selecting")),
        new Lifetime(row.getString("cache_control"), row.getString("expires")));
  }

  /**
   * Whether an entry is as it was written. SQLite keeps no checksums, and a bit that flips in an
   * entry could lead a key to other bytes. One from before sums were kept is believed.
   */
  static boolean isSound(ResultSet row) throws SQLException {
    long sum = row.getLong("sum");
    boolean sound = row.wasNull() || sum == sum(entry(row));
    if (!sound) {
      log.error("a damaged entry is not used key={}", row.getString("key"));
    }
    return sound;
  }

  /** CRC-32C of all that {@link #entry} reads. */
  private static long sum(Entry entry) {
    var text = new StringBuilder();
    for (Object field :
        new @Nullable Object[] {
          entry.key().text(),
          entry.digest().hex(),
          entry.size(),
          entry.source(),
          entry.validator().etag(),
          entry.validator().lastModified(),
          micros(entry.fetchedAt()),
          micros(entry.validatedAt()),
          microsOrNull(entry.freshUntil()),
          bits(entry.directives()),
          entry.variant().names(),
          entry.variant().selecting()
        }) {
      text.append(field).append('\n');
    }
    if (!entry.lifetime().equals(Lifetime.NONE)) { // or sums of before would not hold any more
      text.append(entry.lifetime().cacheControl()).append('\n').append(entry.lifetime().expires());
    }
    var crc = new CRC32C();
    crc.update(text.toString().getBytes(StandardCharsets.UTF_8));
    return crc.getValue();
  }

  static void upsertEntry(Sql sql, Entry entry) throws SQLException {
    sql.run(
        "INSERT INTO entries (key, digest, size, source, etag, last_modified, fetched_at, validated_at, fresh_until, directives, vary, selecting, cache_control, expires, sum)"
            + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            + " ON CONFLICT (key) DO UPDATE SET digest = excluded.digest, size = excluded.size, source = excluded.source, etag = excluded.etag,"
            + " last_modified = excluded.last_modified, fetched_at = excluded.fetched_at, validated_at = excluded.validated_at,"
            + " fresh_until = excluded.fresh_until, directives = excluded.directives, vary = excluded.vary, selecting = excluded.selecting, cache_control = excluded.cache_control,"
            + " expires = excluded.expires, sum = excluded.sum",
        entry.key().text(),
        bytes(entry.digest()),
        entry.size(),
        entry.source().equals(entry.key().text()) ? null : entry.source(),
        entry.validator().etag(),
        entry.validator().lastModified(),
        micros(entry.fetchedAt()),
        micros(entry.validatedAt()),
        microsOrNull(entry.freshUntil()),
        bits(entry.directives()),
        entry.variant().names(),
        entry.variant().selecting(),
        entry.lifetime().cacheControl(),
        entry.lifetime().expires(),
        sum(entry));
  }

  /** Writes what a 304 changed, unless the key holds other bytes by now. */
  static void updateEntry(Sql sql, Entry entry) throws SQLException {
    sql.run(
        "UPDATE entries SET etag = ?, last_modified = ?, validated_at = ?, fresh_until = ?, directives = ?, vary = ?,"
            + " selecting = ?, cache_control = ?, expires = ?, sum = ?"
            + " WHERE key = ? AND digest = ? AND coalesce(source, key) = ? AND fetched_at = ?",
        entry.validator().etag(),
        entry.validator().lastModified(),
        micros(entry.validatedAt()),
        microsOrNull(entry.freshUntil()),
        bits(entry.directives()),
        entry.variant().names(),
        entry.variant().selecting(),
        entry.lifetime().cacheControl(),
        entry.lifetime().expires(),
        sum(entry),
        entry.key().text(),
        bytes(entry.digest()),
        entry.source(),
        micros(entry.fetchedAt()));
  }

  static void upsertContainer(Sql sql, ContainerRow row) throws SQLException {
    sql.run(
        "INSERT INTO containers VALUES (?, ?, ?) ON CONFLICT (container) DO UPDATE SET created_at = excluded.created_at, expires_at = excluded.expires_at",
        row.container().text(),
        micros(row.createdAt()),
        microsOrNull(row.expiresAt()));
  }

  static ContainerRow container(ResultSet row) throws SQLException {
    return new ContainerRow(
        new ContainerId(row.getString("container")),
        instant(row.getLong("created_at")),
        instantOrNull(row, "expires_at"));
  }

  static void upsertDownload(Sql sql, DownloadRow row) throws SQLException {
    sql.run(
        "INSERT OR REPLACE INTO downloads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row.container().text(),
        row.name().toString(),
        bytes(row.stored().digest()),
        row.stored().form().code(),
        row.key(),
        row.cacheKey(),
        row.url(),
        row.size(),
        row.outcome().label(),
        row.bytesFetched(),
        row.duration().toMillis(),
        row.validator().etag(),
        row.validator().lastModified(),
        microsOrNull(row.freshUntil()),
        row.deliver().code(),
        row.tree() == null ? null : bytes(row.tree().digest()),
        row.tree() == null ? 0 : row.tree().bytes(),
        row.tree() == null ? 0 : row.tree().files());
  }

  static DownloadRow download(ResultSet row) throws SQLException {
    return new DownloadRow(
        new ContainerId(row.getString("container")),
        DownloadName.parse(row.getString("name")),
        stored(row),
        row.getString("key"),
        row.getString("cache_key"),
        row.getString("url"),
        row.getLong("size"),
        Outcome.ofLabel(row.getString("outcome")),
        row.getLong("bytes_fetched"),
        Duration.ofMillis(row.getLong("duration")),
        new Validator(row.getString("etag"), row.getString("last_modified")),
        instantOrNull(row, "fresh_until"),
        Deliver.ofCode(row.getInt("deliver")),
        tree(row));
  }

  private static int bits(Set<Directive> directives) {
    return directives.stream().mapToInt(Rows::bit).sum();
  }

  /** Never changed: catalogs have these. */
  private static int bit(Directive directive) {
    return switch (directive) {
      case NO_CACHE -> 1;
      case MUST_REVALIDATE -> 2;
    };
  }

  private static Set<Directive> directives(int bits) {
    var found = EnumSet.noneOf(Directive.class);
    for (Directive directive : Directive.values()) {
      if ((bits & bit(directive)) != 0) {
        found.add(directive);
      }
    }
    return found;
  }
}
