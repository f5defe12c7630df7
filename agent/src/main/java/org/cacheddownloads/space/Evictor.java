package org.cacheddownloads.space;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.cacheddownloads.catalog.BlobRow;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.Catalog.EvictionRank;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Entry;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CrashPoint;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Extent;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.StorageFault;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes from the store: victims of the quota, what operators prune, and what nobody can ask for
 * any more. The only class that deletes blobs. Thread-safe; evictions run one at a time, so that
 * each sees the order of use that the one before left.
 */
public final class Evictor {
  private static final Logger log = LoggerFactory.getLogger(Evictor.class);
  private static final int PAGE = 256;

  private final Catalog catalog;
  private final BlobStore store;
  private final Holds holds;
  private final EvictionOrder order;

  /** Each is asked for what the ones before did not have. */
  private final List<EvictionOrder> orders;

  private final Budget budget;
  private final Partials partials;
  private final Clock clock;
  private final Listener listener;
  private final ReentrantLock one = new ReentrantLock();

  /** Hears of each eviction, after it happened. */
  public interface Listener {
    void evicted(Stored stored, long bytes, Duration idleFor, EvictionReason reason);

    /** Bytes were found to differ from their digest and are not handed out any more. */
    void damaged(Stored stored, boolean inUse);
  }

  /**
   * What operators ask to prune.
   *
   * @param targetBytes stop when used bytes are at most this
   * @param usedBefore only what was last used before, or null for any
   * @param keyPrefix only blobs all of whose keys start so, or null
   */
  public record Prune(
      long targetBytes, @Nullable Instant usedBefore, @Nullable String keyPrefix, boolean dryRun) {
    boolean isForAll() {
      return usedBefore == null && keyPrefix == null;
    }
  }

  /** Entries that a prune took, or would take, and all that this frees. */
  public record Pruned(List<Entry> entries, long freedBytes) {}

  /**
   * @param order who goes first; when it has nobody left, the least recently used go
   */
  public Evictor(
      Catalog catalog,
      BlobStore store,
      Holds holds,
      EvictionOrder order,
      Budget budget,
      Partials partials,
      Clock clock,
      Listener listener) {
    this.catalog = catalog;
    this.store = store;
    this.holds = holds;
    this.order = order;
    EvictionOrder last = new LeastRecentlyUsed(catalog, holds);
    this.orders = order.equals(last) ? List.of(last) : List.of(order, last);
    this.budget = budget;
    this.partials = partials;
    this.clock = clock;
    this.listener = listener;
    budget.evictBy(this::evict);
  }

  /** Holds {@code stored}; when the last hold goes and no entry leads to it, it is dropped. */
  public Pin pin(Stored stored) {
    return holds.pin(stored, this::dropIfUnlisted);
  }

  /**
   * The place of {@code stored} among those that could be evicted, if nothing comes and nothing is
   * used; empty if it is in use or not here.
   */
  public Optional<EvictionRank> evictionRank(Stored stored) {
    return order.rank(stored);
  }

  private boolean evict(Shortage first, Supplier<Shortage> stillShort) {
    boolean any = false;
    one.lock();
    try {
      Shortage shortage = stillShort.get();
      while (!shortage.isNone() && partials.dropOldest()) {
        any = true;
        shortage = stillShort.get();
      }
      for (EvictionOrder each : orders) {
        if (shortage.isNone()) {
          break;
        }
        try (EvictionOrder.Walk walk = each.walk()) {
          Optional<List<BlobRow>> victims = walk.next(shortage);
          while (victims.isPresent()) {
            any |= !deleteAll(victims.get(), shortage.reason()).isEmpty();
            shortage = stillShort.get();
            victims = shortage.isNone() ? Optional.empty() : walk.next(shortage);
          }
        }
      }
    } finally {
      one.unlock();
    }
    if (any) {
      log.debug("evicted reason={} neededBytes={}", first.reason().label(), first.bytes());
    }
    return any;
  }

  /**
   * @return those that went; others turned out to be held after all
   */
  private Set<Stored> deleteAll(List<BlobRow> victims, EvictionReason reason) {
    var doomed = new ArrayList<BlobRow>();
    try {
      var charges = new LinkedHashMap<Stored, Charge>();
      try {
        for (BlobRow victim : victims) {
          if (holds.doom(victim.stored())) {
            doomed.add(victim);
            delete(victim.stored()).ifPresent(charge -> charges.put(victim.stored(), charge));
          }
        }
      } finally {
        if (!charges.isEmpty()) {
          forget(charges); // also when one of them could not be deleted
          CrashPoint.EVICTED.reached();
        }
      }
      Set<Stored> gone = charges.keySet();
      Instant now = clock.instant();
      for (BlobRow victim : doomed) {
        if (gone.contains(victim.stored())) {
          listener.evicted(
              victim.stored(),
              victim.allocatedBytes(),
              Duration.between(victim.lastUsed(), now),
              reason);
        }
      }
      return gone;
    } finally {
      doomed.forEach(victim -> holds.liftDoom(victim.stored()));
    }
  }

