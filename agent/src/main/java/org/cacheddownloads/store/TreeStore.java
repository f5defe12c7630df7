package org.cacheddownloads.store;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.function.Supplier;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CrashPoint;

/**
 * Unpacked archives by the digest of the archive. A tree comes and goes in one step each: it is
 * made and deleted in an ingest, and a rename lies between that and its place. Thread-safe.
 */
public final class TreeStore {
  /** Others may read what is in a tree, and only the agent may change which trees there are. */
  private static final FileAttribute<?> DIRECTORY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x"));

  private final StoreLayout layout;
  private final Supplier<Path> ingests;
  private volatile Check check = _ -> false;

  TreeStore(StoreLayout layout, Supplier<Path> ingests) {
    this.layout = layout;
    this.ingests = ingests;
  }

  /** Tells whether a tree on disk is what its manifest says, and the manifest the right one. */
  @FunctionalInterface
  public interface Check {
    boolean isWhole(Stored tree) throws IOException;
  }

  /** Lets trees be verified by {@code check}; only while the agent is put together. */
  public void verifyBy(Check check) {
    this.check = check;
  }

  boolean isWhole(Stored tree) throws IOException {
    return check.isWhole(tree);
  }

  /**
   * A new directory for a tree, or a view's copy of one, in an ingest of its own, which is the
   * directory above it. Whatever is there at a next start goes.
   */
  public Path begin() throws IOException {
    Path ingest = Files.createDirectory(ingests.get(), DIRECTORY);
    return Files.createDirectory(ingest.resolve("tree"), DIRECTORY);
  }

  /**
   * Puts a finished tree in its place. Its ingest must stay until the catalog knows the tree: until
   * then it tells the next start about a tree without a row.
   *
   * @return false if there is one already
   */
  public boolean commit(Path made, Stored tree) throws IOException {
    Files.createFile(made.resolveSibling(tree.fileName()));
    try {
      Files.move(made, layout.placeFor(tree)); // a rename: never onto a directory that is not empty
      CrashPoint.PLANT.reached();
      return true;
    } catch (FileAlreadyExistsException | DirectoryNotEmptyException e) {
      return false;
    }
  }

  /** Ends what {@link #begin} began, with all that is left of it. */
  public static void end(Path made) throws IOException {
    Removal.delete(Objects.requireNonNull(made.getParent()));
  }

  /** Where {@link #setAside} puts a tree. */
  public Path aside(Stored tree, long manifestInode) {
    return layout.aside(tree, manifestInode);
  }

  /** Takes a damaged tree that views hold out of its place. @return where it is now */
  public Path setAside(Stored tree, long manifestInode) throws IOException {
    return Files.move(layout.blob(tree), layout.aside(tree, manifestInode));
  }

  /** Deletes a tree, or a copy of one, that is in the way of nobody else: gone in one step. */
  public void discard(Path directory) throws IOException {
    Path away = ingests.get();
    try {
      Files.move(directory, away, StandardCopyOption.ATOMIC_MOVE);
    } catch (NoSuchFileException e) {
      return;
    }
    CrashPoint.UPROOT.reached();
    Removal.delete(away);
  }

  /** What a tree occupies now. */
  public Extent extent(Stored tree) throws IOException {
    return Extent.ofTree(layout.blob(tree));
  }

  /** Thousands of files, each of which by itself would be a commit of the journal. */
  void sync(Stored tree) throws IOException {
    Posix.syncFileSystem(layout.blob(tree));
  }
}
