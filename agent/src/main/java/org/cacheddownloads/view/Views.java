package org.cacheddownloads.view;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import org.cacheddownloads.catalog.BlobRow;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.DownloadRow;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.Deliver;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.Conflict;
import org.cacheddownloads.failure.CacheException.NotReady;
import org.cacheddownloads.failure.CrashPoint;
import org.cacheddownloads.space.Budget;
import org.cacheddownloads.space.Copies;
import org.cacheddownloads.space.Evictor;
import org.cacheddownloads.space.Holds;
import org.cacheddownloads.space.Reservation;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.StorageFault;
import org.cacheddownloads.store.StoreLayout;
import org.cacheddownloads.view.ContainerState.TreeMount;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The views of all containers: who is shown what under which name. Thread-safe; changes of one
 * container happen one after another, those of different containers side by side. What is provided
 * must be pinned by the caller until the call returns.
 */
public final class Views {
  private static final Logger log = LoggerFactory.getLogger(Views.class);
  static final String RELEASED = ".released-";

  private final StoreLayout layout;
  private final Catalog catalog;
  private final References references;
  private final Budget budget;
  private final Evictor evictor;
  private final BlobStore store;
  private final Copies copies;
  private final Clock clock;
  private final Map<ContainerId, View> views = new ConcurrentSkipListMap<>();
  private final AtomicLong containers = new AtomicLong();
  private final AtomicLong nextReleased = new AtomicLong();
  private volatile ReleaseListener listener = (_, _) -> {};

  /** Hears of what containers do not hold any more. */
  public interface ReleaseListener {
    /** A release is complete; {@code name} is null for the container as a whole. */
    void released(ContainerId container, @Nullable DownloadName name);
  }

  public Views(
      StoreLayout layout,
      Catalog catalog,
      Holds holds,
      Budget budget,
      Evictor evictor,
      Copies copies,
      BlobStore store,
      Clock clock) {
    this.layout = layout;
    this.catalog = catalog;
    this.references = new References(holds, budget, catalog, evictor, store);
    this.budget = budget;
    this.evictor = evictor;
    this.store = store;
    this.copies = copies;
    this.clock = clock;
  }

  /** Tells each release that is complete, under the lock of the view: it must not wait. */
  public void whenReleased(ReleaseListener hears) {
    listener = hears;
  }

  /**
   * Shows one download under its name.
   *
   * @return whether the name is new in the container
   * @throws Conflict if the name lies below another or another below it
   */
  public boolean provide(DownloadRow row, Instant deadline) {
    return change(
            row.container(),
            deadline,
            _ -> new Wanted(Map.of(row.name(), row), Set.of(), null, false))
        .isNew();
  }

  /** Refuses a name that could not be shown, before anything is fetched for it. */
  public void checkName(ContainerId container, DownloadName name) {
    for (DownloadRow row : find(container).map(ContainerState::downloads).orElse(List.of())) {
      if (name.conflictsWith(row.name())) {
        throw conflict(container, name, row.name());
      }
    }
  }

  private static Conflict conflict(ContainerId container, DownloadName name, DownloadName other) {
    return new Conflict(
        "the names '"
            + name
            + "' and '"
            + other
            + "' cannot both be in "
            + container
            + ": one lies below the other");
  }

  /** What {@link #declare} answers: the container, and whether it is new. */
  public record Declared(ContainerState state, boolean isNew) {}

  /**
   * Makes {@code rows} the whole set of downloads of a container; other names are released. All of
   * it happens or none.
   *
   * @param expiresAfter from now on, or null to keep the expiry
   */
  public Declared declare(
      ContainerId container,
      List<DownloadRow> rows,
      @Nullable Duration expiresAfter,
      Instant deadline) {
    var wanted = new HashMap<DownloadName, DownloadRow>();
    rows.forEach(row -> wanted.put(row.name(), row));
    Result result =
        change(
            container,
            deadline,
            names -> {
              Set<DownloadName> leftOut = new HashSet<>(names);
              leftOut.removeAll(wanted.keySet());
              return new Wanted(
                  wanted,
                  leftOut,
                  expiresAfter == null ? null : clock.instant().plus(expiresAfter),
                  rows.isEmpty());
            });
    return new Declared(result.state(), result.isNewContainer());
  }

  /** What a change is to bring about. */
  private record Wanted(
      Map<DownloadName, DownloadRow> shown,
      Set<DownloadName> hidden,
      @Nullable Instant expiresAt,
      boolean recordNow) {}

  private record Result(ContainerState state, boolean isNew, boolean isNewContainer) {}

