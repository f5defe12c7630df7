package org.cacheddownloads.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.HexFormat;
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

  private final StoreLayout layout;
  private final BufferPool buffers = new BufferPool();
  private final ExecutorService hashLane =
      Executors.newFixedThreadPool(
          Math.max(2, Runtime.getRuntime().availableProcessors()),
          Thread.ofPlatform().daemon().name("hash-", 0).factory());
  private final Ingest.Workshop workshop;
  private final TreeStore trees;
  private final AtomicLong nextIngest = new AtomicLong();
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
    this.trees = new TreeStore(layout, this::newIngest);
  }

  /** What archives unpack to. */
  public TreeStore trees() {
    return trees;
  }

  /** Where the next ingest of this process is to be. */
  private Path newIngest() {
    return layout.ingests().resolve(runPrefix + nextIngest.getAndIncrement());
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
    return Ingest.begin(newIngest(), executable, workshop, other, note);
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
      Posix.link(named, layout.placeFor(stored));
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
    Files.move(ingest.named(stored), layout.placeFor(stored), StandardCopyOption.ATOMIC_MOVE);
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
      trees.discard(layout.blob(stored));
    } else {
      Files.deleteIfExists(layout.blob(stored));
    }
  }

  /** Reads the whole file and computes its hash. */
  public String hash(Stored stored, String algorithm) throws IOException {
    return hash(layout.blob(stored), algorithm);
  }

  /** The same for what was written to {@code ingest}, once that is finished. */
  public String hash(Ingest ingest, String algorithm) throws IOException {
    return hash(ingest.data(), algorithm);
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
    return stored.isTree() ? trees.isWhole(stored) : verify(layout.blob(stored), stored);
  }

  /** The same for another name of the bytes, in a view. */
  public boolean verify(Path file, Stored stored) throws IOException {
    return hash(file, "SHA-256").equals(stored.digest().hex());
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
    if (stored.isTree()) {
      trees.sync(stored);
      return;
    }
    Path blob = layout.blob(stored);
    force(blob);
    Path directory = blob.getParent();
    if (directory != null) {
      force(directory);
    }
    layout.syncShelves();
  }

  static void force(Path path) throws IOException {
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
