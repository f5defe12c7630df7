package org.cacheddownloads.space;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.cacheddownloads.config.Config.Quota;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.InsufficientSpace;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class BudgetTest {
  private static final long BLOCK = 4096;
  private static final Duration LONG = Duration.ofMinutes(10);

  private final AtomicReference<Quota> quota =
      new AtomicReference<>(new Quota(100 * BLOCK, 1000, 0, LONG));
  private final AtomicLong free = new AtomicLong(Long.MAX_VALUE / 4);
  private final Budget budget = new Budget(quota::get, free::get, Clock.systemUTC());

  private Reservation reserve(long blocks) {
    return budget.reserve(blocks * BLOCK, 1, Instant.MAX);
  }

  private void limits(long blocks, long files, long minFreeBlocks, Duration wait) {
    quota.set(new Quota(blocks * BLOCK, files, minFreeBlocks * BLOCK, wait));
  }

  private static Thread started(Runnable work) {
    return Thread.ofPlatform().daemon().start(work);
  }

  private static void awaitWaiting(Thread thread) {
    await().until(() -> thread.getState() == Thread.State.TIMED_WAITING);
  }

  @Test
  void whatIsReservedBecomesPartialAndThenIdle() {
    try (Reservation room = budget.reserve(3 * BLOCK, 2, Instant.MAX)) {
      assertEquals(new Budget.Sums(3 * BLOCK, 0, 0, 0, 0, 2), budget.sums());
      room.wrote(BLOCK + 1);
      assertEquals(new Budget.Sums(BLOCK, 2 * BLOCK, 0, 0, 0, 2), budget.sums());
      room.committed(2 * BLOCK);
      assertEquals(new Budget.Sums(BLOCK, 0, 2 * BLOCK, 0, 0, 2), budget.sums());
    }
    assertEquals(new Budget.Sums(0, 0, 2 * BLOCK, 0, 0, 1), budget.sums());
  }

  @Test
  void closingGivesBackWhatWasWrittenInVain() {
    Reservation room = budget.reserve(3 * BLOCK, 2, Instant.MAX);
    room.wrote(2 * BLOCK);
    room.close();
    room.close();
    assertEquals(new Budget.Sums(0, 0, 0, 0, 0, 0), budget.sums());
  }

  @Test
  void usedIsTheSumOfItsParts() {
    budget.start(4 * BLOCK, 2 * BLOCK, BLOCK, 7);
    try (Reservation room = reserve(8)) {
      room.wrote(8 * BLOCK);
      assertEquals(15 * BLOCK, budget.sums().usedBytes());
    }
    assertEquals(7 * BLOCK, budget.sums().usedBytes());
  }

  @Test
  void eachChangeMovesBytesBetweenTwoSums() {
    budget.start(10 * BLOCK, 0, 0, 10);
    budget.idleToInUse(4 * BLOCK);
    assertEquals(new Budget.Sums(0, 0, 6 * BLOCK, 4 * BLOCK, 0, 10), budget.sums());
    budget.inUseToIdle(BLOCK);
    assertEquals(new Budget.Sums(0, 0, 7 * BLOCK, 3 * BLOCK, 0, 10), budget.sums());
    budget.inUseGone(BLOCK, 2);
    assertEquals(new Budget.Sums(0, 0, 7 * BLOCK, 2 * BLOCK, 0, 8), budget.sums());
    budget.idleToQuarantine(BLOCK);
    assertEquals(new Budget.Sums(0, 0, 6 * BLOCK, 2 * BLOCK, BLOCK, 8), budget.sums());
    budget.quarantined(BLOCK, 1);
    assertEquals(new Budget.Sums(0, 0, 6 * BLOCK, 2 * BLOCK, 2 * BLOCK, 9), budget.sums());
    budget.idleResized(-BLOCK);
    budget.inUseResized(BLOCK);
    assertEquals(new Budget.Sums(0, 0, 5 * BLOCK, 3 * BLOCK, 2 * BLOCK, 9), budget.sums());
    budget.idleGone(5 * BLOCK, 5);
    assertEquals(new Budget.Sums(0, 0, 0, 3 * BLOCK, 2 * BLOCK, 4), budget.sums());
  }

  @Test
  void theQuotaIsNeverExceededUnderConcurrentUse() throws Exception {
    var over = new AtomicLong();
    var granted = new AtomicLong();
    try (var threads = Executors.newFixedThreadPool(8)) {
      var running = new ArrayList<Future<?>>();
      for (int i = 0; i < 8; i++) {
        int blocks = 10 + 7 * i;
        running.add(
            threads.submit(
                () -> {
                  for (int round = 0; round < 100; round++) {
                    try (Reservation room = reserve(blocks)) {
                      granted.incrementAndGet();
                      room.wrote(blocks * BLOCK / 2);
                      Budget.Sums sums = budget.sums();
                      if (sums.usedBytes() + sums.reservedBytes() > 100 * BLOCK) {
                        over.incrementAndGet();
                      }
                    }
                  }
                }));
      }
      for (Future<?> one : running) {
        one.get(20, TimeUnit.SECONDS);
      }
    }
    assertEquals(0, over.get());
    assertEquals(800, granted.get());
    assertEquals(new Budget.Sums(0, 0, 0, 0, 0, 0), budget.sums());
  }

  @Test
  void whoCameFirstIsServedFirst() throws Exception {
    Reservation all = reserve(100);
    var order = new ConcurrentLinkedQueue<String>();
    var waiting = new ArrayList<Thread>();
    for (String name : List.of("first", "second", "third")) {
      Thread one =
          started(
              () -> {
                try (Reservation _ = reserve(60)) { // no two fit side by side
                  order.add(name);
                }
              });
      awaitWaiting(one);
      waiting.add(one);
    }
    all.close();
    for (Thread one : waiting) {
      assertTrue(one.join(Duration.ofSeconds(20)));
    }
    assertEquals(List.of("first", "second", "third"), List.copyOf(order));
  }

  @Test
  void aSmallReservationDoesNotOvertakeALargeOneThatWaits() throws Exception {
    Reservation most = reserve(70);
    Thread large = started(() -> reserve(60).close());
    awaitWaiting(large);
    limits(100, 1000, 0, Duration.ZERO); // who may not wait is refused unless it is served at once
    assertThrows(InsufficientSpace.class, () -> reserve(10));
    most.close();
    assertTrue(large.join(Duration.ofSeconds(20)));
    reserve(10).close();
  }

  @Test
  void theBlocksOfAViewPassTheQueue() throws Exception {
    Reservation most = reserve(70);
    Thread large = started(() -> reserve(60).close());
    awaitWaiting(large);
    try (Reservation small = budget.reserveSmall(BLOCK, 1, Instant.MAX)) {
      assertEquals(BLOCK, small.totalBytes());
      assertEquals(71 * BLOCK, budget.sums().reservedBytes());
      assertTrue(large.isAlive());
    }
    most.close();
    assertTrue(large.join(Duration.ofSeconds(20)));
  }

  @Test
  void aSmallReservationWithoutRoomIsRefusedLikeAnyOther() {
    limits(100, 1000, 0, Duration.ZERO);
    try (Reservation _ = reserve(100)) {
      assertThrows(InsufficientSpace.class, () -> budget.reserveSmall(BLOCK, 1, Instant.MAX));
    }
    assertEquals(new Budget.Sums(0, 0, 0, 0, 0, 0), budget.sums());
  }

  @Test
  void aReleaseWakesWhoWaits() throws Exception {
    Reservation all = reserve(100);
    var got = new CompletableFuture<Long>();
    Thread waiting =
        started(
            () -> {
              try (Reservation room = reserve(40)) {
                got.complete(room.totalBytes());
              }
            });
    awaitWaiting(waiting);
    assertFalse(got.isDone());
    all.close();
    assertEquals(40 * BLOCK, got.get(20, TimeUnit.SECONDS));
  }

  @Test
  void whatIsDeletedWakesWhoWaits() throws Exception {
    budget.start(0, 80 * BLOCK, 0, 1);
    Thread waiting = started(() -> reserve(40).close());
    awaitWaiting(waiting);
    budget.inUseGone(80 * BLOCK, 1);
    assertTrue(waiting.join(Duration.ofSeconds(20)));
  }

  @Test
  void waitingEndsAfterWaitForSpaceWithTheNumbers() {
    limits(100, 1000, 0, Duration.ofMillis(30));
    budget.start(0, 60 * BLOCK, 0, 1);
    var refusal = assertThrows(InsufficientSpace.class, () -> reserve(50));
    assertEquals(50 * BLOCK, refusal.neededBytes());
    assertEquals(60 * BLOCK, refusal.inUseBytes());
    assertEquals(100 * BLOCK, refusal.quotaBytes());
    assertTrue(refusal.retryable());
    assertEquals(0, budget.sums().reservedBytes());
  }

  @Test
  void waitingEndsAtTheCallersDeadlineIfThatComesFirst() {
    budget.start(0, 60 * BLOCK, 0, 1);
    Instant deadline = Instant.now().plusMillis(30);
    assertThrows(InsufficientSpace.class, () -> budget.reserve(50 * BLOCK, 1, deadline));
    assertFalse(Instant.now().isBefore(deadline));
  }

  @Test
  void moreThanTheWholeQuotaIsRefusedAtOnce() {
    var bytes = assertThrows(InsufficientSpace.class, () -> reserve(101));
    assertEquals(101 * BLOCK, bytes.neededBytes());
    assertThrows(InsufficientSpace.class, () -> budget.reserve(1, 1001, Instant.MAX));
    try (Reservation exactly = budget.reserve(100 * BLOCK, 1000, Instant.MAX)) {
      assertEquals(100 * BLOCK, exactly.totalBytes());
    }
  }

  @Test
  void aRefusedReservationLeavesTheQueue() {
    limits(100, 1000, 0, Duration.ZERO);
    Reservation most = reserve(90);
    assertThrows(InsufficientSpace.class, () -> reserve(20));
    reserve(10).close(); // the one refused stands in nobody's way
    most.close();
  }

  @Test
  void anInterruptEndsTheWaitAndLeavesTheQueue() throws Exception {
    Reservation all = reserve(100);
    var outcome = new CompletableFuture<Boolean>();
    Thread waiting =
        started(
            () -> {
              try {
                reserve(50).close();
                outcome.complete(false);
              } catch (Busy e) {
                outcome.complete(Thread.currentThread().isInterrupted());
              } catch (RuntimeException e) {
                outcome.completeExceptionally(e);
              }
            });
    awaitWaiting(waiting);
    waiting.interrupt();
    assertTrue(outcome.get(20, TimeUnit.SECONDS), "Busy, and still interrupted");
    all.close();
    limits(100, 1000, 0, Duration.ZERO);
    reserve(100).close();
  }

  @Test
  void theFloorOfFreeSpaceIsKeptBeyondAllThatIsReserved() {
    limits(1000, 1000, 50, Duration.ZERO);
    free.set(100 * BLOCK);
    try (Reservation _ = reserve(30)) {
      assertThrows(InsufficientSpace.class, () -> reserve(21));
      reserve(20).close();
    }
    reserve(50).close();
  }

  @Test
  void inodesAreLimitedLikeBytes() {
    limits(100, 10, 0, Duration.ZERO);
    try (Reservation _ = budget.reserve(0, 8, Instant.MAX)) {
      assertThrows(InsufficientSpace.class, () -> budget.reserve(0, 3, Instant.MAX));
      budget.reserve(0, 2, Instant.MAX).close();
    }
  }

  /** Asks for what is missing and nothing else, once the sums say that it can be had. */
  @Test
  void evictionIsAskedForWhatIsMissing() {
    var asked = new ArrayList<Shortage>();
    budget.evictBy(
        (shortage, _) -> {
          asked.add(shortage);
          budget.idleGone(shortage.bytes(), 1);
          return true;
        });
    budget.start(80 * BLOCK, 10 * BLOCK, 0, 5);
    reserve(30).close();
    assertEquals(List.of(new Shortage(20 * BLOCK, 0, EvictionReason.QUOTA)), asked);
  }

  @Test
  void theReasonOfAnEvictionIsTheLimitThatIsShortest() {
    var asked = new ArrayList<Shortage>();
    budget.evictBy(
        (shortage, _) -> {
          asked.add(shortage);
          free.addAndGet(shortage.bytes());
          budget.idleGone(shortage.bytes(), shortage.files());
          return true;
        });
    limits(1000, 100, 50, Duration.ZERO);
    free.set(60 * BLOCK);
    budget.start(80 * BLOCK, 0, 0, 5);
    reserve(30).close();
    free.set(1L << 40);
    limits(1000, 5, 0, Duration.ZERO);
    budget.reserve(0, 3, Instant.MAX).close();
    assertEquals(
        List.of(
            new Shortage(20 * BLOCK, 0, EvictionReason.MIN_FREE),
            new Shortage(0, 3, EvictionReason.FILES)),
        asked);
  }

  @Test
  void theCacheIsNotEmptiedForWhatWouldNotFitEvenThen() {
    limits(100, 1000, 0, Duration.ZERO);
    budget.evictBy(
        (_, _) -> {
          throw new AssertionError("evicted in vain");
        });
    budget.start(10 * BLOCK, 80 * BLOCK, 0, 5);
    assertThrows(InsufficientSpace.class, () -> reserve(21));
  }

  @Test
  void aLoweredQuotaIsEnforcedByEviction() {
    var asked = new ArrayList<Shortage>();
    budget.evictBy(
        (shortage, _) -> {
          asked.add(shortage);
          return true;
        });
    budget.start(80 * BLOCK, 10 * BLOCK, 0, 5);
    budget.enforce();
    assertEquals(List.of(), asked);
    limits(60, 1000, 0, LONG);
    budget.enforce();
    assertEquals(List.of(new Shortage(30 * BLOCK, 0, EvictionReason.QUOTA)), asked);
  }

  @Test
  void aRaisedQuotaHoldsForTheNextReservation() {
    limits(10, 1000, 0, Duration.ZERO);
    assertThrows(InsufficientSpace.class, () -> reserve(11));
    limits(11, 1000, 0, Duration.ZERO);
    reserve(11).close();
  }

  @Test
  void nothingIsReservedForNothing() {
    limits(100, 1000, 0, Duration.ZERO);
    budget.start(0, 200 * BLOCK, 0, 5); // over the quota already
    try (Reservation room = budget.reserveSmall(0, 0, Instant.MAX)) {
      assertEquals(0, room.totalBytes());
    }
    assertEquals(0, budget.sums().reservedBytes());
  }

  @Test
  void whoDoesNotWaitForAReleaseIsToldAtOnce() {
    try (Reservation _ = reserve(100)) {
      assertTrue(budget.reserveByEvicting(BLOCK, 1, Instant.MAX).isEmpty());
    }
    try (Reservation one = budget.reserveByEvicting(BLOCK, 1, Instant.MAX).orElseThrow()) {
      assertTrue(one.ensureByEvicting(100 * BLOCK, Instant.MAX));
      assertEquals(new Budget.Sums(100 * BLOCK, 0, 0, 0, 0, 1), budget.sums());
    }
  }

  @Test
  void whoDoesNotWaitForAReleaseWaitsForAnEviction() {
    budget.start(100 * BLOCK, 0, 0, 1);
    budget.evictBy(
        (missing, _) -> {
          budget.idleGone(missing.bytes(), 0);
          return true;
        });
    try (Reservation room = budget.reserveByEvicting(BLOCK, 1, Instant.MAX).orElseThrow()) {
      assertEquals(BLOCK, room.totalBytes());
    }
  }

  /** Also those who came while the first in the queue was still evicting. */
  @Test
  void nobodyWhoDoesNotWaitForAReleaseStandsBehindOneWhoDoes() throws Exception {
    budget.start(50 * BLOCK, 50 * BLOCK, 0, 2);
    var evicting = new CompletableFuture<Void>();
    var mayEnd = new CompletableFuture<Void>();
    budget.evictBy(
        (_, _) -> {
          evicting.complete(null);
          mayEnd.join();
          return false;
        });
    Thread first = started(() -> reserve(20).close());
    evicting.get(20, TimeUnit.SECONDS);
    var second = new CompletableFuture<Boolean>();
    Thread waiting =
        started(() -> second.complete(budget.reserveByEvicting(BLOCK, 1, Instant.MAX).isPresent()));
    awaitWaiting(waiting);
    assertFalse(second.isDone());
    mayEnd.complete(null);
    assertFalse(second.get(20, TimeUnit.SECONDS));
    assertTrue(first.isAlive());
    budget.inUseGone(50 * BLOCK, 1);
    first.join();
  }
}
