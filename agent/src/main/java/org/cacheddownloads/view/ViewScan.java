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
import org.cacheddownloads.catalog.BlobRow;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.ContainerRow;
import org.cacheddownloads.catalog.DownloadRow;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Outcome;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.content.Validator;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.cacheddownloads.failure.CrashPoint;
import org.cacheddownloads.space.Budget;
import org.cacheddownloads.space.Partials;
import org.cacheddownloads.space.Recency;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.KeptIngest;
import org.cacheddownloads.store.Posix;
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
  private final Set<Long> inodesInUse = new HashSet<>();
  private final Set<Stored> inUse = new HashSet<>();
  private long inUseBytes;
  private long inUseInodes;
  private long rowsOfInUseBytes;

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
    BlobStore.Extent quarantine = BlobStore.extent(layout.quarantine());
    budget.start(
        totals.allocatedBytes() - rowsOfInUseBytes,
        inUseBytes,
        quarantine.allocatedBytes(),
        totals.blobs() - inUse.size() + inUseInodes + quarantine.files());
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
      scanNames(view, directory, List.of());
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
      Stored stored = StoreLayout.storedNamed(String.valueOf(file.getFileName()));
      if (stored == null) {
        log.info(
            "removing what a switch left container={} file={}", view.container, file.getFileName());
        BlobStore.discard(file);
        continue;
      }
      Posix.Stat stat = Posix.lstat(file);
      if (!isSound(stored, file, stat.inode())) {
        log.error("damaged bytes leave a view container={} digest={}", view.container, stored);
        BlobStore.discard(file);
        continue;
      }
      view.links.put(stored, new View.Link(stat.inode(), stat.allocatedBytes()));
      Optional<Posix.Stat> blob = store.stat(stored);
      orphans.put(stored, blob.isEmpty() || blob.get().inode() != stat.inode());
    }
    return orphans;
  }

  /** What a power cut may have damaged is hashed, once, before anybody is shown it again. */
  private boolean isSound(Stored stored, Path link, long inode) throws IOException {
    if (!unchecked || !catalog.isSuspect(stored, store.stamp(link))) {
      return true;
    }
    Boolean known = hashed.get(inode);
    if (known == null) {
      known = store.verify(link, stored);
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
        scanNames(view, path, segments);
        deleteIfEmpty(path);
      } else {
        quarantine(path);
      }
    }
  }

  private static void deleteIfEmpty(Path directory) throws IOException {
    if (list(directory).isEmpty()) {
      Files.delete(directory);
    }
  }

  @GuardedBy("view.lock")
  private void scanName(View view, Path path, List<String> segments) throws IOException {
    Path target = Files.readSymbolicLink(path).getFileName();
    Stored stored = target == null ? null : StoreLayout.storedNamed(target.toString());
    if (stored == null || !view.links.containsKey(stored)) {
      log.warn(
          "removing a name that leads nowhere container={} name={}",
          view.container,
          String.join("/", segments));
      Files.delete(path);
      return;
    }
    DownloadName name = name(segments);
    if (name == null) {
      quarantine(path);
      return;
    }
    DownloadRow described = downloadRows.getOrDefault(view.container, Map.of()).get(name);
    view.names.put(
        name,
        described != null && described.stored().equals(stored)
            ? described
            : undescribed(view, name, stored));
  }

  private static @Nullable DownloadName name(List<String> segments) {
    try {
      return new DownloadName(segments);
    } catch (InvalidRequest e) {
      return null;
    }
  }

  /**
   * A name whose description did not reach the catalog before a kill: what can be known is known
   * from an entry of its bytes.
   */
  @GuardedBy("view.lock")
  private DownloadRow undescribed(View view, DownloadName name, Stored stored) throws IOException {
    var entry = catalog.entriesOf(stored.digest()).stream().findFirst();
    long size = Posix.lstat(layout.links(view.container).resolve(stored.fileName())).sizeBytes();
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
        entry.map(known -> known.freshUntil()).orElse(null));
  }

  @GuardedBy("view.lock")
  private void dropUnnamedLinks(View view) throws IOException {
    Set<Stored> named = new HashSet<>();
    view.names.values().forEach(row -> named.add(row.stored()));
    for (Stored stored : List.copyOf(view.links.keySet())) {
      if (!named.contains(stored)) {
        Files.delete(layout.links(view.container).resolve(stored.fileName()));
        view.links.remove(stored);
      }
    }
  }

  @GuardedBy("view.lock")
  private void count(View view, Map<Stored, Boolean> orphans) throws IOException {
    try (var paths = Files.walk(layout.view(view.container))) {
      for (Path directory :
          paths.filter(path -> Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)).toList()) {
        long bytes = Posix.lstat(directory).allocatedBytes();
        view.directories.put(directory, bytes);
        inUseBytes += bytes;
        inUseInodes++;
      }
    }
    inUseInodes += view.names.size();
    for (var link : view.links.entrySet()) {
      Stored stored = link.getKey();
      if (inodesInUse.add(link.getValue().inode())) {
        inUseBytes += link.getValue().bytes();
        inUseInodes++;
      }
      if (!orphans.getOrDefault(stored, false) && inUse.add(stored)) {
        Optional<BlobRow> row = catalog.blob(stored);
        if (row.isEmpty()) {
          long size = Posix.lstat(layout.blob(stored)).sizeBytes();
          catalog.addBlob(stored, size, link.getValue().bytes(), recency.next());
        } else if (row.get().allocatedBytes() != link.getValue().bytes()) {
          catalog.resize(stored, link.getValue().bytes()); // what is given back is what is counted
        }
        rowsOfInUseBytes += link.getValue().bytes();
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
      BlobStore.Extent extent = BlobStore.extent(directory);
      if (kept.isPresent()
          && partials.adopt(kept.get(), extent.allocatedBytes(), extent.files() + 1)) {
        return;
      }
    }
    BlobStore.discard(directory);
  }
}
