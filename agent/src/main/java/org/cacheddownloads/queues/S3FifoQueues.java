package org.cacheddownloads.queues;

/**
 * The queues of S3-FIFO (Yang et al., SOSP 2023, "FIFO queues are all you need for cache
 * eviction"), by bytes. What is new enters a small queue of a tenth of the capacity and leaves it
 * soon: for the main queue if it was asked for more than once meanwhile, else for the ghosts, of
 * which only the names are kept, as many as their objects would fill the main queue. A ghost that
 * comes again belongs in the main queue, which gives what was asked for another round.
 *
 * <p>Unlike in the paper, one eviction spares at most {@value #MOST_SPARED} objects, and ends when
 * one has gone, whichever queue it was in.
 *
 * <p>Nothing goes by itself: who adds keys evicts before or after, as much as is needed, and
 * forgets ghosts if there are too many keys. 33 bytes a key, and a little more. Not thread-safe.
 */
public final class S3FifoQueues {
  /** What a mark says beside the number of times it was asked for again: which queue it is in. */
  private static final int MAIN = 4;

  private static final int GHOST = 8;
  private static final int TIMES = 3;

  /** The next use is that of the request that brought it. */
  private static final int ARRIVING = 16;

  /** Then the next one goes, so that no request has to look through a whole queue. */
  private static final int MOST_SPARED = 1_024;

  private final KeyTable slots = new KeyTable();
  private final Queue small = new Queue(slots);
  private final Queue main = new Queue(slots);
  private final Queue ghosts = new Queue(slots);
  private long capacity;

  /** No keys, and the capacity 0. */
  public S3FifoQueues() {}

  /** Sets what the queues take their shares of, and forgets the ghosts that are too many for it. */
  public void capacity(long bytes) {
    capacity = bytes;
    trimGhosts();
  }

  /** The sizes of all that is held. */
  public long bytes() {
    return small.bytes() + main.bytes();
  }

  /** How many keys are held. */
  public int keys() {
    return small.count() + main.count();
  }

  /** How many keys are known: held, or ghosts. */
  public int known() {
    return slots.count();
  }

  public boolean isHeld(long key) {
    return isHeldAt(slots.find(key));
  }

  private boolean isHeldAt(int slot) {
    return slot != KeyTable.NONE && slots.mark(slot) != GHOST;
  }

  /** Whether a key is known with another size. */
  public boolean isOfOtherSize(long key, long bytes) {
    int slot = slots.find(key);
    return slot != KeyTable.NONE && slots.bytes(slot) != bytes;
  }

  /** Counts that a key was asked for. @return whether it is held; otherwise nothing is done */
  public boolean use(long key) {
    int slot = slots.find(key);
    if (!isHeldAt(slot)) return false;
    int mark = slots.mark(slot);
    if ((mark & ARRIVING) != 0) slots.mark(slot, mark - ARRIVING);
    else if ((mark & TIMES) < TIMES) slots.mark(slot, mark + 1);
    return true;
  }

  /** Lets the next use of a held key not count. */
  public void expectUse(long key) {
    int slot = slots.find(key);
    if (isHeldAt(slot)) slots.mark(slot, slots.mark(slot) | ARRIVING);
  }

  /** Adds a key that is not known as the newest of the small queue. */
  public void addSmall(long key, long bytes) {
    small.addLast(slots.add(key, bytes));
  }

  /** Adds a key that is not known as the newest of the main queue. */
  public void addMain(long key, long bytes) {
    intoMain(slots.add(key, bytes));
  }

  /** Gives a held key another size; it keeps its place. */
  public void resize(long key, long bytes) {
    int slot = slots.find(key);
    if (isHeldAt(slot)) queueOf(slot).resize(slot, bytes);
  }

  /** Lets go of a key, held or not; it does not become a ghost. */
  public void remove(long key) {
    int slot = slots.find(key);
    if (slot != KeyTable.NONE) removeAt(slot);
  }

  /** Forgets a ghost. @return whether the key was one */
  public boolean removeGhost(long key) {
    int slot = slots.find(key);
    if (slot == KeyTable.NONE || slots.mark(slot) != GHOST) return false;
    removeAt(slot);
    return true;
  }

  /** Forgets the ghost that has been one for longest. @return whether there was any */
  public boolean removeOldestGhost() {
    if (ghosts.count() == 0) return false;
    removeAt(ghosts.first());
    return true;
  }

  /**
   * Lets the next victim go, which is a ghost from now on if it was in the small queue.
   *
   * @throws IllegalStateException if no key is held
   */
  public long evict() {
    if (keys() == 0) throw new IllegalStateException("no key is held");
    if (small.count() > 0 && (small.bytes() >= smallBytes() || main.count() == 0)) {
      return evictFromSmall();
    }
    return evictFromMain();
  }

  /** The same keys in the same places, without the ghosts. */
  public S3FifoQueues copyOfHeld() {
    var copy = new S3FifoQueues();
    copy.capacity = capacity;
    copyInto(copy, small, copy.small);
    copyInto(copy, main, copy.main);
    return copy;
  }

  private void copyInto(S3FifoQueues copy, Queue from, Queue to) {
    for (int slot = from.first(); slot != KeyTable.NONE; slot = slots.after(slot)) {
      int added = copy.slots.add(slots.key(slot), slots.bytes(slot));
      copy.slots.mark(added, slots.mark(slot));
      to.addLast(added);
    }
  }

  private long smallBytes() {
    return capacity / 10;
  }

  private long mainBytes() {
    return capacity - smallBytes();
  }

  private long evictFromSmall() {
    for (int moved = 0; small.count() > 0; moved++) {
      int slot = small.first();
      small.remove(slot);
      if ((slots.mark(slot) & TIMES) <= 1 || moved == MOST_SPARED) {
        long key = slots.key(slot);
        slots.mark(slot, GHOST);
        ghosts.addLast(slot);
        trimGhosts();
        return key;
      }
      intoMain(slot);
      if (main.bytes() > mainBytes()) break;
    }
    return evictFromMain();
  }

  private long evictFromMain() {
    int slot = main.first();
    for (int spared = 0; (slots.mark(slot) & TIMES) > 0 && spared < MOST_SPARED; spared++) {
      slots.mark(slot, slots.mark(slot) - 1);
      main.remove(slot);
      main.addLast(slot);
      slot = main.first();
    }
    long key = slots.key(slot);
    removeAt(slot);
    return key;
  }

  private void intoMain(int slot) {
    slots.mark(slot, MAIN);
    main.addLast(slot);
  }

  private void trimGhosts() {
    while (ghosts.bytes() > mainBytes()) removeAt(ghosts.first());
  }

  private void removeAt(int slot) {
    queueOf(slot).remove(slot);
    slots.remove(slot);
  }

  private Queue queueOf(int slot) {
    int mark = slots.mark(slot);
    return mark == GHOST ? ghosts : (mark & MAIN) != 0 ? main : small;
  }
}
