package org.cacheddownloads.advice;

import org.jspecify.annotations.Nullable;

/**
 * The keys in the order of their last use, and how much lies above each: its stack distance
 * (Mattson, Gecsei, Slutz, Traiger: "Evaluation techniques for storage hierarchies", IBM Systems
 * Journal 9(2), 1970). A cache that evicts the least recently used hits a key if and only if it has
 * room for the distance of that key, so that distances tell of caches of every size at once.
 *
 * <p>Each use takes a new slot at the end, and its old slot dies. Slots lie in pages; two
 * neighbours whose live slots make {@link #MERGED_SLOTS} or fewer become one. So with {@code n}
 * keys there are at most {@link #mostPages}{@code (n)} pages, an access moves at most {@code 2 ×
 * MERGED_SLOTS} slots, and a distance is the sum of a page, of the rest of a group of pages, and of
 * the groups after it.
 *
 * <p>Not thread-safe. Keys have to be spread evenly over 64 bits, such as hashes are; equal keys
 * are taken for equal objects.
 */
final class LruStack {
  /** The distance of a key that is not known. */
  static final long NEVER = Long.MAX_VALUE;

  static final int MERGED_SLOTS = 192;

  /** With more, to make the list of their pages longer would take up to a millisecond. */
  static final int MOST_KEYS = 4_000_000;

  private final int maxKeys;
  private final Pages pages = new Pages();
  private final PageList list = new PageList();
  private final KeyIndex index;
  private Page open;
  private int keys;
  private long units;
  private long dropped;

  /** The last page that a copy under way has, or null before the first. */
  private @Nullable Page copied;

  /**
   * @param maxKeys from 1 to {@link #MOST_KEYS}; the least recently used beyond are dropped
   */
  LruStack(int maxKeys) {
    if (maxKeys < 1 || maxKeys > MOST_KEYS) {
      throw new IllegalArgumentException("maxKeys has to be from 1 to " + MOST_KEYS);
    }
    this.maxKeys = maxKeys;
    this.index = new KeyIndex(pages, maxKeys);
    this.open = pages.take();
    list.append(open);
  }

  /**
   * A key is used.
   *
   * @param keyUnits what it occupies from now on; at least 1
   * @param minute when, in minutes; never less than for any other key
   * @return units of this key and of all that were used since its last use, each as it was then; or
   *     {@link #NEVER}
   */
  long access(long key, int keyUnits, int minute) {
    if (open.isFull()) {
      openNext();
    }
    int slot = open.used++;
    open.set(slot, key, keyUnits, minute);
    open.live++;
    add(open, keyUnits);
    int before = index.put(key, open.position(slot));
    if (before == KeyIndex.NONE) {
      keys++;
      if (keys > maxKeys) {
        dropOldest();
      }
      return NEVER;
    }
    Page page = pages.at(before);
    int old = before % Page.SLOTS;
    long distance = page.unitsFrom(old) + list.unitsAfter(page) - keyUnits;
    kill(page, old);
    return distance;
  }

  private void openNext() {
    Page full = open;
    open = pages.take();
    list.append(open);
    tidy(full);
  }

  private void dropOldest() {
    Page page = oldest();
    int slot = page.firstLive();
    index.remove(page.key(slot), page.position(slot));
    kill(page, slot);
    keys--;
    dropped++;
  }

  /** Every page but the open one has a live slot, so the first page has the oldest. */
  @SuppressWarnings("NullAway") // the open page is always in the list
  private Page oldest() {
    return list.oldest();
  }

  private void kill(Page page, int slot) {
    int was = page.units(slot);
    page.kill(slot);
    page.live--;
    add(page, -was);
    if (page != open) {
      tidy(page);
    }
  }

  private void add(Page page, long change) {
    page.sum += change;
    units += change;
    list.add(page, change);
  }

  /** Restores what holds for pages that are not open: none is empty, no two fit into one. */
  private void tidy(Page page) {
    if (page.live == 0) {
      remove(page);
    } else if (page.older != null && fit(page.older, page)) {
      merge(page.older, page);
    } else if (page.newer != null && page.newer != open && fit(page, page.newer)) {
      merge(page, page.newer);
    }
  }

