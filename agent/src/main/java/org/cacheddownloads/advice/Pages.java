package org.cacheddownloads.advice;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** All pages by their ids. One that is given back is the next to be taken. */
final class Pages {
  private @Nullable Page[] byId = new Page[4];
  private int[] free = new int[4];
  private int made;
  private int freeCount;

  Page take() {
    if (freeCount > 0) {
      return byId(free[--freeCount]);
    }
    if (made == byId.length) {
      byId = Arrays.copyOf(byId, made + (made >> 1));
      free = Arrays.copyOf(free, byId.length);
    }
    Page before = made % Chunk.PAGES == 0 ? null : byId(made - 1);
    var page = new Page(made, before == null ? new Chunk() : before.chunk);
    byId[made++] = page;
    return page;
  }

  void giveBack(Page page) {
    page.clear();
    free[freeCount++] = page.id;
  }

  Page at(int position) {
    return byId(position / Page.SLOTS);
  }

  long keyAt(int position) {
    return at(position).key(position % Page.SLOTS);
  }

  /** Pages taken or free; never fewer than before. */
  int made() {
    return made;
  }

  long heapBytes() {
    return Math.ceilDiv(made, Chunk.PAGES) * Chunk.HEAP_BYTES
        + made * Page.HEAP_BYTES
        + byId.length * 8L;
  }

  @SuppressWarnings("NullAway") // ids are given out by take() alone
  private Page byId(int id) {
    return byId[id];
  }
}
