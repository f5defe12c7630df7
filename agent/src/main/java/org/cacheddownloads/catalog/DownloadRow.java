package org.cacheddownloads.catalog;

import java.time.Duration;
import java.time.Instant;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.Deliver;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Outcome;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.content.TreeSum;
import org.cacheddownloads.content.Validator;
import org.jspecify.annotations.Nullable;

/**
 * How a name of a view came to hold what it holds.
 *
 * @param key the key it was found under, which is the caller's {@code cacheKey} or the URL's
 *     identity
 * @param cacheKey the caller's own, or null
 * @param url without user info and query; empty for a name that was found on disk without a
 *     description
 * @param tree what a directory holds; null for a file
 */
public record DownloadRow(
    ContainerId container,
    DownloadName name,
    Stored stored,
    String key,
    @Nullable String cacheKey,
    String url,
    long size,
    Outcome outcome,
    long bytesFetched,
    Duration duration,
    Validator validator,
    @Nullable Instant freshUntil,
    Deliver deliver,
    @Nullable TreeSum tree) {
  /** Whether a tree is to be mounted at the name. */
  public boolean isMounted() {
    return stored.isTree() && deliver == Deliver.MOUNT;
  }
}
