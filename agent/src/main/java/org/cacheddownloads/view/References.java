package org.cacheddownloads.view;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.DownloadRow;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.space.Budget;
import org.cacheddownloads.space.Evictor;
import org.cacheddownloads.space.Holds;
import org.cacheddownloads.store.BlobStore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The counting that follows each change of a view on disk: names by digest, links by inode, what is
 * in use and what became idle. Thread-safe; each view under its own lock.
 */
final class References {
  private static final Logger log = LoggerFactory.getLogger(References.class);

  private final Holds holds;
  private final Budget budget;
  private final Catalog catalog;
  private final Evictor evictor;
  private final BlobStore store;
  private final Map<Digest, Long> namesOf = new ConcurrentHashMap<>();
  private final AtomicLong names = new AtomicLong();

  References(Holds holds, Budget budget, Catalog catalog, Evictor evictor, BlobStore store) {
    this.holds = holds;
    this.budget = budget;
    this.catalog = catalog;
    this.evictor = evictor;
    this.store = store;
  }

  /**
   * The view has a reference to {@code stored}. Whether its inode is still the store's own is
   * looked up now: it may have been replaced since the link was made.
   */
  @GuardedBy("view.lock")
  void linked(View view, Stored stored, View.Link link) {
    view.links.put(stored, link);
    boolean orphan = !isInStore(stored, link.inode());
    Holds.Effect effect = holds.linked(stored, link.inode(), link.bytes(), link.inodes(), orphan);
    if (effect.change() == Holds.Change.IDLE_OR_IN_USE) {
      if (orphan) {
        budget.orphanToInUse(effect.bytes(), effect.inodes());
      } else {
        budget.idleToInUse(effect.bytes());
      }
    }
    catalog.holdingChanged(stored);
  }

  private boolean isInStore(Stored stored, long inode) {
    try {
      return store.stat(stored).map(blob -> blob.inode() == inode).orElse(false);
    } catch (IOException e) {
      log.warn("cannot look up a blob digest={} error={}", stored, e.toString());
      return true;
    }
  }

  /** The view's hard link is gone; what nobody can ask for any more is dropped. */
  @GuardedBy("view.lock")
  void unlinked(View view, Stored stored) {
    View.Link link = view.links.remove(stored);
    if (link == null) {
      return;
    }
    Holds.Effect effect = holds.unlinked(stored, link.inode());
    switch (effect.change()) {
      case NONE -> {}
      case IDLE_OR_IN_USE -> budget.inUseToIdle(effect.bytes());
      case GONE -> {
        deleteAside(stored, link.inode());
        budget.inUseGone(effect.bytes(), effect.inodes());
      }
    }
    budget.inUseGone(link.copyBytes(), link.copyInodes());
    catalog.holdingChanged(stored);
    evictor.dropIfUnlisted(stored);
  }

  /** The last view has let go of a damaged tree. */
  private void deleteAside(Stored stored, long inode) {
    if (stored.isTree()) {
      try {
        store.trees().discard(store.trees().aside(stored, inode));
      } catch (IOException e) {
        log.warn(
            "a damaged tree is deleted at the next start digest={} error={}", stored, e.toString());
      }
    }
  }

  boolean isOrphan(View.Link link) {
    return holds.isOrphan(link.inode());
  }

  /** The view shows a download under its name, whatever it showed before. */
  @GuardedBy("view.lock")
  void named(View view, DownloadRow row) {
    forget(view.names.put(row.name(), row));
    remember(row);
    catalog.noteDownload(row);
  }

  /** The view shows nothing under {@code name} any more. */
  @GuardedBy("view.lock")
  void unnamed(View view, DownloadName name) {
    forget(view.names.remove(name));
    catalog.forgetDownload(view.container, name);
  }

  private void remember(DownloadRow row) {
    names.incrementAndGet();
    namesOf.merge(row.stored().digest(), 1L, Long::sum);
  }

  private void forget(@Nullable DownloadRow before) {
    if (before != null) {
      names.decrementAndGet();
      namesOf.merge(before.stored().digest(), -1L, (a, b) -> a + b == 0 ? null : a + b);
    }
  }

  /**
   * Counts a view that was found on disk; the sums of the budget are the caller's.
   *
   * @param orphans for each link whether its inode has lost its name in the store
   */
  @GuardedBy("view.lock")
  void adopt(View view, Map<Stored, Boolean> orphans) {
    view.names.values().forEach(this::remember);
    view.links.forEach(
        (stored, link) -> {
          boolean orphan = orphans.getOrDefault(stored, false);
          Holds.Effect _ = holds.linked(stored, link.inode(), link.bytes(), link.inodes(), orphan);
          catalog.holdingChanged(stored);
        });
  }

  /** How many names of all views show bytes of {@code digest}. */
  long of(Digest digest) {
    return namesOf.getOrDefault(digest, 0L);
  }

  /** How many names all views have. */
  long count() {
    return names.get();
  }
}
