package org.cacheddownloads.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.cacheddownloads.content.Checksum;
import org.cacheddownloads.content.ResumeNote;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CrashPoint;
import org.jspecify.annotations.Nullable;

/**
 * Bytes by digest. Thread-safe. Knows nothing of keys, quotas or references: callers pin what they
 * use and account for what they add.
 *
 * <p>Close it last of all users; it ends the hash lane.
 */
public final class BlobStore implements AutoCloseable {
  /** From this size on a download that was cut outlasts the process. */
  public static final long RESUMABLE_BYTES = ResumeFile.WINDOW_BYTES;

  private static final int MOST_NAMESAKES = 1000;

  /** Others may read what is in a tree, and only the agent may change which trees there are. */
  private static final FileAttribute<?> TREE_DIRECTORY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x"));

  private final StoreLayout layout;
  private final BufferPool buffers = new BufferPool();
  private final ExecutorService hashLane =
      Executors.newFixedThreadPool(
          Math.max(2, Runtime.getRuntime().availableProcessors()),
          Thread.ofPlatform().daemon().name("hash-", 0).factory());
  private final Ingest.Workshop workshop;
  private final AtomicLong nextIngest = new AtomicLong();
  private volatile TreeCheck treeCheck = _ -> false;
  private final String runPrefix = Long.toString(System.currentTimeMillis(), 36) + "-";

  /**
   * The store at {@code layout}.
   *
   * @param boot names the boot of the machine: ingests of another one are not taken up again, since
   *     a power cut may have come between
   */
  public BlobStore(StoreLayout layout, String boot) {
    this.layout = layout;
    this.workshop = new Ingest.Workshop(buffers, hashLane, boot);
  }

  /** Begins a write transaction that also computes {@code other}, where given. */
  public Ingest begin(boolean executable, Checksum.@Nullable Algorithm other) throws IOException {
    return begin(executable, other, null);
  }

  /**
   * The same for a body that can be asked for in parts: it may be laid aside and taken up again.
   */
  public Ingest begin(
      boolean executable, Checksum.@Nullable Algorithm other, @Nullable ResumeNote note)
      throws IOException {
    Path directory = layout.ingests().resolve(runPrefix + nextIngest.getAndIncrement());
    return Ingest.begin(directory, executable, workshop, other, note);
  }

  /**
   * What can be taken up again of an ingest directory that an earlier process left.
   *
   * @return empty if nothing of it can be believed
   */
  public Optional<KeptIngest> kept(Path directory) throws IOException {
    Path data = directory.resolve(Ingest.DATA);
    Optional<ResumeFile.Content> content =
        ResumeFile.read(directory.resolve(ResumeFile.NAME))
            .filter(found -> found.boot().equals(workshop.boot()) && found.coveredBytes() > 0);
    if (content.isEmpty() || !Files.isRegularFile(data, LinkOption.NOFOLLOW_LINKS)) {
      return Optional.empty();
    }
    Posix.Stat stat = Posix.lstat(data);
    return stat.sizeBytes() < content.get().coveredBytes()
        ? Optional.empty()
        : Optional.of(
            new KeptIngest(
                directory, content.get(), Instant.ofEpochSecond(stat.modifiedEpochSeconds())));
  }

  /** Takes up what {@link #kept} found: reads and hashes it, which takes as long as it is large. */
  public Ingest reopen(KeptIngest kept, Checksum.@Nullable Algorithm other) throws IOException {
    return Ingest.reopen(kept, workshop, other);
  }

  /** The most blocks that the note of a body of {@code dataBytes} occupies, in bytes. */
  public long noteAllocation(ResumeNote note, long dataBytes) {
    return dataBytes < ResumeFile.WINDOW_BYTES
        ? 0
        : ResumeFile.sizeFor(note, workshop.boot(), dataBytes);
  }