  private interface Deciding {
    /** Called under the view's lock with the names it has now, maybe twice. */
    Wanted about(Set<DownloadName> names);
  }

  private Result change(ContainerId container, Instant deadline, Deciding deciding) {
    long bytes = 0;
    long inodes = 0;
    try (var made = new CopiesMade()) {
      while (true) {
        Map<Stored, Boolean> missing;
        try (Reservation room = budget.reserveSmall(bytes, inodes, deadline)) {
          View view = views.computeIfAbsent(container, id -> new View(id, clock.instant()));
          view.lock.lock();
          try {
            if (view.released) {
              continue;
            }
            Wanted wanted = deciding.about(view.names.keySet());
            checkNames(view, wanted);
            Need need = Need.of(layout, view, wanted.shown().values());
            missing = made.lacking(treesToPlace(view, wanted));
            if (need.bytes() <= bytes && need.inodes() <= inodes && missing.isEmpty()) {
              return apply(view, wanted, room, made, deadline);
            }
            bytes = need.bytes();
            inodes = need.inodes();
          } finally {
            view.lock.unlock();
            forgetIfVoid(view);
          }
        } // what was reserved or copied is too little: do that without the lock, then look again
        missing.forEach(
            (tree, withContent) ->
                made.add(
                    TreeCopy.make(layout, store, budget, evictor, tree, withContent, deadline)));
      }
    }
  }

  /** Trees that the view has no reference to, or one without the content, or to a damaged one. */
  @GuardedBy("view.lock")
  private Map<Stored, Boolean> treesToPlace(View view, Wanted wanted) {
    var trees = new HashMap<Stored, Boolean>();
    for (DownloadRow row : wanted.shown().values()) {
      View.Link link = view.links.get(row.stored());
      boolean withContent = row.deliver() == Deliver.LINK;
      if (row.stored().isTree()
          && (link == null || references.isOrphan(link) || (withContent && !link.hasContent()))) {
        boolean had = link != null && link.hasContent();
        trees.merge(row.stored(), withContent || had, Boolean::logicalOr);
      }
    }
    return trees;
  }

  @GuardedBy("view.lock")
  private static void checkNames(View view, Wanted wanted) {
    Set<DownloadName> all = new HashSet<>(view.names.keySet());
    all.removeAll(wanted.hidden());
    all.addAll(wanted.shown().keySet());
    for (DownloadName name : wanted.shown().keySet()) {
      for (DownloadName other : all) {
        if (name.conflictsWith(other)) {
          throw conflict(view.container, name, other);
        }
      }
    }
  }

  @GuardedBy("view.lock")
  private Result apply(
      View view, Wanted wanted, Reservation room, CopiesMade made, Instant deadline) {
    boolean isNewContainer = !view.exists;
    boolean isNew = !view.names.keySet().containsAll(wanted.shown().keySet());
    Instant expiresBefore = view.expiresAt;
    if (wanted.expiresAt() != null) {
      view.expiresAt = wanted.expiresAt();
    }
    var linked = new HashMap<Stored, View.Link>();
    var placed = new HashMap<Stored, View.Link>();
    try (var change = new ViewChange(layout, view.container, view.directories.keySet())) {
      if (wanted.expiresAt() != null || wanted.recordNow() || isEmptyOnTheWay(view, wanted)) {
        // Before the directory: a kill must not leave a container without its expiry, nor an empty
        // one that nothing tells from one whose making was cut short.
        catalog.saveContainer(view.row());
      }
      change.directory(layout.view(view.container));
      change.directory(layout.links(view.container));
      Set<Stored> trees = treesToPlace(view, wanted).keySet();
      for (TreeCopy copy : made.all()) {
        if (trees.contains(copy.tree())) {
          placed.put(copy.tree(), place(change, copy));
        }
      }
      for (DownloadRow row : wanted.shown().values()) {
        Stored stored = row.stored();
        if (!stored.isTree()) {
          renewOrphan(view, stored);
          if (!view.links.containsKey(stored) && !linked.containsKey(stored)) {
            linked.put(stored, View.Link.file(link(change, stored, deadline)));
          }
        }
      }
      for (DownloadName name : wanted.hidden()) {
        change.hide(name, shownAs(view, name), mountedAt(view, name));
      }
      for (DownloadRow row : wanted.shown().values()) {
        DownloadRow before = view.names.get(row.name());
        var after = ViewChange.Shown.of(row);
        var was = before == null ? null : ViewChange.Shown.of(before);
        if (!after.equals(was)) {
          change.show(row.name(), after, was, mountedAt(view, row.name()));
        }
      }
      settle(view, change, room);
      change.keep();
    } catch (IOException e) {
      throw undone(
          view,
          expiresBefore,
          isNewContainer,
          StorageFault.of("change the view of " + view.container, e));
    } catch (RuntimeException e) {
      throw undone(view, expiresBefore, isNewContainer, e);
    }
    for (TreeCopy copy : made.all()) {
      if (placed.containsKey(copy.tree())) {
        copy.room().spentInUse(copy.allocatedBytes(), copy.inodes());
      }
    }
    placed.keySet().forEach(tree -> references.unlinked(view, tree)); // the one it had before
    linked.putAll(placed);
    linked.forEach((stored, link) -> references.linked(view, stored, link));
    record(view, wanted, isNewContainer);
    dropUnusedLinks(view);
    wanted.hidden().forEach(name -> listener.released(view.container, name));
    return new Result(state(view), isNew, isNewContainer);
  }

