package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.cacheddownloads.spec.VersionedOrigin.Item;

/**
 * Callers who use an agent as a cell does, chosen by a seed: downloads, downloads of what has
 * changed, prefetches, releases, deleted entries. Each caller has items and containers of its own,
 * so that what the agent said of an item last is what it must know. Runs until {@link #stop}.
 */
final class Traffic implements AutoCloseable {
  static final int CALLERS = 4;
  private static final int CONTAINERS = 3;
  private static final int NAMES = 3;

  /** Before anything was asked. */
  static final Snapshot NOTHING = new Snapshot(Map.of(), Map.of());

  private final AgentClient agent;
  private final VersionedOrigin origin;
  private final Map<Integer, String> known;
  private final Map<Integer, Integer> touched = new ConcurrentHashMap<>();
  private final AtomicLong operations = new AtomicLong();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Future<?>> callers = new ArrayList<>();
  private volatile boolean stopping;

  /**
   * @param known for each item the digest that the agent has told last, if it is still to be known;
   *     kept up to date
   */
  private Traffic(AgentClient agent, VersionedOrigin origin, Map<Integer, String> known) {
    this.agent = agent;
    this.origin = origin;
    this.known = known;
  }

  static Traffic start(
      AgentClient agent, VersionedOrigin origin, Map<Integer, String> known, long seed) {
    var traffic = new Traffic(agent, origin, known);
    for (int caller = 0; caller < CALLERS; caller++) {
      int number = caller;
      traffic.callers.add(
          traffic.threads.submit(() -> traffic.call(number, new Random(seed * CALLERS + number))));
    }
    return traffic;
  }

  /** How many requests were answered. */
  long operations() {
    return operations.get();
  }

  /** Fails if a caller got an answer that no load explains. */
  void check() {
    for (Future<?> caller : callers) {
      if (caller.state() == Future.State.FAILED) {
        throw new AssertionError("a caller failed", caller.exceptionNow());
      }
    }
  }

  /** What the agent knows of each item now. */
  Snapshot snapshot() {
    return new Snapshot(Map.copyOf(touched), Map.copyOf(known));
  }

  /**
   * @param touched how often a request that changes the entry of an item began or ended: odd while
   *     one is under way
   */
  record Snapshot(Map<Integer, Integer> touched, Map<Integer, String> known) {
    /** The digest of an item whose entry no request changed from {@code before} to this. */
    Optional<String> steady(Snapshot before, int item) {
      int times = touched.getOrDefault(item, 0);
      return times % 2 == 0 && times == before.touched.getOrDefault(item, 0)
          ? Optional.ofNullable(known.get(item))
          : Optional.empty();
    }
  }

  // ---- one caller

  private void call(int caller, Random random) {
    List<Item> items =
        origin.items().stream().filter(item -> item.number() % CALLERS == caller).toList();
    while (!stopping) {
      Item item = items.get(random.nextInt(items.size()));
      String container = "c" + caller + "-" + random.nextInt(CONTAINERS);
      String name = "n" + random.nextInt(NAMES);
      switch (random.nextInt(20)) {
        case 0 -> delete(Request.containerPath(container));
        case 1 -> delete(Request.downloadPath(container, name));
        case 2 -> forget(item);
        case 3, 4 -> ask(item, AgentClient.prefetchRequest(item.url()));
        case 5 ->
            ask(item, AgentClient.downloadRequest(container, name, item.url(), "executable", true));
        case 6, 7, 8, 9 -> {
          item.change();
          ask(item, AgentClient.downloadRequest(container, name, item.url()));
        }
        default -> ask(item, AgentClient.downloadRequest(container, name, item.url()));
      }
      operations.incrementAndGet();
    }
  }

  private void touch(Item item) {
    touched.merge(item.number(), 1, Integer::sum);
  }

  private void ask(Item item, Request request) {
    boolean changes = !item.now().digest().equals(known.get(item.number()));
    if (changes) {
      touch(item);
    }
    Reply reply = agent.send(request).expect(200, 201, 507);
    if (reply.status() == 507) {
      known.remove(item.number());
    } else {
      String digest = reply.json().path("digest").asText();
      assertThat(digest)
          .as("what was handed out for %s", item.url())
          .isEqualTo(item.now().digest());
      known.put(item.number(), digest);
    }
    if (changes) {
      touch(item);
    }
  }

  private void forget(Item item) {
    touch(item);
    known.remove(item.number());
    delete(Request.entryPath(item.url()));
    touch(item);
  }

  private void delete(String target) {
    agent.send(Request.delete(target)).expect(204);
  }

  /** Lets the requests that run come to their end. */
  void stop() {
    stopping = true;
    threads.shutdown();
    try {
      assertThat(threads.awaitTermination(2, TimeUnit.MINUTES)).as("callers ended").isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    check();
  }

  @Override
  public void close() {
    stopping = true;
    threads.shutdownNow();
  }
}
