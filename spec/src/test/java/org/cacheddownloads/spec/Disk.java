package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A real file system of a test's own: ext4 or XFS in a sparse image on a loop device, or a tmpfs.
 * {@link #close} unmounts it, and so does the end of the JVM. Needs root.
 */
final class Disk implements AutoCloseable {
  /** All of it is made at once, not by the kernel while a test runs. */
  private static final String LAZY = "lazy_itable_init=0,lazy_journal_init=0";

  private static final Set<Disk> MOUNTED = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime().addShutdownHook(new Thread(() -> MOUNTED.forEach(Disk::abandon)));
  }

  private final Path directory = Project.temporaryDirectory();
  private final @Nullable Path image;
  private volatile boolean frozen;

  private Disk(@Nullable Path image) {
    this.image = image;
  }

  /** An XFS that can clone files, in an image that is made at the path. */
  static Disk xfs(Path image, long bytes) {
    allocate(image, bytes);
    run(Project.tool("mkfs.xfs", "xfsprogs"), "-q", "-m", "reflink=1", image.toString());
    return mount(image, "");
  }

  /**
   * An ext4 in an image that is made at the path.
   *
   * @param options of the mount, comma-separated, or empty
   */
  static Disk ext4(Path image, long bytes, String options, String... mkfsArguments) {
    allocate(image, bytes);
    mkfs(
        image,
        Stream.concat(Stream.of("-E", LAZY), Stream.of(mkfsArguments)).toArray(String[]::new));
    return mount(image, options);
  }

  /**
   * An ext4 whose journal and tables have their blocks in the image, and whose data has not: on a
   * full disk the image has room for nothing else.
   */
  static Disk thinExt4(Path image, long bytes, String options) {
    allocate(image, bytes);
    mkfs(image, "-J", "size=8", "-E", LAZY + ",packed_meta_blocks=1");
    try (var file = new RandomAccessFile(image.toFile(), "rw")) {
      byte[] metadata = new byte[32 * Content.MIB];
      file.readFully(metadata);
      file.seek(0);
      file.write(metadata);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return mount(image, options);
  }

  private static void mkfs(Path image, String... arguments) {
    var command =
        new ArrayList<>(List.of(Project.tool("mkfs.ext4", "e2fsprogs"), "-q", "-F", "-m", "0"));
    command.addAll(Arrays.asList(arguments));
    command.add(image.toString());
    run(command.toArray(String[]::new));
  }

  /** An image that has a file system already; ext4 replays its journal, as after a power cut. */
  static Disk mount(Path image, String options) {
    var disk = new Disk(image);
    disk.mountAs("-o", options.isEmpty() ? "loop" : "loop," + options, image.toString());
    return disk;
  }

  /** A file system in memory; options as in {@code size=64m,nr_inodes=1k}. */
  static Disk tmpfs(String options) {
    var disk = new Disk(null);
    disk.mountAs("-t", "tmpfs", "-o", options, "tmpfs");
    return disk;
  }

  private static void allocate(Path image, long bytes) {
    Project.requireRoot();
    try (var file = new RandomAccessFile(image.toFile(), "rw")) {
      file.setLength(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void mountAs(String... arguments) {
    Project.requireRoot();
    try {
      Files.createDirectory(path());
      MOUNTED.add(this);
      var command = new ArrayList<>(List.of(Project.tool("mount", "mount")));
      command.addAll(Arrays.asList(arguments));
      command.add(path().toString());
      run(command.toArray(String[]::new));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (AssertionError e) {
      MOUNTED.remove(this);
      Project.delete(directory);
      throw e;
    }
  }

  /** Where it is mounted. */
  Path path() {
    return directory.resolve("disk");
  }

  /** Changes how it is mounted: {@code ro}, {@code size=64m}. */
  void remount(String options) {
    run(Project.tool("mount", "mount"), "-o", "remount," + options, path().toString());
  }

  /**
   * A copy of the image as it is at this instant: what the disk would hold if the power went now.
   * The image must lie on {@link #xfs}, which clones a file while it keeps its writers out.
   */
  void cloneTo(Path copy) {
    run("cp", "--reflink=always", String.valueOf(image), copy.toString());
  }

  /** Takes all blocks that are left, or all but what a block may need beside it. */
  Path fill() {
    Path file = path().resolve("of-somebody-else");
    byte[] block = new byte[1024];
    try (var out = Files.newOutputStream(file)) {
      while (true) {
        out.write(block);
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("No space left");
    }
    return file;
  }

  /**
   * Lets ext4 find an error in itself: with {@code errors=remount-ro} nobody can write any more.
   */
  void breakDown() {
    Child.Outcome device =
        Child.run(
            List.of(Project.tool("findmnt", "mount"), "-n", "-o", "SOURCE", path().toString()));
    String name = Path.of(device.output().strip()).getFileName().toString();
    try {
      Files.writeString(Path.of("/sys/fs/ext4", name, "trigger_fs_error"), "on purpose");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whoever writes waits from now on, until {@link #thaw} or the end of the JVM. */
  void freeze() {
    frozen = true;
    run(Project.tool("fsfreeze", "util-linux"), "--freeze", path().toString());
  }

  void thaw() {
    if (frozen) {
      frozen = false;
      run(Project.tool("fsfreeze", "util-linux"), "--unfreeze", path().toString());
    }
  }

  /** What is left for a process without privileges. */
  long freeBytes() {
    try {
      FileStore store = Files.getFileStore(path());
      return store.getUsableSpace();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void run(String... command) {
    Child.Outcome outcome = Child.run(List.of(command));
    if (outcome.exit() != 0) {
      fail(String.join(" ", command) + ":\n" + outcome.output() + outcome.errors());
    }
  }

  /** Unmounts; who still uses it delays this for a moment at most. The image stays. */
  @Override
  public void close() {
    thaw();
    if (MOUNTED.remove(this)) {
      String umount = Project.tool("umount", "mount");
      Eventually.eventually().untilAsserted(() -> run(umount, path().toString()));
      Project.delete(directory);
    }
  }

  /** At the end of the JVM: whoever still uses it, the mount point goes now. */
  private void abandon() {
    try {
      thaw();
      new ProcessBuilder(Project.tool("umount", "mount"), "-l", path().toString())
          .start()
          .waitFor();
    } catch (IOException e) {
      System.err.println("still mounted: " + path() + ": " + e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
