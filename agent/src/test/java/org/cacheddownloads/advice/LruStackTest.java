package org.cacheddownloads.advice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LruStackTest {
  /** The same, by looking through a list. */
  private static final class Model {
    private record Use(long key, int units, int minute) {}

    private final int maxKeys;
    private final List<Use> uses = new ArrayList<>();
    private long dropped;

    Model(int maxKeys) {
      this.maxKeys = maxKeys;
    }

    long access(long key, int units, int minute) {
      long distance = 0;
      int at = uses.size() - 1;
      while (at >= 0) {
        distance += uses.get(at).units();
        if (uses.get(at).key() == key) {
          break;
        }
        at--;
      }
      if (at >= 0) {
        uses.remove(at);
      }
      uses.add(new Use(key, units, minute));
      if (uses.size() > maxKeys) {
        uses.removeFirst();
        dropped++;
      }
      return at >= 0 ? distance : LruStack.NEVER;
    }

    long unitsSince(int minute) {
      return uses.stream().filter(u -> u.minute() >= minute).mapToLong(Use::units).sum();
    }
  }

  static long hash(long identity) {
    return new SplittableRandom(identity).nextLong();
  }

  @Test
  void distancesOfAFewUsesAreAsCountedByHand() {
    var stack = new LruStack(10);
    assertEquals(LruStack.NEVER, stack.access(hash(1), 10, 0));
    assertEquals(LruStack.NEVER, stack.access(hash(2), 200, 0));
    assertEquals(200, stack.access(hash(2), 200, 0));
    assertEquals(210, stack.access(hash(1), 10, 0));
    assertEquals(LruStack.NEVER, stack.access(hash(3), 3000, 0));
    assertEquals(3010, stack.access(hash(1), 11, 0));
    assertEquals(3211, stack.access(hash(2), 200, 0));
    assertEquals(3211, stack.units());
    assertEquals(3, stack.keys());
  }

  /**
   * Few keys over many pages make dead slots and merges; many keys and a bound make the oldest
   * drop.
   */
  @Property(tries = 60)
  void everyDistanceIsThatOfTheModel(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 3_000) int maxKeys,
      @ForAll @IntRange(min = 1, max = 4_000) int identities,
      @ForAll @IntRange(min = 1, max = 5) int skew,
      @ForAll boolean changing) {
    var random = new SplittableRandom(seed);
    var stack = new LruStack(maxKeys);
    var model = new Model(maxKeys);
    int minute = 0;
    for (int i = 0; i < 5_000; i++) {
      minute += random.nextInt(50) == 0 ? random.nextInt(5) : 0;
      double where = Math.pow(random.nextDouble(), skew);
      long identity = (long) (where * identities);
      int units = units(changing ? random.nextLong() : identity);
      assertEquals(
          model.access(hash(identity), units, minute), stack.access(hash(identity), units, minute));
      if (i % 500 == 0) {
        int since = random.nextInt(minute + 2);
        assertEquals(model.unitsSince(since), stack.unitsSince(since));
      }
    }
    assertEquals(model.uses.size(), stack.keys());
    assertEquals(model.dropped, stack.dropped());
    assertEquals(model.unitsSince(0), stack.units());
    assertThat(stack.pages()).isLessThanOrEqualTo(LruStack.mostPages(stack.keys() + 1));
    assertEquals(model.uses, copy(stack, () -> {}));
  }

  private static int units(long identity) {
    return (int) (hash(identity ^ 0x5eed) >>> 33 >>> new SplittableRandom(identity).nextInt(31))
        + 1;
  }

  /** Loops over all keys, which are the worst for LRU, and the most regular for the pages. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 255, 256, 257, 511, 512, 513, 5_000, 100_000})
  void aLoopHasOneDistance(int keys) {
    var stack = new LruStack(100_000);
    for (int lap = 0; lap < 4; lap++) {
      for (int key = 0; key < keys; key++) {
        long distance = stack.access(hash(key), 7, 0);
        assertEquals(lap == 0 ? LruStack.NEVER : 7L * keys, distance);
      }
    }
    assertThat(stack.pages()).isLessThanOrEqualTo(LruStack.mostPages(keys));
  }

  /** All but each n-th key is used again and again, so that pages are left with few slots. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 10, 100, 257, 1_000})
  void pagesStayFewWhenFewSlotsOfEachLive(int nth) {
    var stack = new LruStack(100_000);
    int mostPages = LruStack.mostPages(100_000);
    for (int key = 0; key < 100_000; key++) {
      stack.access(hash(key), 1, 0);
    }
    for (int lap = 0; lap < 5; lap++) {
      for (int key = 0; key < 100_000; key++) {
        if (key % nth != 0) {
          stack.access(hash(key), 1, 0);
        }
      }
      assertThat(stack.pages()).isLessThanOrEqualTo(mostPages);
    }
    assertEquals(100_000, stack.access(hash(0), 1, 0));
    assertEquals(100_000, stack.units());
  }

  /** As when a copy is read that has some keys twice. */
  @Test
  void keysThatComeAgainWithTheMinuteThatTheyHadAreOfThatMinute() {
    var stack = new LruStack(10);
    stack.access(hash(1), 100, 5);
    for (int twice = 0; twice < 2; twice++) {
      stack.access(hash(2), 10, 6);
      stack.access(hash(3), 1, 8);
    }
    assertEquals(111, stack.unitsSince(5));
    assertEquals(11, stack.unitsSince(6));
    assertEquals(1, stack.unitsSince(7));
    assertEquals(1, stack.unitsSince(8));
    assertEquals(0, stack.unitsSince(9));
  }

  /** Each page is filled by one key that is never used again, and dies but for its last slot. */
  @Test
  void hotKeysOfAMomentLeaveNoPagesBehind() {
    var stack = new LruStack(10_000);
    for (int i = 0; i < 2_000 * Page.SLOTS; i++) {
      stack.access(hash(i / Page.SLOTS), 1, 0);
    }
    assertThat(stack.pages()).isLessThanOrEqualTo(LruStack.mostPages(2_000));
  }

  /**
   * The first piece of the copy ends after key 2,046. Then so many keys on both sides of that place
   * are used that their pages become one, or none.
   */
  @ParameterizedTest
  @CsvSource({
    "1791, 2047, 1", "1536, 2048, 1", "1793, 2303, 1", "1700, 2400, 3", "1600, 2500, 2",
    "1024, 2048, 2", "2048, 2304, 1", "0, 4000, 3", "0, 5000, 2", "1900, 2200, 1"
  })
  void aCopyLosesNothingWherePagesAreMergedOrGivenBack(int from, int to, int step) {
    var stack = new LruStack(10_000);
    stack.access(hash(-1), 1, 0); // so that pages of the stack made of the copy begin elsewhere
    for (int key = 0; key < 5_000; key++) {
      stack.access(hash(key), 1 + key, key / 64);
    }
    stack.access(hash(-1), 1, 79);
    var used = new AtomicBoolean();
    List<Model.Use> copy =
        copy(
            stack,
            () -> {
              if (!used.getAndSet(true)) {
                for (int key = from; key < to; key++) {
                  if (step == 1 || key % step != 0) {
                    stack.access(hash(key), 1 + key, 80);
                  }
                }
              }
            });
    var again = new LruStack(10_000);
    copy.forEach(use -> again.access(use.key(), use.units(), use.minute()));
    assertEquals(copy(stack, () -> {}), copy(again, () -> {}));
    for (int minute = 0; minute <= 81; minute++) {
      assertEquals(stack.unitsSince(minute), again.unitsSince(minute));
    }
  }

  /** Many accesses with keys turning over: nothing grows but with the keys. */
  @Test
  void whatIsHeldIsBoundedWhileKeysTurnOver() {
    int maxKeys = 50_000;
    var stack = new LruStack(maxKeys);
    var random = new SplittableRandom(1);
    long soaked = 0;
    for (int round = 0; round < 30; round++) {
      for (int i = 0; i < 100_000; i++) {
        long newest = round * 20_000L + i / 5;
        long identity = newest - (long) (80_000 * Math.pow(random.nextDouble(), 4));
        stack.access(hash(identity), 1 + random.nextInt(1_000), round);
      }
      assertThat(stack.keys()).isLessThanOrEqualTo(maxKeys);
      assertThat(stack.pages()).isLessThanOrEqualTo(LruStack.mostPages(maxKeys + 1));
      if (round == 9) {
        soaked = stack.heapBytes();
      }
    }
    assertEquals(maxKeys, stack.keys());
    assertThat(stack.dropped()).isGreaterThan(500_000);
    assertThat(stack.heapBytes()).isLessThanOrEqualTo(soaked * 11 / 10);
  }

  @Test
  void aMillionKeysTakeAtMost64BytesEach() {
    int keys = 1_000_000;
    var stack = new LruStack(keys);
    var random = new SplittableRandom(1);
    for (int key = 0; key < keys; key++) {
      stack.access(hash(key), 1, 0);
    }
    assertThat(stack.heapBytes()).isLessThanOrEqualTo(64L * keys);
    for (int i = 0; i < 3_000_000; i++) {
      stack.access(hash(random.nextInt(keys)), 1, 0);
    }
    assertEquals(keys, stack.keys());
    assertThat(stack.heapBytes()).isLessThanOrEqualTo(64L * keys);
  }

  /** Whatever the pages are like: the formula of their number, times their size. */
  @Test
  void theWorstPagesTakeAtMost64BytesAKeyToo() {
    int keys = LruStack.MOST_KEYS;
    long pages = LruStack.mostPages(keys);
    long cells = 8L * (keys * 9L / 4); // two of three cells are taken, less the growth by half
    long page = Page.HEAP_BYTES + Chunk.HEAP_BYTES / Chunk.PAGES + 3 * 8;
    assertThat(pages * page + cells).isLessThanOrEqualTo(64L * keys);
  }

  @Test
  void anIdleStackIsSmall() {
    assertThat(new LruStack(1_000_000).heapBytes()).isLessThan(128 * 1024);
  }

  /** Used in the order of the copy, its keys make the stack as it is at the end of the copy. */
  @Property(tries = 30)
  void aCopyOfAStackInUseIsTheStackAtItsEnd(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 20_000) int maxKeys,
      @ForAll @LongRange(min = 1, max = 30_000) long identities,
      @ForAll @IntRange(min = 0, max = 1_500) int between) {
    var random = new SplittableRandom(seed);
    var stack = new LruStack(maxKeys);
    for (int i = 0; i < 40_000; i++) {
      stack.access(hash(random.nextLong(identities)), 1 + i % 1000, i / 1000);
    }
    List<Model.Use> copy =
        copy(
            stack,
            () -> {
              for (int i = 0; i < between; i++) {
                double where = Math.pow(random.nextDouble(), 3);
                stack.access(hash((long) (where * identities)), 1 + i, 50);
              }
            });
    var again = new LruStack(maxKeys);
    copy.forEach(use -> again.access(use.key(), use.units(), use.minute()));
    assertEquals(copy(stack, () -> {}), copy(again, () -> {}));
    for (int minute = 0; minute <= 51; minute++) {
      assertEquals(stack.unitsSince(minute), again.unitsSince(minute));
    }
    Map<Long, Integer> last = new HashMap<>();
    copy(stack, () -> {}).forEach(use -> last.put(use.key(), use.units()));
    assertEquals(stack.keys(), last.size());
  }

  private static List<Model.Use> copy(LruStack stack, Runnable between) {
    var uses = new ArrayList<Model.Use>();
    stack.beginCopy();
    boolean last = false;
    while (!last) {
      var slots = new Slots();
      last = stack.copyNext(slots);
      for (int i = 0; i < slots.size; i++) {
        uses.add(new Model.Use(slots.keys[i], slots.units[i], slots.minutes[i]));
      }
      if (!last) {
        between.run();
      }
    }
    return uses;
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, LruStack.MOST_KEYS + 1})
  void aBoundThatCannotBeIsRefused(int maxKeys) {
    assertThrows(IllegalArgumentException.class, () -> new LruStack(maxKeys));
  }
}
