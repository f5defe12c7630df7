package org.cacheddownloads.space;

import java.io.IOException;
import java.time.Instant;
import org.cacheddownloads.content.Checksum;
import org.cacheddownloads.content.ResumeNote;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Ingest;
import org.cacheddownloads.store.KeptIngest;
import org.jspecify.annotations.Nullable;

/**
 * A download that was cut: its bytes on disk, the room that they take, and how to go on. Whoever
 * has it owns it: {@link Partials}, or the one flight that took it from there. Not thread-safe.
 */
public final class Partial implements AutoCloseable {
  private final ResumeNote note;
  private final Reservation room;
  private final Instant since;
  private final Checksum.@Nullable Algorithm algorithm;
  private @Nullable Ingest ingest;
  private final @Nullable KeptIngest cold;

  /** One that this process was writing. Its hash goes on where it was. */
  public Partial(
      Ingest ingest,
      ResumeNote note,
      Reservation room,
      Checksum.@Nullable Algorithm algorithm,
      Instant since) {
    this.ingest = ingest;
    this.note = note;
    this.room = room;
    this.algorithm = algorithm;
    this.since = since;
    this.cold = null;
  }

  /** Gives back the room that is reserved for what is not written. */
  void rest() throws IOException {
    if (ingest != null) {
      room.rest(ingest.allocatedBytes());
    }
  }

  /** One that an earlier process left. */
  Partial(KeptIngest cold, Reservation room) {
    this.cold = cold;
    this.note = cold.note();
    this.room = room;
    this.algorithm = null;
    this.since = cold.changed();
  }

  public ResumeNote note() {
    return note;
  }

  /** The room that it takes; it goes on growing with it. */
  public Reservation room() {
    return room;
  }

  /** When it was laid aside. */
  Instant since() {
    return since;
  }

  /** Bytes of the body that are here. */
  public long size() {
    if (ingest != null) {
      return ingest.size();
    }
    return cold == null ? 0 : cold.coveredBytes();
  }

  /** Whether its hashes are those that a download with {@code wanted} needs. */
  boolean suits(Checksum.@Nullable Algorithm wanted) {
    return cold != null
        || wanted == null
        || wanted == Checksum.Algorithm.SHA256
        || wanted == algorithm;
  }

  /**
   * Makes it ready to be written on. What an earlier process left is read and hashed, which takes
   * as long as it is large; what is not as it was written is cut off.
   */
  public Ingest open(BlobStore store, Checksum.@Nullable Algorithm wanted) throws IOException {
    Ingest open = ingest;
    if (open != null) {
      open.goOn();
      return open;
    }
    if (cold == null) {
      throw new IllegalStateException("it is closed");
    }
    open = store.reopen(cold, wanted);
    ingest = open;
    room.rest(open.allocatedBytes());
    return open;
  }

  /** Gives up: the bytes go, and their room. */
  @Override
  public void close() {
    try (room) {
      if (ingest != null) {
        ingest.close();
      } else if (cold != null) {
        BlobStore.discard(cold);
      }
    }
  }
}
