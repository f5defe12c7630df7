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
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.DownloadName;
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
 *   blobs/sha256/ab/abcd…                bytes of a download, 0444, never written again
 *   blobs/sha256/ab/abcd….x              its executable copy, 0555, made when first asked for
 *   trees/sha256/ab/abcd…/               an unpacked archive (place kept for the directory form)
 *   ingest/ID/data                       a download under way
 *   ingest/ID/abcd…                      complete and about to become a blob: tells of a blob that has no row yet
 *   containers/c1/                       a view: the directory that is bind-mounted
 *     .cached-downloads/abcd…            hard link to a blob: the reference
 *     ruby -&gt; .cached-downloads/abcd…    what the container sees
 *     buildpacks/php -&gt; ../.cached-downloads/…
 *   quarantine/                          blobs that failed verification, files that nobody knows
 * </pre>
 *
 * <p>Opening one locks the state directory for this process until {@link #close}; the lock goes
 * with the process however it ends.
 */
public final class StoreLayout implements AutoCloseable {
  /** The layout that this program reads and writes. */
  public static final int VERSION = 1;

  private static final String ALGORITHM = "sha256";
  private final Path state;
  private final FileChannel versionChannel;
  private final FileLock lock;

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
    for (String area : new String[] {"blobs", "trees"}) {
      for (int i = 0; i < 256; i++) {
        Files.createDirectories(
            state.resolve(area).resolve(ALGORITHM).resolve(String.format("%02x", i)));
      }
    }
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

  /** Where the catalog of a state directory is, open or not. */
  public static Path catalogOf(Path state) {
    return state.toAbsolutePath().normalize().resolve("catalog.db");
  }

  /** The file of {@code stored}, whether it exists or not. */
  public Path blob(Stored stored) {
    return blobs().resolve(stored.digest().hex().substring(0, 2)).resolve(stored.fileName());
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
        "../".repeat(name.depth() - 1) + DownloadName.RESERVED + "/" + stored.fileName());
  }

  public Path quarantine() {
    return state.resolve("quarantine");
  }

  /**
   * The blob that a path below {@link #blobs} or a view's links names, or null if it is none of
   * ours.
   */
  public static @Nullable Stored storedNamed(String fileName) {
    boolean executable = fileName.endsWith(".x");
    String hex = executable ? fileName.substring(0, fileName.length() - 2) : fileName;
    if (!org.cacheddownloads.content.Digest.isHex(hex)) {
      return null;
    }
    var digest = new org.cacheddownloads.content.Digest(hex);
    return new Stored(
        digest,
        executable
            ? org.cacheddownloads.content.Form.EXECUTABLE
            : org.cacheddownloads.content.Form.FILE);
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