  /** Old names go before new ones come. */
  @GuardedBy("view.lock")
  private static boolean isEmptyOnTheWay(View view, Wanted wanted) {
    return !view.names.isEmpty() && wanted.hidden().containsAll(view.names.keySet());
  }

  @GuardedBy("view.lock")
  @SuppressWarnings("NullAway") // hidden names are taken from the view's own
  private static ViewChange.Shown shownAs(View view, DownloadName name) {
    return ViewChange.Shown.of(view.names.get(name));
  }

  @GuardedBy("view.lock")
  private static List<Stored> mountedAt(View view, DownloadName name) {
    return view.mounted.getOrDefault(name, List.of());
  }

  /** Puts a copy in its place. @return the reference that it is */
  private View.Link place(ViewChange change, TreeCopy copy) throws IOException {
    BlobRow row =
        catalog
            .blob(copy.tree())
            .orElseThrow(
                () -> new NotReady("the tree " + copy.tree() + " has vanished; try again", null));
    change.place(copy);
    return new View.Link(
        copy.manifest(),
        row.allocatedBytes(),
        row.inodes(),
        copy.hasContent(),
        copy.allocatedBytes(),
        copy.inodes());
  }

  @GuardedBy("view.lock")
  private RuntimeException undone(
      View view,
      @Nullable Instant expiresBefore,
      boolean isNewContainer,
      RuntimeException failure) {
    view.expiresAt = expiresBefore;
    if (isNewContainer) {
      catalog.forgetContainer(view.container);
    } else {
      catalog.noteContainer(view.row());
    }
    return failure;
  }

  private Posix.Stat link(ViewChange change, Stored stored, Instant deadline) throws IOException {
    try {
      return change.link(stored);
    } catch (Posix.TooManyLinks e) {
      copies.renewInode(stored, deadline);
      return change.link(stored);
    }
  }

  /**
   * Leads the view's link to the inode that the store has now, if it has another one than the view:
   * damaged bytes are not handed out again to those who ask anew.
   */
  @GuardedBy("view.lock")
  private void renewOrphan(View view, Stored stored) throws IOException {
    View.Link link = view.links.get(stored);
    if (link != null && references.isOrphan(link)) {
      Posix.Stat renewed = ViewChange.relink(layout, view.container, stored);
      references.unlinked(view, stored);
      references.linked(view, stored, View.Link.file(renewed));
    }
  }

  /** Takes over into memory what the change did to directories, and pays for it. */
  @GuardedBy("view.lock")
  private static void settle(View view, ViewChange change, Reservation room) throws IOException {
    var sizes = new HashMap<Path, Long>();
    for (Path directory : change.touched()) {
      sizes.put(directory, Posix.lstat(directory).allocatedBytes());
    }
    long bytes = 0;
    long inodes = change.symlinksMade();
    for (Path directory : change.gone()) {
      Long before = view.directories.remove(directory);
      if (before != null) {
        bytes -= before;
        inodes--;
      }
    }
    for (var size : sizes.entrySet()) {
      Long before = view.directories.put(size.getKey(), size.getValue());
      bytes += size.getValue() - (before == null ? 0 : before);
      inodes += before == null ? 1 : 0;
    }
    view.symlinks += change.symlinksMade();
    room.spentInUse(bytes, inodes);
  }

  @GuardedBy("view.lock")
  private void record(View view, Wanted wanted, boolean isNewContainer) {
    if (isNewContainer) {
      view.exists = true;
      containers.incrementAndGet();
      catalog.noteContainer(view.row());
    }
    for (DownloadName name : wanted.hidden()) {
      view.mounted.remove(name);
      references.unnamed(view, name);
    }
    for (DownloadRow row : wanted.shown().values()) {
      noteMounted(view, row);
      references.named(view, row);
    }
  }

