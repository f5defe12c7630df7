package org.cacheddownloads.store;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.cacheddownloads.failure.CacheException.InsufficientSpace;
import org.cacheddownloads.failure.CacheException.NotReady;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the disk of the state works. After {@value #TOLERATED} I/O errors in a row it does not,
 * until a probe could be written and synced. Requests are served all the same: what can be read is
 * handed out. A full file system is no error of the disk.
 *
 * <p>Thread-safe; no I/O under the lock, and none on the caller's thread.
 */
public final class StorageHealth {
  private static final Logger log = LoggerFactory.getLogger(StorageHealth.class);
  private static final int TOLERATED = 3;
  private static final int PROBE_BYTES = 4096;

  private final Path probe;
  private final AtomicBoolean probing = new AtomicBoolean();
  private final ReentrantLock lock = new ReentrantLock();

  /** Errors since something was synced; at {@link #TOLERATED} only a probe ends it. */
  @GuardedBy("lock")
  private int errors;

  /** Errors since the start. */
  @GuardedBy("lock")
  private long counted;

  @GuardedBy("lock")
  private String reason = "";

  /** The error that was counted last: many callers may wait for what failed once. */
  @GuardedBy("lock")
  private @Nullable Throwable last;

  public StorageHealth(StoreLayout layout) {
    this.probe = layout.probe();
  }

  /** Counts a failure that somebody is told of, if it is an I/O error. */
  public void heard(RuntimeException failure) {
    if (failure instanceof NotReady told && told.isStorageFault()) {
      Throwable cause = told.getCause();
      count(told.getMessage(), cause == null ? told : cause);
    }
  }

  /**
   * Counts that what was written could not be brought to the disk, whatever the kernel calls it: a
   * device that allocates late says that it has no space left, when it is too late.
   */
  public void notSynced(String what, IOException error) {
    count("cannot sync " + what + ": " + error.getMessage(), error);
  }

  private void count(String told, Throwable error) {
    lock.lock();
    try {
      if (error.equals(last)) {
        return;
      }
      last = error;
      counted++;
      reason = told;
      if (errors == TOLERATED || ++errors < TOLERATED) {
        return;
      }
    } finally {
      lock.unlock();
    }
    log.error("the disk fails, {} errors in a row; last: {}", TOLERATED, told);
  }

  /**
   * Something was brought to the disk: errors before this and errors to come are not in a row. A
   * mere write does not count, as it may only be in memory.
   */
  public void worked() {
    lock.lock();
    try {
      if (errors < TOLERATED) {
        errors = 0;
      }
    } finally {
      lock.unlock();
    }
  }

  /** What is wrong with the disk, as a sentence; empty while it is taken to work. */
  public Optional<String> trouble() {
    lock.lock();
    try {
      return errors < TOLERATED
          ? Optional.empty()
          : Optional.of("the disk failed " + TOLERATED + " times in a row; last: " + reason);
    } finally {
      lock.unlock();
    }
  }

  /** How many I/O errors were counted since the start. */
  public long counted() {
    lock.lock();
    try {
      return counted;
    } finally {
      lock.unlock();
    }
  }

  public boolean isHealthy() {
    return trouble().isEmpty();
  }

  /**
   * Tries whether a disk that failed works again, on a thread of its own: a write to a disk that
   * hangs may never return. One at a time; does nothing while all is well.
   */
  public void probe() {
    if (!isHealthy() && probing.compareAndSet(false, true)) {
      Thread.ofPlatform().daemon().name("storage-probe").start(this::tryToWrite);
    }
  }

  private void tryToWrite() {
    try {
      write();
      Removal.delete(probe);
      recovered();
    } catch (IOException e) {
      log.debug("the disk still fails error={}", e.toString());
    } finally {
      probing.set(false);
    }
  }

  /** Writes and syncs a file without a name: one that could not be deleted would count nowhere. */
  private void write() throws IOException {
    try (FileChannel nameless = begin()) {
      if (nameless != null) {
        nameless.force(true);
      }
    }
  }

  /**
   * @return null if the file system is full, which is an answer too
   */
  private @Nullable FileChannel begin() throws IOException {
    FileChannel channel = null;
    try {
      Files.createDirectories(probe);
      Path file = probe.resolve("data");
      channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      Files.delete(file);
      channel.write(ByteBuffer.allocate(PROBE_BYTES));
      return channel;
    } catch (IOException e) {
      if (channel != null) {
        channel.close();
      }
      if (StorageFault.of("probe the disk", e) instanceof InsufficientSpace) {
        return null;
      }
      throw e;
    }
  }

  private void recovered() {
    lock.lock();
    try {
      errors = 0;
      last = null;
    } finally {
      lock.unlock();
    }
    log.warn("the disk works again");
  }
}
