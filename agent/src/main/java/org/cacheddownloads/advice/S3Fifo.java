package org.cacheddownloads.advice;

import org.cacheddownloads.queues.S3FifoQueues;

/**
 * S3-FIFO, with the queues that the agent itself evicts by.
 *
 * <p>At most {@code maxKeys} keys are known, ghosts among them; ghosts go first.
 */
final class S3Fifo implements Policy {
  private final S3FifoQueues queues = new S3FifoQueues();
  private final int maxKeys;
  private long capacity;
  private long dropped;

  S3Fifo(long capacityBytes, int maxKeys) {
    this.maxKeys = maxKeys;
    setCapacity(capacityBytes);
  }

  @Override
  public boolean request(long key, long bytes) {
    if (queues.isOfOtherSize(key, bytes)) queues.remove(key);
    if (queues.use(key)) return true;
    if (bytes > capacity) return false;
    boolean wasGhost = queues.removeGhost(key);
    evictTo(capacity - bytes);
    makeRoomForAKey();
    if (wasGhost) queues.addMain(key, bytes);
    else queues.addSmall(key, bytes);
    return false;
  }

  @Override
  public void resize(long capacityBytes) {
    setCapacity(capacityBytes);
    evictTo(capacityBytes);
  }

  @Override
  public long bytes() {
    return queues.bytes();
  }

  @Override
  public int keys() {
    return queues.keys();
  }

  @Override
  public long dropped() {
    return dropped;
  }

  private void setCapacity(long capacityBytes) {
    capacity = capacityBytes;
    queues.capacity(capacityBytes);
  }

  private void evictTo(long bytes) {
    while (queues.bytes() > bytes) queues.evict();
  }

  private void makeRoomForAKey() {
    if (queues.known() < maxKeys) return;
    dropped++;
    while (queues.known() >= maxKeys) {
      if (!queues.removeOldestGhost()) queues.evict();
    }
  }
}
