package org.cacheddownloads.space;

import java.util.List;
import java.util.Optional;
import org.cacheddownloads.catalog.BlobRow;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.Catalog.EvictionRank;
import org.cacheddownloads.config.Config.Policy;
import org.cacheddownloads.content.Stored;

/**
 * Who goes first where room is needed. It only proposes: the {@link Evictor} deletes what nobody
 * holds, whatever is said here, and asks the catalog by itself when this has nobody left. Walks
 * come one at a time; all else is thread-safe.
 */
public sealed interface EvictionOrder permits LeastRecentlyUsed, S3FifoOrder {

  /** The order of a policy, for as long as the catalog is open. */
  static EvictionOrder of(Policy policy, Catalog catalog, Holds holds) {
    return switch (policy) {
      case LRU -> new LeastRecentlyUsed(catalog, holds);
      case S3FIFO -> S3FifoOrder.watching(catalog, holds);
    };
  }

  /** Begins an eviction. */
  Walk walk();

  /**
   * The place of {@code stored}, 1 for the next victim, if nothing comes and nothing is used; empty
   * if it is in use or not here.
   */
  Optional<EvictionRank> rank(Stored stored);

  /** One eviction: proposes each object at most once, so that what cannot go hides no other. */
  interface Walk extends AutoCloseable {
    /**
     * The next victims, as many as {@code shortage} needs or fewer, none of which was held when it
     * was looked at; there may be none among those that were looked at. Empty when all were.
     */
    Optional<List<BlobRow>> next(Shortage shortage);

    /** What was proposed and is there still could not go. */
    @Override
    void close();
  }
}
