package org.cacheddownloads.view;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.cacheddownloads.archive.DamagedTree;
import org.cacheddownloads.archive.Trees;
import org.cacheddownloads.catalog.BlobRow;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.ContainerRow;
import org.cacheddownloads.catalog.DownloadRow;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.Deliver;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Outcome;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.content.TreeSum;
import org.cacheddownloads.content.Validator;
import org.cacheddownloads.failure.CrashPoint;
import org.cacheddownloads.space.Budget;
import org.cacheddownloads.space.Partials;
import org.cacheddownloads.space.Recency;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Extent;
import org.cacheddownloads.store.KeptIngest;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.Removal;
import org.cacheddownloads.store.StoreLayout;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the views from disk at the start, before requests are let in, and gives the budget its
 * first sums. Its cost is that of what is in use, whatever the number of entries. What a kill left
 * half done is finished: views on their way out go, links without a name and names without a link
 * go, and so do blobs that no row accounts for.
 */
public final class ViewScan {
  private static final Logger log = LoggerFactory.getLogger(ViewScan.class);

  private final StoreLayout layout;
  private final Catalog catalog;
  private final BlobStore store;
  private final Budget budget;
  private final Views views;
  private final Partials partials;
  private final Recency recency;
  private final Map<ContainerId, ContainerRow> containerRows = new HashMap<>();
  private final Map<ContainerId, Map<DownloadName, DownloadRow>> downloadRows = new HashMap<>();
  private final Map<Long, Boolean> hashed = new HashMap<>();
  private boolean unchecked;

  /** What the notes of the container that is being read say. */
  private Map<DownloadName, List<Stored>> mounts = Map.of();

  private final Set<Long> inodesInUse = new HashSet<>();
  private final Set<Stored> inUse = new HashSet<>();
  private long inUseBytes;
  private long inUseInodes;
  private long rowsOfInUseBytes;
  private long rowsOfInUseInodes;

  public ViewScan(
      StoreLayout layout,
      Catalog catalog,
      BlobStore store,
      Budget budget,
      Views views,
      Partials partials,
      Recency recency) {
    this.layout = layout;
    this.catalog = catalog;
    this.store = store;
    this.budget = budget;
    this.views = views;
    this.partials = partials;
    this.recency = recency;
  }

  /**
   * Reads all views.
   *
   * @throws IOException if the disk refuses; the agent cannot start then
   */
  public void run() throws IOException {
    catalog.containers().forEach(row -> containerRows.put(row.container(), row));
    catalog
        .downloads()
        .forEach(
            row ->
                downloadRows
                    .computeIfAbsent(row.container(), _ -> new HashMap<>())
                    .put(row.name(), row));
    unchecked = catalog.viewsAreUnchecked();
    for (Path path : list(layout.views())) {
      scanContainer(path);
      CrashPoint.SCAN.reached();
    }
    if (unchecked) {
      catalog.viewsAreChecked();
    }
    containerRows.keySet().stream()
        .filter(container -> views.find(container).isEmpty())
        .forEach(catalog::forgetContainer);
    for (Stored stored : catalog.believedInUse()) {
      catalog.holdingChanged(stored); // those that no view holds are idle from now on
    }
    for (Path ingest : list(layout.ingests())) {
      salvage(ingest);
      CrashPoint.SALVAGE.reached();
    }
    catalog.flush();
    var totals = catalog.totals();
    Extent quarantine = Extent.of(layout.quarantine());
    budget.start(
        totals.allocatedBytes() - rowsOfInUseBytes,
        inUseBytes,
        quarantine.allocatedBytes(),
        totals.inodes() - rowsOfInUseInodes + inUseInodes + quarantine.files());
  }

  private static List<Path> list(Path directory) throws IOException {
    try (var paths = Files.list(directory)) {
      return paths.sorted().toList();
    }
  }

