package org.cacheddownloads.archive;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.Removal;
import org.cacheddownloads.store.StorageFault;
import org.cacheddownloads.store.StoreLayout;

/**
 * Makes a tree of an archive. The format is told by the bytes; memory does not grow with the
 * archive. Thread-safe; a run belongs to one thread, which should be a platform thread, as it
 * computes for long, and ends when that is interrupted.
 */
public final class Unpacker {
  /** Of a tree's directory: what the archive holds. */
  public static final String CONTENT = StoreLayout.CONTENT;

  /** Of a tree's directory: the {@link Manifest}. */
  public static final String MANIFEST = StoreLayout.MANIFEST;

  private final Limits limits;

  public Unpacker(Limits limits) {
    this.limits = limits;
  }

  /**
   * Unpacks {@code blob} into {@code directory}, which is empty and private to this call: it gets
   * {@code content/} and {@code manifest}. After a failure it is empty again.
   *
   * @param check called between pieces of the work; ends it by throwing a {@link CacheException}
   * @throws CacheException.UnsafeArchive if it is damaged, dangerous or over a limit
   * @throws CacheException.UnsupportedArchive if it is none, or of a kind that is not unpacked here
   * @throws CacheException what {@code room} and {@code check} throw, and what the disk refuses
   */
  public Unpacked unpack(Path blob, Path directory, Room room, Runnable check) {
    requireEmpty(directory);
    Runnable interruptible =
        () -> {
          if (Thread.currentThread().isInterrupted()) {
            throw new Busy("the request was given up", null);
          }
          check.run();
        };
    try (FileChannel archive =
        FileChannel.open(blob, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      return unpack(archive, directory, new Purse(room), interruptible);
    } catch (IOException e) {
      CacheException failure = StorageFault.of("unpack the archive", e);
      clean(directory, failure);
      throw failure;
    } catch (RuntimeException | Error e) {
      clean(directory, e);
      throw e;
    }
  }

  private static void requireEmpty(Path directory) {
    try (var names = Files.newDirectoryStream(directory)) {
      if (names.iterator().hasNext()) {
        throw new IllegalArgumentException(directory + " is not empty");
      }
    } catch (IOException e) {
      throw StorageFault.of("unpack the archive", e);
    }
  }

  private Unpacked unpack(FileChannel archive, Path directory, Purse purse, Runnable check)
      throws IOException {
    Path content = Files.createDirectory(directory.resolve(CONTENT), TreeWriter.PRIVATE);
    long packedBytes = archive.size();
    Format format = Format.of(archive);
    var again = format == Format.ZIP ? TreeWriter.Again.IS_UNSAFE : TreeWriter.Again.REPLACES;
    Unpacked inside;
    try (var ledger = new Ledger(directory)) {
      purse.directory(CONTENT.length());
      var tree = new TreeWriter(content, limits, packedBytes, again, purse, ledger);
      if (format == Format.ZIP) {
        new ZipReader(archive, limits, tree, check).readAll();
      } else {
        readTar(archive, format, packedBytes, tree, check);
      }
      inside =
          new Seal(content, ledger, again, tree.linked(), check).write(directory.resolve(MANIFEST));
    }
    return new Unpacked(
        inside.treeDigest(),
        inside.files(),
        inside.bytes(),
        inside.allocatedBytes() + Posix.lstat(directory).allocatedBytes(),
        inside.inodes() + 1);
  }

  private void readTar(
      FileChannel archive, Format format, long packedBytes, TreeWriter tree, Runnable check)
      throws IOException {
    try (InputStream packed = Damage.in(() -> format.open(archive, check));
        InputStream ahead = format == Format.TAR ? packed : new ReadAhead(packed)) {
      new TarReader(ahead, packedBytes, limits, tree, check).readAll();
    }
  }

  /** Takes away what a failed run has made. */
  private static void clean(Path directory, Throwable failure) {
    try (var made = Files.newDirectoryStream(directory)) {
      for (Path path : made) {
        Removal.delete(path);
      }
    } catch (IOException | RuntimeException e) {
      failure.addSuppressed(e); // whoever finds the directory later deletes it
    }
  }
}