  private static boolean fit(Page older, Page newer) {
    return older.live + newer.live <= MERGED_SLOTS;
  }

  private void merge(Page older, Page newer) {
    if (copied == older) {
      copied = older.older; // what is new in it has not been copied
    } else if (copied == newer) {
      copied = older;
    }
    int end = moveLive(older, older, 0);
    end = moveLive(newer, older, end);
    older.first = 0;
    older.used = end;
    older.live += newer.live;
    older.sum += newer.sum;
    list.add(older, newer.sum);
    list.remove(newer);
    pages.giveBack(newer);
  }

  /** Moves the live slots of a page to the front of it, or behind those of the page before. */
  private int moveLive(Page from, Page to, int end) {
    int at = end;
    for (int slot = from.first; slot < from.used; slot++) {
      if (from.lives(slot)) {
        if (from != to || slot != at) {
          to.set(at, from.key(slot), from.units(slot), from.minute(slot));
          index.move(to.key(at), from.position(slot), to.position(at));
        }
        at++;
      }
    }
    return at;
  }

  private void remove(Page page) {
    if (copied == page) {
      copied = page.older;
    }
    list.remove(page);
    pages.giveBack(page);
  }

  /**
   * Units of all keys whose last use was at {@code minute} or after. The stack is in the order of
   * last uses, so this is the sum of its end.
   */
  long unitsSince(int minute) {
    Page page = list.lastBefore(minute);
    if (page == null) {
      return units;
    }
    int slot = page.first;
    while (slot < page.used && (!page.lives(slot) || page.minute(slot) < minute)) {
      slot++;
    }
    return page.unitsFrom(slot) + list.unitsAfter(page);
  }

  /** What to do with each key. */
  interface Visitor {
    void visit(long key, int units);
  }

  /** Shows all keys, the least recently used first. */
  void forEach(Visitor visitor) {
    for (Page page = list.oldest(); page != null; page = page.newer) {
      for (int slot = page.first; slot < page.used; slot++) {
        if (page.lives(slot)) {
          visitor.visit(page.key(slot), page.units(slot));
        }
      }
    }
  }

  /** Begins a copy of the stack, and ends one that was under way. */
  void beginCopy() {
    copied = null;
  }

  /**
   * Copies the next live slots, oldest first, one page or more. Keys may be used between two calls:
   * such a key comes again later, and the later is right, so that whoever uses the keys in the
   * order of the copy gets the stack as it is at the last call. This ends as long as fewer keys are
   * used between calls than a call copies.
   *
   * @return whether that was the last of it
   */
  boolean copyNext(Slots into) {
    Page page = copied == null ? list.oldest() : copied.newer;
    while (page != null && into.room() >= page.live) {
      for (int slot = page.first; slot < page.used; slot++) {
        if (page.lives(slot)) {
          into.add(page.key(slot), page.units(slot), page.minute(slot));
        }
      }
      copied = page;
      page = page.newer;
    }
    if (page == null) {
      copied = null;
      return true;
    }
    return false;
  }

  /** Counts what was dropped before a restart. */
  void addDropped(long before) {
    dropped += before;
  }

  int keys() {
    return keys;
  }

  /** Units of all keys. */
  long units() {
    return units;
  }

  /** Keys that the bound has cost so far. */
  long dropped() {
    return dropped;
  }

  /** Pages in memory, in use or not. */
  int pages() {
    return pages.made();
  }

  /**
   * How many pages there can be with so many keys: of any two neighbours that are not open the live
   * slots are more than {@link #MERGED_SLOTS}. One more is open, and one more is taken before an
   * old one is given back.
   */
  static int mostPages(int keys) {
    return 2 * (keys / (MERGED_SLOTS + 1)) + 4;
  }

  /** What it holds on the heap, headers of arrays included. */
  long heapBytes() {
    return pages.heapBytes() + list.heapBytes() + index.heapBytes();
  }
}
