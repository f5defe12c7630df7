package org.cacheddownloads.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import jnr.constants.platform.Errno;
import jnr.posix.FileStat;
import jnr.posix.POSIX;
import jnr.posix.POSIXFactory;
import jnr.posix.util.SunMiscSignal;

/**
 * System calls that the JDK does not offer: allocated blocks, inode numbers, link counts in one
 * call, and {@code link} with an error number. The only user of jnr. Thread-safe: the error number
 * belongs to the calling thread, and no call here blocks between the call and its reading.
 */
public final class Posix {
  private static final POSIX LIBC = POSIXFactory.getNativePOSIX();
  private static final int BLOCK =
      512; // the unit of st_blocks, whatever the file system's own block size (stat(2))

  private static final int LONGEST_PATH = 4096;
  private static final int AT_FDCWD = -100; // the same number on every architecture of Linux
  private static final int AT_SYMLINK_NOFOLLOW = 0x100;
  private static final long UTIME_OMIT = (1L << 30) - 2;

  private Posix() {}

  /**
   * What {@code lstat} says. {@code allocatedBytes} are the blocks that the file occupies, in
   * bytes.
   */
  public record Stat(
      long inode,
      int links,
      long sizeBytes,
      long allocatedBytes,
      boolean isDirectory,
      boolean isSymlink,
      boolean isFile,
      int mode,
      long modifiedEpochSeconds) {}

  /**
   * Thrown by {@link #link} when the inode has all the links that the file system allows (65,000 on
   * ext4).
   */
  public static final class TooManyLinks extends IOException {
    private static final long serialVersionUID = 1L;

    TooManyLinks(Path path) {
      super(path + " has as many links as the file system allows");
    }
  }

  /** The status of {@code path} itself, a symlink not followed. */
  public static Stat lstat(Path path) throws IOException {
    FileStat stat = LIBC.allocateStat();
    if (LIBC.lstat(path.toString(), stat) < 0) {
      throw failure(path, null);
    }
    return new Stat(
        stat.ino(),
        stat.nlink(),
        stat.st_size(),
        stat.blocks() * BLOCK,
        stat.isDirectory(),
        stat.isSymlink(),
        stat.isFile(),
        stat.mode() & 07777,
        stat.mtime());
  }

  /** Makes {@code link} another name of the inode of {@code existing}. */
  public static void link(Path existing, Path link) throws IOException {
    if (LIBC.link(existing.toString(), link.toString()) < 0) {
      throw failure(link, existing);
    }
  }

  /**
   * Makes {@code link} a symlink with the text {@code target}, whatever that leads to. The JDK
   * would drop slashes from it.
   */
  public static void symlink(String target, Path link) throws IOException {
    if (LIBC.symlink(target, link.toString()) < 0) {
      throw failure(link, null);
    }
  }

  /** The text of a symlink, as UTF-8; the JDK would read it in the encoding of the locale. */
  public static String readSymlink(Path link) throws IOException {
    byte[] text = new byte[LONGEST_PATH];
    int length = LIBC.readlink(link.toString(), text, text.length);
    if (length < 0) {
      throw failure(link, null);
    }
    return new String(text, 0, length, StandardCharsets.UTF_8);
  }

  /**
   * Sets the modification time of {@code path} itself, a symlink not followed, to the nanosecond.
   */
  public static void setModified(Path path, Instant time) throws IOException {
    long[] keep = {0, UTIME_OMIT};
    long[] modified = {time.getEpochSecond(), time.getNano()};
    if (LIBC.utimensat(AT_FDCWD, path.toString(), keep, modified, AT_SYMLINK_NOFOLLOW) < 0) {
      throw failure(path, null);
    }
  }

  /**
   * Sets the file creation mask, so that modes given at creation hold whatever the caller's shell
   * had.
   */
  public static void umask(int mask) {
    int before = LIBC.umask(mask);
    assert before >= 0;
  }

  /**
   * The login name of a user, or the number as text for one that has none; as the JDK names users.
   */
  public static String userName(int uid) {
    var entry = LIBC.getpwuid(uid);
    return entry == null ? String.valueOf(uid) : entry.getLoginName();
  }

  /**
   * Runs {@code action} on a thread of the JVM whenever the process gets the signal, in place of
   * the default reaction.
   */
  public static void onSignal(String name, Runnable action) {
    SunMiscSignal.signal(jnr.constants.platform.Signal.valueOf(name), _ -> action.run());
  }

  /** Ends this process as {@code kill -9} does. */
  public static void die() {
    LIBC.kill(LIBC.getpid(), jnr.constants.platform.Signal.SIGKILL.intValue());
  }

  private static IOException failure(Path path, @org.jspecify.annotations.Nullable Path other) {
    Errno errno = Errno.valueOf(LIBC.errno());
    String file = path.toString();
    String second = other == null ? null : other.toString();
    return switch (errno) {
      case ENOENT -> new NoSuchFileException(file, second, null);
      case EEXIST -> new FileAlreadyExistsException(file, second, null);
      case EMLINK -> new TooManyLinks(path);
      default -> new FileSystemException(file, second, errno.description());
    };
  }
}