  @GuardedBy("view.lock")
  private static void noteMounted(View view, DownloadRow row) {
    if (!row.isMounted()) {
      view.mounted.remove(row.name());
      return;
    }
    List<Stored> mounted = view.mounted.computeIfAbsent(row.name(), _ -> new ArrayList<>());
    if (mounted.isEmpty() || !mounted.getLast().equals(row.stored())) {
      mounted.add(row.stored());
    }
  }

  /** Gives back the references that no name uses any more, nor a container that runs may use. */
  @GuardedBy("view.lock")
  private void dropUnusedLinks(View view) {
    Set<Stored> used = new HashSet<>();
    view.names.values().forEach(row -> used.add(row.stored()));
    view.mounted.values().forEach(used::addAll);
    for (Stored stored : List.copyOf(view.links.keySet())) {
      if (!used.contains(stored)) {
        try {
          Path link = layout.links(view.container).resolve(stored.fileName());
          if (stored.isTree()) {
            store.trees().discard(link);
          } else {
            Files.deleteIfExists(link);
          }
          CrashPoint.UNLINK.reached();
        } catch (IOException e) {
          throw StorageFault.of("release " + stored + " from " + view.container, e);
        }
        references.unlinked(view, stored);
      }
    }
  }

  /** A place to lock that never became a view, because the change failed, is not kept. */
  private void forgetIfVoid(View view) {
    view.lock.lock();
    try {
      if (!view.exists) {
        view.released = true; // who waits for it looks the container up again
        views.remove(view.container, view);
      }
    } finally {
      view.lock.unlock();
    }
  }

  // ---- release ----

  /** Releases a container with all its references. @return false if there was none */
  public boolean release(ContainerId container) {
    View view = views.get(container);
    if (view == null) {
      return false;
    }
    view.lock.lock();
    try {
      return !view.released && view.exists && releaseLocked(view);
    } finally {
      view.lock.unlock();
    }
  }

  @GuardedBy("view.lock")
  private boolean releaseLocked(View view) {
    Path away =
        layout.views().resolve(RELEASED + clock.millis() + "-" + nextReleased.getAndIncrement());
    try {
      Files.move(layout.view(view.container), away, StandardCopyOption.ATOMIC_MOVE);
      CrashPoint.RELEASE.reached();
      view.released = true;
      forgetRow(view.container);
      views.remove(view.container, view);
      containers.decrementAndGet();
      long symlinks = view.symlinks;
      for (DownloadName name : List.copyOf(view.names.keySet())) {
        references.unnamed(view, name);
      }
      BlobStore.discard(away);
      for (Stored stored : List.copyOf(view.links.keySet())) {
        references.unlinked(view, stored);
      }
      long bytes = view.directories.values().stream().mapToLong(Long::longValue).sum();
      budget.inUseGone(bytes, view.directories.size() + symlinks);
      listener.released(view.container, null);
      return true;
    } catch (IOException e) {
      throw StorageFault.of("release " + view.container, e);
    }
  }

  /**
   * Forgets the row of a container whose view has gone, at once and before there can be another
   * container of that name: after a kill it would give that one its own expiry.
   */
  private void forgetRow(ContainerId container) {
    catalog.forgetContainer(container);
    try {
      catalog.flush();
    } catch (CacheException e) {
      log.warn(
          "the row of a released container goes later container={} error={}",
          container,
          e.getMessage());
    }
  }

  /** Releases one name. @return false if there was none */
  public boolean release(ContainerId container, DownloadName name) {
    View view = views.get(container);
    if (view == null) {
      return false;
    }
    view.lock.lock();
    try (Reservation room = budget.reserveSmall(0, 0, Instant.MAX)) {
      if (view.released || !view.names.containsKey(name)) {
        return false;
      }
      try (var change = new ViewChange(layout, view.container, view.directories.keySet())) {
        if (view.names.size() == 1) {
          catalog.saveContainer(view.row()); // an empty view says nothing of itself after a kill
        }
        change.hide(name, shownAs(view, name), mountedAt(view, name));
        settle(view, change, room);
        change.keep();
      } catch (IOException e) {
        throw StorageFault.of("release " + name + " from " + container, e);
      }
      view.mounted.remove(name);
      references.unnamed(view, name);
      dropUnusedLinks(view);
      listener.released(container, name);
      return true;
    } finally {
      view.lock.unlock();
    }
  }

