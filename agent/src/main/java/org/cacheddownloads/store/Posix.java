package org.cacheddownloads.store;

import java.io.IOException;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * System calls that the JDK does not offer: allocated blocks, inode numbers, link counts in one
 * call, {@code link} with an error number, and a few more. The only user of the foreign linker.
 * Thread-safe: the error number is taken with the call.
 *
 * <p>Constants and layouts are those of Linux on every architecture with addresses of 64 bits,
 * which is why it asks by {@code statx}: {@code struct stat} differs between them.
 */
public final class Posix {
  private static final int AT_FDCWD = -100;
  private static final int AT_SYMLINK_NOFOLLOW = 0x100;
  private static final int RENAME_EXCHANGE = 2;
  private static final int O_RDONLY = 0;
  private static final int SIGKILL = 9;
  private static final int LONGEST_PATH = 4096;
  private static final short AF_UNIX = 1;
  private static final int SOCK_DGRAM_CLOEXEC = 2 | 02000000;
  private static final int MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
  private static final int CLOCK_MONOTONIC = 1;

  private static final int ENOENT = 2;
  private static final int EAGAIN = 11;
  private static final int EEXIST = 17;
  private static final int EMLINK = 31;

  /** The unit of {@code stx_blocks}, whatever the file system's own block size (statx(2)). */
  private static final int BLOCK = 512;

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
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(Native.ERROR);
      MemorySegment stat = arena.allocate(Statx.LAYOUT);
      int result =
          (int)
              Statx.CALL.invokeExact(
                  error, AT_FDCWD, text(arena, path), AT_SYMLINK_NOFOLLOW, Statx.BASIC, stat);
      check(result, error, path, null);
      int mode = Short.toUnsignedInt(stat.get(ValueLayout.JAVA_SHORT, Statx.MODE));
      int type = mode & Statx.TYPE;
      return new Stat(
          stat.get(ValueLayout.JAVA_LONG, Statx.INODE),
          stat.get(ValueLayout.JAVA_INT, Statx.LINKS),
          stat.get(ValueLayout.JAVA_LONG, Statx.SIZE),
          stat.get(ValueLayout.JAVA_LONG, Statx.BLOCKS) * BLOCK,
          type == Statx.DIRECTORY,
          type == Statx.SYMLINK,
          type == Statx.REGULAR,
          mode & 07777,
          stat.get(ValueLayout.JAVA_LONG, Statx.MODIFIED_SECONDS));
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw uncallable("statx", e);
    }
  }

  /** Makes {@code link} another name of the inode of {@code existing}. */
  public static void link(Path existing, Path link) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(Native.ERROR);
      int result = (int) Link.CALL.invokeExact(error, text(arena, existing), text(arena, link));
      check(result, error, link, existing);
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw uncallable("link", e);
    }
  }

  /**
   * Makes {@code link} a symlink with the text {@code target}, whatever that leads to. The JDK
   * would drop slashes from it.
   */
  public static void symlink(String target, Path link) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(Native.ERROR);
      int result =
          (int) Symlink.CALL.invokeExact(error, arena.allocateFrom(target), text(arena, link));
      check(result, error, link, null);
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw uncallable("symlink", e);
    }
  }

  /** The text of a symlink, as UTF-8; the JDK would read it in the encoding of the locale. */
  public static String readSymlink(Path link) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(Native.ERROR);
      MemorySegment target = arena.allocate(LONGEST_PATH);
      long length =
          (long) Readlink.CALL.invokeExact(error, text(arena, link), target, (long) LONGEST_PATH);
      check(length, error, link, null);
      byte[] bytes = target.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
      return new String(bytes, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw uncallable("readlink", e);
    }
  }

  /**
   * Sets the modification time of {@code path} itself, a symlink not followed, to the nanosecond.
   */
  public static void setModified(Path path, Instant time) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(Native.ERROR);
      MemorySegment times =
          arena.allocateFrom(
              ValueLayout.JAVA_LONG, 0, Utimensat.OMIT, time.getEpochSecond(), time.getNano());
      int result =
          (int)
              Utimensat.CALL.invokeExact(
                  error, AT_FDCWD, text(arena, path), times, AT_SYMLINK_NOFOLLOW);
      check(result, error, path, null);
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw uncallable("utimensat", e);
    }
  }

  /**
   * Sets the file creation mask, so that modes given at creation hold whatever the caller's shell
   * had.
   */
  public static void umask(int mask) {
    try (Arena arena = Arena.ofConfined()) {
      int _ = (int) Umask.CALL.invokeExact(arena.allocate(Native.ERROR), mask);
    } catch (Throwable e) {
      throw uncallable("umask", e);
    }
  }

  /**
   * The login name of a user, or the number as text for one that has none; as the JDK names users.
   */
  public static String userName(int uid) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(Native.ERROR);
      MemorySegment entry = arena.allocate(User.ENTRY_BYTES);
      MemorySegment texts = arena.allocate(User.TEXT_BYTES);
      MemorySegment found = arena.allocate(ValueLayout.ADDRESS);
      int result = (int) User.CALL.invokeExact(error, uid, entry, texts, User.TEXT_BYTES, found);
      boolean isKnown =
          result == 0 && !found.get(ValueLayout.ADDRESS, 0).equals(MemorySegment.NULL);
      return isKnown ? entry.get(User.NAME, 0).getString(0) : String.valueOf(uid);
    } catch (Throwable e) {
      throw uncallable("getpwuid_r", e);
    }
  }

  /**
   * Lets two names change places in one step, whatever they are (renameat2(2), {@code
   * RENAME_EXCHANGE}).
   */
  public static void exchange(Path one, Path other) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(Native.ERROR);
      int result =
          (int)
              Exchange.CALL.invokeExact(
                  error, AT_FDCWD, text(arena, one), AT_FDCWD, text(arena, other), RENAME_EXCHANGE);
      check(result, error, one, null);
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw uncallable("renameat2", e);
    }
  }

  /** Brings all of the file system that {@code path} is on to the disk (syncfs(2)). */
  public static void syncFileSystem(Path path) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(Native.ERROR);
      int descriptor = (int) Sync.OPEN.invokeExact(error, text(arena, path), O_RDONLY);
      check(descriptor, error, path, null);
      try {
        check((int) Sync.CALL.invokeExact(error, descriptor), error, path, null);
      } finally {
        int _ = (int) Sync.CLOSE.invokeExact(error, descriptor);
      }
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw uncallable("syncfs", e);
    }
  }

  /**
   * Lets the calling thread, and those that it starts after this, come after the others where all
   * want the processor (setpriority(2), which counts for single threads on Linux). What the kernel
   * refuses is no loss.
   *
   * @param nice above 0, at most 19
   */
  public static void giveWay(int nice) {
    try (Arena arena = Arena.ofConfined()) {
      int _ = (int) Priority.CALL.invokeExact(arena.allocate(Native.ERROR), 0, 0, nice);
    } catch (Throwable e) {
      throw uncallable("setpriority", e);
    }
  }

  /**
   * Sends one datagram to a Unix socket (unix(7)), which the JDK cannot. Waits for nobody.
   *
   * @param address a path, or {@code @} and an abstract name; at most 108 bytes
   * @return false if the receiver has too many to read yet
   * @throws IOException if there is no such socket, or it may not be sent to
   */
  public static boolean sendDatagram(String address, byte[] message) throws IOException {
    byte[] name = address.getBytes(StandardCharsets.UTF_8);
    if (name.length == 0 || name.length > Datagram.LONGEST_NAME) {
      throw new FileSystemException(address, null, "is no address of a socket");
    }
    if (name[0] == '@') {
      name[0] = 0; // what makes a name abstract
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(Native.ERROR);
      MemorySegment target = arena.allocate(Short.BYTES + name.length, Short.BYTES);
      target.set(ValueLayout.JAVA_SHORT, 0, AF_UNIX);
      MemorySegment.copy(name, 0, target, ValueLayout.JAVA_BYTE, Short.BYTES, name.length);
      int socket = (int) Datagram.SOCKET.invokeExact(error, (int) AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
      check(socket, error, Path.of("socket"), null);
      try {
        long sent =
            (long)
                Datagram.SEND.invokeExact(
                    error,
                    socket,
                    arena.allocateFrom(ValueLayout.JAVA_BYTE, message),
                    (long) message.length,
                    MSG_DONTWAIT_NOSIGNAL,
                    target,
                    (int) target.byteSize());
        if (sent < 0 && (int) Native.ERRNO.get(error, 0L) == EAGAIN) {
          return false;
        }
        check(sent, error, Path.of(address), null);
        return true;
      } finally {
        int _ = (int) Sync.CLOSE.invokeExact(error, socket);
      }
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw uncallable("sendto", e);
    }
  }

  /** The time since some fixed instant, in microseconds, by the clock that systemd reads too. */
  public static long monotonicMicros() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment time = arena.allocate(ValueLayout.JAVA_LONG, 2); // seconds, nanoseconds
      int _ =
          (int)
              MonotonicClock.CALL.invokeExact(arena.allocate(Native.ERROR), CLOCK_MONOTONIC, time);
      return time.getAtIndex(ValueLayout.JAVA_LONG, 0) * 1_000_000
          + time.getAtIndex(ValueLayout.JAVA_LONG, 1) / 1_000;
    } catch (Throwable e) {
      throw uncallable("clock_gettime", e);
    }
  }

  /** Ends this process as {@code kill -9} does. */
  public static void die() {
    try (Arena arena = Arena.ofConfined()) {
      int _ =
          (int)
              Kill.CALL.invokeExact(
                  arena.allocate(Native.ERROR), (int) ProcessHandle.current().pid(), SIGKILL);
    } catch (Throwable e) {
      throw uncallable("kill", e);
    }
  }

  /**
   * Runs {@code action} on a thread of the JVM whenever the process gets the signal, in place of
   * the default reaction.
   *
   * @param name without {@code SIG}
   */
  public static void onSignal(String name, Runnable action) {
    // By reflection: the compiler warns of this class, and there is no other way in the JDK.
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      Object listener =
          Proxy.newProxyInstance(
              Posix.class.getClassLoader(),
              new Class<?>[] {handler},
              (_, method, _) -> {
                if (method.getName().equals("handle")) {
                  action.run();
                }
                return null;
              });
      Object _ =
          signal
              .getMethod("handle", signal, handler)
              .invoke(null, signal.getConstructor(String.class).newInstance(name), listener);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("this JDK does not let the agent react to SIG" + name, e);
    }
  }

  /**
   * Looks up what a start and the first requests call, which takes a tenth of a second of
   * processor; on another thread meanwhile.
   */
  public static void preload() {
    for (MethodHandle call :
        new MethodHandle[] {Umask.CALL, Statx.CALL, Link.CALL, Symlink.CALL, Readlink.CALL}) {
      Objects.requireNonNull(call);
    }
  }

  private static MemorySegment text(Arena arena, Path path) {
    return arena.allocateFrom(path.toString());
  }

  private static void check(long result, MemorySegment error, Path path, @Nullable Path other)
      throws IOException {
    if (result >= 0) {
      return;
    }
    int number = (int) Native.ERRNO.get(error, 0L);
    String file = path.toString();
    String second = other == null ? null : other.toString();
    throw switch (number) {
      case ENOENT -> new NoSuchFileException(file, second, null);
      case EEXIST -> new FileAlreadyExistsException(file, second, null);
      case EMLINK -> new TooManyLinks(path);
      default -> new FileSystemException(file, second, Describe.error(number));
    };
  }

  private static IllegalStateException uncallable(String function, Throwable cause) {
    return new IllegalStateException(function + " cannot be called", cause);
  }

  // Functions are looked up when they are first needed: each costs a start some milliseconds.

  private static final class Native {
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    static final AddressLayout ADDRESS = ValueLayout.ADDRESS;
    static final Linker.Option TAKE_ERROR = Linker.Option.captureCallState("errno");
    static final StructLayout ERROR = Linker.Option.captureStateLayout();
    static final VarHandle ERRNO = ERROR.varHandle(MemoryLayout.PathElement.groupElement("errno"));

    @SuppressWarnings("restricted") // signatures are those of the manual pages
    static MethodHandle function(String name, MemoryLayout result, MemoryLayout... arguments) {
      Linker linker = Linker.nativeLinker();
      return linker.downcallHandle(
          linker.defaultLookup().find(name).orElseThrow(),
          FunctionDescriptor.of(result, arguments),
          TAKE_ERROR);
    }
  }

  /** {@code statx(2)}, with the offsets of {@code struct statx}. */
  private static final class Statx {
    static final MethodHandle CALL =
        Native.function(
            "statx",
            Native.INT,
            Native.INT,
            Native.ADDRESS,
            Native.INT,
            Native.INT,
            Native.ADDRESS);
    static final MemoryLayout LAYOUT =
        MemoryLayout.sequenceLayout(256 / Long.BYTES, ValueLayout.JAVA_LONG);
    static final int BASIC = 0x7ff;
    static final long LINKS = 16;
    static final long MODE = 28;
    static final long INODE = 32;
    static final long SIZE = 40;
    static final long BLOCKS = 48;
    static final long MODIFIED_SECONDS = 112;
    static final int TYPE = 0170000;
    static final int DIRECTORY = 0040000;
    static final int REGULAR = 0100000;
    static final int SYMLINK = 0120000;
  }

  private static final class Link {
    static final MethodHandle CALL =
        Native.function("link", Native.INT, Native.ADDRESS, Native.ADDRESS);
  }

  private static final class Symlink {
    static final MethodHandle CALL =
        Native.function("symlink", Native.INT, Native.ADDRESS, Native.ADDRESS);
  }

  private static final class Readlink {
    static final MethodHandle CALL =
        Native.function("readlink", Native.LONG, Native.ADDRESS, Native.ADDRESS, Native.LONG);
  }

  private static final class Utimensat {
    static final MethodHandle CALL =
        Native.function(
            "utimensat", Native.INT, Native.INT, Native.ADDRESS, Native.ADDRESS, Native.INT);
    static final long OMIT = (1L << 30) - 2;
  }

  private static final class Umask {
    static final MethodHandle CALL = Native.function("umask", Native.INT, Native.INT);
  }

  private static final class Priority {
    static final MethodHandle CALL =
        Native.function("setpriority", Native.INT, Native.INT, Native.INT, Native.INT);
  }

  private static final class Kill {
    static final MethodHandle CALL = Native.function("kill", Native.INT, Native.INT, Native.INT);
  }

  private static final class Exchange {
    static final MethodHandle CALL =
        Native.function(
            "renameat2",
            Native.INT,
            Native.INT,
            Native.ADDRESS,
            Native.INT,
            Native.ADDRESS,
            Native.INT);
  }

  private static final class Sync {
    static final MethodHandle OPEN =
        Native.function("open", Native.INT, Native.ADDRESS, Native.INT);
    static final MethodHandle CALL = Native.function("syncfs", Native.INT, Native.INT);
    static final MethodHandle CLOSE = Native.function("close", Native.INT, Native.INT);
  }

  private static final class Datagram {
    static final MethodHandle SOCKET =
        Native.function("socket", Native.INT, Native.INT, Native.INT, Native.INT);
    static final MethodHandle SEND =
        Native.function(
            "sendto",
            Native.LONG,
            Native.INT,
            Native.ADDRESS,
            Native.LONG,
            Native.INT,
            Native.ADDRESS,
            Native.INT);
    static final int LONGEST_NAME = 108;
  }

  private static final class MonotonicClock {
    static final MethodHandle CALL =
        Native.function("clock_gettime", Native.INT, Native.INT, Native.ADDRESS);
  }

  /** {@code getpwuid_r(3)}. The name is what an entry begins with. */
  private static final class User {
    static final MethodHandle CALL =
        Native.function(
            "getpwuid_r",
            Native.INT,
            Native.INT,
            Native.ADDRESS,
            Native.ADDRESS,
            Native.LONG,
            Native.ADDRESS);
    static final long ENTRY_BYTES = 64;
    static final long TEXT_BYTES = 16 * 1024;
    static final AddressLayout NAME = pointerToText();

    @SuppressWarnings("restricted") // the name lies in the memory given to the call, and ends there
    private static AddressLayout pointerToText() {
      return ValueLayout.ADDRESS.withTargetLayout(
          MemoryLayout.sequenceLayout(TEXT_BYTES, ValueLayout.JAVA_BYTE));
    }
  }

  /** {@code strerror_r(3)} of POSIX. */
  private static final class Describe {
    private static final int LONGEST = 256;
    private static final MethodHandle CALL =
        Native.function("__xpg_strerror_r", Native.INT, Native.INT, Native.ADDRESS, Native.LONG);

    static String error(int number) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment text = arena.allocate(LONGEST);
        int result =
            (int) CALL.invokeExact(arena.allocate(Native.ERROR), number, text, (long) LONGEST);
        return result == 0 ? text.getString(0) : "error " + number;
      } catch (Throwable e) {
        throw uncallable("strerror_r", e);
      }
    }
  }
}
