package org.cacheddownloads.fetch;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.cacheddownloads.config.Config;
import org.cacheddownloads.config.Config.Fetch;
import org.cacheddownloads.config.ConfigReader;
import org.cacheddownloads.config.Rule;
import org.cacheddownloads.config.UrlPattern;
import org.cacheddownloads.content.SourceUrl;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.TimedOut;
import org.cacheddownloads.fetch.Slots.Slot;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class SlotsTest {
  private final AtomicReference<Config> limits = new AtomicReference<>(limits(4, 2));
  private final Slots slots = new Slots(limits::get, Clock.systemUTC());

  private static SourceUrl at(String host) {
    return SourceUrl.parse("http://" + host + "/path");
  }

  private static Config limits(int concurrency, int perOrigin, Rule... rules) {
    Config base = ConfigReader.defaults();
    Config.Origins origins = base.origins();
    return new Config(
        base.state(),
        base.mountPath(),
        base.socket(),
        base.metrics(),
        base.quota(),
        fetch(concurrency, perOrigin),
        new Config.Origins(
            origins.schemes(),
            origins.allow(),
            origins.allowAddresses(),
            origins.denyAddresses(),
            origins.trust(),
            List.of(rules)),
        base.archives(),
        base.durability(),
        base.drain(),
        base.log(),
        base.advice());
  }

  private static Fetch fetch(int concurrency, int perOrigin) {
    Duration second = Duration.ofSeconds(1);
    return new Fetch(
        concurrency,
        perOrigin,
        4,
        second,
        second,
        second,
        second,
        0,
        second,
        null,
        Duration.ZERO,
        second,
        Config.Freshness.RFC9111,
        second,
        5,
        second,
        100,
        null);
  }

  private static Instant soon() {
    return Instant.now().plusSeconds(20);
  }

  /** Asks in a thread of its own and puts the origin's name into {@code got} with the slot. */
  private record Granted(String origin, Slot slot) {}

  private final LinkedBlockingQueue<Granted> got = new LinkedBlockingQueue<>();

  private Thread asking(String origin) {
    int before = slots.queued() + slots.inFlight();
    Thread asking =
        Thread.ofVirtual()
            .start(() -> got.add(new Granted(origin, slots.take(at(origin), soon()))));
    await().until(() -> slots.queued() + slots.inFlight() == before + 1);
    return asking;
  }

  private Granted next() throws InterruptedException {
    Granted next = got.poll(20, TimeUnit.SECONDS);
    assertTrue(next != null, "nobody was granted a slot");
    return next;
  }

  @Test
  void noMoreThanTheLimitOfOneOrigin() throws Exception {
    Slot first = slots.take(at("a"), soon());
    Slot second = slots.take(at("a"), soon());
    asking("a");
    assertEquals(1, slots.queued());
    assertEquals(2, slots.inFlight());
    slots.take(at("b"), soon()).close();
    first.close();
    next().slot().close();
    second.close();
    assertEquals(0, slots.inFlight());
    assertEquals(0, slots.queued());
  }

  @Test
  void noMoreThanTheLimitOfAll() throws Exception {
    Slot first = slots.take(at("a"), soon());
    slots.take(at("a"), soon());
    slots.take(at("b"), soon());
    slots.take(at("b"), soon());
    asking("c");
    assertEquals(1, slots.queued());
    assertEquals(4, slots.inFlight());
    first.close();
    assertEquals("c", next().origin());
    assertEquals(4, slots.inFlight());
  }

  @Test
  void closingTwiceIsClosingOnce() {
    Slot slot = slots.take(at("a"), soon());
    slot.close();
    slot.close();
    assertEquals(0, slots.inFlight());
  }

  @Test
  void originsTakeTurns() throws Exception {
    limits.set(limits(1, 1));
    Slot busy = slots.take(at("z"), soon());
    for (String origin : List.of("a", "a", "a", "b", "c", "b")) {
      asking(origin);
    }
    busy.close();
    var order = new ArrayList<String>();
    for (int i = 0; i < 6; i++) {
      Granted one = next();
      order.add(one.origin());
      one.slot().close();
    }
    assertEquals(List.of("a", "b", "c", "a", "b", "a"), order);
  }

  @Test
  void withinOneOriginTheFirstToComeIsTheFirstServed() throws Exception {
    limits.set(limits(1, 1));
    Slot busy = slots.take(at("a"), soon());
    var order = new LinkedBlockingQueue<Integer>();
    for (int i = 0; i < 4; i++) {
      int number = i;
      Thread.ofVirtual()
          .start(
              () -> {
                try (Slot _ = slots.take(at("a"), soon())) {
                  order.add(number);
                }
              });
      await().until(() -> slots.queued() == number + 1);
    }
    busy.close();
    for (int i = 0; i < 4; i++) {
      assertEquals(i, order.poll(20, TimeUnit.SECONDS));
    }
  }

  @Test
  void aFullOriginDelaysNobodyElses() {
    slots.take(at("slow"), soon());
    slots.take(at("slow"), soon());
    asking("slow");
    asking("slow");
    slots.take(at("fast"), soon()).close(); // or this would end with TimedOut
    assertEquals(2, slots.queued());
  }

  @Test
  void waitingEndsAtTheDeadlineAndLeavesTheQueue() {
    limits.set(limits(1, 1));
    Slot busy = slots.take(at("a"), soon());
    Instant deadline = Instant.now().plusMillis(30);
    assertThrows(TimedOut.class, () -> slots.take(at("a"), deadline));
    assertTrue(!Instant.now().isBefore(deadline));
    assertEquals(0, slots.queued());
    busy.close();
    slots.take(at("a"), soon()).close();
    assertEquals(0, slots.inFlight());
  }

  @Test
  void whatIsFreeIsGivenThoughTheDeadlineHasPassed() {
    slots.take(at("a"), Instant.EPOCH).close();
    assertEquals(0, slots.inFlight());
  }

  @Test
  void anInterruptEndsTheWaitAndLeavesTheQueue() throws Exception {
    limits.set(limits(1, 1));
    Slot busy = slots.take(at("a"), soon());
    var interrupted = new CompletableFuture<Boolean>();
    Thread waiting =
        Thread.ofVirtual()
            .start(
                () -> {
                  assertThrows(Busy.class, () -> slots.take(at("a"), soon()));
                  interrupted.complete(Thread.currentThread().isInterrupted());
                });
    await().until(() -> slots.queued() == 1);
    waiting.interrupt();
    assertTrue(interrupted.get(20, TimeUnit.SECONDS));
    assertEquals(0, slots.queued());
    busy.close();
    slots.take(at("a"), soon()).close();
  }

  @Test
  void raisedLimitsHoldForTheNextWhoAsks() throws Exception {
    limits.set(limits(1, 1));
    slots.take(at("a"), soon());
    asking("a");
    assertEquals(1, slots.queued());
    limits.set(limits(3, 2));
    Slot another = slots.take(at("b"), soon());
    another.close();
    assertEquals("a", next().origin());
  }

  @Test
  void limitsHoldUnderConcurrentUse() throws Exception {
    var atOnce = new AtomicInteger();
    var most = new AtomicInteger();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var running = new ArrayList<Future<?>>();
      for (int i = 0; i < 40; i++) {
        String origin = "o" + i % 3;
        running.add(
            threads.submit(
                () -> {
                  for (int round = 0; round < 50; round++) {
                    try (Slot _ = slots.take(at(origin), soon())) {
                      most.accumulateAndGet(atOnce.incrementAndGet(), Math::max);
                      slots.inFlight();
                      atOnce.decrementAndGet();
                    }
                  }
                }));
      }
      for (Future<?> one : running) {
        one.get(20, TimeUnit.SECONDS);
      }
    }
    assertTrue(most.get() <= 4, "at once: " + most);
    assertEquals(0, slots.inFlight());
    assertEquals(0, slots.queued());
  }

  @Test
  void aRuleWithAConcurrencyCountsByItself() {
    limits.set(limits(10, 2, rule("http://few/big/*", 1)));
    slots.take(SourceUrl.parse("http://few/big/a"), soon());

    assertThrows(
        TimedOut.class,
        () -> slots.take(SourceUrl.parse("http://few/big/b"), Instant.now().plusMillis(50)));
    slots.take(at("few"), soon());
    slots.take(at("few"), soon());
    assertThrows(TimedOut.class, () -> slots.take(at("few"), Instant.now().plusMillis(50)));
  }

  @Test
  void aRuleMayAllowMoreThanFetchPerOriginAndChangesLive() throws InterruptedException {
    limits.set(limits(10, 1, rule("http://many/*", 2)));
    Slot first = slots.take(at("many"), soon());
    slots.take(at("many"), soon());
    asking("many");
    limits.set(limits(10, 1, rule("http://many/*", 3)));

    first.close(); // limits are read when a slot is given: now there is one more

    assertEquals("many", next().origin());
    slots.take(at("many"), soon());
    assertThrows(TimedOut.class, () -> slots.take(at("many"), Instant.now().plusMillis(50)));
  }

  private static Rule rule(String match, int concurrency) {
    return new Rule(UrlPattern.parse(match), null, Map.of(), null, concurrency);
  }
}
