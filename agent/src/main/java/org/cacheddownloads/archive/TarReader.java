package org.cacheddownloads.archive;

import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.cacheddownloads.failure.CacheException.UnsafeArchive;
import org.cacheddownloads.failure.CacheException.UnsupportedArchive;
import org.jspecify.annotations.Nullable;

/** Takes the entries of a stream of tar to a tree, in their order. */
final class TarReader {
  /** Headers and padding of small archives are far more than their data. */
  private static final long FREE_OVERHEAD = 16 << 20;

  private static final int EXECUTE = 0111;

  /** One character for a byte: as UTF-8 the reader would put a question mark for what is none. */
  private static final String BYTES = "ISO-8859-1";

  private final Limits limits;
  private final TreeWriter tree;
  private final Runnable check;
  private final TarGuard guard;
  private final TarArchiveInputStream tar;
  private final Pen pen = new Pen();

  /**
   * @param check called before each entry and each piece of one
   */
  TarReader(InputStream in, long packedBytes, Limits limits, TreeWriter tree, Runnable check) {
    this.limits = limits;
    this.tree = tree;
    this.check = check;
    long byRatio = Math.min(limits.byRatio(packedBytes), Long.MAX_VALUE / 2);
    this.guard = new TarGuard(in, FREE_OVERHEAD + byRatio);
    this.tar =
        new TarArchiveInputStream(
            guard, TarConstants.DEFAULT_BLKSIZE, TarConstants.DEFAULT_RCDSIZE, BYTES, true);
  }

  /**
   * Takes all of it.
   *
   * @throws IOException if the disk refuses what is written
   */
  void readAll() throws IOException {
    for (TarArchiveEntry entry = next(); entry != null; entry = next()) {
      check.run();
      entry(entry);
      if (!isFile(entry)) {
        guard.expect(0);
      }
    }
    Damage.when(guard::finish);
  }

  private @Nullable TarArchiveEntry next() {
    return Damage.<@Nullable TarArchiveEntry>in(tar::getNextEntry);
  }

  private void entry(TarArchiveEntry entry) throws IOException {
    if (entry.isSparse()) {
      throw TarGuard.sparse();
    }
    if (!isFile(entry) && entry.getSize() != 0) { // some readers would skip it, and some not
      throw UnsafeArchive.of(
          "the entry '" + Quote.of(entry.getName()) + "' is no file and has data");
    }
    switch (entry.getLinkFlag()) {
      case TarConstants.LF_LINK ->
          tree.hardLink(
              path(entry, false), EntryPath.of(target(entry), false, limits), modified(entry));
      case TarConstants.LF_SYMLINK ->
          tree.symlink(path(entry, false), target(entry), modified(entry));
      case TarConstants.LF_DIR -> directory(entry);
      case TarConstants.LF_NORMAL, TarConstants.LF_OLDNORM, TarConstants.LF_CONTIG -> {
        if (isFile(entry)) {
          file(entry);
        } else {
          directory(entry);
        }
      }
      case 'V' -> {} // the label of a tape
      default -> throw new UnsupportedArchive("the archive has an entry of an unknown type");
    }
  }

  private void directory(TarArchiveEntry entry) throws IOException {
    tree.directory(path(entry, true), modified(entry));
  }

  private void file(TarArchiveEntry entry) throws IOException {
    long size = entry.getSize();
    TreeWriter.Place place =
        tree.file(path(entry, false), (entry.getMode() & EXECUTE) != 0, modified(entry), size);
    guard.expect(size);
    tree.write(
        place,
        (target, offset, length) -> Damage.in(() -> tar.read(target, offset, length)),
        pen,
        (written, more) -> {
          check.run();
          tree.pay(written, written + more);
        });
  }

  /** A tar of 1979 writes a directory as a file whose name ends with a slash. */
  private static boolean isFile(TarArchiveEntry entry) {
    return switch (entry.getLinkFlag()) {
      case TarConstants.LF_NORMAL, TarConstants.LF_OLDNORM, TarConstants.LF_CONTIG ->
          !entry.getName().endsWith("/");
      default -> false;
    };
  }

  private EntryPath path(TarArchiveEntry entry, boolean isDirectory) {
    String name = guard.isNameText() ? entry.getName() : Utf8.of(entry.getName());
    return EntryPath.of(name, isDirectory, limits);
  }

  private String target(TarArchiveEntry entry) {
    return guard.isTargetText() ? entry.getLinkName() : Utf8.of(entry.getLinkName());
  }

  private static Instant modified(TarArchiveEntry entry) {
    return entry.getLastModifiedTime().toInstant();
  }
}
