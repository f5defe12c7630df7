package org.cacheddownloads.advice;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each policy decides as an obvious and slow model of it does, request by request. */
class PolicyTest {
  private static final int FEW_KEYS = 7;

  /** A request, or a change of the capacity where the key is negative. */
  record Step(long key, long bytes) {}

  @Property(tries = 1_000)
  void everyPolicyIsItsModel(@ForAll Policy.Kind kind, @ForAll("steps") List<Step> steps) {
    play(kind, 1_000, steps);
  }

  @Property(tries = 500)
  void everyPolicyIsItsModelWithFewKeysToo(
      @ForAll Policy.Kind kind, @ForAll("steps") List<Step> steps) {
    play(kind, FEW_KEYS, steps);
  }

  private static void play(Policy.Kind kind, int maxKeys, List<Step> steps) {
    long capacity = 100;
    Policy policy = kind.of(capacity, maxKeys);
    Model model = model(kind, capacity, maxKeys);
    for (Step step : steps) {
      if (step.key() < 0) {
        capacity = step.bytes() * 4;
        policy.resize(capacity);
        model.resize(capacity);
      } else {
        assertThat(policy.request(step.key(), step.bytes()))
            .as("hit by %s", step)
            .isEqualTo(model.request(step.key(), step.bytes()));
      }
      assertThat(policy.bytes()).as("held after %s", step).isEqualTo(model.bytes());
      assertThat(policy.keys()).as("keys after %s", step).isEqualTo(model.keys());
      assertThat(policy.bytes()).isLessThanOrEqualTo(capacity);
      assertThat(policy.keys()).isLessThanOrEqualTo(maxKeys);
    }
  }

  /** Few keys, most with a size of their own, small ones more often than large ones. */
  @Provide
  Arbitrary<List<Step>> steps() {
    Arbitrary<Long> keys = Arbitraries.longs().between(0, 25);
    Arbitrary<Step> usual = keys.map(key -> new Step(key, key * key % 41));
    Arbitrary<Step> changed =
        Combinators.combine(keys, Arbitraries.longs().between(0, 60)).as(Step::new);
    Arbitrary<Step> resized =
        Arbitraries.longs().between(0, 50).map(quarter -> new Step(-1, quarter));
    return Arbitraries.frequencyOf(Tuple.of(30, usual), Tuple.of(2, changed), Tuple.of(1, resized))
        .list()
        .ofMaxSize(400);
  }

