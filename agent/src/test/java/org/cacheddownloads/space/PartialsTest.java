package org.cacheddownloads.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.cacheddownloads.config.Config.Quota;
import org.cacheddownloads.content.Checksum;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.content.ResumeNote;
import org.cacheddownloads.content.Sha256;
import org.cacheddownloads.store.Ingest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartialsTest {
  private static final int WINDOW = 4 << 20;

  @TempDir Path state;
  private Cell cell;

  @BeforeEach
  void setUp() throws IOException {
    cell = new Cell(state);
  }

  @AfterEach
  void tearDown() {
    cell.close();
  }

  /** What a flight does whose connection breaks after so many bytes. */
  private Partial cut(String source, int bytes) throws IOException {
    var note =
        new ResumeNote(source, "sent", "\"e\"", Headers.of(Map.of("etag", "\"e\"")), 10L * WINDOW);
    Reservation room = cell.budget.reserve(11L * WINDOW, 3, Cell.NEVER);
    Ingest ingest = cell.store.begin(false, null, note);
    ingest.write(ByteBuffer.wrap(body(bytes)));
    room.wrote(bytes);
    room.wroteBeside(cell.store.noteAllocation(note, bytes));
    ingest.layAside();
    return new Partial(ingest, note, room, null, cell.clock.instant());
  }

  private static byte[] body(int bytes) {
    byte[] body = new byte[bytes];
    for (int i = 0; i < bytes; i++) {
      body[i] = (byte) ('a' + (i * 31L + i / 251) % 26);
    }
    return body;
  }

  private Optional<Partial> take(String source) {
    return cell.partials.take(source, "sent", null);
  }

  @Test
  void whatWasLaidAsideCountsAsPartialAndReservesNothing() throws IOException {
    cell.partials.keep(cut("a", WINDOW + 5));
    Budget.Sums sums = cell.budget.sums();
    assertEquals(0, sums.reservedBytes());
    assertEquals(WINDOW + 4096 + 4096, sums.partialBytes());
    assertEquals(3, sums.files());
  }

  @Test
  void whoTakesItGoesOnWithTheHashAsItWas() throws IOException {
    cell.partials.keep(cut("a", WINDOW + 5));
    Partial partial = take("a").orElseThrow();
    try (partial;
        Ingest ingest = partial.open(cell.store, null)) {
      byte[] all = body(WINDOW + 105);
      ingest.write(ByteBuffer.wrap(all, WINDOW + 5, 100));
      assertEquals(
          Sha256.hexOf(new String(all, StandardCharsets.US_ASCII)), ingest.finish().digest().hex());
    }
    assertEquals(0, cell.budget.sums().usedBytes());
    assertEquals(Optional.empty(), take("a"), "it was given away");
  }

  @Test
  void onlyTheSameQuestionGetsIt() throws IOException {
    cell.partials.keep(cut("a", WINDOW));
    assertTrue(cell.partials.take("b", "sent", null).isEmpty());
    assertTrue(cell.partials.take("a", "other", null).isEmpty());
    take("a").orElseThrow().close();
  }

  @Test
  void ofTwoForOneQuestionTheLongerStays() throws IOException {
    cell.partials.keep(cut("a", 2 * WINDOW));
    cell.partials.keep(cut("a", WINDOW));
    assertEquals(1, cell.partials.count());
    cell.partials.keep(cut("a", 3 * WINDOW));
    assertEquals(1, cell.partials.count());
    try (Partial partial = take("a").orElseThrow()) {
      assertEquals(3 * WINDOW, partial.size());
    }
    assertEquals(0, cell.budget.sums().usedBytes());
    assertEquals(0, cell.budget.restingBytes());
  }

  @Test
  void theOldestGoesFirstWhenSpaceIsNeededAndBeforeAnyBlob() throws IOException {
    cell.publish("blob", Cell.blocks("blob", 1));
    cell.partials.keep(cut("old", WINDOW));
    cell.clock.advance(Duration.ofSeconds(1));
    cell.partials.keep(cut("young", WINDOW));
    cell.quota.set(new Quota(3L * WINDOW, 1000, 0, Duration.ZERO));
    cell.budget.reserve(WINDOW + WINDOW / 2, 1, Cell.NEVER).close();
    assertTrue(take("old").isEmpty());
    assertEquals(0, cell.evicted.size());
    take("young").orElseThrow().close();
  }

  @Test
  void itExpires() throws IOException {
    cell.partials.keep(cut("a", WINDOW));
    cell.clock.advance(Duration.ofMinutes(59));
    cell.partials.expire();
    assertEquals(1, cell.partials.count());
    cell.clock.advance(Duration.ofMinutes(1));
    cell.partials.expire();
    assertEquals(0, cell.partials.count());
    assertEquals(0, cell.budget.sums().usedBytes());
    try (var left = Files.list(state.resolve("ingest"))) {
      assertEquals(0, left.count());
    }
  }

  @Test
  void oneThatWasHashedForAnotherChecksumIsOfNoUse() throws IOException {
    cell.partials.keep(cut("a", WINDOW));
    assertFalse(cell.partials.take("a", "sent", Checksum.Algorithm.MD5).isPresent());
    assertEquals(0, cell.budget.sums().usedBytes());
  }
}