  /** What the budget was charged for an object, as the catalog recorded it. */
  private record Charge(long bytes, long inodes) {
    static Charge of(Optional<BlobRow> row) {
      return row.map(known -> new Charge(known.allocatedBytes(), known.inodes()))
          .orElse(new Charge(0, 0));
    }
  }

  /**
   * Rows and charges of deleted files. A row that cannot be removed keeps its charge, so that
   * whoever finds the file gone gives it back once.
   */
  private void forget(Map<Stored, Charge> deleted) {
    catalog.removeBlobs(deleted.keySet());
    deleted.values().forEach(charge -> budget.idleGone(charge.bytes(), charge.inodes()));
  }

  /**
   * Deletes a doomed file after a last look at its link count: the file system has the last word on
   * who holds it.
   *
   * @return what is to be given back, of a file that had vanished too; empty if it is held
   */
  private Optional<Charge> delete(Stored stored) {
    try {
      Optional<Posix.Stat> stat = store.stat(stored);
      if (stat.isPresent() && stat.get().links() > 1) {
        log.warn(
            "victim has links that no view accounts for digest={} links={}",
            stored,
            stat.get().links());
        return Optional.empty();
      }
      Optional<BlobRow> row = catalog.blob(stored);
      store.delete(stored);
      CrashPoint.EVICT.reached();
      return Optional.of(Charge.of(row));
    } catch (IOException e) {
      throw StorageFault.of("delete " + stored, e);
    }
  }

  /** Forgets an object whose file somebody else deleted. The caller has pinned it. */
  public void forgetVanished(Stored stored) {
    one.lock();
    try {
      Optional<BlobRow> row = catalog.blob(stored);
      if (row.isEmpty() || store.stat(stored).isPresent()) {
        return;
      }
      if (isCut(stored)) {
        boolean _ = condemn(stored);
        return;
      }
      log.warn("a file has vanished from the store digest={}", stored);
      catalog.removeBlobs(List.of(stored));
      Optional<Posix.Stat> again = store.stat(stored);
      if (again.isPresent()) { // a download brought it back in between: it must be counted
        if (stored.isTree()) {
          catalog.addTree(row.get());
        } else {
          catalog.addBlob(
              stored, again.get().sizeBytes(), again.get().allocatedBytes(), clock.instant());
        }
      }
      if (holds.lostItsName(stored).isEmpty()) { // else its bytes stay as long as a view has them
        budget.idleGone(row.get().allocatedBytes(), row.get().inodes());
      }
    } catch (IOException e) {
      throw StorageFault.of("look up " + stored, e);
    } finally {
      one.unlock();
    }
  }

  /**
   * Takes damaged bytes out of the store, so that nobody gets them again: what is idle goes to
   * quarantine, what is in use keeps its place in the views that hold it and nowhere else. Its
   * entries go, unless they have another form of the bytes. The caller has pinned it.
   *
   * @return whether views hold it
   */
  public boolean condemn(Stored stored) {
    return takeOut(stored, true);
  }

  /** Like {@link #condemn}, for bytes that could not be brought to the disk: nothing is kept. */
  public void abandon(Stored stored) {
    boolean _ = takeOut(stored, false);
  }

  private boolean takeOut(Stored stored, boolean forAPersonToLookAt) {
    one.lock();
    try {
      if (catalog.forms(stored.digest()).size() <= 1) { // else they have sound bytes still
        catalog.deleteEntriesOf(stored.digest());
      }
      Optional<Posix.Stat> stat = store.stat(stored);
      Optional<BlobRow> row = catalog.blob(stored);
      if (row.isEmpty()) {
        return false; // somebody else found it first
      }
      if (stat.isEmpty() && !isCut(stored)) {
        forgetVanished(stored);
        return false;
      }
      OptionalLong held = heldFromNowOn(stored, stat);
      boolean inUse = held.isPresent();
      if (inUse && stored.isTree()) {
        Path _ = store.trees().setAside(stored, held.getAsLong()); // it may be mounted
      } else if (inUse || !forAPersonToLookAt) {
        store.delete(stored); // the views' links stay
      } else {
        Extent extent = Extent.of(store.quarantine(stored));
        budget.quarantined(extent.allocatedBytes(), extent.files()); // it may differ from the row
      }
      CrashPoint.CONDEMN.reached();
      forget(Map.of(stored, inUse ? new Charge(0, 0) : Charge.of(row)));
      listener.damaged(stored, inUse);
      log.error("damaged bytes digest={} inUse={}", stored, inUse);
      return inUse;
    } catch (IOException e) {
      throw StorageFault.of("take damaged bytes out of the store", e);
    } finally {
      one.unlock();
    }
  }

  /** Whether a tree has lost its manifest, and is there still. */
  private boolean isCut(Stored stored) throws IOException {
    return stored.isTree() && store.stat(stored).isEmpty() && store.isThere(stored);
  }

  /** The inode that the store gives up and views keep, if there are such. */
  private OptionalLong heldFromNowOn(Stored stored, Optional<Posix.Stat> stat) {
    if (stat.isEmpty()) {
      return holds.lostItsName(stored);
    }
    long inode = stat.get().inode();
    return holds.orphaned(inode) ? OptionalLong.of(inode) : OptionalLong.empty();
  }

