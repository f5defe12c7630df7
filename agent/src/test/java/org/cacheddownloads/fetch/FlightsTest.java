package org.cacheddownloads.fetch;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Clock;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Outcome;
import org.cacheddownloads.content.Sha256;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.OriginRejected;
import org.cacheddownloads.fetch.Flights.Question;
import org.cacheddownloads.fetch.Flights.Ride;
import org.cacheddownloads.space.Cell;
import org.cacheddownloads.space.Holds;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class FlightsTest {
  private static final Digest DIGEST = new Digest(Sha256.hexOf("body"));
  private static final Question QUESTION =
      new Question(new CacheKey("k"), Optional.empty(), "asked");

  private final Flights flights = new Flights(Clock.systemUTC());
  private final Holds holds = new Holds();
  private final AtomicInteger closed = new AtomicInteger();
  private final AtomicInteger runs = new AtomicInteger();
  private final CountDownLatch mayLand = new CountDownLatch(1);
  private final CountDownLatch flying = new CountDownLatch(1);
  private final CompletableFuture<Boolean> interrupted = new CompletableFuture<>();

  private static Instant soon() {
    return Instant.now().plusSeconds(20);
  }

  private Landing landing() {
    return new Landing(
        Cell.entry("k", DIGEST, 4),
        Outcome.MISS,
        4,
        false,
        holds.pin(Stored.file(DIGEST), _ -> closed.incrementAndGet()));
  }

  /** Lands when the test says so, or fails when it is interrupted. */
  private Landing work(Flights.Flight flight) {
    runs.incrementAndGet();
    flight.progress(1, 4);
    flying.countDown();
    try {
      mayLand.await();
      interrupted.complete(false);
      return landing();
    } catch (InterruptedException e) {
      interrupted.complete(true);
      throw new Busy("nobody waits", e);
    }
  }

  private Ride join() {
    return flights.join(QUESTION, soon(), this::work);
  }

  @Test
  void whoAsksTheSameSharesOneFlight() {
    Ride leader = join();
    Ride second = join();
    assertTrue(leader.leads());
    assertFalse(second.leads());
    assertEquals(2, flights.waiters());
    mayLand.countDown();
    assertSame(leader.await(soon()).orElseThrow(), second.await(soon()).orElseThrow());
    assertEquals(1, runs.get());
    leader.close();
    second.close();
    assertEquals(0, flights.waiters());
  }

  @Test
  void otherQuestionsFlyByThemselves() {
    try (Ride _ = join();
        Ride other =
            flights.join(
                new Question(new CacheKey("k"), Optional.empty(), "otherwise"),
                soon(),
                this::work);
        Ride alone = flights.alone(QUESTION, soon(), this::work)) {
      assertTrue(other.leads());
      assertTrue(alone.leads());
      mayLand.countDown();
      assertTrue(other.await(soon()).isPresent());
      assertTrue(alone.await(soon()).isPresent());
    }
  }

  @Test
  void aFlightThatIsForOneIsNotJoined() {
    try (Ride alone = flights.alone(QUESTION, soon(), this::work);
        Ride other = join()) {
      assertTrue(other.leads());
      mayLand.countDown();
      assertTrue(alone.await(soon()).isPresent());
      assertTrue(other.await(soon()).isPresent());
      assertEquals(2, runs.get());
    }
  }

  @Test
  void theFlightGoesOnWhenTheLeaderLeaves() throws Exception {
    Ride leader = join();
    Ride second = join();
    leader.close();
    leader.close();
    assertEquals(1, flights.waiters());
    mayLand.countDown();
    assertTrue(second.await(soon()).isPresent());
    assertFalse(interrupted.get(20, TimeUnit.SECONDS));
    assertEquals(0, closed.get());
    second.close();
    assertEquals(1, closed.get());
  }

  @Test
  void theFlightEndsWhenTheLastLeaves() throws Exception {
    Ride leader = join();
    Ride second = join();
    assertTrue(flying.await(20, TimeUnit.SECONDS));
    leader.close();
    assertFalse(interrupted.isDone());
    second.close();
    assertTrue(interrupted.get(20, TimeUnit.SECONDS));
    assertEquals(0, flights.waiters());
  }

  /** Such as a class that is missing: nobody may wait for a flight that will never end. */
  @Test
  void anErrorOfTheJvmEndsTheFlightForAll() {
    Flights.Work broken =
        _ -> {
          throw new NoClassDefFoundError("broken");
        };
    try (Ride leader = flights.join(QUESTION, soon(), broken)) {
      assertThrows(IllegalStateException.class, () -> leader.await(soon()));
    }
    try (Ride next = join()) {
      assertTrue(next.leads());
    }
  }

  @Test
  void nobodyJoinsAFlightThatWasLeft() throws Exception {
    join().close();
    try (Ride next = join()) {
      assertTrue(next.leads());
      mayLand.countDown();
      assertTrue(next.await(soon()).isPresent());
    }
  }

  @Test
  void nobodyJoinsAFlightThatHasEnded() {
    mayLand.countDown();
    try (Ride first = join()) {
      first.await(soon());
      try (Ride second = join()) {
        assertTrue(second.leads());
        assertTrue(second.await(soon()).isPresent());
      }
    }
    assertEquals(2, runs.get());
  }

  @Test
  void theBytesStayPinnedUntilTheLastHasLinkedThem() {
    Ride leader = join();
    Ride second = join();
    mayLand.countDown();
    leader.await(soon());
    second.await(soon());
    leader.close();
    assertTrue(holds.isHeld(Stored.file(DIGEST)));
    assertEquals(0, closed.get());
    second.close();
    second.close();
    assertFalse(holds.isHeld(Stored.file(DIGEST)));
    assertEquals(1, closed.get());
  }

  @Test
  void aLandingThatNobodyWaitsForIsClosed() {
    Ride ride =
        flights.join(
            QUESTION,
            soon(),
            _ -> {
              flying.countDown();
              while (true) {
                try {
                  mayLand.await();
                  return landing();
                } catch (InterruptedException e) {
                  runs.incrementAndGet(); // too late to stop
                }
              }
            });
    ride.close();
    mayLand.countDown();
    await().until(() -> closed.get() == 1);
    assertEquals(0, holds.size());
  }

  @Test
  void aFailureReachesAllWhoWait() {
    var failure = new OriginRejected("no", 404);
    var mayFail = new CountDownLatch(1);
    Flights.Work failing =
        _ -> {
          try {
            mayFail.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
          throw failure;
        };
    try (Ride leader = flights.join(QUESTION, soon(), failing);
        Ride second = flights.join(QUESTION, soon(), failing)) {
      mayFail.countDown();
      assertSame(failure, assertThrows(CacheException.class, () -> leader.await(soon())));
      assertSame(failure, assertThrows(CacheException.class, () -> second.await(soon())));
    }
    assertEquals(0, flights.waiters());
  }

  @Test
  void aBugReachesAllWhoWaitToo() {
    try (Ride leader =
        flights.join(
            QUESTION,
            soon(),
            _ -> {
              throw new IllegalStateException("bug");
            })) {
      assertThrows(IllegalStateException.class, () -> leader.await(soon()));
    }
    try (Ride next = join()) {
      assertTrue(next.leads());
      mayLand.countDown();
      next.await(soon());
    }
  }

  @Test
  void waitingEndsAtItsTimeAndMayGoOn() {
    try (Ride ride = join()) {
      assertTrue(ride.await(Instant.now().plusMillis(20)).isEmpty());
      assertTrue(ride.await(Instant.EPOCH).isEmpty());
      mayLand.countDown();
      assertTrue(ride.await(soon()).isPresent());
    }
  }

  @Test
  void anInterruptEndsTheWaitOfOneAndNotTheFlight() throws Exception {
    Ride leader = join();
    Ride second = join();
    var hungUp = new CompletableFuture<Boolean>();
    Thread waiting =
        Thread.ofVirtual()
            .start(
                () -> {
                  assertThrows(Busy.class, () -> leader.await(soon()));
                  hungUp.complete(Thread.currentThread().isInterrupted());
                  leader.close();
                });
    waiting.interrupt();
    assertTrue(hungUp.get(20, TimeUnit.SECONDS));
    mayLand.countDown();
    assertTrue(second.await(soon()).isPresent());
    second.close();
  }

  @Test
  void theDeadlineOfAFlightIsTheLatestOfThoseWhoWait() throws Exception {
    Instant early = soon();
    Instant late = early.plusSeconds(60);
    var deadline = new CompletableFuture<Instant>();
    Flights.Work telling =
        flight -> {
          try {
            mayLand.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
          deadline.complete(flight.deadline());
          return landing();
        };
    try (Ride _ = flights.join(QUESTION, early, telling);
        Ride _ = flights.join(QUESTION, late, telling);
        Ride _ = flights.join(QUESTION, early, telling)) {
      mayLand.countDown();
      assertEquals(late, deadline.get(20, TimeUnit.SECONDS));
    }
  }

  @Test
  void progressIsSeenByAll() throws Exception {
    try (Ride leader = join();
        Ride second = join()) {
      assertTrue(flying.await(20, TimeUnit.SECONDS));
      assertEquals(1, second.received());
      assertEquals(4, leader.total());
      mayLand.countDown();
      leader.await(soon());
    }
  }
}
