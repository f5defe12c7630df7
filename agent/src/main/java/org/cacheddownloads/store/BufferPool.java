package org.cacheddownloads.store;

import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Direct buffers of one size, kept for the next ingest. Never blocks; keeps at most {@link #KEPT},
 * more are left to the collector.
 */
final class BufferPool {
  static final int BUFFER_BYTES = 256 * 1024;
  private static final int KEPT = 64;

  private final ConcurrentLinkedDeque<ByteBuffer> idle = new ConcurrentLinkedDeque<>();
  private final AtomicInteger kept = new AtomicInteger();

  ByteBuffer take() {
    ByteBuffer buffer = idle.pollFirst();
    if (buffer == null) {
      return ByteBuffer.allocateDirect(BUFFER_BYTES);
    }
    kept.decrementAndGet();
    return buffer.clear();
  }

  void give(ByteBuffer buffer) {
    if (kept.incrementAndGet() > KEPT) {
      kept.decrementAndGet();
      return;
    }
    idle.addFirst(buffer);
  }
}
