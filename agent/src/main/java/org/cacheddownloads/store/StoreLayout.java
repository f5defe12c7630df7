package org.cacheddownloads.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.jspecify.annotations.Nullable;

/**
 * Where everything lies. The only class that knows paths.
 *
 * <pre>
 * state/
 *   VERSION                              layout version; held locked while an agent runs
 *   catalog.db                           SQLite: what each key means (never the truth about references)
 *   catalog.db-advice                    which requests there were, as hashes, for advice on the quota
 *   blobs/sha256/ab/abcd…                bytes of a download, 0444, never written again
 *   blobs/sha256/ab/abcd….x              its executable copy, 0555, made when first asked for
 *   trees/sha256/ab/abcd…/               what the blob of this digest, an archive, unpacks to
 *     content/                           as the archive has it, all of it 0444 or 0555
 *     manifest                           the list of it; its link count is that of the tree
 *   trees/sha256/ab/abcd….12345/         a damaged one that views still hold; the number is the manifest's inode
 *   ingest/ID/data                       a download under way
 *   ingest/ID/abcd…                      complete and about to become a blob: tells of a blob that has no row yet
 *   ingest/ID/                           also a tree, or a view's copy of one, on its way in or out
 *   containers/c1/                       a view: the directory that is bind-mounted
 *     .cached-downloads/abcd…            hard link to a blob: the reference
 *     .cached-downloads/abcd….d/         a tree: content/, whose files are hard links, and manifest, the reference;
 *                                        where the tree is to be mounted only the manifest
 *     .cached-downloads/mounts/go/1 -&gt; abcd….d   what is mounted at go: the highest number, and before it what was
 *     ruby -&gt; .cached-downloads/abcd…    what the container sees
 *     buildpacks/php -&gt; ../.cached-downloads/abcd….d/content
 *     go/                                an empty directory to mount a tree on
 *   quarantine/                          blobs that failed verification, files that nobody knows
 * </pre>
 *
 * <p>Opening one locks the state directory for this process until {@link #close}; the lock goes
 * with the process however it ends.
 */
public final class StoreLayout implements AutoCloseable {
  /** Of a tree's directory: what the archive holds. */
  public static final String CONTENT = "content";

  /** Of a tree's directory: the list of what it holds. */
  public static final String MANIFEST = "manifest";

  /** Of a view's links: what is mounted where. */
  public static final String MOUNTS = "mounts";

  /** The layout that this program reads and writes. */
  public static final int VERSION = 1;

  private static final String ALGORITHM = "sha256";
  private final Path state;
  private final FileChannel versionChannel;
  private final FileLock lock;

  /** The fan-out directories that are known to exist. */
  private final Set<Path> shelves = ConcurrentHashMap.newKeySet();

  private final AtomicBoolean unsyncedShelves = new AtomicBoolean();

  private StoreLayout(Path state, FileChannel versionChannel, FileLock lock) {
    this.state = state;
    this.versionChannel = versionChannel;
    this.lock = lock;
  }

