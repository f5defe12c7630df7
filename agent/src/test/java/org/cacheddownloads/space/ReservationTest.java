package org.cacheddownloads.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import org.cacheddownloads.config.Config.Quota;
import org.cacheddownloads.failure.CacheException.InsufficientSpace;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReservationTest {
  private static final long BLOCK = Reservation.BLOCK_BYTES;
  private final Budget budget =
      new Budget(
          () -> new Quota(100 * BLOCK, 100, 0, Duration.ZERO), () -> 1L << 40, Clock.systemUTC());

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "1, 4096",
    "4096, 4096",
    "4097, 8192",
    "16777215, 16777216",
    "16777216, 16781312",
    "33554433, 33566720"
  })
  void aFileIsPromisedWholeBlocksAndThoseOfItsExtents(long size, long allocation) {
    assertEquals(allocation, Reservation.allocationOf(size));
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "1, 1", "4096, 1", "4097, 2", "12288, 3", "99999999, 5"})
  void writtenBytesAreWholeBlocksAndNeverMoreThanWerePromised(long written, long blocks) {
    try (Reservation room = budget.reserve(5 * BLOCK, 2, Instant.MAX)) {
      room.wrote(written);
      assertEquals(blocks * BLOCK, budget.sums().partialBytes());
      assertEquals((5 - blocks) * BLOCK, budget.sums().reservedBytes());
      assertEquals(5 * BLOCK, room.totalBytes());
    }
  }

  @Test
  void writingInPiecesCountsEachBlockOnce() {
    try (Reservation room = budget.reserve(5 * BLOCK, 2, Instant.MAX)) {
      for (long size = 1; size <= 3 * BLOCK; size += 1000) {
        room.wrote(size);
      }
      assertEquals(3 * BLOCK, budget.sums().partialBytes());
      assertEquals(2 * BLOCK, budget.sums().reservedBytes());
    }
  }

  @Test
  void aPromiseGrowsToTheTotalAsked() {
    try (Reservation room = budget.reserve(2 * BLOCK, 2, Instant.MAX)) {
      room.wrote(BLOCK);
      room.ensure(2 * BLOCK, Instant.MAX);
      assertEquals(BLOCK, budget.sums().reservedBytes());
      room.ensure(6 * BLOCK, Instant.MAX);
      assertEquals(5 * BLOCK, budget.sums().reservedBytes());
      assertEquals(6 * BLOCK, room.totalBytes());
    }
    assertEquals(new Budget.Sums(0, 0, 0, 0, 0, 0), budget.sums());
  }

  @Test
  void aPromiseThatCannotGrowKeepsWhatItHad() {
    try (Reservation room = budget.reserve(60 * BLOCK, 2, Instant.MAX)) {
      assertThrows(InsufficientSpace.class, () -> room.ensure(101 * BLOCK, Instant.MAX));
      assertEquals(60 * BLOCK, budget.sums().reservedBytes());
    }
    assertEquals(0, budget.sums().reservedBytes());
  }

  @Test
  void whatGoesIntoAViewIsInUse() {
    try (Reservation room = budget.reserve(3 * BLOCK, 4, Instant.MAX)) {
      room.spentInUse(2 * BLOCK, 3);
      assertEquals(new Budget.Sums(BLOCK, 0, 0, 2 * BLOCK, 0, 4), budget.sums());
    }
    assertEquals(new Budget.Sums(0, 0, 0, 2 * BLOCK, 0, 3), budget.sums());
  }

  @Test
  void aViewThatShrinksGivesBack() {
    budget.start(0, 5 * BLOCK, 0, 5);
    try (Reservation room = budget.reserve(0, 0, Instant.MAX)) {
      room.spentInUse(-2 * BLOCK, -3);
    }
    assertEquals(new Budget.Sums(0, 0, 0, 3 * BLOCK, 0, 2), budget.sums());
  }

  @Test
  void bytesThatWereInPlaceAlreadyAreGivenBack() {
    try (Reservation room = budget.reserve(3 * BLOCK, 2, Instant.MAX)) {
      room.wrote(3 * BLOCK); // and no commit: another download of equal bytes was first
    }
    assertEquals(new Budget.Sums(0, 0, 0, 0, 0, 0), budget.sums());
  }
}
