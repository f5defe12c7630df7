package org.cacheddownloads.fetch;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Checksum;
import org.cacheddownloads.content.Deliver;
import org.cacheddownloads.content.Form;
import org.jspecify.annotations.Nullable;

/**
 * What a caller wants, parsed and checked.
 *
 * @param sources the URL, then the mirrors in order
 * @param cacheKey as the caller gave it, or null
 * @param deliver how a directory is handed out; means nothing for files
 * @param maxAge accept an entry that was validated this long ago without asking; zero for none
 * @param maxStale accept an entry this long past its freshness when the origin fails; zero for none
 * @param originDecidesStale whether the caller leaves it to the origin how long an entry may be
 *     used that is not fresh (RFC 5861)
 * @param timeout bound of the whole request
 */
public record DownloadRequest(
    List<Source> sources,
    CacheKey key,
    @Nullable String cacheKey,
    Optional<Checksum> checksum,
    Form form,
    Deliver deliver,
    Duration maxAge,
    Duration maxStale,
    boolean originDecidesStale,
    Duration timeout) {
  public DownloadRequest {
    sources = List.copyOf(sources);
  }

  Source primary() {
    return sources.getFirst();
  }
}
