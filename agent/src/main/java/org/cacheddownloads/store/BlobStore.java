package org.cacheddownloads.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.cacheddownloads.content.Checksum;
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
  private static final int MOST_NAMESAKES = 1000;

  private final StoreLayout layout;
  private final BufferPool buffers = new BufferPool();
  private final ExecutorService hashLane =
      Executors.newFixedThreadPool(
          Math.max(2, Runtime.getRuntime().availableProcessors()),
          Thread.ofPlatform().daemon().name("hash-", 0).factory());
  private final AtomicLong nextIngest = new AtomicLong();
  private final String runPrefix = Long.toString(System.currentTimeMillis(), 36) + "-";

  public BlobStore(StoreLayout layout) {
    this.layout = layout;
  }

  /** Begins a write transaction that also computes {@code other}, where given. */
  public Ingest begin(boolean executable, Checksum.@Nullable Algorithm other) throws IOException {
    Path directory = layout.ingests().resolve(runPrefix + nextIngest.getAndIncrement());
    return Ingest.begin(directory, executable, buffers, hashLane, other);
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

  /** The status of a stored file, empty if it is not there. */
  public Optional<Posix.Stat> stat(Stored stored) throws IOException {
    try {
      return Optional.of(Posix.lstat(layout.blob(stored)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  public Path path(Stored stored) {
    return layout.blob(stored);
  }

  /** Deletes the store's own name of a blob; views that hold it keep its bytes. */
  public void delete(Stored stored) throws IOException {
    Files.deleteIfExists(layout.blob(stored));
  }

  /** Reads the whole file and computes its hash. */
  public String hash(Stored stored, String algorithm) throws IOException {
    MessageDigest digest = Hashing.digest(algorithm);
    ByteBuffer buffer = buffers.take();
    try (FileChannel source = FileChannel.open(layout.blob(stored), StandardOpenOption.READ)) {
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
    return hash(stored, "SHA-256").equals(stored.digest().hex());
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

  /** Syncs the bytes of {@code stored} and its directory entry to the disk. */
  public void sync(Stored stored) throws IOException {
    Path blob = layout.blob(stored);
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

  /** Allocated bytes of the files at and below {@code path}, and how many they are. */
  public static Extent extent(Path path) throws IOException {
    long bytes = 0;
    long files = 0;
    try (var paths = Files.walk(path)) {
      for (Path file : paths.toList()) {
        Posix.Stat stat = Posix.lstat(file);
        if (!stat.isDirectory()) {
          bytes += stat.allocatedBytes();
          files++;
        }
      }
    }
    return new Extent(bytes, files);
  }

  /** What {@link #extent} found. */
  public record Extent(long allocatedBytes, long files) {}

  /** Deletes an ingest directory that no running download owns. */
  public static void discard(Path ingestDirectory) throws IOException {
    Ingest.deleteTree(ingestDirectory);
  }

  @Override
  public void close() {
    hashLane.close();
  }
}
