package org.cacheddownloads.catalog;

import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Entry;
import org.cacheddownloads.content.Stored;

/**
 * Writes that may wait: the newest state of each thing that changed. Thread-safe; bounded by the
 * number of things that can change in half a second, since a second change of the same thing
 * replaces the first.
 */
final class Deferred {
  /** From here on the writer is hurried. */
  static final int MANY = 20_000;

  private final Predicate<Stored> isInUse;
  private final Map<Stored, Instant> lastUsed = new ConcurrentHashMap<>();
  private final Set<Stored> maybeIdle = ConcurrentHashMap.newKeySet();
  private final Map<CacheKey, Entry> confirmed = new ConcurrentHashMap<>();
  private final Map<ContainerId, Optional<ContainerRow>> containers = new ConcurrentHashMap<>();
  private final Map<Place, Optional<DownloadRow>> downloads = new ConcurrentHashMap<>();

  private final Map<String, String> kept = new ConcurrentHashMap<>();

  private final List<Stored> asked =
      new ArrayList<>(); // of the transaction under way; writer thread only

  private record Place(ContainerId container, DownloadName name) {}

  Deferred(Predicate<Stored> isInUse) {
    this.isInUse = isInUse;
  }

  void used(Stored stored, Instant at) {
    lastUsed.merge(stored, at, (a, b) -> a.isAfter(b) ? a : b);
  }

  void holdingChanged(Stored stored) {
    maybeIdle.add(stored);
  }

  void confirmed(Entry entry) {
    confirmed.put(entry.key(), entry);
  }

  /** The entry with what was learnt since it was last written, if that is about the same bytes. */
  Entry newest(Entry written) {
    Entry newer = confirmed.get(written.key());
    return newer != null
            && newer.digest().equals(written.digest())
            && newer.source().equals(written.source())
        ? newer
        : written;
  }

  void forget(CacheKey key) {
    confirmed.remove(key);
  }

  Instant lastUsed(Stored stored, Instant written) {
    Instant newer = lastUsed.get(stored);
    return newer != null && newer.isAfter(written) ? newer : written;
  }

  void container(ContainerRow row) {
    containers.put(row.container(), Optional.of(row));
  }

  void containerGone(ContainerId container) {
    containers.put(container, Optional.empty());
  }

  void download(DownloadRow row) {
    downloads.put(new Place(row.container(), row.name()), Optional.of(row));
  }

  void downloadGone(ContainerId container, DownloadName name) {
    downloads.put(new Place(container, name), Optional.empty());
  }

  /** A value of the agent's own; not a reason to write, it goes along with others. */
  void kept(String name, String value) {
    kept.put(name, value);
  }

  boolean isEmpty() {
    return lastUsed.isEmpty()
        && maybeIdle.isEmpty()
        && confirmed.isEmpty()
        && containers.isEmpty()
        && downloads.isEmpty();
  }

  boolean isMany() {
    return lastUsed.size() > MANY || downloads.size() > MANY || confirmed.size() > MANY;
  }

  /**
   * Writes all there is into the open transaction. @return what to do once it is committed: forget
   * what was written and has not changed since
   */
  Runnable writeAll(Sql sql) throws SQLException {
    List<Runnable> after = new ArrayList<>();
    for (var change : lastUsed.entrySet()) {
      Stored stored = change.getKey();
      sql.run(
          "UPDATE blobs SET last_used = ? WHERE digest = ? AND form = ?",
          Rows.micros(change.getValue()),
          Rows.bytes(stored.digest()),
          stored.form().code());
      after.add(() -> lastUsed.remove(stored, change.getValue()));
    }
    for (Stored stored : List.copyOf(maybeIdle)) {
      maybeIdle.remove(stored); // before asking: a change from now on is written the next time
      asked.add(stored);
      sql.run(
          "UPDATE blobs SET idle = ? WHERE digest = ? AND form = ?",
          isInUse.test(stored) ? 0 : 1,
          Rows.bytes(stored.digest()),
          stored.form().code());
    }
    for (var change : confirmed.entrySet()) {
      Rows.updateEntry(sql, change.getValue());
      after.add(() -> confirmed.remove(change.getKey(), change.getValue()));
    }
    for (var value : kept.entrySet()) {
      sql.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", value.getKey(), value.getValue());
      after.add(() -> kept.remove(value.getKey(), value.getValue()));
    }
    writeViews(sql, after);
    after.add(asked::clear);
    return () -> after.forEach(Runnable::run);
  }

  /** The transaction of {@link #writeAll} did not commit: everything is to be written again. */
  void notWritten() {
    maybeIdle.addAll(asked);
    asked.clear();
  }

  private void writeViews(Sql sql, List<Runnable> after) throws SQLException {
    for (var change : containers.entrySet()) {
      ContainerId container = change.getKey();
      if (change.getValue().isPresent()) {
        Rows.upsertContainer(sql, change.getValue().get());
      } else {
        sql.run("DELETE FROM containers WHERE container = ?", container.text());
        sql.run("DELETE FROM downloads WHERE container = ?", container.text());
      }
      after.add(() -> containers.remove(container, change.getValue()));
    }
    for (var change : downloads.entrySet()) {
      Place place = change.getKey();
      if (change.getValue().isPresent()) {
        Rows.upsertDownload(sql, change.getValue().get());
      } else {
        sql.run(
            "DELETE FROM downloads WHERE container = ? AND name = ?",
            place.container().text(),
            place.name().toString());
      }
      after.add(() -> downloads.remove(place, change.getValue()));
    }
  }
}
