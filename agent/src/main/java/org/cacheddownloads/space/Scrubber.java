package org.cacheddownloads.space;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.Supplier;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.Catalog.NumberedBlob;
import org.cacheddownloads.catalog.Totals;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Hashing;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.Slices;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads every blob again, slowly, and takes those that differ from their digest out of the store:
 * disks change bits in silence. One pass takes {@code durability.scrubPeriod}; where it stands is
 * kept across restarts. One thread, but for {@link #progress}.
 *
 * <p>Reads past the page cache where the file system allows it, since what is cached says nothing
 * about the disk; and slice by slice, with the file open and pinned for one slice only, so that an
 * eviction never waits for it. A tree is many files and read whole, through the page cache.
 */
public final class Scrubber {
  private static final Logger log = LoggerFactory.getLogger(Scrubber.class);
  private static final String CURSOR = "scrub";
  private static final int SLICE_BYTES = 1 << 20;

  /** A blob costs at least this much of the allowance, so that many small ones are spread too. */
  private static final long LEAST_COST = 4096;

  /** The most that one step reads: with four steps a second, 64 MiB/s. */
  private static final long MOST_BYTES = 16L << 20;

  private final Catalog catalog;
  private final BlobStore store;
  private final Evictor evictor;
  private final Supplier<Duration> period;
  private final Clock clock;
  private final Listener listener;
  private final Slices slices = new Slices(SLICE_BYTES);
  private volatile long cursor;
  private double allowance;
  private @Nullable Instant last;
  private @Nullable Reading reading;

  /** Hears what is read. */
  public interface Listener {
    void scrubbed(long bytes);

    /** A pass over all blobs is complete. */
    void passCompleted(Instant at);
  }

  /** A blob that is being read: how far, and which inode it was. */
  private static final class Reading {
    final Stored stored;
    final long inode;
    final long size;
    final java.security.MessageDigest digest = Hashing.digest("SHA-256");
    long offset;

    Reading(Stored stored, Posix.Stat stat) {
      this.stored = stored;
      this.inode = stat.inode();
      this.size = stat.sizeBytes();
    }
  }

  /**
   * @param period how long a pass takes; asked anew at each step
   */
  public Scrubber(
      Catalog catalog,
      BlobStore store,
      Evictor evictor,
      Supplier<Duration> period,
      Clock clock,
      Listener listener) {
    this.catalog = catalog;
    this.store = store;
    this.evictor = evictor;
    this.period = period;
    this.clock = clock;
    this.listener = listener;
    this.cursor = catalog.kept(CURSOR).map(Long::parseLong).orElse(0L);
  }

  /** How much of the blobs this pass has looked at, by their order: 0 to 1. For any thread. */
  public double progress() {
    return Math.min(1, (double) cursor / Math.max(1, catalog.lastBlobId()));
  }

  /** Reads what is due since the last step. Ends early when interrupted. */
  public void step() {
    Instant now = clock.instant();
    Totals totals = catalog.totals();
    long all = Math.max(totals.allocatedBytes(), totals.blobs() * LEAST_COST);
    if (last != null) {
      double share =
          (double) Duration.between(last, now).toNanos() / Math.max(1, period.get().toNanos());
      allowance = Math.min(MOST_BYTES, allowance + share * all);
    }
    last = now;
    while (allowance > 0 && !Thread.currentThread().isInterrupted()) {
      Reading current = reading;
      if (current == null) {
        current = next();
        reading = current;
      }
      if (current == null) {
        return; // the store is empty
      }
      long due = Math.min(SLICE_BYTES, Math.max(LEAST_COST, current.size - current.offset));
      if (allowance < due) {
        return;
      }
      allowance -= due;
      read(current);
    }
  }

  /** The next blob in the order in which they came; after the last one comes the first. */
  private @Nullable Reading next() {
    for (int turn = 0; turn < 2; turn++) {
      List<NumberedBlob> page = catalog.blobs(cursor, 1);
      while (!page.isEmpty()) {
        cursor = page.getFirst().id();
        Stored stored = page.getFirst().row().stored();
        try {
          Posix.Stat stat = store.stat(stored).orElse(null);
          if (stat != null) {
            catalog.keepSoon(CURSOR, String.valueOf(cursor - 1));
            return new Reading(stored, stat);
          }
          if (stored.isTree()) {
            try (Pin _ = evictor.pin(stored)) {
              evictor.forgetVanished(stored); // or takes out what is left without its manifest
            }
          }
        } catch (IOException e) {
          log.warn("a blob cannot be looked up digest={} error={}", stored, e.toString());
        }
        page = catalog.blobs(cursor, 1);
      }
      if (cursor > 0) {
        listener.passCompleted(clock.instant());
      }
      cursor = 0;
    }
    return null;
  }

  /** All of it in one step, and what it costs beyond the allowance is saved up afterwards. */
  private void readTree(Stored tree) throws IOException {
    long bytes = store.trees().extent(tree).allocatedBytes();
    boolean whole = store.verify(tree);
    allowance -= bytes;
    listener.scrubbed(bytes);
    if (!whole) {
      evictor.condemn(tree);
    }
  }

  private void read(Reading current) {
    try (Pin _ = evictor.pin(current.stored)) {
      Posix.Stat stat = store.stat(current.stored).orElse(null);
      if (stat == null || stat.inode() != current.inode) {
        reading = null; // evicted; if it came again, its turn comes again
        return;
      }
      if (current.stored.isTree()) {
        reading = null;
        readTree(current.stored);
        return;
      }
      int count = slices.read(store.path(current.stored), current.offset, current.digest::update);
      current.offset += count;
      listener.scrubbed(count);
      if (count == SLICE_BYTES && current.offset < current.size) {
        return;
      }
      reading = null;
      String hex = java.util.HexFormat.of().formatHex(current.digest.digest());
      if (!hex.equals(current.stored.digest().hex())) {
        evictor.condemn(current.stored);
      }
    } catch (NoSuchFileException e) {
      reading = null;
    } catch (IOException e) {
      reading = null;
      log.error("a blob cannot be read digest={} error={}", current.stored, e.toString());
    }
  }
}
