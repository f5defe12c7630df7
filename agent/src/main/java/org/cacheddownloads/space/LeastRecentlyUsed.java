package org.cacheddownloads.space;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.cacheddownloads.catalog.BlobRow;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.Catalog.EvictionRank;
import org.cacheddownloads.content.Stored;

/** The least recently used goes first. Keeps nothing: the catalog has the order. Thread-safe. */
record LeastRecentlyUsed(Catalog catalog, Holds holds) implements EvictionOrder {
  private static final int PAGE = 256;

  @Override
  public Walk walk() {
    return new Pages();
  }

  @Override
  public Optional<EvictionRank> rank(Stored stored) {
    return catalog.evictionRank(stored);
  }

  private final class Pages implements Walk {
    private Instant after = Instant.EPOCH;

    @Override
    public Optional<List<BlobRow>> next(Shortage shortage) {
      List<BlobRow> page = catalog.idleBlobs(after, PAGE);
      if (page.isEmpty()) {
        return Optional.empty();
      }
      List<BlobRow> victims =
          EvictionPlan.victims(page, holds::isHeld, shortage.bytes(), shortage.files());
      // Behind those that were tried: one that cannot go must not hide those after it.
      after = (victims.isEmpty() ? page : victims).getLast().lastUsed();
      return Optional.of(victims);
    }

    @Override
    public void close() {}
  }
}
