package org.cacheddownloads.advice;

/**
 * S3-FIFO (Yang et al., SOSP 2023, "FIFO queues are all you need for cache eviction"), by bytes.
 * What is new enters a small queue of a tenth of the capacity and leaves it soon: for the main
 * queue if it was asked for more than once meanwhile, else for the ghosts, of which only the names
 * are kept, as many as their objects would fill the main queue. A ghost that is asked for enters
 * the main queue, which gives what was asked for another round.
 *
 * <p>Unlike in the paper, one eviction spares at most {@value #MOST_SPARED} objects, and ends when
 * one has gone, whichever queue it was in.
 *
 * <p>At most {@code maxKeys} keys are known, ghosts among them; ghosts go first.
 */
final class S3Fifo implements Policy {
  /** What a mark says beside the number of times it was asked for again: which queue it is in. */
  private static final int MAIN = 4;

  private static final int GHOST = 8;
  private static final int TIMES = 3;

  /** Then the next one goes, so that no request has to look through a whole queue. */
  private static final int MOST_SPARED = 1_024;

  private final KeyTable slots = new KeyTable();
  private final Queue small = new Queue(slots);
  private final Queue main = new Queue(slots);
  private final Queue ghosts = new Queue(slots);
  private final int maxKeys;
  private long capacity;
  private long dropped;

  S3Fifo(long capacityBytes, int maxKeys) {
    this.capacity = capacityBytes;
    this.maxKeys = maxKeys;
  }

  @Override
  public boolean request(long key, long bytes) {
    int slot = slots.find(key);
    if (slot != KeyTable.NONE && slots.bytes(slot) != bytes) {
      remove(slot);
      slot = KeyTable.NONE;
    }
    if (slot != KeyTable.NONE && slots.mark(slot) != GHOST) {
      int mark = slots.mark(slot);
      if ((mark & TIMES) < TIMES) slots.mark(slot, mark + 1);
      return true;
    }
    if (bytes > capacity) return false;
    boolean wasGhost = slot != KeyTable.NONE;
    if (wasGhost) remove(slot);
    evictTo(capacity - bytes);
    makeRoomForAKey();
    int added = slots.add(key, bytes);
    if (wasGhost) intoMain(added);
    else small.addLast(added);
    return false;
  }

  @Override
  public void resize(long capacityBytes) {
    capacity = capacityBytes;
    evictTo(capacityBytes);
    forgetGhosts();
  }

  @Override
  public long bytes() {
    return small.bytes() + main.bytes();
  }

  @Override
  public int keys() {
    return small.count() + main.count();
  }

  @Override
  public long dropped() {
    return dropped;
  }

  private long smallBytes() {
    return capacity / 10;
  }

  private long mainBytes() {
    return capacity - smallBytes();
  }

  private void evictTo(long bytes) {
    while (bytes() > bytes) evict();
  }

  /** May evict nothing, but then something went from the small queue to the main one. */
  private void evict() {
    if (small.count() > 0 && (small.bytes() >= smallBytes() || main.count() == 0)) evictFromSmall();
    else evictFromMain();
  }

  private void evictFromSmall() {
    for (int moved = 0; small.count() > 0; moved++) {
      int slot = small.first();
      small.remove(slot);
      if ((slots.mark(slot) & TIMES) <= 1 || moved == MOST_SPARED) {
        slots.mark(slot, GHOST);
        ghosts.addLast(slot);
        forgetGhosts();
        return;
      }
      intoMain(slot);
      if (main.bytes() > mainBytes()) {
        evictFromMain();
        return;
      }
    }
  }

  private void evictFromMain() {
    int slot = main.first();
    for (int spared = 0; (slots.mark(slot) & TIMES) > 0 && spared < MOST_SPARED; spared++) {
      slots.mark(slot, slots.mark(slot) - 1);
      main.remove(slot);
      main.addLast(slot);
      slot = main.first();
    }
    remove(slot);
  }

  private void intoMain(int slot) {
    slots.mark(slot, MAIN);
    main.addLast(slot);
  }

  private void forgetGhosts() {
    while (ghosts.bytes() > mainBytes()) remove(ghosts.first());
  }

  private void makeRoomForAKey() {
    if (slots.count() < maxKeys) return;
    dropped++;
    while (slots.count() >= maxKeys) {
      if (ghosts.count() > 0) remove(ghosts.first());
      else evict();
    }
  }

  /** Lets go of a key, whichever queue it is in. */
  private void remove(int slot) {
    int mark = slots.mark(slot);
    Queue queue = mark == GHOST ? ghosts : (mark & MAIN) != 0 ? main : small;
    queue.remove(slot);
    slots.remove(slot);
  }
}