  private void scanContainer(Path directory) throws IOException {
    String name = String.valueOf(directory.getFileName());
    if (name.startsWith(Views.RELEASED)) {
      BlobStore.discard(directory);
      return;
    }
    if (!ContainerId.isValid(name) || !Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
      quarantine(directory);
      return;
    }
    var container = new ContainerId(name);
    ContainerRow row = containerRows.get(container);
    var view = new View(container, row != null ? row.createdAt() : createdAt(directory));
    view.lock.lock();
    try {
      view.expiresAt = row == null ? null : row.expiresAt();
      Map<Stored, Boolean> orphans = scanLinks(view);
      var notes = new MountNotes(layout, container);
      mounts = notes.read(view.links.keySet());
      scanNames(view, directory, List.of());
      notes.forgetAllBut(mounts, view.mounted.keySet());
      dropUnnamedLinks(view);
      if (view.names.isEmpty() && row == null) {
        BlobStore.discard(directory); // its making was cut short: nobody was told of it
        return;
      }
      orphans.keySet().retainAll(view.links.keySet());
      count(view, orphans);
      views.adopt(view, orphans);
    } finally {
      view.lock.unlock();
    }
  }

  /** What is none of ours never stops a start and is not deleted: a person may want it. */
  private void quarantine(Path file) throws IOException {
    log.warn("unknown file moved to quarantine file={} now={}", file, store.quarantine(file));
  }

  private static Instant createdAt(Path directory) throws IOException {
    return Files.readAttributes(directory, BasicFileAttributes.class).creationTime().toInstant();
  }

  /**
   * @return for each link whether its inode has lost its name in the store
   */
  @GuardedBy("view.lock")
  private Map<Stored, Boolean> scanLinks(View view) throws IOException {
    var orphans = new HashMap<Stored, Boolean>();
    Path links = layout.links(view.container);
    if (!Files.isDirectory(links, LinkOption.NOFOLLOW_LINKS)) {
      Files.createDirectory(links);
    }
    for (Path file : list(links)) {
      String name = String.valueOf(file.getFileName());
      if (name.equals(StoreLayout.MOUNTS)) {
        continue;
      }
      Stored stored = StoreLayout.storedNamed(name);
      if (stored == null) {
        log.info(
            "removing what a switch left container={} file={}", view.container, file.getFileName());
        BlobStore.discard(file);
        continue;
      }
      Path anchor = layout.viewAnchor(view.container, stored);
      if (!Files.isRegularFile(anchor, LinkOption.NOFOLLOW_LINKS)) {
        log.warn("a reference is cut short container={} digest={}", view.container, stored);
        BlobStore.discard(file);
        continue;
      }
      Posix.Stat stat = Posix.lstat(anchor);
      Optional<Posix.Stat> blob = store.stat(stored);
      boolean orphan = blob.isEmpty() || blob.get().inode() != stat.inode();
      if (stored.isTree() && (orphan ? isCut(stored, stat) : isUnknown(stored, anchor))) {
        log.error("damaged tree set aside digest={}", stored);
        Path _ = store.trees().setAside(stored, stat.inode()); // it may be mounted
        orphan = true;
      }
      if (!isSound(stored, anchor, stat.inode(), orphan)) {
        log.error("damaged bytes leave a view container={} digest={}", view.container, stored);
        BlobStore.discard(file);
        continue;
      }
      view.links.put(
          stored, stored.isTree() ? tree(stored, file, stat, orphan) : View.Link.file(stat));
      orphans.put(stored, orphan);
    }
    return orphans;
  }

  /** Whether a tree has lost the manifest that a view holds. */
  private boolean isCut(Stored tree, Posix.Stat manifest) throws IOException {
    return store.stat(tree).isEmpty()
        && store.isThere(tree)
        && !Files.exists(layout.aside(tree, manifest.inode()), LinkOption.NOFOLLOW_LINKS);
  }

  /** Whether neither the catalog nor its manifest says what a tree is. */
  private boolean isUnknown(Stored tree, Path manifest) throws IOException {
    return catalog.blob(tree).isEmpty() && sum(manifest) == null;
  }

  private static @Nullable TreeSum sum(Path manifest) throws IOException {
    try {
      return Trees.sum(manifest);
    } catch (DamagedTree e) {
      log.error("a manifest is damaged difference={}", e.getMessage());
      return null;
    }
  }

