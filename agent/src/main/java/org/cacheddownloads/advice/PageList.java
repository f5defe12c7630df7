package org.cacheddownloads.advice;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The pages in use, from the oldest to the newest, and the units after any of them. The sums stand
 * in an array of their own, in the order of the pages, with a sum for each 64 of them. A page that
 * leaves makes a gap of 0; with each page that comes, a few others move down to close the gaps,
 * round after round, so that no access has to move them all.
 */
final class PageList {
  private static final int GROUP = 64;

  /** So gaps are never more than a fraction of the pages. */
  private static final int SWEPT_AT_ONCE = 8;

  private @Nullable Page[] byRank = new Page[GROUP];
  private long[] sums = new long[GROUP];
  private long[] groups = new long[1];
  private int nextRank;

  /** All ranks from {@code sweptTo} up to this one are gaps. */
  private int swept;

  private int sweptTo;
  private @Nullable Page oldest;
  private @Nullable Page newest;

  @Nullable Page oldest() {
    return oldest;
  }

  void append(Page page) {
    for (int i = 0; i < SWEPT_AT_ONCE; i++) {
      sweep();
    }
    if (nextRank == sums.length) {
      grow();
    }
    place(page, nextRank++, 0);
    page.older = newest;
    if (newest == null) {
      oldest = page;
    } else {
      newest.newer = page;
    }
    newest = page;
  }

  /** Takes out a page whose units are gone, or counted elsewhere. */
  void remove(Page page) {
    unplace(page);
    if (page.older == null) {
      oldest = page.newer;
    } else {
      page.older.newer = page.newer;
    }
    if (page.newer == null) {
      newest = page.older;
    } else {
      page.newer.older = page.older;
    }
  }

  void add(Page page, long units) {
    sums[page.rank] += units;
    groups[page.rank / GROUP] += units;
  }

  /** Units of all pages newer than this one. */
  long unitsAfter(Page page) {
    int group = page.rank / GROUP;
    int groupEnd = Math.min(nextRank, (group + 1) * GROUP);
    long total = 0;
    for (int rank = page.rank + 1; rank < groupEnd; rank++) {
      total += sums[rank];
    }
    int groupsEnd = (nextRank + GROUP - 1) / GROUP;
    for (int after = group + 1; after < groupsEnd; after++) {
      total += groups[after];
    }
    return total;
  }

  /** The newest page that starts before this minute; none after it does. */
  @Nullable Page lastBefore(int minute) {
    Page last = null;
    int low = 0;
    int high = nextRank;
    while (low < high) {
      int middle = (low + high) >>> 1;
      Page page = firstOf(middle, high);
      if (page != null && page.startsBefore(minute)) {
        last = page;
        low = page.rank + 1;
      } else {
        high = middle;
      }
    }
    return last;
  }

  private @Nullable Page firstOf(int from, int to) {
    int rank = from;
    while (rank < to && byRank[rank] == null) {
      rank++;
    }
    return rank < to ? byRank[rank] : null;
  }

  private void sweep() {
    if (swept == nextRank) {
      nextRank = sweptTo;
      swept = 0;
      sweptTo = 0;
      return;
    }
    Page page = byRank[swept];
    if (page != null) {
      if (swept > sweptTo) {
        place(page, sweptTo, unplace(page));
      }
      sweptTo++;
    }
    swept++;
  }

  private void place(Page page, int rank, long units) {
    page.rank = rank;
    byRank[rank] = page;
    add(page, units);
  }

  /** Leaves a gap. @return the units of the page */
  private long unplace(Page page) {
    long units = sums[page.rank];
    add(page, -units);
    byRank[page.rank] = null;
    return units;
  }

  private void grow() {
    int ranks = nextRank + nextRank / 2 / GROUP * GROUP + GROUP;
    byRank = Arrays.copyOf(byRank, ranks);
    sums = Arrays.copyOf(sums, ranks);
    groups = Arrays.copyOf(groups, ranks / GROUP);
  }

  long heapBytes() {
    return 8L * (2 * sums.length + groups.length);
  }
}