  /**
   * Puts finished data in place under its name. The ingest must stay open until the catalog knows
   * the blob: until then its file tells the next start about a blob without a row.
   *
   * @return false if the bytes were in place already and the ingest's copy is to be discarded
   */
  public boolean commit(Ingest ingest, Stored stored) throws IOException {
    try {
      Path named = ingest.named(stored);
      CrashPoint.NAME.reached();
      Posix.link(named, layout.blob(stored));
      CrashPoint.COMMIT.reached();
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    }
  }

  /**
   * Puts a fresh copy in place of a blob whose inode has no links left to give; views keep the old
   * inode.
   */
  public void replace(Ingest ingest, Stored stored) throws IOException {
    Files.move(ingest.named(stored), layout.blob(stored), StandardCopyOption.ATOMIC_MOVE);
  }

  /**
   * Copies one form of a digest into an ingest, for the other form or for more links. The sum tells
   * whether the source was intact.
   */
  public void copyInto(Ingest ingest, Stored from) throws IOException {
    try (FileChannel source = FileChannel.open(layout.blob(from), StandardOpenOption.READ)) {
      ByteBuffer buffer = buffers.take();
      try {
        while (source.read(buffer.clear()) >= 0) {
          ingest.write(buffer.flip());
        }
      } finally {
        buffers.give(buffer);
      }
    }
  }

  // ---- trees ----

  /** Tells whether a tree on disk is what its manifest says, and the manifest the right one. */
  @FunctionalInterface
  public interface TreeCheck {
    boolean isWhole(Stored tree) throws IOException;
  }

  /** Lets trees be verified by {@code check}; only while the agent is put together. */
  public void verifyTreesBy(TreeCheck check) {
    treeCheck = check;
  }

  /**
   * A new directory for a tree, or a view's copy of one, in an ingest of its own, which is the
   * directory above it. Whatever is there at a next start goes.
   */
  public Path beginTree() throws IOException {
    Path ingest =
        Files.createDirectory(
            layout.ingests().resolve(runPrefix + nextIngest.getAndIncrement()), TREE_DIRECTORY);
    return Files.createDirectory(ingest.resolve("tree"), TREE_DIRECTORY);
  }

  /**
   * Puts a finished tree in its place. Its ingest must stay until the catalog knows the tree: until
   * then it tells the next start about a tree without a row.
   *
   * @return false if there is one already
   */
  public boolean commitTree(Path made, Stored tree) throws IOException {
    Files.createFile(made.resolveSibling(tree.fileName()));
    try {
      Files.move(made, layout.blob(tree)); // a rename: never onto a directory that is not empty
      CrashPoint.PLANT.reached();
      return true;
    } catch (FileAlreadyExistsException | DirectoryNotEmptyException e) {
      return false;
    }
  }

  /** Ends what {@link #beginTree} began, with all that is left of it. */
  public static void endTree(Path made) throws IOException {
    Removal.delete(Objects.requireNonNull(made.getParent()));
  }

  /** Where {@link #setAside} puts a tree. */
  public Path aside(Stored tree, long manifestInode) {
    return layout.aside(tree, manifestInode);
  }

  /** Takes a damaged tree that views hold out of its place. @return where it is now */
  public Path setAside(Stored tree, long manifestInode) throws IOException {
    return Files.move(layout.blob(tree), layout.aside(tree, manifestInode));
  }

  /** Deletes a tree, or a copy of one, that is in the way of nobody else: gone in one step. */
  public void discardTree(Path directory) throws IOException {
    Path away = layout.ingests().resolve(runPrefix + nextIngest.getAndIncrement());
    try {
      Files.move(directory, away, StandardCopyOption.ATOMIC_MOVE);
    } catch (NoSuchFileException e) {
      return;
    }
    CrashPoint.UPROOT.reached();
    Removal.delete(away);
  }

  /** What a tree occupies now: all of it, its directory and manifest too. */
  public static Extent extentOfTree(Path directory) throws IOException {
    long bytes = 0;
    long inodes = 0;
    var seen = new HashSet<Long>(); // files of a tree that views hold have several names
    try (var paths = Files.walk(directory)) {
      for (Iterator<Path> path = paths.iterator(); path.hasNext(); ) {
        Posix.Stat stat = Posix.lstat(path.next());
        if (stat.isDirectory() || stat.links() == 1 || seen.add(stat.inode())) {
          bytes += stat.isSymlink() ? 0 : stat.allocatedBytes();
          inodes++;
        }
      }
    }
    return new Extent(bytes, inodes);
  }

