package org.cacheddownloads.archive;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.cacheddownloads.failure.CacheException.UnsafeArchive;
import org.cacheddownloads.store.Posix;

/**
 * Puts entries of an archive on disk, one after another, inside one directory that nobody else
 * writes to. It never follows a symlink: a path is used only after each directory above it was seen
 * to be one, and what is a directory here stays one.
 *
 * <p>Used by one thread, but for {@link #write}, which may run on others.
 */
final class TreeWriter {
  /**
   * Ext4 gives an inode 65,000 names; every view that gets the tree by links takes as many again.
   */
  static final int MOST_NAMES = 10_000;

  /** Their facts are kept in memory until the manifest is written. */
  static final int MOST_FILES_WITH_NAMES = 100_000;

  private static final int KNOWN_DIRECTORIES = 4096;
  private static final int LONGEST_TARGET = 4095;
  private static final Instant LATEST = Instant.ofEpochSecond(0x3_7fff_ffffL); // ext4's: 2446
  static final FileAttribute<?> PRIVATE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  /** What happens to an entry whose path is taken. */
  enum Again {
    /** The last one wins. */
    REPLACES,
    /** No archive has a reason for a second one. */
    IS_UNSAFE
  }

  private final Path root;
  private final Limits limits;
  private final long packedBytes;
  private final Again again;
  private final Purse purse;
  private final Ledger ledger;
  private final Map<String, Boolean> directories =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
          return size() > KNOWN_DIRECTORIES;
        }
      };

  private final Set<Long> linked = new HashSet<>();
  private long number;
  private long directoryCount;
  private long repeatCount;
  private long nameCount;
  private long bytes;

  /**
   * @param root an empty directory
   * @param packedBytes the size of the archive
   */
  TreeWriter(Path root, Limits limits, long packedBytes, Again again, Purse purse, Ledger ledger)
      throws IOException {
    this.root = root;
    this.limits = limits;
    this.packedBytes = packedBytes;
    this.again = again;
    this.purse = purse;
    this.ledger = ledger;
    purse.lines(0);
    ledger.add(Row.directory("", number++, true, Instant.EPOCH));
  }

  /** Makes a directory, or gives one that is there its time. */
  void directory(EntryPath path, Instant modified) throws IOException {
    parents(path);
    if (!makeDirectory(path.text(), path.nameBytes(), path)) {
      limits.checkCount(++repeatCount, "directories");
    }
    purse.lines(path.bytes());
    ledger.add(Row.directory(path.text(), number++, false, clamp(modified)));
  }

  /** Makes a symlink, which leads wherever {@code target} says. */
  void symlink(EntryPath path, String target, Instant modified) throws IOException {
    countName(path);
    checkTarget(path, target);
    makeSymlink(path, target, modified);
  }

  private void makeSymlink(EntryPath path, String target, Instant modified) throws IOException {
    parents(path);
    Path link = resolve(path.text());
    purse.inode(path.nameBytes());
    makeWay(path, () -> Posix.symlink(target, link));
    Instant time = clamp(modified);
    Posix.setModified(link, time);
    purse.lines(path.bytes() + EntryPath.bytesOf(target));
    ledger.add(Row.symlink(path.text(), number++, time, target));
  }

  private static void checkTarget(EntryPath path, String target) {
    if (target.isEmpty() || target.indexOf('\0') >= 0 || target.indexOf('\uFFFD') >= 0) {
      throw UnsafeArchive.of(
          "the symlink '" + path + "' has a target that is empty, holds a NUL or is not UTF-8");
    }
    if (EntryPath.bytesOf(target) > LONGEST_TARGET) {
      throw UnsafeArchive.of(
          "the symlink '" + path + "' has a target of more than " + LONGEST_TARGET + " bytes");
    }
  }

  /**
   * Gives a file that the archive brought before one more name; a symlink gets a twin.
   *
   * @param modified of the twin; the time of a file is its own
   */
  void hardLink(EntryPath path, EntryPath target, Instant modified) throws IOException {
    countName(path);
    checkParents(target);
    Path existing = resolve(target.text());
    Posix.Stat stat = statOfTarget(path, target, existing);
    if (path.text().equals(target.text())) {
      return; // GNU tar writes this where a file was named twice
    }
    if (stat.isSymlink()) {
      makeSymlink(path, Posix.readSymlink(existing), modified);
      return;
    }
    if (stat.links() >= MOST_NAMES) {
      throw UnsafeArchive.of(
          "the file '" + target + "' has more than " + MOST_NAMES + " names in the archive");
    }
    linked.add(stat.inode());
    if (linked.size() > MOST_FILES_WITH_NAMES) {
      throw UnsafeArchive.of(
          "the archive has more than " + MOST_FILES_WITH_NAMES + " files with several names");
    }
    parents(path);
    Path link = resolve(path.text());
    purse.name(path.nameBytes());
    makeWay(path, () -> Posix.link(existing, link));
    purse.lines(path.bytes());
    ledger.add(Row.hardLink(path.text(), number++, stat.inode()));
  }

  private static Posix.Stat statOfTarget(EntryPath path, EntryPath target, Path existing)
      throws IOException {
    try {
      Posix.Stat stat = Posix.lstat(existing);
      if (!stat.isDirectory()) {
        return stat;
      }
    } catch (NoSuchFileException e) {
      // said below
    }
    throw UnsafeArchive.of(
        "the hard link '" + path + "' leads to '" + target + "', which is no file before it");
  }

  /** A file whose place was prepared by {@link #file}. */
  record Place(EntryPath entry, Path file, long number, boolean executable, Instant modified) {}

  /**
   * Prepares the place of a file: counts it, and makes the directories above.
   *
   * @param sizeBytes what it is announced to have
   */
  Place file(EntryPath path, boolean executable, Instant modified, long sizeBytes)
      throws IOException {
    countName(path);
    bytes += Math.min(sizeBytes, Long.MAX_VALUE - bytes);
    limits.checkBytes(bytes, packedBytes, path);
    parents(path);
    purse.inode(path.nameBytes());
    purse.lines(path.bytes());
    return new Place(path, resolve(path.text()), number++, executable, clamp(modified));
  }

  /**
   * Writes a file to its place. Any thread may do this; {@code watch} is told before each piece.
   */
  void write(Place place, Content data, Pen pen, Pen.Watch watch) throws IOException {
    var written = new Pen.Written[1];
    makeWay(
        place.entry(), () -> written[0] = pen.write(place.file(), place.executable(), data, watch));
    Posix.Stat stat = settle(place.file(), place.executable(), place.modified());
    ledger.add(
        new Row(
            Row.Kind.FILE,
            place.entry().text(),
            place.number(),
            false,
            place.executable(),
            place.modified(),
            "",
            stat.inode(),
            written[0].sizeBytes(),
            stat.allocatedBytes(),
            written[0].digest()));
  }

  /** Gives a file that was written its time, and its mode whatever the umask made of that. */
  static Posix.Stat settle(Path file, boolean executable, Instant modified) throws IOException {
    Posix.setModified(file, modified);
    Posix.Stat stat = Posix.lstat(file);
    if (stat.mode() != (executable ? 0555 : 0444)) {
      Files.setPosixFilePermissions(
          file, PosixFilePermissions.fromString(executable ? "r-xr-xr-x" : "r--r--r--"));
    }
    return stat;
  }

  /** The inodes that hard links were made to, of which some may be gone again. */
  Set<Long> linked() {
    return linked;
  }

  /** Pays for a file that grows, where its size was not paid for at once. */
  void pay(long fromBytes, long toBytes) {
    purse.growth(fromBytes, toBytes);
  }

  private interface Step {
    void run() throws IOException;
  }

  /** Makes something, in the place of what has the path already where that is allowed. */
  private void makeWay(EntryPath path, Step make) throws IOException {
    try {
      make.run();
    } catch (FileAlreadyExistsException e) {
      Path taken = resolve(path.text());
      if (Posix.lstat(taken).isDirectory()) {
        throw conflict(path);
      }
      if (again == Again.IS_UNSAFE) {
        throw twice(path.toString());
      }
      Files.delete(taken);
      make.run();
    }
  }

  /** The refusal of a second entry of one path. */
  static UnsafeArchive twice(String path) {
    return UnsafeArchive.of("the archive has '" + path + "' twice");
  }

  private static UnsafeArchive conflict(EntryPath path) {
    return UnsafeArchive.of("the archive has '" + path + "' both as a directory and otherwise");
  }

  // ---- directories ----

  /** Makes what is missing of the directories above {@code path}. */
  private void parents(EntryPath path) throws IOException {
    String parent = path.parent();
    if (isKnown(parent)) {
      return;
    }
    for (int end = parent.indexOf('/'); ; end = parent.indexOf('/', end + 1)) {
      String above = end < 0 ? parent : parent.substring(0, end);
      int nameBytes = EntryPath.bytesOf(above.substring(above.lastIndexOf('/') + 1));
      if (makeDirectory(above, nameBytes, path)) {
        purse.lines(EntryPath.bytesOf(above));
        ledger.add(Row.directory(above, number++, true, Instant.EPOCH));
      }
      if (end < 0) {
        return;
      }
    }
  }

  /** Refuses a path that leads through anything but directories. */
  private void checkParents(EntryPath path) throws IOException {
    String parent = path.parent();
    if (isKnown(parent)) {
      return;
    }
    for (int end = parent.indexOf('/'); ; end = parent.indexOf('/', end + 1)) {
      String above = end < 0 ? parent : parent.substring(0, end);
      if (!isKnown(above)) {
        try {
          checkDirectory(above, path);
        } catch (NoSuchFileException e) {
          return; // so there is nothing at the path either
        }
      }
      if (end < 0) {
        return;
      }
    }
  }

  private boolean isKnown(String directory) {
    return directory.isEmpty() || directories.get(directory) != null;
  }

  /**
   * @return whether it was missing
   */
  private boolean makeDirectory(String text, int nameBytes, EntryPath wanted) throws IOException {
    if (isKnown(text)) {
      return false;
    }
    purse.directory(nameBytes);
    try {
      Files.createDirectory(resolve(text), PRIVATE);
      limits.checkCount(++directoryCount, "directories");
      directories.put(text, true);
      return true;
    } catch (FileAlreadyExistsException e) {
      checkDirectory(text, wanted);
      return false;
    }
  }

  private void checkDirectory(String text, EntryPath wanted) throws IOException {
    Posix.Stat stat = Posix.lstat(resolve(text));
    if (stat.isDirectory()) {
      directories.put(text, true);
      return;
    }
    if (text.equals(wanted.text())) {
      throw conflict(wanted);
    }
    throw UnsafeArchive.of(
        "the path '"
            + wanted
            + "' leads through the "
            + (stat.isSymlink() ? "symlink" : "file")
            + " '"
            + Quote.of(text)
            + "'");
  }

  private Path resolve(String text) {
    return EntryPath.resolve(root, text);
  }

  // ---- counting ----

  private void countName(EntryPath path) {
    if (path.isRoot()) {
      throw conflict(path);
    }
    limits.checkCount(++nameCount, "files and links");
  }

  /** A time that file systems can keep; all of them keep the same one then. */
  private static Instant clamp(Instant time) {
    if (time.isBefore(Instant.EPOCH)) {
      return Instant.EPOCH;
    }
    return time.isAfter(LATEST) ? LATEST : time;
  }
}
