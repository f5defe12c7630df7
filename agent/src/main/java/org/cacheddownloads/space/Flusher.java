package org.cacheddownloads.space;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.NoSuchFileException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.cacheddownloads.catalog.BlobRow;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.Synced;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CrashPoint;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.StorageHealth;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings new blobs to the disk in groups, off the path of requests, and marks them durable; until
 * then a power cut makes them suspect. Corrects their allocated bytes too, since a file system
 * decides late which blocks a file gets. One thread.
 *
 * <p>A blob that cannot be synced is dropped and fetched again: after a failed sync the kernel may
 * call the next one a success without having written anything.
 */
public final class Flusher {
  private static final Logger log = LoggerFactory.getLogger(Flusher.class);
  private static final int GROUP = 256;

  private final Catalog catalog;
  private final BlobStore store;
  private final Recount recount;
  private final Evictor evictor;
  private final StorageHealth health;
  private final Clock clock;
  private final Listener listener;

  /** Hears of what reached the disk. */
  public interface Listener {
    /** A group of {@code blobs} is durable; that took so long. */
    void flushed(int blobs, Duration duration);
  }

  public Flusher(
      Catalog catalog,
      BlobStore store,
      Recount recount,
      Evictor evictor,
      StorageHealth health,
      Clock clock,
      Listener listener) {
    this.catalog = catalog;
    this.store = store;
    this.recount = recount;
    this.evictor = evictor;
    this.health = health;
    this.clock = clock;
    this.listener = listener;
  }

  /** Syncs what is not durable yet, blobs and then the catalog. Ends early when interrupted. */
  public void flush() {
    flushBlobs();
    // Also without new blobs: an entry may lead to bytes that were synced long ago.
    if (!Thread.currentThread().isInterrupted() && !catalog.isSynced()) {
      boolean _ = syncCatalog();
    }
  }

  private void flushBlobs() {
    List<Stored> waiting = catalog.notDurable(GROUP);
    while (!waiting.isEmpty() && !Thread.currentThread().isInterrupted()) {
      Instant start = clock.instant();
      var synced = new ArrayList<Synced>();
      for (Stored stored : waiting) {
        sync(stored).ifPresent(synced::add);
      }
      if (synced.isEmpty()) {
        return; // all of them went meanwhile
      }
      CrashPoint.FLUSH.reached();
      if (!syncCatalog()) {
        return;
      }
      catalog.markDurable(synced);
      synced.forEach(this::unmarkLaterFile);
      listener.flushed(synced.size(), Duration.between(start, clock.instant()));
      waiting = catalog.notDurable(GROUP);
    }
  }

  /** A row that came for a later file of the digest, after the sync, was marked by mistake. */
  private void unmarkLaterFile(Synced synced) {
    try {
      if (store.stamp(store.path(synced.stored())) != synced.stamp()) {
        catalog.trust(synced.stored()); // to be synced
      }
    } catch (NoSuchFileException e) {
      log.debug("gone after it was synced digest={}", synced.stored());
    } catch (IOException e) {
      log.warn("cannot look up a blob digest={} error={}", synced.stored(), e.toString());
    }
  }

  /** The entries of what is called durable are to survive a power cut with it. */
  private boolean syncCatalog() {
    try {
      catalog.sync();
      return true;
    } catch (ClosedByInterruptException e) {
      Thread.currentThread().interrupt();
      return false;
    } catch (IOException e) {
      log.error("the catalog cannot be synced error={}", e.toString());
      health.notSynced("the catalog", e);
      return false;
    }
  }

  /** Not pinned while the disk is at it, which may take long: who evicts does not wait for it. */
  private Optional<Synced> sync(Stored stored) {
    try {
      if (catalog.blob(stored).isEmpty()) {
        return Optional.empty();
      }
      if (catalog.isRefused(stored)) { // it could not be dropped when its sync failed
        abandon(stored);
        return Optional.empty();
      }
      long stamp = store.stamp(store.path(stored)); // first: of a file that may be replaced now
      store.sync(stored);
      health.worked();
      return measured(stored) ? Optional.of(new Synced(stored, stamp)) : Optional.empty();
    } catch (ClosedByInterruptException e) {
      Thread.currentThread().interrupt(); // the agent stops: nothing is wrong with the disk
      return Optional.empty();
    } catch (NoSuchFileException e) {
      try (Pin _ = evictor.pin(stored)) {
        evictor.forgetVanished(stored);
      }
      return Optional.empty();
    } catch (IOException e) {
      log.error("a blob cannot be synced and is dropped digest={} error={}", stored, e.toString());
      health.notSynced(stored.toString(), e);
      drop(stored);
      return Optional.empty();
    } catch (CacheException e) {
      log.error("a blob cannot be dropped digest={} error={}", stored, e.getMessage());
      return Optional.empty();
    }
  }

  private boolean measured(Stored stored) throws IOException {
    try (Pin _ = evictor.pin(stored)) {
      Optional<BlobRow> row = catalog.blob(stored);
      Optional<Posix.Stat> stat = store.stat(stored);
      if (row.isEmpty() || stat.isEmpty()) {
        return false; // evicted meanwhile
      }
      recount.measured(row.get(), stat.get());
      return true;
    }
  }

  private void abandon(Stored stored) {
    try (Pin _ = evictor.pin(stored)) {
      evictor.abandon(stored);
    }
  }

  /** The disk may refuse this too; then it is tried again in the next round, and before any use. */
  private void drop(Stored stored) {
    try (Pin _ = evictor.pin(stored)) {
      catalog.refuse(stored);
      evictor.abandon(stored);
    } catch (CacheException e) {
      log.error("a blob cannot be dropped digest={} error={}", stored, e.getMessage());
    }
  }
}
