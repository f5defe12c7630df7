package org.cacheddownloads.store;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
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
 * call, and {@code link} with an error number. The only user of jnr, and of the linker for what
 * that lacks. Thread-safe: the error number belongs to the calling thread, and no call here blocks
 * between the call and its reading.
 */
public final class Posix {
  private static final POSIX LIBC = POSIXFactory.getNativePOSIX();
  private static final int BLOCK =
      512; // the unit of st_blocks, whatever the file system's own block size (stat(2))

  private static final int LONGEST_PATH = 4096;
  private static final int AT_FDCWD = -100; // the same number on every architecture of Linux
  private static final int AT_SYMLINK_NOFOLLOW = 0x100;
  private static final long UTIME_OMIT = (1L << 30) - 2;
  private static final int RENAME_EXCHANGE = 2;
  private static final int O_RDONLY = 0;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

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

  /**
   * Lets two names change places in one step, whatever they are (renameat2(2), {@code
   * RENAME_EXCHANGE}).
   */
  public static void exchange(Path one, Path other) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(Linux.ERROR);
      int result =
          (int)
              Linux.RENAMEAT2.invokeExact(
                  error,
                  AT_FDCWD,
                  arena.allocateFrom(one.toString()),
                  AT_FDCWD,
                  arena.allocateFrom(other.toString()),
                  RENAME_EXCHANGE);
      check(result, error, one);
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("renameat2 cannot be called", e);
    }
  }

  /** Brings all of the file system that {@code path} is on to the disk (syncfs(2)). */
  public static void syncFileSystem(Path path) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(Linux.ERROR);
      int descriptor =
          (int) Linux.OPEN.invokeExact(error, arena.allocateFrom(path.toString()), O_RDONLY);
      check(descriptor, error, path);
      try {
        check((int) Linux.SYNCFS.invokeExact(error, descriptor), error, path);
      } finally {
        int _ = (int) Linux.CLOSE.invokeExact(error, descriptor);
      }
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("syncfs cannot be called", e);
    }
  }

  private static void check(int result, MemorySegment error, Path path) throws IOException {
    if (result < 0) {
      throw failure((int) Linux.ERRNO.get(error, 0L), path, null);
    }
  }

  /** Calls that jnr-posix lacks; loaded when first needed. */
  private static final class Linux {
    static final StructLayout ERROR = Linker.Option.captureStateLayout();
    static final VarHandle ERRNO = ERROR.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    static final MethodHandle RENAMEAT2 =
        function("renameat2", INT, INT, ValueLayout.ADDRESS, INT, ValueLayout.ADDRESS, INT);
    static final MethodHandle OPEN = function("open", INT, ValueLayout.ADDRESS, INT);
    static final MethodHandle SYNCFS = function("syncfs", INT, INT);
    static final MethodHandle CLOSE = function("close", INT, INT);

    @SuppressWarnings("restricted") // signatures are those of the manual pages named above
    private static MethodHandle function(
        String name, MemoryLayout result, MemoryLayout... arguments) {
      Linker linker = Linker.nativeLinker();
      return linker.downcallHandle(
          linker.defaultLookup().find(name).orElseThrow(),
          FunctionDescriptor.of(result, arguments),
          Linker.Option.captureCallState("errno"));
    }
  }

  /** Ends this process as {@code kill -9} does. */
  public static void die() {
    LIBC.kill(LIBC.getpid(), jnr.constants.platform.Signal.SIGKILL.intValue());
  }

  private static IOException failure(Path path, @org.jspecify.annotations.Nullable Path other) {
    return failure(LIBC.errno(), path, other);
  }

  private static IOException failure(
      int number, Path path, @org.jspecify.annotations.Nullable Path other) {
    Errno errno = Errno.valueOf(number);
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
