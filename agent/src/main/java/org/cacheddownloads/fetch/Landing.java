package org.cacheddownloads.fetch;

import org.cacheddownloads.content.Entry;
import org.cacheddownloads.content.Outcome;
import org.cacheddownloads.space.Pin;

/**
 * How a flight ended well: bytes in the store, pinned until the last who waited has linked them.
 *
 * @param outcome for the one who started the flight
 * @param forOne whether the response may be given to one request only ({@code no-store})
 */
record Landing(Entry entry, Outcome outcome, long bytesFetched, boolean forOne, Pin pin)
    implements AutoCloseable {
  @Override
  public void close() {
    pin.close();
  }
}