  /**
   * Locks {@code state}, making the directories that are missing.
   *
   * @throws IOException with a sentence for the operator, if another agent holds it, if its layout
   *     is unknown, or if the disk refuses
   */
  public static StoreLayout open(Path state) throws IOException {
    Path root = state.toAbsolutePath().normalize();
    Files.createDirectories(root);
    FileChannel channel =
        FileChannel.open(
            root.resolve("VERSION"),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    FileLock lock = null;
    try {
      lock = lock(root, channel);
      checkVersion(root, channel);
      var layout = new StoreLayout(root, channel, lock);
      layout.makeDirectories();
      return layout;
    } catch (IOException | RuntimeException e) {
      channel.close(); // releases the lock too
      throw e;
    }
  }

  private static FileLock lock(Path root, FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return lock;
      }
    } catch (OverlappingFileLockException e) {
      throw new IOException(
          "the state directory " + root + " is in use by this process already", e);
    }
    throw new IOException(
        "the state directory "
            + root
            + " is in use by another agent; stop that one or set another 'state'");
  }

  private static void checkVersion(Path root, FileChannel channel) throws IOException {
    if (channel.size() == 0) {
      channel.write(StandardCharsets.US_ASCII.encode(VERSION + "\n"), 0);
      channel.force(true); // a power cut must not leave a version that nobody knows
      return;
    }
    String found = Files.readString(root.resolve("VERSION"), StandardCharsets.ISO_8859_1).strip();
    if (!found.equals(String.valueOf(VERSION))) {
      throw new IOException(
          "the state directory "
              + root
              + " has layout version '"
              + found
              + "', this program knows version "
              + VERSION
              + "; use the program that wrote it, or another 'state'");
    }
  }

  private void makeDirectories() throws IOException {
    Files.createDirectories(blobs());
    Files.createDirectories(trees());
    Files.createDirectories(ingests());
    Files.createDirectories(views());
    Files.createDirectories(quarantine());
  }

  public Path state() {
    return state;
  }

  public Path catalog() {
    return catalogOf(state);
  }

  /** What is kept of requests to tell how large the cache should be. */
  public Path advice() {
    return state.resolve("catalog.db-advice");
  }

  /** Where the catalog of a state directory is, open or not. */
  public static Path catalogOf(Path state) {
    return state.toAbsolutePath().normalize().resolve("catalog.db");
  }

  /** The file of {@code stored}, or the directory of a tree, whether it exists or not. */
  public Path blob(Stored stored) {
    String hex = stored.digest().hex();
    return stored.isTree()
        ? trees().resolve(hex.substring(0, 2)).resolve(hex)
        : blobs().resolve(hex.substring(0, 2)).resolve(stored.fileName());
  }

  /** The same, for whoever is about to put it there: its fan-out directory exists. */
  Path placeFor(Stored stored) throws IOException {
    Path place = blob(stored);
    makeShelf(Objects.requireNonNull(place.getParent()));
    return place;
  }

  /**
   * Makes all fan-out directories, which takes a tenth of a second that a first start need not wait
   * for; until then each is made when first needed.
   */
  public void makeShelves() throws IOException {
    for (Path area : List.of(blobs(), trees())) {
      for (int i = 0; i < 256; i++) {
        makeShelf(area.resolve(HexFormat.of().toHexDigits((byte) i)));
      }
    }
  }

  private void makeShelf(Path shelf) throws IOException {
    if (!shelves.contains(shelf)) {
      Files.createDirectories(shelf);
      unsyncedShelves.set(true);
      shelves.add(shelf);
    }
  }

  /**
   * Brings the entries of new fan-out directories to the disk; without effect if there are none.
   */
  void syncShelves() throws IOException {
    if (unsyncedShelves.getAndSet(false)) {
      try {
        BlobStore.force(blobs());
        BlobStore.force(trees());
      } catch (IOException e) {
        unsyncedShelves.set(true);
        throw e;
      }
    }
  }

  /** The file whose links are the references of {@code stored}: itself, or a tree's manifest. */
  public Path anchor(Stored stored) {
    return stored.isTree() ? blob(stored).resolve(MANIFEST) : blob(stored);
  }

  /** Where a damaged tree is kept as long as views hold it. */
  public Path aside(Stored tree, long manifestInode) {
    return trees()
        .resolve(tree.digest().hex().substring(0, 2))
        .resolve(tree.digest().hex() + "." + manifestInode);
  }

  /** The directory above the fan-out directories of blobs. */
  public Path blobs() {
    return state.resolve("blobs").resolve(ALGORITHM);
  }

  /** The directory above the fan-out directories of trees. */
  public Path trees() {
    return state.resolve("trees").resolve(ALGORITHM);
  }

  public Path ingests() {
    return state.resolve("ingest");
  }

  /**
   * What is written to see whether the disk works; at a start it goes like a download cut short.
   */
  Path probe() {
    return ingests().resolve("probe");
  }

  public Path views() {
    return state.resolve("containers");
  }

  public Path view(ContainerId container) {
    return views().resolve(container.text());
  }

  /** Where a view keeps its hard links. */
  public Path links(ContainerId container) {
    return view(container).resolve(DownloadName.RESERVED);
  }

  /** Where a download is shown. */
  public Path name(ContainerId container, DownloadName name) {
    try {
      Path path = view(container);
      for (String segment : name.segments()) {
        path = path.resolve(segment);
      }
      return path;
    } catch (InvalidPathException e) {
      throw new InvalidRequest(
          "name",
          "the agent runs in a locale that cannot write this name; start it with LC_ALL=C.UTF-8");
    }
  }

  /**
   * The text of the symlink of {@code name}: relative, so that it means the same on the host and in
   * the container.
   */
  public static Path symlinkTarget(DownloadName name, Stored stored) {
    return Path.of(
        "../".repeat(name.depth() - 1)
            + DownloadName.RESERVED
            + "/"
            + stored.fileName()
            + (stored.isTree() ? "/" + CONTENT : ""));
  }

  /** Where a view keeps what is mounted at {@code name}. */
  public Path mounts(ContainerId container, DownloadName name) {
    Path path = links(container).resolve(MOUNTS);
    for (String segment : name.segments()) {
      path = path.resolve(segment);
    }
    return path;
  }

  /** The file in a view that is its reference to {@code stored}. */
  public Path viewAnchor(ContainerId container, Stored stored) {
    Path link = links(container).resolve(stored.fileName());
    return stored.isTree() ? link.resolve(MANIFEST) : link;
  }

  public Path quarantine() {
    return state.resolve("quarantine");
  }

  /**
   * The blob that a path below {@link #blobs} or a view's links names, or null if it is none of
   * ours.
   */
  public static @Nullable Stored storedNamed(String fileName) {
    for (Form form : Form.values()) {
      String hex = fileName.replaceFirst("[.].*", "");
      if (Digest.isHex(hex)) {
        var stored = new Stored(new Digest(hex), form);
        if (stored.fileName().equals(fileName)) {
          return stored;
        }
      }
    }
    return null;
  }

  /** What the text of a name's symlink leads to, or null if that is none of ours. */
  public static @Nullable Stored storedAt(Path target) {
    Path last = target.getFileName();
    Path above = target.getParent();
    if (last != null && above != null && last.toString().equals(CONTENT)) {
      Stored stored = storedNamed(String.valueOf(above.getFileName()));
      return stored != null && stored.isTree() ? stored : null;
    }
    Stored stored = last == null ? null : storedNamed(last.toString());
    return stored == null || stored.isTree() ? null : stored;
  }

  /** The tree that a path below {@link #trees} is, or null if it is none of ours. */
  public @Nullable Stored treeAt(Path directory) {
    String name = String.valueOf(directory.getFileName());
    if (!Digest.isHex(name)) {
      return null;
    }
    Stored tree = Stored.tree(new Digest(name));
    return blob(tree).equals(directory) ? tree : null;
  }

  /** Whether a path below {@link #trees} is a damaged tree that was set aside. */
  public static boolean isAside(Path directory) {
    String[] parts = String.valueOf(directory.getFileName()).split("[.]", -1);
    return parts.length == 2 && Digest.isHex(parts[0]) && parts[1].matches("[0-9]{1,18}");
  }

  /** The inode of the manifest that such a tree has or had. */
  public static long asideOf(Path directory) {
    String name = String.valueOf(directory.getFileName());
    return Long.parseLong(name.substring(name.indexOf('.') + 1));
  }

  @Override
  public void close() {
    try {
      lock.release();
      versionChannel.close();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException("cannot unlock the state directory " + state, e);
    }
  }
}
