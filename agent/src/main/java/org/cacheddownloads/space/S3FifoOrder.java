package org.cacheddownloads.space;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.cacheddownloads.catalog.BlobRow;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.Catalog.EvictionRank;
import org.cacheddownloads.catalog.Catalog.NumberedBlob;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.queues.S3FifoQueues;

/**
 * What was asked for once or twice goes before what was asked for more often, by {@link
 * S3FifoQueues}, which are kept in memory and hear of every object from the catalog. Sizes are
 * allocated bytes; shares are of what is held when an eviction begins. Thread-safe; no I/O under
 * the lock of the queues.
 *
 * <p>An object is known by 62 bits of its digest and 2 of its form, some 40 bytes of memory; the
 * catalog tells the rest when its turn comes. Two objects that share these bits share a place, and
 * go together. What is held is bounded by {@code quota.files}; ghosts give way so that no more than
 * {@value #MOST_KEYS} keys are known.
 *
 * <p>A victim leaves the queues when it is proposed. What is held, or could not go for another
 * reason, comes back at the end of the walk as the newest of the main queue.
 */
final class S3FifoOrder implements EvictionOrder {
  private static final int MOST_KEYS = 1 << 20;

  /** The most that is proposed at once. */
  private static final int MOST_VICTIMS = 256;

  private static final int ROWS = 1_000;
  private static final long FORM_BITS = 3;
  private static final int HEX_OF_KEY = 16;
  private static final int HEX_OF_REST = 48;

  private final Catalog catalog;
  private final Holds holds;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final S3FifoQueues queues = new S3FifoQueues();

  /** Sizes of what a walk has proposed, or passed over, and what is not known to be gone. */
  @GuardedBy("lock")
  private final Map<Long, Long> proposed = new HashMap<>();

  /** Held while the catalog is read; never while the other is. */
  private final ReentrantLock loading = new ReentrantLock();

  @GuardedBy("loading")
  private boolean loaded;

  private S3FifoOrder(Catalog catalog, Holds holds) {
    this.catalog = catalog;
    this.holds = holds;
  }

  /** Hears of all that comes from now on; what is here already is looked up when it is needed. */
  static S3FifoOrder watching(Catalog catalog, Holds holds) {
    var order = new S3FifoOrder(catalog, holds);
    catalog.watchBy(order.new Ear());
    return order;
  }

