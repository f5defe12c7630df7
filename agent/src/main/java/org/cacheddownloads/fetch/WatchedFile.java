package org.cacheddownloads.fetch;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A small file that others may replace at any time: what it holds now, read again only when it may
 * have changed. Thread-safe.
 *
 * <p>Its size, times and inode tell. What was written just before it was read is not relied upon,
 * since another write within the same tick of the file system's clock would look the same.
 */
final class WatchedFile {
  private static final int MOST_BYTES = 1 << 20;
  private static final Duration SETTLED = Duration.ofSeconds(2);

  private final Path path;
  private final Clock clock;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private @Nullable Read last;

  private record Stamp(long size, Instant modified, @Nullable Object inode) {}

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Read(Stamp stamp, Instant at, Content content) {}

  /**
   * What a file holds. Equality is identity: the same instance for as long as the bytes are the
   * same.
   */
  static final class Content {
    private final byte[] bytes;

    private Content(byte[] bytes) {
      this.bytes = bytes;
    }

    byte[] bytes() {
      return bytes.clone();
    }
  }

  WatchedFile(Path path, Clock clock) {
    this.path = path;
    this.clock = clock;
  }

  /**
   * @throws IOException with what is wrong in words, without the path and without any of the
   *     content
   */
  Content content() throws IOException {
    try {
      Stamp stamp = stamp();
      lock.lock();
      try {
        Read known = last;
        if (known != null && known.stamp().equals(stamp) && isSettled(known)) {
          return known.content();
        }
      } finally {
        lock.unlock();
      }
      return remembered(stamp, read());
    } catch (NoSuchFileException e) {
      throw new IOException("there is no such file", e);
    } catch (FileSystemException e) {
      throw new IOException(e.getReason() == null ? "it cannot be read" : e.getReason(), e);
    }
  }

  private Content remembered(Stamp stamp, byte[] bytes) {
    lock.lock();
    try {
      Read known = last;
      Content content =
          known != null && Arrays.equals(known.content().bytes, bytes)
              ? known.content()
              : new Content(bytes);
      last = new Read(stamp, clock.instant(), content);
      return content;
    } finally {
      lock.unlock();
    }
  }

  private static boolean isSettled(Read read) {
    return read.stamp().modified().plus(SETTLED).isBefore(read.at());
  }

  private Stamp stamp() throws IOException {
    var attributes = Files.readAttributes(path, BasicFileAttributes.class);
    return new Stamp(
        attributes.size(), attributes.lastModifiedTime().toInstant(), attributes.fileKey());
  }

  private byte[] read() throws IOException {
    try (InputStream in = Files.newInputStream(path)) {
      byte[] bytes = in.readNBytes(MOST_BYTES + 1);
      if (bytes.length > MOST_BYTES) {
        throw new IOException("it is larger than " + MOST_BYTES + " bytes");
      }
      return bytes;
    }
  }
}
