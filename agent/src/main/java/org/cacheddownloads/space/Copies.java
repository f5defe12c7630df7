package org.cacheddownloads.space;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.time.Instant;
import java.util.Optional;
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
  private final Catalog catalog;
  private final BlobStore store;
  private final Budget budget;
  private final Holds holds;
  private final Evictor evictor;
  private final Recency recency;

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
   * Pins {@code wanted}, making it from the other form of the digest where it is not there.
   *
   * @return empty if no form of the digest is in the store
   */
  public Optional<Pin> pin(Stored wanted, Instant deadline) {
    Pin pin = evictor.pin(wanted);
    try {
      if (store.stat(wanted).isPresent() || makeFromOther(wanted, deadline)) {
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

  private boolean makeFromOther(Stored wanted, Instant deadline) throws IOException {
    Form other = wanted.form() == Form.FILE ? Form.EXECUTABLE : Form.FILE;
    Stored original = new Stored(wanted.digest(), other);
    try (Pin _ = evictor.pin(original)) {
      Optional<Posix.Stat> stat = store.stat(original);
      if (stat.isEmpty()) {
        return false;
      }
      long size = stat.get().sizeBytes();
      try (Reservation room = budget.reserve(Reservation.allocationOf(size), 2, deadline);
          Ingest ingest = store.begin(wanted.form() == Form.EXECUTABLE, null)) {
        copy(ingest, room, original);
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
    try {
      Posix.Stat old =
          store
              .stat(stored)
              .orElseThrow(
                  () -> new NotReady(stored + " is not in the store any more; try again", null));
      try (Reservation room =
              budget.reserve(Reservation.allocationOf(old.sizeBytes()), 2, deadline);
          Ingest ingest = store.begin(stored.form() == Form.EXECUTABLE, null)) {
        copy(ingest, room, stored);
        store.replace(ingest, stored);
        room.committed(store.stat(stored).orElseThrow().allocatedBytes());
        if (!holds.orphaned(old.inode())) {
          budget.idleGone(old.allocatedBytes(), 1); // its last view let go meanwhile
        }
      }
    } catch (IOException e) {
      throw StorageFault.of("make a second copy of " + stored, e);
    }
  }

  private void copy(Ingest ingest, Reservation room, Stored original) throws IOException {
    store.copyInto(ingest, original);
    room.wrote(ingest.size());
    if (!ingest.finish().digest().equals(original.digest())) {
      throw new IOException("the bytes of " + original + " are damaged; verify the store");
    }
  }
}
