package org.cacheddownloads.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.zip.CRC32C;
import org.cacheddownloads.content.Checksum;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.ResumeNote;
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
 *
 * <p>One that has a {@link ResumeNote} can be laid aside and taken up again, with its hash as far
 * as it went; from the first {@link ResumeFile#WINDOW_BYTES} on also by a later process, which
 * reads and hashes what is there.
 */
public final class Ingest implements AutoCloseable {
  /** The name of the bytes in an ingest directory until they are complete. */
  static final String DATA = "data";

  private static final int AHEAD = 3;
  private static final FileAttribute<?> READ_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("r--r--r--"));
  private static final FileAttribute<?> EXECUTABLE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("r-xr-xr-x"));

  private final Path directory;
  private final @Nullable ResumeNote note;
  private final String boot;
  private final CRC32C window = new CRC32C();
  private FileChannel channel;
  private @Nullable FileChannel resumeFile;
  private final BufferPool buffers;
  private final Executor hashLane;
  private final MessageDigest sha256 = Hashing.digest("SHA-256");
  private final Checksum.@Nullable Algorithm otherAlgorithm;
  private final @Nullable MessageDigest other;
  private final ArrayDeque<Hashed> hashing = new ArrayDeque<>(AHEAD + 1);
  private @Nullable ByteBuffer filling;
  private CompletableFuture<Void> hashedSoFar = CompletableFuture.completedFuture(null);
  private long size;
  private boolean intact = true;
  private boolean open = true;

  private record Hashed(CompletableFuture<Void> done, ByteBuffer buffer) {}

  /**
   * The verified result of a complete ingest: size in bytes, and the other checksum if one was
   * asked for.
   */
  public record Sum(Digest digest, long size, Optional<Checksum> other) {}

  /**
   * What all ingests of a store have in common.
   *
   * @param boot the boot of the machine; what was written in another one is not taken up again
   */
  record Workshop(BufferPool buffers, Executor hashLane, String boot) {}

  private Ingest(
      Path directory,
      FileChannel channel,
      Workshop workshop,
      Checksum.@Nullable Algorithm wanted,
      @Nullable ResumeNote note) {
    Checksum.Algorithm other = wanted == Checksum.Algorithm.SHA256 ? null : wanted;
    this.directory = directory;
    this.channel = channel;
    this.note = note;
    this.boot = workshop.boot();
    this.buffers = workshop.buffers();
    this.hashLane = workshop.hashLane();
    this.otherAlgorithm = other;
    this.other = other == null ? null : Hashing.digest(other.jcaName());
  }

  static Ingest begin(
      Path directory,
      boolean executable,
      Workshop workshop,
      Checksum.@Nullable Algorithm other,
      @Nullable ResumeNote note)
      throws IOException {
    Files.createDirectory(directory);
    try {
      FileChannel channel =
          FileChannel.open(
              directory.resolve(DATA),
              Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
              executable ? EXECUTABLE : READ_ONLY);
      return new Ingest(directory, channel, workshop, other, note);
    } catch (IOException e) {
      Files.deleteIfExists(directory);
      throw e;
    }
  }

  /**
   * Takes up what an earlier process left: reads and hashes it, window by window, as far as it is
   * what was written. The rest is cut off.
   */
  static Ingest reopen(KeptIngest kept, Workshop workshop, Checksum.@Nullable Algorithm other)
      throws IOException {
    var ingest =
        new Ingest(
            kept.directory(), writing(kept.directory()), workshop, other, kept.content().note());
    try {
      ingest.readBack(kept.content().windows());
      return ingest;
    } catch (IOException | RuntimeException e) {
      ingest.closeChannels();
      throw e;
    }
  }

  /** The data is read-only from its creation on, as the blob will be; only its owner goes on. */
  private static FileChannel writing(Path directory) throws IOException {
    Path data = directory.resolve(DATA);
    Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rw-r--r--"));
    try {
      return FileChannel.open(data, StandardOpenOption.READ, StandardOpenOption.WRITE);
    } finally {
      Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("r--r--r--"));
    }
  }

  private void readBack(List<Integer> windows) throws IOException {
    int sound = 0;
    for (int expected : windows) {
      var crc = new CRC32C();
      var buffers = new ArrayList<ByteBuffer>();
      readWindow(crc, buffers);
      boolean isSound = (int) crc.getValue() == expected;
      for (ByteBuffer buffer : buffers) {
        if (isSound) {
          hashLater(buffer);
        } else {
          this.buffers.give(buffer);
        }
      }
      while (hashing.size() > AHEAD) {
        recycleOldest();
      }
      if (!isSound) {
        break;
      }
      sound++;
    }
    size = (long) sound * ResumeFile.WINDOW_BYTES;
    channel.truncate(size);
    channel.position(size);
    resumeFile = ResumeFile.reopen(directory.resolve(ResumeFile.NAME), required(note), boot, sound);
  }

  private void readWindow(CRC32C crc, List<ByteBuffer> into) throws IOException {
    for (int read = 0; read < ResumeFile.WINDOW_BYTES; read += BufferPool.BUFFER_BYTES) {
      ByteBuffer buffer = buffers.take();
      into.add(buffer);
      while (buffer.hasRemaining() && channel.read(buffer) >= 0) {}
      crc.update(buffer.flip().duplicate());
    }
  }

  private static ResumeNote required(@Nullable ResumeNote note) {
    if (note == null) {
      throw new IllegalStateException("only an ingest with a note is kept");
    }
    return note;
  }

  /** Takes all remaining bytes of {@code source}; the caller has reserved room for them. */
  public void write(ByteBuffer source) throws IOException {
    while (source.hasRemaining()) {
      ByteBuffer target = filling;
      if (target == null) {
        target = buffers.take();
        target.limit(BufferPool.BUFFER_BYTES - (int) (size % BufferPool.BUFFER_BYTES));
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

  /** Bytes that are in the file; the rest is buffered still. */
  public long written() {
    ByteBuffer rest = filling;
    return rest == null ? size : size - rest.position();
  }

  private void spill(ByteBuffer full) throws IOException {
    filling = null;
    intact = false; // a write that fails leaves less on disk than was hashed
    hashLater(full.flip());
    writeFully(full.duplicate());
    CrashPoint.CHUNK.reached();
    if (note != null) {
      window.update(full.duplicate());
      if (size % ResumeFile.WINDOW_BYTES == 0) {
        noteWindow(note);
      }
    }
    intact = true;
    if (hashing.size() > AHEAD) {
      recycleOldest();
    }
  }

  private void hashLater(ByteBuffer full) {
    ByteBuffer toHash = full.duplicate();
    hashedSoFar = hashedSoFar.thenRunAsync(() -> hash(toHash), hashLane);
    hashing.addLast(new Hashed(hashedSoFar, full));
  }

  private void noteWindow(ResumeNote kept) throws IOException {
    if (resumeFile == null) {
      resumeFile = ResumeFile.create(directory.resolve(ResumeFile.NAME), kept, boot);
    }
    ResumeFile.addWindow(resumeFile, (int) window.getValue());
    window.reset();
  }

  /** Whether what was taken is what was written, so that it can be laid aside. */
  public boolean isIntact() {
    return intact;
  }

  /** Whether a later process could go on with this. */
  public boolean isNoted() {
    return resumeFile != null;
  }

  /** What the request and the representation are, for an ingest that can be taken up again. */
  public @Nullable ResumeNote note() {
    return note;
  }

  /**
   * Lays the ingest aside: writes and hashes what is buffered and closes its files. Only one with a
   * note; {@link #goOn} takes it up again.
   */
  public void layAside() throws IOException {
    ByteBuffer rest = filling;
    if (rest != null) {
      spill(rest);
    }
    while (!hashing.isEmpty()) {
      recycleOldest();
    }
    closeChannels();
  }

  /** Opens the files again, to write where the ingest was laid aside. */
  public void goOn() throws IOException {
    channel = writing(directory);
    channel.position(size);
    Path file = directory.resolve(ResumeFile.NAME);
    if (resumeFile != null) {
      int windows = (int) (size / ResumeFile.WINDOW_BYTES);
      resumeFile = ResumeFile.reopen(file, required(note), boot, windows);
    }
  }

  /** Blocks that the ingest occupies now, in bytes. */
  public long allocatedBytes() throws IOException {
    long data = Posix.lstat(directory.resolve(DATA)).allocatedBytes();
    return isNoted()
        ? data + Posix.lstat(directory.resolve(ResumeFile.NAME)).allocatedBytes()
        : data;
  }

  /** What was written, until it is committed. */
  Path data() {
    return directory.resolve(DATA);
  }

  private void closeChannels() throws IOException {
    try (FileChannel _ = resumeFile) {
      channel.close();
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
    closeChannels();
    var digest = new Digest(HexFormat.of().formatHex(sha256.digest()));
    return new Sum(digest, size, otherSum());
  }

  private Optional<Checksum> otherSum() {
    if (other == null || otherAlgorithm == null) {
      return Optional.empty();
    }
    return Optional.of(new Checksum(otherAlgorithm, HexFormat.of().formatHex(other.digest())));
  }

  /** Gives complete data the name it will have in the store. @return where it is now */
  Path named(Stored stored) throws IOException {
    Path name = directory.resolve(stored.fileName());
    return Files.exists(name)
        ? name
        : Files.move(directory.resolve(DATA), name, StandardCopyOption.ATOMIC_MOVE);
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
      closeChannels();
      Removal.delete(directory);
    } catch (IOException e) {
      throw StorageFault.of("remove " + directory, e);
    }
  }
}
