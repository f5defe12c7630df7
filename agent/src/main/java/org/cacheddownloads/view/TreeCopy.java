package org.cacheddownloads.view;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import org.cacheddownloads.archive.DamagedTree;
import org.cacheddownloads.archive.Trees;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.NotReady;
import org.cacheddownloads.failure.CrashPoint;
import org.cacheddownloads.space.Budget;
import org.cacheddownloads.space.Evictor;
import org.cacheddownloads.space.Reservation;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.StorageFault;
import org.cacheddownloads.store.StoreLayout;
import org.cacheddownloads.store.TreeStore;

/**
 * What a view will have of a tree, made beside all views so that none is locked meanwhile: a link
 * of the manifest, which is the reference, and for a delivery by links a copy of the content.
 * Moving it into the view is one step. Closing deletes what lies where it was made.
 *
 * @param directory it, and after a move into a view what was in its place there
 * @param manifest the inode of the tree that it refers to
 * @param allocatedBytes of its own directories
 * @param inodes of its own directories and symlinks
 */
record TreeCopy(
    Stored tree,
    boolean hasContent,
    Path directory,
    long manifest,
    long allocatedBytes,
    long inodes,
    Reservation room)
    implements AutoCloseable {
  private static final int OWN_INODES = 2;

  /**
   * Makes one of a tree that the caller has pinned.
   *
   * @throws NotReady if the tree turns out to be damaged; it is out of the store then
   */
  static TreeCopy make(
      StoreLayout layout,
      BlobStore store,
      Budget budget,
      Evictor evictor,
      Stored tree,
      boolean withContent,
      Instant deadline) {
    Reservation room = budget.reserve(Reservation.BLOCK_BYTES, OWN_INODES, deadline);
    try {
      Path directory = store.trees().begin();
      try {
        Path manifest = directory.resolve(StoreLayout.MANIFEST);
        link(tree, layout.anchor(tree), manifest);
        var made = new Trees.Made(0, 0);
        if (withContent) {
          made =
              Trees.link(
                  layout.blob(tree),
                  directory.resolve(StoreLayout.CONTENT),
                  (bytes, inodes) -> room.extend(bytes, inodes, deadline),
                  TreeCopy::checkInterrupt);
        }
        CrashPoint.COPY.reached();
        return new TreeCopy(
            tree,
            withContent,
            directory,
            Posix.lstat(manifest).inode(),
            made.allocatedBytes() + Posix.lstat(directory).allocatedBytes(),
            made.inodes() + 1,
            room);
      } catch (IOException | RuntimeException e) {
        TreeStore.end(directory);
        throw e;
      }
    } catch (DamagedTree e) {
      room.close();
      evictor.condemn(tree);
      throw new NotReady("the tree " + tree + " is damaged and was dropped; try again", e);
    } catch (IOException e) {
      room.close();
      throw StorageFault.of("copy the tree " + tree, e);
    } catch (RuntimeException e) {
      room.close();
      throw e;
    }
  }

  private static void link(Stored tree, Path anchor, Path manifest) throws IOException {
    try {
      Posix.link(anchor, manifest);
    } catch (Posix.TooManyLinks e) {
      throw new Busy(
          "the tree " + tree + " is held by as many containers as the file system has links for",
          e);
    }
  }

  private static void checkInterrupt() {
    if (Thread.currentThread().isInterrupted()) {
      throw new Busy("the request was given up", null);
    }
  }

  @Override
  public void close() {
    try (room) {
      TreeStore.end(directory);
    } catch (IOException e) {
      throw StorageFault.of("remove " + directory, e);
    }
  }
}
