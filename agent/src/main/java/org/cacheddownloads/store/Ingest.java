package org.cacheddownloads.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.cacheddownloads.content.Checksum;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CrashPoint;
import org.jspecify.annotations.Nullable;

/**
 * One write transaction of the store: bytes are hashed and counted while they are written, then
 * {@link BlobStore#commit committed} or discarded.
 *
 * <p>Not thread-safe: one thread writes. Hashing of large bodies runs beside it on the hash lane;
 * at most {@link #AHEAD} buffers wait for it, so memory is bounded. Closing without a commit
 * deletes everything; closing is idempotent.
 */
public final class Ingest implements AutoCloseable {
  private static final int AHEAD = 3;
  private static final FileAttribute<?> READ_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("r--r--r--"));
  private static final FileAttribute<?> EXECUTABLE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("r-xr-xr-x"));

  private final Path directory;
  private final FileChannel channel;
  private final BufferPool buffers;
  private final Executor hashLane;
  private final MessageDigest sha256 = Hashing.digest("SHA-256");
  private final Checksum.@Nullable Algorithm otherAlgorithm;
  private final @Nullable MessageDigest other;
  private final ArrayDeque<Hashed> hashing = new ArrayDeque<>(AHEAD + 1);
  private @Nullable ByteBuffer filling;
  private CompletableFuture<Void> hashedSoFar = CompletableFuture.completedFuture(null);
  private long size;
  private boolean open = true;

  private record Hashed(CompletableFuture<Void> done, ByteBuffer buffer) {}

  /**
   * The verified result of a complete ingest: size in bytes, and the other checksum if one was
   * asked for.
   */
  public record Sum(Digest digest, long size, Optional<Checksum> other) {}

  private Ingest(
      Path directory,
      FileChannel channel,
      BufferPool buffers,
      Executor hashLane,
      Checksum.@Nullable Algorithm other) {
    this.directory = directory;
    this.channel = channel;
    this.buffers = buffers;
    this.hashLane = hashLane;
    this.otherAlgorithm = other;
    this.other = other == null ? null : Hashing.digest(other.jcaName());
  }

  static Ingest begin(
      Path directory,
      boolean executable,
      BufferPool buffers,
      Executor hashLane,
      Checksum.@Nullable Algorithm other)
      throws IOException {
    Files.createDirectory(directory);
    try {
      FileChannel channel =
          FileChannel.open(
              directory.resolve("data"),
              java.util.Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
              executable ? EXECUTABLE : READ_ONLY);
      return new Ingest(
          directory, channel, buffers, hashLane, other == Checksum.Algorithm.SHA256 ? null : other);
    } catch (IOException e) {
      Files.deleteIfExists(directory);
      throw e;
    }
  }

  /** Takes all remaining bytes of {@code source}; the caller has reserved room for them. */
  public void write(ByteBuffer source) throws IOException {
    while (source.hasRemaining()) {
      ByteBuffer target = filling;
      if (target == null) {
        target = buffers.take();
        filling = target;
      }
      int count = Math.min(source.remaining(), target.remaining());
      target.put(target.position(), source, source.position(), count);
      target.position(target.position() + count);
      source.position(source.position() + count);
      size += count;
      if (!target.hasRemaining()) {
        spill(target);
      }
    }
  }

  /** Bytes taken so far. */
  public long size() {
    return size;
  }

  private void spill(ByteBuffer full) throws IOException {
    filling = null;
    full.flip();
    ByteBuffer toHash = full.duplicate();
    hashedSoFar = hashedSoFar.thenRunAsync(() -> hash(toHash), hashLane);
    hashing.addLast(new Hashed(hashedSoFar, full));
    writeFully(full.duplicate());
    CrashPoint.CHUNK.reached();
    if (hashing.size() > AHEAD) {
      recycleOldest();
    }
  }

  private void recycleOldest() {
    Hashed oldest = hashing.removeFirst();
    oldest.done().join();
    buffers.give(oldest.buffer());
  }

  private void hash(ByteBuffer bytes) {
    if (other != null) {
      other.update(bytes.duplicate());
    }
    sha256.update(bytes);
  }

  private void writeFully(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      int written = channel.write(bytes);
      if (written == 0) {
        throw new IOException(
            "No space left on device"); // a regular file takes at least one byte or fails
      }
    }
  }

  /** Writes and hashes what is still buffered. Nothing can be written afterwards. */
  public Sum finish() throws IOException {
    ByteBuffer rest = filling;
    if (rest != null) {
      filling = null;
      rest.flip();
      hashedSoFar.join();
      hash(rest.duplicate());
      writeFully(rest);
      buffers.give(rest);
    }
    while (!hashing.isEmpty()) {
      recycleOldest();
    }
    channel.close();
    var digest = new Digest(HexFormat.of().formatHex(sha256.digest()));
    return new Sum(digest, size, otherSum());
  }

  private Optional<Checksum> otherSum() {
    if (other == null || otherAlgorithm == null) {
      return Optional.empty();
    }
    return Optional.of(new Checksum(otherAlgorithm, HexFormat.of().formatHex(other.digest())));
  }

  private Path data() {
    return directory.resolve("data");
  }

  /** Gives complete data the name it will have in the store. @return where it is now */
  Path named(Stored stored) throws IOException {
    Path name = directory.resolve(stored.fileName());
    return Files.exists(name) ? name : Files.move(data(), name, StandardCopyOption.ATOMIC_MOVE);
  }

  /**
   * Ends the transaction: what was not committed is gone. Errors of deleting leave an orphan, which
   * the next start removes.
   */
  @Override
  public void close() {
    if (!open) {
      return;
    }
    open = false;
    while (!hashing.isEmpty()) {
      recycleOldest();
    }
    if (filling != null) {
      buffers.give(filling);
      filling = null;
    }
    try {
      channel.close();
      deleteTree(directory);
    } catch (IOException e) {
      throw StorageFault.of("remove " + directory, e);
    }
  }

  /** Deletes a small directory with all below it; nothing is followed. Already gone is fine. */
  static void deleteTree(Path directory) throws IOException {
    try (var paths = Files.walk(directory, new FileVisitOption[0])) {
      for (Path path : paths.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    } catch (NoSuchFileException e) {
      // gone is what was wanted
    }
  }
}