  /** What a tree of the store occupies now. */
  public Extent extentOfTree(Stored tree) throws IOException {
    return extentOfTree(layout.blob(tree));
  }

  /** What a view's copy of a tree, or its reference alone, occupies beside the tree's files. */
  public static Extent extentOfCopy(Path directory) throws IOException {
    long bytes = 0;
    long inodes = 0;
    try (var paths = Files.walk(directory)) {
      for (Iterator<Path> path = paths.iterator(); path.hasNext(); ) {
        Posix.Stat stat = Posix.lstat(path.next());
        if (!stat.isFile()) {
          bytes += stat.isDirectory() ? stat.allocatedBytes() : 0;
          inodes++;
        }
      }
    }
    return new Extent(bytes, inodes);
  }

  /** The status of a stored file, or of a tree's manifest; empty if it is not there. */
  public Optional<Posix.Stat> stat(Stored stored) throws IOException {
    try {
      return Optional.of(Posix.lstat(layout.anchor(stored)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  /** Whether anything is in the place of {@code stored}, such as a tree without its manifest. */
  public boolean isThere(Stored stored) {
    return Files.exists(layout.blob(stored), LinkOption.NOFOLLOW_LINKS);
  }

  /** The file of a blob, or a tree's manifest. */
  public Path path(Stored stored) {
    return layout.anchor(stored);
  }

  /** Deletes the store's own name of a blob; views that hold it keep its bytes. A tree goes. */
  public void delete(Stored stored) throws IOException {
    if (stored.isTree()) {
      discardTree(layout.blob(stored));
    } else {
      Files.deleteIfExists(layout.blob(stored));
    }
  }

  /** Reads the whole file and computes its hash. */
  public String hash(Stored stored, String algorithm) throws IOException {
    return hash(layout.blob(stored), algorithm);
  }

  private String hash(Path file, String algorithm) throws IOException {
    MessageDigest digest = Hashing.digest(algorithm);
    ByteBuffer buffer = buffers.take();
    try (FileChannel source = FileChannel.open(file, StandardOpenOption.READ)) {
      while (source.read(buffer.clear()) >= 0) {
        digest.update(buffer.flip());
      }
    } finally {
      buffers.give(buffer);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Whether the file's bytes still are what its name says. */
  public boolean verify(Stored stored) throws IOException {
    return stored.isTree() ? treeCheck.isWhole(stored) : verify(layout.blob(stored), stored);
  }

  /** The same for another name of the bytes, in a view. */
  public boolean verify(Path file, Stored stored) throws IOException {
    return hash(file, "SHA-256").equals(stored.digest().hex());
  }

  /**
   * Reads files slice by slice, past the page cache where the file system can. Used by one thread.
   */
  public static final class Slices {
    private static final int ALIGNMENT = 4096;
    private final ByteBuffer buffer;
    private boolean direct = true;

    /** The JDK has the option in a package of its own that the compiler warns of. */
    private static final java.nio.file.OpenOption DIRECT = directOption();

    private static java.nio.file.OpenOption directOption() {
      try {
        for (Object option :
            Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants()) {
          if (option.toString().equals("DIRECT")) {
            return (java.nio.file.OpenOption) option;
          }
        }
      } catch (ClassNotFoundException e) {
        return StandardOpenOption.READ; // another JDK: through the page cache then
      }
      return StandardOpenOption.READ;
    }

    /** Slices of so many bytes, a multiple of 4 KiB. */
    public Slices(int bytes) {
      this.buffer = ByteBuffer.allocateDirect(bytes + ALIGNMENT).alignedSlice(ALIGNMENT);
      buffer.limit(bytes);
    }

    /** Gives one slice to {@code sink}. @return its length, less than a slice at the end */
    public int read(Path file, long offset, java.util.function.Consumer<ByteBuffer> sink)
        throws IOException {
      int bytes = buffer.limit();
      ByteBuffer slice = buffer.slice(0, bytes);
      try (FileChannel source = open(file)) {
        // One call: past the page cache only whole blocks can be asked for.
        int read = Math.max(0, source.read(slice, offset));
        while (!direct && read < bytes) {
          int more = source.read(slice, offset + read);
          if (more <= 0) {
            break;
          }
          read += more;
        }
        sink.accept(slice.flip());
        return read;
      }
    }

    private FileChannel open(Path file) throws IOException {
      if (direct) {
        try {
          return FileChannel.open(file, StandardOpenOption.READ, DIRECT);
        } catch (NoSuchFileException e) {
          throw e;
        } catch (IOException | UnsupportedOperationException e) {
          direct = false; // tmpfs, for one
        }
      }
      return FileChannel.open(file, StandardOpenOption.READ);
    }
  }

  /** Moves a stored object to the quarantine. @return where it is now */
  public Path quarantine(Stored stored) throws IOException {
    return quarantine(layout.blob(stored));
  }

  /** Moves a file out of the store, to be looked at by a person. @return where it is now */
  public Path quarantine(Path file) throws IOException {
    for (int i = 0; ; i++) {
      Path target = layout.quarantine().resolve(file.getFileName() + (i == 0 ? "" : "." + i));
      try {
        return Files.move(file, target); // never replaces
      } catch (FileAlreadyExistsException e) {
        if (i >= MOST_NAMESAKES) {
          throw e;
        }
      }
    }
  }

  /**
   * Tells a file from one of the same name that comes after it: its modification time in
   * microseconds, which no step after the last write changes.
   */
  public long stamp(Path file) throws IOException {
    return Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS).to(TimeUnit.MICROSECONDS);
  }

  /** Syncs the bytes of {@code stored} and its directory entry to the disk. */
  public void sync(Stored stored) throws IOException {
    Path blob = layout.blob(stored);
    if (stored.isTree()) {
      Posix.syncFileSystem(blob); // thousands of files, and each by itself is a commit of a journal
      return;
    }
    force(blob);
    Path directory = blob.getParent();
    if (directory != null) {
      force(directory);
    }
  }

  private static void force(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /**
   * The blob that an ingest directory was about to become, or had become, when the agent was
   * killed.
   */
  public static Optional<Stored> committedBy(Path ingestDirectory) throws IOException {
    try (var files = Files.list(ingestDirectory)) {
      return files
          .map(file -> StoreLayout.storedNamed(String.valueOf(file.getFileName())))
          .filter(Objects::nonNull)
          .findFirst();
    }
  }

  /**
   * Allocated bytes of the files at and below {@code path}, and how many they are: one with several
   * names, as in a tree, once.
   */
  public static Extent extent(Path path) throws IOException {
    long bytes = 0;
    long files = 0;
    var seen = new HashSet<Long>();
    try (var paths = Files.walk(path)) {
      for (Iterator<Path> file = paths.iterator(); file.hasNext(); ) {
        Posix.Stat stat = Posix.lstat(file.next());
        if (!stat.isDirectory() && (stat.links() == 1 || seen.add(stat.inode()))) {
          bytes += stat.isFile() ? stat.allocatedBytes() : 0;
          files++;
        }
      }
    }
    return new Extent(bytes, files);
  }

  /** What something occupies: blocks, in bytes, and inodes. */
  public record Extent(long allocatedBytes, long files) {}

  /** Gives up what {@link #kept} found. */
  public static void discard(KeptIngest kept) {
    try {
      Removal.delete(kept.directory());
    } catch (IOException e) {
      throw StorageFault.of("remove " + kept.directory(), e);
    }
  }

  /** Deletes an ingest directory that no running download owns. */
  public static void discard(Path ingestDirectory) throws IOException {
    Removal.delete(ingestDirectory);
  }

  @Override
  public void close() {
    hashLane.close();
  }
}