  private View.Link tree(Stored tree, Path copy, Posix.Stat manifest, boolean orphan)
      throws IOException {
    Extent own = Extent.ofCopy(copy);
    Path aside = layout.aside(tree, manifest.inode());
    Optional<BlobRow> row = orphan ? Optional.empty() : catalog.blob(tree);
    Extent all =
        row.isPresent()
            ? new Extent(row.get().allocatedBytes(), row.get().inodes())
            : orphan
                ? filesOf(Files.isDirectory(aside) ? aside : copy)
                : store.trees().extent(tree);
    return new View.Link(
        manifest.inode(),
        all.allocatedBytes(),
        all.files(),
        Files.isDirectory(copy.resolve(StoreLayout.CONTENT), LinkOption.NOFOLLOW_LINKS),
        own.allocatedBytes(),
        own.files());
  }

  /** Of a damaged tree: itself, or where that is gone too the files that a copy keeps. */
  private Extent filesOf(Path directory) throws IOException {
    Extent all = Extent.ofTree(directory);
    if (StoreLayout.isAside(directory)) {
      return all;
    }
    Extent own = Extent.ofCopy(directory);
    return new Extent(all.allocatedBytes() - own.allocatedBytes(), all.files() - own.files());
  }

  /** What a power cut may have damaged is hashed, once, before anybody is shown it again. */
  private boolean isSound(Stored stored, Path link, long inode, boolean orphan) throws IOException {
    if (!unchecked || !catalog.isSuspect(stored, store.stamp(link))) {
      return true;
    }
    Boolean known = hashed.get(inode);
    if (known == null) {
      known = stored.isTree() ? !orphan && store.verify(stored) : store.verify(link, stored);
      hashed.put(inode, known);
    }
    return known;
  }

