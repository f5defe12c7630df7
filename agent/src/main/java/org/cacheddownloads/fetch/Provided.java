package org.cacheddownloads.fetch;

import org.cacheddownloads.content.Entry;
import org.cacheddownloads.content.Outcome;

/**
 * Bytes that are in the store and stay there until this is closed: link them first.
 *
 * @param bytesFetched body bytes that this request brought over the network
 */
public record Provided(Entry entry, Outcome outcome, long bytesFetched, Hold hold)
    implements AutoCloseable {
  /** What keeps the bytes from being evicted meanwhile. */
  @FunctionalInterface
  public interface Hold extends AutoCloseable {
    @Override
    void close();
  }

  @Override
  public void close() {
    hold.close();
  }
}