  @ParameterizedTest
  @EnumSource
  void whatIsLargerThanTheCapacityIsAMissThatEvictsNothing(Policy.Kind kind) {
    Policy policy = kind.of(100, 10);
    policy.request(1, 60);
    policy.request(2, 40);
    assertThat(policy.request(3, 101)).isFalse();
    assertThat(policy.request(3, 101)).isFalse();
    assertThat(policy.bytes()).isEqualTo(100);
    assertThat(policy.request(1, 60)).isTrue();
    assertThat(policy.request(2, 40)).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void keysThatHadToGoForTheirNumberAreCounted(Policy.Kind kind) {
    Policy policy = kind.of(100, 3);
    for (int key = 0; key < 3; key++) policy.request(key, 1);
    assertThat(policy.dropped()).isZero();
    policy.request(3, 1);
    assertThat(policy.dropped()).isEqualTo(1);
    assertThat(policy.keys()).isLessThanOrEqualTo(3);
  }

  /** Over a million keys that come and go: as small as at the beginning, and all still found. */
  @ParameterizedTest
  @EnumSource
  void aLongRunOfNewKeysHoldsWhatFits(Policy.Kind kind) {
    Policy policy = kind.of(5_000 * 10, 20_000);
    for (long key = 0; key < 1_000_000; key++) policy.request(key, 10);
    assertThat(policy.keys()).isEqualTo(5_000);
    assertThat(policy.bytes()).isEqualTo(50_000);
    assertThat(policy.dropped()).isZero();
    policy.resize(0);
    assertThat(policy.keys()).isZero();
  }

  /** Sixty objects are asked for every 1,200 requests, and all others once; 100 have room. */
  @Test
  void s3FifoKeepsThroughAScanWhatLruLoses() {
    assertThat(hitsThroughAScan(Policy.Kind.LRU)).isLessThan(5);
    assertThat(hitsThroughAScan(Policy.Kind.S3FIFO)).isEqualTo(5_000);
  }

  /**
   * A thousand objects more than are spared at once, all asked for three times: one goes, and not
   * many.
   */
  @ParameterizedTest
  @EnumSource
  void oneNewObjectDisplacesOneOfItsSize(Policy.Kind kind) {
    Policy policy = kind.of(2_024, 10_000);
    for (int round = 0; round < 4; round++) {
      for (long key = 0; key < 2_024; key++) policy.request(key, 1);
    }
    assertThat(policy.request(5_000, 1)).isFalse();
    assertThat(policy.bytes()).isEqualTo(2_024);
    assertThat(policy.request(5_000, 1)).isTrue();
  }

  private static int hitsThroughAScan(Policy.Kind kind) {
    Policy policy = kind.of(1_000, 10_000);
    for (long key = 0; key < 60; key++) {
      for (int times = 0; times < 3; times++) policy.request(key, 10);
    }
    int hits = 0;
    for (long request = 0; request < 100_000; request++) {
      policy.request(1_000_000 + request, 10);
      if (request % 20 == 19 && policy.request(request / 20 % 60, 10)) hits++;
    }
    return hits;
  }

  private static Model model(Policy.Kind kind, long capacity, int maxKeys) {
    return switch (kind) {
      case LRU -> new LruModel(capacity, maxKeys);
      case S3FIFO -> new S3FifoModel(capacity, maxKeys);
      case SIEVE -> new SieveModel(capacity, maxKeys);
      case LFU_DA -> new GreedyModel(capacity, maxKeys, false);
      case GDSF -> new GreedyModel(capacity, maxKeys, true);
    };
  }

  /** What all have in common, summed up anew each time. */
  private abstract static class Model {
    long capacity;
    final int maxKeys;

    Model(long capacity, int maxKeys) {
      this.capacity = capacity;
      this.maxKeys = maxKeys;
    }

    /** Key to size of what is held. */
    abstract Map<Long, Long> held();

    abstract void hit(long key);

    abstract void add(long key, long bytes);

    abstract void evict();

    abstract void drop(long key);

    long bytes() {
      return held().values().stream().mapToLong(Long::longValue).sum();
    }

    int keys() {
      return held().size();
    }

    boolean request(long key, long bytes) {
      Long before = held().get(key);
      if (before != null && before == bytes) {
        hit(key);
        return true;
      }
      if (before != null) drop(key);
      if (bytes <= capacity) admit(key, bytes);
      return false;
    }

    void admit(long key, long bytes) {
      while (bytes() + bytes > capacity) evict();
      if (keys() == maxKeys) evict();
      add(key, bytes);
    }

    void resize(long to) {
      capacity = to;
      while (bytes() > capacity) evict();
    }
  }

  private static final class LruModel extends Model {
    private final Map<Long, Long> held = new LinkedHashMap<>(16, 0.75f, true);

    LruModel(long capacity, int maxKeys) {
      super(capacity, maxKeys);
    }

    @Override
    Map<Long, Long> held() {
      return new HashMap<>(held);
    }

    @Override
    void hit(long key) {
      held.get(key);
    }

    @Override
    void add(long key, long bytes) {
      held.put(key, bytes);
    }

    @Override
    void evict() {
      held.remove(held.keySet().iterator().next());
    }

    @Override
    void drop(long key) {
      held.remove(key);
    }
  }

  private static final class Item {
    final long key;
    final long bytes;
    int times;
    long used;
    double worth;

    Item(long key, long bytes) {
      this.key = key;
      this.bytes = bytes;
    }
  }

  private static long sum(List<Item> items) {
    return items.stream().mapToLong(item -> item.bytes).sum();
  }

  private static void put(List<Item> items, Map<Long, Long> into) {
    items.forEach(item -> into.put(item.key, item.bytes));
  }

  private static void bump(List<Item> items, long key) {
    for (Item item : items) {
      if (item.key == key) item.times++;
    }
  }

  private static final class SieveModel extends Model {
    private final List<Item> items = new ArrayList<>();
    private int hand;

    SieveModel(long capacity, int maxKeys) {
      super(capacity, maxKeys);
    }

    @Override
    Map<Long, Long> held() {
      var held = new HashMap<Long, Long>();
      put(items, held);
      return held;
    }

    @Override
    void hit(long key) {
      bump(items, key);
    }

    @Override
    void add(long key, long bytes) {
      if (hand >= items.size()) hand = 0; // it was at the end when the queue grew behind it
      items.add(new Item(key, bytes));
    }

    @Override
    void evict() {
      if (hand >= items.size()) hand = 0;
      while (items.get(hand).times > 0) {
        items.get(hand).times = 0;
        hand = (hand + 1) % items.size();
      }
      items.remove(hand);
    }

    @Override
    void drop(long key) {
      for (int i = 0; i < items.size(); i++) {
        if (items.get(i).key != key) continue;
        items.remove(i);
        if (i < hand) hand--;
        return;
      }
    }
  }

  private static final class S3FifoModel extends Model {
    private final List<Item> small = new ArrayList<>();
    private final List<Item> main = new ArrayList<>();
    private final List<Item> ghosts = new ArrayList<>();

    S3FifoModel(long capacity, int maxKeys) {
      super(capacity, maxKeys);
    }

    @Override
    Map<Long, Long> held() {
      var held = new HashMap<Long, Long>();
      put(small, held);
      put(main, held);
      return held;
    }

    @Override
    void hit(long key) {
      bump(small, key);
      bump(main, key);
    }

    @Override
    boolean request(long key, long bytes) {
      ghosts.removeIf(ghost -> ghost.key == key && ghost.bytes != bytes);
      return super.request(key, bytes);
    }

    @Override
    void admit(long key, long bytes) {
      boolean wasGhost = ghosts.removeIf(ghost -> ghost.key == key);
      while (bytes() + bytes > capacity) evict();
      while (small.size() + main.size() + ghosts.size() >= maxKeys) {
        if (ghosts.isEmpty()) evict();
        else ghosts.removeFirst();
      }
      (wasGhost ? main : small).add(new Item(key, bytes));
    }

    @Override
    void add(long key, long bytes) {
      throw new AssertionError();
    }

    @Override
    void drop(long key) {
      small.removeIf(item -> item.key == key);
      main.removeIf(item -> item.key == key);
    }

    @Override
    void resize(long to) {
      super.resize(to);
      forgetGhosts();
    }

    @Override
    void evict() {
      if (!small.isEmpty() && (sum(small) >= capacity / 10 || main.isEmpty())) evictFromSmall();
      else evictFromMain();
    }

    private void evictFromSmall() {
      while (!small.isEmpty()) {
        Item oldest = small.removeFirst();
        if (oldest.times <= 1) {
          ghosts.add(oldest);
          forgetGhosts();
          return;
        }
        oldest.times = 0;
        main.add(oldest);
        if (sum(main) > capacity - capacity / 10) {
          evictFromMain();
          return;
        }
      }
    }

    private void evictFromMain() {
      while (true) {
        Item oldest = main.removeFirst();
        if (oldest.times == 0) return;
        oldest.times = Math.min(oldest.times, 3) - 1;
        main.add(oldest);
      }
    }

    private void forgetGhosts() {
      while (sum(ghosts) > capacity - capacity / 10) ghosts.removeFirst();
    }
  }

  private static final class GreedyModel extends Model {
    private final List<Item> items = new ArrayList<>();
    private final boolean bySize;
    private double age;
    private long clock;

    GreedyModel(long capacity, int maxKeys, boolean bySize) {
      super(capacity, maxKeys);
      this.bySize = bySize;
    }

    @Override
    Map<Long, Long> held() {
      var held = new HashMap<Long, Long>();
      put(items, held);
      return held;
    }

    @Override
    void hit(long key) {
      for (Item item : items) {
        if (item.key == key) use(item);
      }
    }

    @Override
    void add(long key, long bytes) {
      var item = new Item(key, bytes);
      use(item);
      items.add(item);
    }

    private void use(Item item) {
      item.times++;
      item.used = clock++;
      item.worth = age + (bySize ? item.times / (double) Math.max(1, item.bytes) : item.times);
    }

    @Override
    void evict() {
      Item least =
          items.stream()
              .min(
                  Comparator.<Item>comparingDouble(item -> item.worth)
                      .thenComparingLong(item -> item.used))
              .orElseThrow();
      age = least.worth;
      items.remove(least);
    }

    @Override
    void drop(long key) {
      items.removeIf(item -> item.key == key);
    }
  }
}