  @GuardedBy("view.lock")
  private void scanNames(View view, Path directory, List<String> above) throws IOException {
    for (Path path : list(directory)) {
      String segment = String.valueOf(path.getFileName());
      if (segment.equals(DownloadName.RESERVED) && above.isEmpty()) {
        continue;
      }
      List<String> segments = new ArrayList<>(above);
      segments.add(segment);
      if (Files.isSymbolicLink(path)) {
        scanName(view, path, segments);
      } else if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        DownloadName name = DownloadName.ifValid(segments);
        List<Stored> mounted = name == null ? null : mounts.get(name);
        if (name != null && mounted != null) {
          view.mounted.put(name, mounted);
          describe(view, name, mounted.getLast(), Deliver.MOUNT);
        } else {
          scanNames(view, path, segments);
          Removal.deleteIfEmpty(path);
        }
      } else {
        quarantine(path);
      }
    }
  }

  @GuardedBy("view.lock")
  private void scanName(View view, Path path, List<String> segments) throws IOException {
    Stored stored = StoreLayout.storedAt(Files.readSymbolicLink(path));
    View.Link link = stored == null ? null : view.links.get(stored);
    if (stored == null || link == null || !link.hasContent()) {
      log.warn(
          "removing a name that leads nowhere container={} name={}",
          view.container,
          String.join("/", segments));
      Files.delete(path);
      return;
    }
    DownloadName name = DownloadName.ifValid(segments);
    if (name == null) {
      quarantine(path);
      return;
    }
    view.symlinks++;
    describe(view, name, stored, Deliver.LINK);
  }

  @GuardedBy("view.lock")
  private void describe(View view, DownloadName name, Stored stored, Deliver deliver)
      throws IOException {
    DownloadRow described = downloadRows.getOrDefault(view.container, Map.of()).get(name);
    view.names.put(
        name,
        described != null
                && described.stored().equals(stored)
                && described.isMounted() == (deliver == Deliver.MOUNT)
            ? described
            : undescribed(view, name, stored, deliver));
  }

  /**
   * A name whose description did not reach the catalog before a kill: what can be known is known
   * from an entry of its bytes.
   */
  @GuardedBy("view.lock")
  private DownloadRow undescribed(View view, DownloadName name, Stored stored, Deliver deliver)
      throws IOException {
    var entry = catalog.entriesOf(stored.digest()).stream().findFirst();
    Path anchor = layout.viewAnchor(view.container, stored);
    long size =
        stored.isTree()
            ? catalog.blob(stored).map(BlobRow::sizeBytes).orElse(0L)
            : Posix.lstat(anchor).sizeBytes();
    return new DownloadRow(
        view.container,
        name,
        stored,
        entry.map(known -> known.key().text()).orElse(""),
        entry
            .map(known -> known.key().text())
            .filter(key -> !key.equals(entry.get().source()))
            .orElse(null),
        entry.map(known -> known.url()).orElse(""),
        size,
        Outcome.HIT,
        0,
        Duration.ZERO,
        entry.map(known -> known.validator()).orElse(Validator.NONE),
        entry.map(known -> known.freshUntil()).orElse(null),
        deliver,
        stored.isTree() ? sum(anchor) : null);
  }

  @GuardedBy("view.lock")
  private void dropUnnamedLinks(View view) throws IOException {
    Set<Stored> named = new HashSet<>();
    view.names.values().forEach(row -> named.add(row.stored()));
    view.mounted.values().forEach(named::addAll);
    for (Stored stored : List.copyOf(view.links.keySet())) {
      if (!named.contains(stored)) {
        BlobStore.discard(layout.links(view.container).resolve(stored.fileName()));
        view.links.remove(stored);
      }
    }
  }

  @GuardedBy("view.lock")
  private void count(View view, Map<Stored, Boolean> orphans) throws IOException {
    countDirectories(view, layout.view(view.container));
    view.symlinks += view.mounted.values().stream().mapToInt(List::size).sum();
    inUseInodes += view.symlinks;
    for (var link : view.links.entrySet()) {
      Stored stored = link.getKey();
      inUseBytes += link.getValue().copyBytes();
      inUseInodes += link.getValue().copyInodes();
      if (inodesInUse.add(link.getValue().inode())) {
        inUseBytes += link.getValue().bytes();
        inUseInodes += link.getValue().inodes();
      }
      if (!orphans.getOrDefault(stored, false) && inUse.add(stored)) {
        Optional<BlobRow> row = catalog.blob(stored);
        if (row.isEmpty()) {
          addRow(stored, link.getValue());
        } else if (row.get().allocatedBytes() != link.getValue().bytes()) {
          // What is given back is what is counted.
          catalog.resize(stored, link.getValue().bytes(), link.getValue().inodes());
        }
        rowsOfInUseBytes += link.getValue().bytes();
        rowsOfInUseInodes += link.getValue().inodes();
      }
    }
  }

  private void addRow(Stored stored, View.Link link) throws IOException {
    if (stored.isTree()) {
      TreeSum sum = Trees.sum(layout.anchor(stored));
      catalog.addTree(new BlobRow(stored, 0, link.bytes(), link.inodes(), recency.next(), sum));
      catalog.suspect(stored);
    } else {
      long size = Posix.lstat(layout.blob(stored)).sizeBytes();
      catalog.addBlob(stored, size, link.bytes(), recency.next());
    }
  }

  /** But for those in copies of trees, which are counted with these. */
  @GuardedBy("view.lock")
  private void countDirectories(View view, Path directory) throws IOException {
    long bytes = Posix.lstat(directory).allocatedBytes();
    view.directories.put(directory, bytes);
    inUseBytes += bytes;
    inUseInodes++;
    boolean ofLinks = directory.equals(layout.links(view.container));
    for (Path path : list(directory)) {
      boolean isCopy =
          ofLinks && StoreLayout.storedNamed(String.valueOf(path.getFileName())) != null;
      if (!isCopy && Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        countDirectories(view, path);
      }
    }
  }

  /**
   * A download that a kill cut short: it is kept if it can be gone on with. If it had become a blob
   * that no row knows, that goes too.
   */
  private void salvage(Path directory) throws IOException {
    if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
      quarantine(directory);
      return;
    }
    Optional<Stored> committed = BlobStore.committedBy(directory);
    if (committed.isPresent()
        && catalog.blob(committed.get()).isEmpty()
        && !inUse.contains(committed.get())) {
      try {
        store.delete(committed.get());
      } catch (NoSuchFileException e) {
        log.debug("it had not become a blob digest={}", committed.get());
      }
    }
    if (committed.isEmpty()) {
      Optional<KeptIngest> kept = store.kept(directory);
      Extent extent = Extent.of(directory);
      if (kept.isPresent()
          && partials.adopt(kept.get(), extent.allocatedBytes(), extent.files() + 1)) {
        return;
      }
    }
    BlobStore.discard(directory);
  }
}