  /** Whether views hold a damaged tree that was set aside, by its manifest's inode. */
  public boolean isHeldAside(long inode) {
    return holds.isOrphan(inode);
  }

  /**
   * Drops an object that no entry leads to and nobody holds; otherwise does nothing. Never fails,
   * because those who let go are often in the middle of something: what cannot be dropped now is
   * dropped after the next start.
   */
  public void dropIfUnlisted(Stored stored) {
    try {
      if (catalog.hasEntry(stored.digest()) || !holds.doom(stored)) {
        return;
      }
      try {
        if (!catalog.hasEntry(stored.digest())) {
          delete(stored).ifPresent(charge -> forget(Map.of(stored, charge)));
        }
      } finally {
        holds.liftDoom(stored);
      }
    } catch (CacheException e) {
      log.warn("cannot drop what nobody asks for digest={} error={}", stored, e.getMessage());
    }
  }

  /**
   * Deletes a file of the store that no row knows: it has no key, so nobody can ask for it. A
   * commit under way still has its second name and is left alone.
   *
   * @return whether it went
   */
  public boolean dropUnknown(Stored stored) throws IOException {
    if (!holds.doom(stored)) {
      return false;
    }
    try {
      Optional<Posix.Stat> stat = store.stat(stored);
      boolean isInUse = stat.isPresent() && stat.get().links() > 1;
      if (isInUse || !store.isThere(stored) || catalog.blob(stored).isPresent()) {
        return false;
      }
      log.warn("dropping a file that no row knows digest={}", stored);
      store.delete(stored);
      return true;
    } finally {
      holds.liftDoom(stored);
    }
  }

  /** Drops every form of a digest that lost its last entry, as far as nobody holds it. */
  public void dropUnlisted(org.cacheddownloads.content.Digest digest) {
    catalog.forms(digest).forEach(this::dropIfUnlisted);
  }

  /**
   * Evicts what an operator asks for: partial downloads, unless it is about certain keys or ages,
   * then blobs, least recently used first, never what is in use. The lock is let go between pages,
   * so that downloads that need room get it.
   *
   * @return what went, or would go in a dry run
   */
  public Pruned prune(Prune request) {
    var entries = new LinkedHashMap<CacheKey, Entry>();
    long freed = request.isForAll() ? dropPartials(request) : 0;
    long used = budget.sums().usedBytes() - (request.dryRun() ? freed : 0);
    Set<Stored> taken = new HashSet<>();
    Instant after = Instant.EPOCH;
    while (used > request.targetBytes()) {
      List<BlobRow> page = catalog.idleBlobs(after, PAGE);
      if (page.isEmpty()) {
        break;
      }
      after = page.getLast().lastUsed();
      for (BlobRow candidate : page) {
        if (used <= request.targetBytes() || isTooRecent(candidate, request)) {
          return new Pruned(List.copyOf(entries.values()), freed);
        }
        List<Entry> its = catalog.entriesOf(candidate.stored().digest());
        if (isChosen(candidate, its, request) && (request.dryRun() || deleteOne(candidate))) {
          taken.add(candidate.stored());
          used -= candidate.allocatedBytes();
          freed += candidate.allocatedBytes();
          if (taken.containsAll(forms(candidate))) {
            its.forEach(entry -> entries.put(entry.key(), entry)); // no form of it is left
          }
        }
      }
    }
    return new Pruned(List.copyOf(entries.values()), freed);
  }

  /** Forms of a candidate's digest that are known still, which in a dry run are all of them. */
  private List<Stored> forms(BlobRow candidate) {
    return catalog.forms(candidate.stored().digest());
  }

  private boolean deleteOne(BlobRow candidate) {
    one.lock();
    try {
      return !deleteAll(List.of(candidate), EvictionReason.PRUNE).isEmpty();
    } finally {
      one.unlock();
    }
  }

  private long dropPartials(Prune request) {
    long before = budget.sums().usedBytes();
    if (request.dryRun()) {
      return Math.min(budget.restingBytes(), Math.max(0, before - request.targetBytes()));
    }
    while (budget.sums().usedBytes() > request.targetBytes() && partials.dropOldest()) {}
    return Math.max(0, before - budget.sums().usedBytes());
  }

  private static boolean isTooRecent(BlobRow candidate, Prune request) {
    return request.usedBefore() != null && !candidate.lastUsed().isBefore(request.usedBefore());
  }

  private boolean isChosen(BlobRow candidate, List<Entry> entries, Prune request) {
    String prefix = request.keyPrefix();
    return !holds.isHeld(candidate.stored())
        && (prefix == null
            || entries.stream().allMatch(entry -> entry.key().text().startsWith(prefix)));
  }

  /**
   * Deletes an entry; its bytes go with it unless they are in use or another key has them. @return
   * whether there was one
   */
  public boolean deleteEntry(CacheKey key) {
    var digest = catalog.deleteEntry(key);
    digest.ifPresent(this::dropUnlisted);
    return digest.isPresent();
  }
}