  private final class Ear implements Catalog.Watcher {
    @Override
    public void came(Stored stored, long allocatedBytes) {
      lock.lock();
      try {
        arrive(keyOf(stored), allocatedBytes);
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void used(Stored stored) {
      lock.lock();
      try {
        boolean _ = queues.use(keyOf(stored));
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void resized(Stored stored, long allocatedBytes) {
      lock.lock();
      try {
        queues.resize(keyOf(stored), allocatedBytes);
      } finally {
        lock.unlock();
      }
    }

    /** Ghosts stay: they are what an eviction leaves. */
    @Override
    public void gone(Stored stored) {
      long key = keyOf(stored);
      lock.lock();
      try {
        proposed.remove(key);
        if (queues.isHeld(key)) {
          queues.remove(key);
        }
      } finally {
        lock.unlock();
      }
    }
  }

  @GuardedBy("lock")
  private void arrive(long key, long bytes) {
    if (queues.isHeld(key)) {
      queues.resize(key, bytes);
      return;
    }
    if (queues.removeGhost(key)) {
      queues.addMain(key, bytes);
    } else {
      queues.addSmall(key, bytes);
    }
    queues.expectUse(key); // by the request that brought it
    forgetGhosts();
  }

  @GuardedBy("lock")
  private void forgetGhosts() {
    while (queues.known() > MOST_KEYS && queues.removeOldestGhost()) {}
  }

  // ---- what an earlier process left ----

  private record Found(long key, long bytes, Instant usedAt) {}

  /** Puts all that is not known into the main queue, the least recently used first. */
  private void load() {
    loading.lock();
    try {
      if (loaded) {
        return;
      }
      catalog.flushIfThereIsRoom();
      List<Found> found = all();
      found.sort(Comparator.comparing(Found::usedAt));
      found.forEach(this::restore);
      loaded = true;
    } finally {
      loading.unlock();
    }
  }

  private List<Found> all() {
    var found = new ArrayList<Found>();
    long after = 0;
    List<NumberedBlob> page = catalog.blobs(after, ROWS);
    while (!page.isEmpty()) {
      for (NumberedBlob blob : page) {
        BlobRow row = blob.row();
        found.add(new Found(keyOf(row.stored()), row.allocatedBytes(), row.lastUsed()));
      }
      after = page.getLast().id();
      page = catalog.blobs(after, ROWS);
    }
    return found;
  }

  private void restore(Found found) {
    lock.lock();
    try {
      if (!queues.isHeld(found.key())) {
        boolean _ = queues.removeGhost(found.key());
        queues.addMain(found.key(), found.bytes());
      }
    } finally {
      lock.unlock();
    }
  }

  // ---- who goes ----

  @Override
  public Walk walk() {
    load();
    catalog.flushIfThereIsRoom(); // so that rows tell the last use
    lock.lock();
    try {
      queues.capacity(queues.bytes());
    } finally {
      lock.unlock();
    }
    return new Turns();
  }

  private final class Turns implements Walk {
    @Override
    public Optional<List<BlobRow>> next(Shortage shortage) {
      var victims = new ArrayList<BlobRow>();
      long bytes = 0;
      long files = 0;
      while (victims.size() < MOST_VICTIMS
          && (bytes < shortage.bytes() || files < shortage.files())) {
        OptionalLong key = propose();
        if (key.isEmpty()) {
          break;
        }
        for (BlobRow row : rows(key.getAsLong())) {
          if (!holds.isHeld(row.stored())) {
            victims.add(row);
            bytes += row.allocatedBytes();
            files += row.inodes();
          }
        }
      }
      return victims.isEmpty() ? Optional.empty() : Optional.of(victims);
    }

    @Override
    public void close() {
      lock.lock();
      try {
        proposed.forEach(S3FifoOrder.this::takeBack);
        proposed.clear();
        forgetGhosts();
      } finally {
        lock.unlock();
      }
    }
  }

  private OptionalLong propose() {
    lock.lock();
    try {
      if (queues.keys() == 0) {
        return OptionalLong.empty();
      }
      long before = queues.bytes();
      long key = queues.evict();
      proposed.put(key, before - queues.bytes());
      return OptionalLong.of(key);
    } finally {
      lock.unlock();
    }
  }

  /** The objects of a key: one, unless it went unheard, or others share the key. */
  private List<BlobRow> rows(long key) {
    List<BlobRow> rows = catalog.blobsBetween(first(key), last(key), formOf(key));
    if (rows.isEmpty()) {
      forget(key);
    }
    return rows;
  }

  private void forget(long key) {
    lock.lock();
    try {
      proposed.remove(key);
      boolean _ = queues.removeGhost(key);
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private void takeBack(long key, long bytes) {
    if (!queues.isHeld(key)) { // else it came again meanwhile
      boolean _ = queues.removeGhost(key);
      queues.addMain(key, bytes);
    }
  }

  // ---- who would go ----

  /**
   * Plays the evictions to come on a copy, which is made under the lock; both grow with objects.
   */
  @Override
  public Optional<EvictionRank> rank(Stored stored) {
    load();
    Set<Long> held = new HashSet<>();
    holds.all().forEach(each -> held.add(keyOf(each)));
    S3FifoQueues copy = copy();
    copy.capacity(copy.bytes());
    long wanted = keyOf(stored);
    long position = 0;
    long count = 0;
    while (copy.keys() > 0) {
      long key = copy.evict();
      if (!held.contains(key)) {
        count++;
        position = key == wanted ? count : position;
      }
    }
    return position == 0 ? Optional.empty() : Optional.of(new EvictionRank(position, count));
  }

  private S3FifoQueues copy() {
    lock.lock();
    try {
      return queues.copyOfHeld();
    } finally {
      lock.unlock();
    }
  }

  // ---- keys ----

  static long keyOf(Stored stored) {
    long start = Long.parseUnsignedLong(stored.digest().hex(), 0, HEX_OF_KEY, HEX_OF_KEY);
    return (start & ~FORM_BITS) | stored.form().code();
  }

  private static Form formOf(long key) {
    return Form.ofCode((int) (key & FORM_BITS));
  }

  private static Digest first(long key) {
    return digest(key & ~FORM_BITS, "0");
  }

  private static Digest last(long key) {
    return digest(key | FORM_BITS, "f");
  }

  private static Digest digest(long start, String rest) {
    return new Digest(HexFormat.of().toHexDigits(start) + rest.repeat(HEX_OF_REST));
  }
}
