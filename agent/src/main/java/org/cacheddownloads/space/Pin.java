package org.cacheddownloads.space;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.cacheddownloads.content.Stored;

/**
 * A short hold in memory: while it is open the object is not evicted. Closing twice is closing
 * once.
 */
public final class Pin implements AutoCloseable {
  private final Holds holds;
  private final Stored stored;
  private final Consumer<Stored> whenFree;
  private final AtomicBoolean open = new AtomicBoolean(true);

  Pin(Holds holds, Stored stored, Consumer<Stored> whenFree) {
    this.holds = holds;
    this.stored = stored;
    this.whenFree = whenFree;
  }

  public Stored stored() {
    return stored;
  }

  @Override
  public void close() {
    if (open.getAndSet(false) && holds.unpin(stored)) {
      whenFree.accept(stored);
    }
  }
}
