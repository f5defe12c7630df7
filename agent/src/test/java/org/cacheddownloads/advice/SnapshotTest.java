package org.cacheddownloads.advice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SnapshotTest {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
  private static final int MAX_KEYS = 2_000;

  @TempDir Path directory;
  private Path file;
  private final Iterator<Access> requests = Workload.MIXED.requests(5);

  @BeforeEach
  void name() {
    file = directory.resolve("advice");
  }

  private static void record(Recorder recorder, Access access) {
    recorder.record(
        new Recorder.Request(
            START.plusMillis(access.millis()),
            access.key(),
            access.bytes(),
            access.bytes(),
            Recorder.Fate.HIT));
  }

  private Instant record(Recorder recorder, int count) {
    Instant last = START;
    for (int i = 0; i < count; i++) {
      Access access = requests.next();
      record(recorder, access);
      last = START.plusMillis(access.millis());
    }
    return last;
  }

  private static void assertSame(Recorder one, Recorder other, Instant now) {
    for (Span span : Span.values()) {
      Advice expected = one.advise(span, now);
      Advice actual = other.advise(span, now);
      assertEquals(expected.from(), actual.from());
      assertEquals(expected.workingSetBytes(), actual.workingSetBytes());
      assertEquals(expected.hitBytes(), actual.hitBytes());
      assertEquals(expected.regrets(), actual.regrets());
      assertEquals(expected.ghostHits(), actual.ghostHits());
      assertEquals(expected.droppedKeys(), actual.droppedKeys());
      Curve curve = expected.curve();
      assertEquals(curve.requests(), actual.curve().requests());
      assertEquals(curve.coldBytes(), actual.curve().coldBytes());
      assertEquals(curve.flatBytes(), actual.curve().flatBytes());
      assertEquals(curve.largestBytes(), actual.curve().largestBytes());
      assertEquals(curve.exactBelowBytes(), actual.curve().exactBelowBytes());
      for (long quota = 1 << 20; quota > 0 && quota < 1L << 45; quota *= 2) {
        assertEquals(curve.hitRatio(quota), actual.curve().hitRatio(quota), 1e-12);
        assertEquals(curve.byteHitRatio(quota), actual.curve().byteHitRatio(quota), 1e-12);
      }
    }
  }

  @Test
  void afterARestartAllGoesOnAsIfThereHadBeenNone() throws IOException {
    var recorder = Recorder.empty(MAX_KEYS, START);
    Instant now = record(recorder, 100_000);
    recorder.regret(now, 5, Duration.ofMillis(3));
    recorder.ghostHit(now, 7);
    recorder.save(file);
    Recorder again = Recorder.open(file, MAX_KEYS, now);
    assertEquals(Optional.empty(), again.refusal());
    assertSame(recorder, again, now);
    for (int i = 0; i < 100_000; i++) {
      Access access = requests.next();
      record(recorder, access);
      record(again, access);
      now = START.plusMillis(access.millis());
    }
    assertThat(recorder.advise(Span.WEEK, now).droppedKeys()).isPositive();
    assertSame(recorder, again, now);
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void nothingKnownIsSavedAndReadToo() throws IOException {
    Recorder.empty(MAX_KEYS, START).save(file);
    Recorder again = Recorder.open(file, MAX_KEYS, START.plusSeconds(60));
    assertEquals(Optional.empty(), again.refusal());
    assertEquals(START, again.advise(Span.HOUR, START.plusSeconds(60)).from());
  }

  @Test
  void withoutAFileItStartsEmptyAndSaysNothing() {
    Recorder recorder = Recorder.open(file, MAX_KEYS, START);
    assertEquals(Optional.empty(), recorder.refusal());
    assertEquals(0, recorder.advise(Span.WEEK, START).curve().requests());
  }

  @Test
  void aSmallerBoundKeepsWhatWasUsedLast() throws IOException {
    var recorder = Recorder.empty(MAX_KEYS, START);
    for (int i = 0; i < 100; i++) {
      record(recorder, new Access(0, LruStackTest.hash(i), 512));
    }
    recorder.save(file);
    Recorder again = Recorder.open(file, 10, START);
    record(again, new Access(0, LruStackTest.hash(90), 512));
    record(again, new Access(0, LruStackTest.hash(89), 512));
    assertEquals(101, again.advise(Span.HOUR, START).curve().coldRequests());
  }

  /** Requests that come while the file is written are in it or not, and harm nothing. */
  @Test
  void aFileWrittenWhileRequestsComeIsWhole() throws Exception {
    var recorder = Recorder.empty(20_000, START);
    for (int i = 0; i < 100_000; i++) {
      record(recorder, new Access(0, LruStackTest.hash(i % 20_000), 512));
    }
    Thread busy =
        Thread.ofPlatform()
            .start(
                () -> {
                  var random = new SplittableRandom(1);
                  while (!Thread.currentThread().isInterrupted()) {
                    record(recorder, new Access(0, LruStackTest.hash(random.nextInt(20_000)), 512));
                  }
                });
    try {
      for (int i = 0; i < 20; i++) {
        recorder.save(file);
        Recorder again = Recorder.open(file, 20_000, START);
        assertEquals(Optional.empty(), again.refusal());
        Advice advice = again.advise(Span.HOUR, START);
        assertEquals(20_000 * 512, advice.workingSetBytes());
        assertEquals(20_000, advice.curve().coldRequests());
        assertEquals(0, advice.droppedKeys());
      }
    } finally {
      busy.interrupt();
      busy.join();
    }
  }

  private byte[] small() throws IOException {
    var recorder = Recorder.empty(MAX_KEYS, START);
    record(recorder, 60);
    recorder.save(file);
    return Files.readAllBytes(file);
  }

  private void assertRefused(byte[] bytes, String why) throws IOException {
    Files.write(file, bytes);
    Recorder recorder = Recorder.open(file, MAX_KEYS, START);
    assertThat(recorder.refusal().orElseThrow()).startsWith(file.toString()).contains(why);
    assertEquals(0, recorder.advise(Span.WEEK, START).curve().requests());
    assertEquals(0, recorder.advise(Span.WEEK, START).workingSetBytes());
  }

  @Test
  void aFileCutAnywhereIsRefused() throws IOException {
    byte[] whole = small();
    for (int length = 0; length < whole.length; length++) {
      assertRefused(Arrays.copyOf(whole, length), "it is cut short");
    }
  }

  @Test
  void aFileWithMoreBehindItsEndIsRefused() throws IOException {
    byte[] whole = small();
    assertRefused(Arrays.copyOf(whole, whole.length + 1), "blocks missing or too many");
  }

  @Test
  void aFileWithAnyFlippedBitIsRefused() throws IOException {
    byte[] whole = small();
    for (int at = 0; at < whole.length; at++) {
      byte[] flipped = whole.clone();
      flipped[at] ^= (byte) (1 << at % 8);
      assertRefused(flipped, "it is ");
    }
  }

  @Test
  void aFileThatLacksABlockIsRefused() throws IOException {
    byte[] whole = small();
    int head = 8 + ByteBuffer.wrap(whole).getInt(4) + 4;
    int slots = 8 + ByteBuffer.wrap(whole).getInt(head + 4) + 4;
    byte[] without = new byte[whole.length - slots];
    System.arraycopy(whole, 0, without, 0, head);
    System.arraycopy(whole, head + slots, without, head, without.length - head);
    assertRefused(without, "blocks missing or too many");
  }

  @Test
  void aFileOfAnotherVersionIsRefused() throws IOException {
    assertRefused(block(1, ByteBuffer.allocate(12).putLong(MAGIC).putInt(2)), "has version 2");
  }

  @Test
  void anotherFileIsRefused() throws IOException {
    assertRefused(block(1, ByteBuffer.allocate(12).putLong(1).putInt(1)), "no file of advice");
    assertRefused(
        "some text of somebody else".getBytes(StandardCharsets.UTF_8), "no file of advice");
  }

  /** A length is never believed: no memory is taken for it. */
  @ParameterizedTest
  @ValueSource(ints = {-1, Snapshot.MOST_BLOCK_BYTES + 1, Integer.MAX_VALUE})
  void aBlockThatSaysItIsTooLongIsRefused(int length) throws IOException {
    assertRefused(ByteBuffer.allocate(64).putInt(1).putInt(length).array(), "a block of " + length);
  }

  /** Checksums that are right do not make a content right. */
  @Test
  void blocksThatCannotBeAreRefused() throws IOException {
    byte[] head = block(1, ByteBuffer.allocate(12).putLong(MAGIC).putInt(Snapshot.VERSION));
    assertRefused(both(head, block(9, ByteBuffer.allocate(0))), "unknown kind 9");
    assertRefused(both(head, head), "unknown kind 1");
    assertRefused(both(head, block(2, ByteBuffer.allocate(16))), "a slot that cannot be");
    assertRefused(both(head, block(2, ByteBuffer.allocate(3))), "a block that is too long");
    assertRefused(both(head, block(3, ByteBuffer.allocate(3))), "a block that is too short");
    assertRefused(both(head, block(3, bucket(61, 0))), "a bucket of an unknown span");
    assertRefused(both(head, block(3, bucket(60, 27))), "a bucket that cannot be");
    assertRefused(both(head, block(3, bin(0, 1, 5, 5))), "a bin that cannot be");
    assertRefused(both(head, block(3, bin(1, -1, 5, 5))), "a bin that cannot be");
    assertRefused(both(head, block(3, bin(2, 1, 6, 5))), "a bin that cannot be");
    assertRefused(both(head, block(3, bin(2, 1, 5, 6))), "a bin that cannot be");
    byte[] future = block(3, bucket(60, 0).putLong(4, Long.MAX_VALUE / 1_000_000_000));
    assertRefused(both(head, future, end(3, 0)), "times that cannot be");
    assertRefused(both(head, future, future), "buckets out of order");
    assertRefused(both(head, end(2, -1)), "times that cannot be");
    assertRefused(both(head, end(3, 0)), "blocks missing or too many");
  }

  private static final long MAGIC = 0x6361_6368_6564_4144L;

  private static ByteBuffer bucket(int span, int coarseness) {
    int bytes = 16 + 8 * (2 + Counter.values().length);
    return ByteBuffer.allocate(bytes).putInt(0, span).putInt(12, coarseness);
  }

  private static ByteBuffer bin(long requests, long bytes, long smallest, long largest) {
    ByteBuffer bucket = bucket(60, 0);
    return ByteBuffer.allocate(bucket.capacity() + 32)
        .put(bucket)
        .putLong(requests)
        .putLong(bytes)
        .putLong(smallest)
        .putLong(largest);
  }

  private static byte[] end(long blocks, long now) {
    return block(
        4, ByteBuffer.allocate(40).putLong(0).putLong(now).putLong(0).putLong(0).putLong(blocks));
  }

  private static byte[] block(int kind, ByteBuffer content) {
    ByteBuffer block = ByteBuffer.allocate(12 + content.capacity());
    block.putInt(kind).putInt(content.capacity()).put(content.clear());
    var crc = new CRC32C();
    crc.update(block.array(), 0, block.position());
    return block.putInt((int) crc.getValue()).array();
  }

  private static byte[] both(byte[]... parts) {
    ByteBuffer whole = ByteBuffer.allocate(Stream.of(parts).mapToInt(part -> part.length).sum());
    Stream.of(parts).forEach(whole::put);
    return whole.array();
  }

  @Test
  void whatCannotBeWrittenLeavesTheOldFileAlone() throws IOException {
    byte[] before = small();
    Files.createDirectories(directory.resolve("advice.new/in-the-way"));
    assertThatThrownBy(() -> Recorder.empty(MAX_KEYS, START).save(file))
        .isInstanceOf(IOException.class);
    assertTrue(Arrays.equals(before, Files.readAllBytes(file)));
  }

  /** A kill leaves a half-written file beside the old one, which the next save replaces. */
  @Test
  void whatAKilledSaveLeftIsReplaced() throws IOException {
    Files.writeString(directory.resolve("advice.new"), "half");
    small();
    assertEquals(Optional.empty(), Recorder.open(file, MAX_KEYS, START).refusal());
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).containsExactly(file);
    }
  }
}
