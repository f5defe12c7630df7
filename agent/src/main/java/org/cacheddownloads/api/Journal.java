package org.cacheddownloads.api;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.cacheddownloads.catalog.DownloadRow;
import org.cacheddownloads.store.Hashing;
import org.cacheddownloads.trace.Events;
import org.cacheddownloads.trace.Phase;
import org.cacheddownloads.trace.RequestLog;
import org.cacheddownloads.trace.RequestLog.Served;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells of each request for a download when it has ended: a line of the log, an item of the last
 * requests, and an event if bytes were fetched. Thread-safe.
 */
public final class Journal {
  private static final Logger log = LoggerFactory.getLogger("org.cacheddownloads.api.Downloads");
  private static final int KEY_HASH_BYTES = 8;

  private final RequestLog requests;
  private final Events events;

  public Journal(RequestLog requests, Events events) {
    this.requests = requests;
    this.events = events;
  }

  /**
   * @param fetchedBytes body bytes that came from origins for it
   */
  void ended(Served served, long fetchedBytes) {
    requests.add(served);
    if (!log.isInfoEnabled()) {
      return;
    }
    Phase waitedFor = served.waitedFor();
    var line =
        log.atInfo()
            .addKeyValue("request", served.id())
            .addKeyValue("container", served.container())
            .addKeyValue("name", served.name())
            .addKeyValue("key", hashOf(served.key()))
            .addKeyValue("url", served.url())
            .addKeyValue("outcome", served.outcome());
    if (served.code() != null) {
      line = line.addKeyValue("code", served.code());
    }
    line.addKeyValue("bytes", served.bytes())
        .addKeyValue("fetched", fetchedBytes)
        .addKeyValue("millis", served.took().toMillis())
        .addKeyValue("waitedFor", waitedFor == null ? "-" : waitedFor.label())
        .log("download");
  }

  /** Keys may be long, and lines should not be; equal keys have equal hashes. */
  private static String hashOf(String key) {
    byte[] hash = Hashing.digest("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(hash, 0, KEY_HASH_BYTES);
  }

  /** Bytes came from an origin. */
  void fetched(DownloadRow row) {
    events.tell(
        Events.Kind.FETCHED,
        "key",
        row.key(),
        "url",
        row.url(),
        "digest",
        row.stored().digest().toString(),
        "size",
        row.size(),
        "bytesFetched",
        row.bytesFetched(),
        "outcome",
        row.outcome().label());
  }
}
