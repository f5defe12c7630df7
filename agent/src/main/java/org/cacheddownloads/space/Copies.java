package org.cacheddownloads.space;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CacheException.NotReady;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Ingest;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.StorageFault;

/**
 * Second inodes of bytes that are here already: the executable form, and a fresh inode where one
 * has no links left. Copies are hashed while they are made, so a damaged original is found and not
 * multiplied. Thread-safe.
 */
public final class Copies {
  private static final int INODES_OF_INGEST = 2;

  /** No file system is full of links at this number; a fresh inode is far below it. */
  private static final int FEW_LINKS = 1000;

  private final Catalog catalog;
  private final BlobStore store;
  private final Budget budget;
  private final Holds holds;
  private final Evictor evictor;
  private final Recency recency;
  private final ReentrantLock renewing = new ReentrantLock();

  public Copies(
      Catalog catalog,
      BlobStore store,
      Budget budget,
      Holds holds,
      Evictor evictor,
      Recency recency) {
    this.catalog = catalog;
    this.store = store;
    this.budget = budget;
    this.holds = holds;
    this.evictor = evictor;
    this.recency = recency;
  }

  /**
   * Pins {@code wanted}, making it from the other form of the digest where it is not there. What a
   * power cut has made suspect is hashed first, and taken out if it is damaged.
   *
   * @return empty if no sound form of the digest is in the store
   */
  public Optional<Pin> pin(Stored wanted, Instant deadline) {
    Pin pin = evictor.pin(wanted);
    try {
      if (isSound(wanted) || makeFromOther(wanted, deadline)) {
        return Optional.of(pin);
      }
      pin.close();
      return Optional.empty();
    } catch (IOException e) {
      pin.close();
      throw StorageFault.of("look up " + wanted, e);
    } catch (RuntimeException e) {
      pin.close();
      throw e;
    }
  }

  /** Like {@link #pin}, for a form that is handed out now, which is a use of it. */
  public Optional<Pin> use(Stored wanted, Instant deadline) {
    Optional<Pin> pin = pin(wanted, deadline);
    if (pin.isPresent()) {
      catalog.used(wanted, recency.next());
    }
    return pin;
  }

  /** Whether a pinned object is there and, as far as a power cut made it suspect, undamaged. */
  public boolean isSound(Stored pinned) throws IOException {
    if (store.stat(pinned).isEmpty()) {
      evictor.forgetVanished(pinned);
      return false;
    }
    if (!catalog.isSuspect(pinned, store.stamp(store.path(pinned)))) {
      return true;
    }
    if (dropLeftover(pinned)) {
      return false;
    }
    if (catalog.isRefused(pinned)) { // its bytes may be right in memory and wrong on the disk
      evictor.abandon(pinned);
      return false;
    }
    if (store.verify(pinned)) {
      catalog.trust(pinned);
      return true;
    }
    evictor.condemn(pinned);
    return false;
  }

  /**
   * Deletes a file that a power cut left without its row, whole or not: nothing has counted it. A
   * commit under way still has its second name and is left alone.
   */
  private boolean dropLeftover(Stored pinned) throws IOException {
    if (pinned.isTree()) {
      return false; // who makes trees looks after those
    }
    renewing.lock();
    try {
      Optional<Posix.Stat> stat = store.stat(pinned);
      if (stat.isEmpty() || stat.get().links() > 1 || catalog.blob(pinned).isPresent()) {
        return false;
      }
      store.delete(pinned);
      return true;
    } finally {
      renewing.unlock();
    }
  }

  private boolean makeFromOther(Stored wanted, Instant deadline) throws IOException {
    if (wanted.isTree()) {
      return false;
    }
    Form other = wanted.form() == Form.FILE ? Form.EXECUTABLE : Form.FILE;
    Stored original = new Stored(wanted.digest(), other);
    try (Pin _ = evictor.pin(original)) {
      if (!isSound(original)) {
        return false;
      }
      long size = store.stat(original).map(Posix.Stat::sizeBytes).orElse(0L);
      try (Reservation room =
              budget.reserve(Reservation.allocationOf(size), INODES_OF_INGEST, deadline);
          Ingest ingest = store.begin(wanted.form() == Form.EXECUTABLE, null)) {
        if (!copy(ingest, room, original)) {
          evictor.condemn(original);
          return false;
        }
        if (store.commit(ingest, wanted)) {
          long allocated = store.stat(wanted).orElseThrow().allocatedBytes();
          room.committed(allocated);
          catalog.addBlob(wanted, size, allocated, recency.next());
        }
      }
      return true;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /**
   * Gives a blob a new inode, because the old one has all the links that the file system allows.
   * The caller pins it.
   */
  public void renewInode(Stored stored, Instant deadline) {
    renewing.lock();
    try {
      Posix.Stat old =
          store
              .stat(stored)
              .orElseThrow(
                  () -> new NotReady(stored + " is not in the store any more; try again", null));
      if (old.links() < FEW_LINKS) {
        return; // another caller who found it full was here first
      }
      try (Reservation room =
              budget.reserve(
                  Reservation.allocationOf(old.sizeBytes()), INODES_OF_INGEST, deadline);
          Ingest ingest = store.begin(stored.form() == Form.EXECUTABLE, null)) {
        if (!copy(ingest, room, stored)) {
          evictor.condemn(stored);
          throw new NotReady(
              "the bytes of " + stored + " are damaged and were dropped; try again", null);
        }
        store.replace(ingest, stored);
        long allocated = store.stat(stored).orElseThrow().allocatedBytes();
        room.committed(allocated);
        catalog.replaced(stored, allocated);
        if (!holds.orphaned(old.inode())) {
          budget.idleGone(old.allocatedBytes(), 1); // its last view let go meanwhile
        }
      }
    } catch (IOException e) {
      throw StorageFault.of("make a second copy of " + stored, e);
    } finally {
      renewing.unlock();
    }
  }

  /** Copies and hashes. @return whether the original is what its name says */
  private boolean copy(Ingest ingest, Reservation room, Stored original) throws IOException {
    store.copyInto(ingest, original);
    room.wrote(ingest.size());
    return ingest.finish().digest().equals(original.digest());
  }
}