  /**
   * Lets the container expire {@code expiresAfter} from now, or never for null. @return empty if
   * there is no such container
   */
  public Optional<ContainerState> renew(ContainerId container, @Nullable Duration expiresAfter) {
    View view = views.get(container);
    if (view == null) {
      return Optional.empty();
    }
    view.lock.lock();
    try {
      if (view.released || !view.exists) {
        return Optional.empty();
      }
      Instant before = view.expiresAt;
      view.expiresAt = expiresAfter == null ? null : clock.instant().plus(expiresAfter);
      try {
        catalog.saveContainer(view.row());
      } catch (RuntimeException e) {
        view.expiresAt = before;
        throw e;
      }
      return Optional.of(state(view));
    } finally {
      view.lock.unlock();
    }
  }

  /**
   * Releases every container that is not among {@code live}. @return those that were released,
   * sorted
   */
  public List<ContainerId> reconcile(Set<ContainerId> live) {
    return views.keySet().stream()
        .filter(container -> !live.contains(container))
        .filter(this::release)
        .toList();
  }

  /** Releases every container whose expiry has passed. @return those that were released */
  public List<ContainerId> expire() {
    return views.values().stream()
        .filter(this::releaseIfExpired)
        .map(view -> view.container)
        .toList();
  }

  private boolean releaseIfExpired(View view) {
    view.lock.lock();
    try {
      Instant expiresAt = view.expiresAt;
      return expiresAt != null
          && !view.released
          && view.exists
          && !clock.instant().isBefore(expiresAt)
          && releaseLocked(view);
    } finally {
      view.lock.unlock();
    }
  }

  // ---- looking ----

  /** A name of a container. */
  public record Holder(ContainerId container, DownloadName name) {}

  /** At most {@code limit} names that hold {@code digest} in any form, by container. */
  public List<Holder> holders(Digest digest, int limit) {
    return views.keySet().stream()
        .flatMap(container -> find(container).stream())
        .flatMap(state -> state.downloads().stream())
        .filter(row -> row.stored().digest().equals(digest))
        .limit(limit)
        .map(row -> new Holder(row.container(), row.name()))
        .toList();
  }

  public Optional<ContainerState> find(ContainerId container) {
    View view = views.get(container);
    if (view == null) {
      return Optional.empty();
    }
    view.lock.lock();
    try {
      return view.released || !view.exists ? Optional.empty() : Optional.of(state(view));
    } finally {
      view.lock.unlock();
    }
  }

  /** At most {@code limit} containers with ids after {@code after}, by id. */
  public List<ContainerState> list(String after, int limit) {
    var found = new ArrayList<ContainerState>();
    for (ContainerId container : views.keySet()) {
      if (found.size() >= limit) {
        break;
      }
      if (container.text().compareTo(after) > 0) {
        find(container).ifPresent(found::add);
      }
    }
    return found;
  }

  @GuardedBy("view.lock")
  private ContainerState state(View view) {
    return new ContainerState(
        view.container,
        layout.view(view.container),
        List.copyOf(view.names.values()),
        mounts(view),
        view.createdAt,
        view.expiresAt);
  }

  @GuardedBy("view.lock")
  private List<TreeMount> mounts(View view) {
    var mounts = new ArrayList<TreeMount>();
    for (DownloadRow row : view.names.values()) {
      if (row.isMounted()) {
        mounts.add(new TreeMount(row.name(), source(view, row.stored())));
      }
    }
    return mounts;
  }

  /** What is to be mounted: a damaged tree has left its place, and its holders keep it. */
  @GuardedBy("view.lock")
  private Path source(View view, Stored tree) {
    View.Link link = view.links.get(tree);
    Path directory =
        link != null && references.isOrphan(link)
            ? layout.aside(tree, link.inode())
            : layout.blob(tree);
    return directory.resolve(StoreLayout.CONTENT);
  }

  /** Where a download lies on the host. */
  public Path hostPath(ContainerId container, DownloadName name) {
    return layout.name(container, name);
  }

  /** How many names of all views show bytes of {@code digest}. */
  public long references(Digest digest) {
    return references.of(digest);
  }

  /** How many names all views have. */
  public long references() {
    return references.count();
  }

  public long containers() {
    return containers.get();
  }

  // ---- start ----

  /**
   * Takes over a view that was found on disk; only before requests are let in. The sums of the
   * budget are the caller's.
   */
  void adopt(View view, Map<Stored, Boolean> orphans) {
    view.lock.lock();
    try {
      view.exists = true;
      views.put(view.container, view);
      containers.incrementAndGet();
      references.adopt(view, orphans);
    } finally {
      view.lock.unlock();
    }
  }
}
