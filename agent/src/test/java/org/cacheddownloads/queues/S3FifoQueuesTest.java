package org.cacheddownloads.queues;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** The queues do as an obvious and slow model of them does, step by step. */
class S3FifoQueuesTest {
  private static final int KEYS = 20;

  enum Act {
    USE,
    ARRIVE,
    ARRIVE_EXPECTED,
    EVICT,
    REMOVE,
    REMOVE_GHOST,
    REMOVE_OLDEST_GHOST,
    RESIZE,
    SET_CAPACITY
  }

  record Step(Act act, long key, long bytes) {}

  @Property(tries = 1_000)
  void theyAreTheirModel(@ForAll("steps") List<Step> steps) {
    var queues = new S3FifoQueues();
    var model = new Model();
    for (Step step : steps) {
      assertThat(play(queues, step)).as("%s", step).isEqualTo(play(model, step));
      assertThat(queues.bytes()).isEqualTo(sum(model.small) + sum(model.main));
      assertThat(queues.keys()).isEqualTo(model.small.size() + model.main.size());
      assertThat(queues.known()).isEqualTo(queues.keys() + model.ghosts.size());
    }
    List<Long> asCopied = drained(queues.copyOfHeld());
    assertThat(drained(queues)).isEqualTo(asCopied);
    assertThat(asCopied).isEqualTo(model.drained());
  }

  @Provide
  Arbitrary<List<Step>> steps() {
    return Combinators.combine(
            Arbitraries.of(Act.class),
            Arbitraries.longs().between(0, KEYS - 1),
            Arbitraries.longs().between(0, 30))
        .as(Step::new)
        .list()
        .ofMaxSize(300);
  }

  private static long play(S3FifoQueues queues, Step step) {
    long key = step.key();
    return switch (step.act()) {
      case USE -> queues.use(key) ? 1 : 0;
      case ARRIVE, ARRIVE_EXPECTED -> {
        if (queues.isHeld(key)) yield 0;
        if (queues.removeGhost(key)) queues.addMain(key, step.bytes());
        else queues.addSmall(key, step.bytes());
        if (step.act() == Act.ARRIVE_EXPECTED) queues.expectUse(key);
        yield 1;
      }
      case EVICT -> queues.keys() == 0 ? -1 : queues.evict();
      case REMOVE -> {
        queues.remove(key);
        yield 0;
      }
      case REMOVE_GHOST -> queues.removeGhost(key) ? 1 : 0;
      case REMOVE_OLDEST_GHOST -> queues.removeOldestGhost() ? 1 : 0;
      case RESIZE -> {
        queues.resize(key, step.bytes());
        yield queues.isHeld(key) && queues.isOfOtherSize(key, step.bytes()) ? 1 : 0;
      }
      case SET_CAPACITY -> {
        queues.capacity(step.bytes() * 10);
        yield 0;
      }
    };
  }

  private static long play(Model model, Step step) {
    Item item = model.held(step.key());
    return switch (step.act()) {
      case USE -> {
        if (item == null) yield 0;
        if (item.expected) item.expected = false;
        else item.times = Math.min(3, item.times + 1);
        yield 1;
      }
      case ARRIVE, ARRIVE_EXPECTED -> {
        if (item != null) yield 0;
        var added = new Item(step.key(), step.bytes());
        added.expected = step.act() == Act.ARRIVE_EXPECTED;
        boolean wasGhost = model.ghosts.removeIf(ghost -> ghost.key == step.key());
        (wasGhost ? model.main : model.small).add(added);
        yield 1;
      }
      case EVICT -> model.evict();
      case REMOVE -> {
        for (var queue : List.of(model.small, model.main, model.ghosts)) {
          queue.removeIf(each -> each.key == step.key());
        }
        yield 0;
      }
      case REMOVE_GHOST -> model.ghosts.removeIf(ghost -> ghost.key == step.key()) ? 1 : 0;
      case REMOVE_OLDEST_GHOST -> model.ghosts.poll() == null ? 0 : 1;
      case RESIZE -> {
        if (item != null) item.bytes = step.bytes();
        yield 0;
      }
      case SET_CAPACITY -> {
        model.capacity = step.bytes() * 10;
        model.trim();
        yield 0;
      }
    };
  }

  private static List<Long> drained(S3FifoQueues queues) {
    var order = new ArrayList<Long>();
    while (queues.keys() > 0) order.add(queues.evict());
    return order;
  }

  private static long sum(Collection<Item> items) {
    return items.stream().mapToLong(item -> item.bytes).sum();
  }

  @Test
  void nothingCanBeEvictedWhereNothingIsHeld() {
    assertThatThrownBy(() -> new S3FifoQueues().evict()).isInstanceOf(IllegalStateException.class);
  }

  private static final class Item {
    final long key;
    long bytes;
    int times;
    boolean expected;

    Item(long key, long bytes) {
      this.key = key;
      this.bytes = bytes;
    }
  }

  private static final class Model {
    final ArrayDeque<Item> small = new ArrayDeque<>();
    final ArrayDeque<Item> main = new ArrayDeque<>();
    final ArrayDeque<Item> ghosts = new ArrayDeque<>();
    long capacity;

    @org.jspecify.annotations.Nullable
    Item held(long key) {
      for (var queue : List.of(small, main)) {
        for (Item item : queue) if (item.key == key) return item;
      }
      return null;
    }

    long evict() {
      if (small.isEmpty() && main.isEmpty()) return -1;
      boolean fromSmall = main.isEmpty() || sum(small) >= capacity / 10;
      while (fromSmall && !small.isEmpty() && small.getFirst().times > 1) {
        Item asked = small.removeFirst();
        asked.times = 0;
        asked.expected = false;
        main.add(asked);
        fromSmall = sum(main) <= capacity - capacity / 10;
      }
      if (fromSmall && !small.isEmpty()) {
        Item ghost = small.removeFirst();
        ghosts.add(ghost);
        trim();
        return ghost.key;
      }
      while (main.getFirst().times > 0) {
        Item spared = main.removeFirst();
        spared.times--;
        main.add(spared);
      }
      return main.removeFirst().key;
    }

    void trim() {
      while (sum(ghosts) > capacity - capacity / 10) ghosts.removeFirst();
    }

    List<Long> drained() {
      var order = new ArrayList<Long>();
      while (!small.isEmpty() || !main.isEmpty()) order.add(evict());
      return order;
    }
  }
}
