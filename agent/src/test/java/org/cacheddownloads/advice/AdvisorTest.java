package org.cacheddownloads.advice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.Outcome;
import org.cacheddownloads.content.Sha256;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.space.TestClock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AdvisorTest {
  private static final long KIB = 1 << 10;
  private static final Duration TOOK = Duration.ofMillis(250);

  @TempDir private Path directory;
  private final TestClock clock = new TestClock();
  private final AtomicLong quota = new AtomicLong(100 * KIB);
  private Advisor advisor;

  @BeforeEach
  void open() {
    advisor = opened();
  }

  @AfterEach
  void close() {
    advisor.close();
  }

  private Advisor opened() {
    return Advisor.open(
        directory.resolve("advice"),
        1_000,
        quota::get,
        text -> Long.parseUnsignedLong(Sha256.hexOf(text).substring(0, 16), 16),
        clock);
  }

  private static Stored file(String name) {
    return Stored.file(new Digest(Sha256.hexOf(name)));
  }

  private void answer(String key, Stored stored, Outcome outcome) {
    long fetched = outcome.saved() ? 0 : 4 * KIB;
    advisor.answered(new Advisor.Answer(key, stored, 4 * KIB, 4 * KIB, fetched, outcome, TOOK));
  }

  private void answer(String key, Outcome outcome) {
    answer(key, file(key), outcome);
  }

  private Advice hour() {
    return advisor.advise(Span.HOUR);
  }

  /** What LRU would have hit with room for all, of two answers for one key. */
  @ParameterizedTest
  @CsvSource({
    "HIT,         1, 1",
    "REVALIDATED, 1, 1",
    "COALESCED,   1, 1",
    "STALE,       1, 1",
    "MISS,        1, 0", // which was evicted too early
    "UPDATED,     0, 0", // which the origin sent whatever was there
    "UNCACHED,    0, 0",
  })
  void outcomesCountAsTheQuotaHasToDoWithThem(Outcome second, int possible, int actual) {
    answer("a", Outcome.MISS);
    answer("a", second);
    assertEquals(possible, Math.round(hour().curve().hitRatio(Long.MAX_VALUE) * 2));
    assertEquals(actual, hour().hits());
    assertEquals(possible, hour().ghostHits());
  }

  @Test
  void newBytesOfAKeyAreAnotherObject() {
    answer("a", file("one"), Outcome.MISS);
    answer("a", file("two"), Outcome.UPDATED);
    answer("a", file("two"), Outcome.HIT);
    assertEquals(1, Math.round(hour().curve().hitRatio(Long.MAX_VALUE) * 3));
    assertEquals(8 * KIB, hour().workingSetBytes());
  }

  @Test
  void theArchiveOfADirectoryTakesRoomToo() {
    Stored tree = new Stored(file("a").digest(), Form.TREE);
    answer("a", tree, Outcome.MISS);
    answer("a", tree, Outcome.HIT);
    assertEquals(0, hour().curve().hitRatio(8 * KIB - 512));
    assertEquals(0.5, hour().curve().hitRatio(8 * KIB));
    assertEquals(2, hour().curve().requests());
  }

  @Test
  void whatIsFetchedAgainWithinAnHourOfItsEvictionIsRegretted() {
    answer("a", Outcome.MISS);
    answer("b", Outcome.MISS);
    advisor.evicted(file("a"));
    advisor.evicted(file("b"));
    clock.advance(Advisor.REGRET);
    answer("a", Outcome.MISS);
    answer("a", Outcome.COALESCED);
    answer("a", Outcome.HIT);
    clock.advance(Duration.ofMillis(1));
    answer("b", Outcome.MISS);
    Advice.Regrets regrets = hour().regrets();
    assertEquals(2, regrets.count());
    assertEquals(4 * KIB, regrets.bytes());
    assertEquals(TOOK.multipliedBy(2), regrets.waited());
    assertEquals(new Advisor.Regrets(2, 4 * KIB, TOOK.multipliedBy(2)), advisor.regrets());
  }

  @Test
  void onlyTheLastEvictionsAreRemembered() {
    answer("0", Outcome.MISS);
    for (int i = 0; i <= Advisor.MOST_EVICTED; i++) {
      advisor.evicted(file(String.valueOf(i)));
    }
    answer("0", Outcome.MISS);
    assertEquals(0, hour().regrets().count());
    answer("1", Outcome.MISS);
    assertEquals(1, hour().regrets().count());
  }

  @Test
  void thePolicyOnTrialFollowsTheQuota() {
    answer("a", Outcome.MISS);
    quota.set(0);
    answer("a", Outcome.HIT);
    assertEquals(0, hour().ghostHits());
    quota.set(100 * KIB);
    answer("a", Outcome.HIT);
    answer("a", Outcome.HIT);
    assertEquals(1, hour().ghostHits());
  }

  @Test
  void aRestartGoesOnWhereTheLastRunStopped() {
    answer("a", Outcome.MISS);
    advisor.close();
    advisor = opened();
    answer("a", Outcome.HIT);
    assertEquals(2, hour().curve().requests());
    assertEquals(0.5, hour().curve().hitRatio(4 * KIB));
    assertEquals(1, hour().ghostHits());
  }

  @Test
  void aDamagedFileBeginsAnew() throws IOException {
    answer("a", Outcome.MISS);
    advisor.close();
    Files.writeString(directory.resolve("advice"), "not what was written");
    advisor = opened();
    assertEquals(0, hour().curve().requests());
  }

  @Test
  void aDiskThatRefusesCostsNothingButTheMemory() throws IOException {
    Path inTheWay = Files.createDirectory(directory.resolve("advice.new"));
    Files.writeString(inTheWay.resolve("file"), "so that it cannot be replaced");
    answer("a", Outcome.MISS);
    advisor.save();
    assertThat(directory.resolve("advice")).doesNotExist();
    Files.delete(inTheWay.resolve("file"));
    advisor.save();
    assertThat(directory.resolve("advice")).exists();
  }

  @Test
  void requestsAreRecordedAsLongAsThatIsWanted() throws IOException {
    Path trace = directory.resolve("trace.csv");
    answer("before", Outcome.MISS);
    assertTrue(advisor.traceStatus().isEmpty());
    advisor.recordIn(trace, 1 << 20);
    answer("http://origin/secret-name", Outcome.MISS);
    answer("b", Outcome.HIT);
    assertEquals("writing", advisor.traceStatus().orElseThrow().state());
    advisor.recordIn(null, 0);
    answer("after", Outcome.MISS);
    assertThat(Files.readAllLines(trace)).hasSize(3).noneMatch(line -> line.contains("secret"));
    assertThat(Files.readString(trace)).contains(",4096,4096,miss,250\n", ",4096,4096,hit,250\n");
  }

  @Test
  void aTraceThatCannotBeHadIsToldAndNothingElseChanges() {
    advisor.recordIn(directory.resolve("nowhere/trace.csv"), 1 << 20);
    answer("a", Outcome.MISS);
    assertEquals("failed", advisor.traceStatus().orElseThrow().state());
    assertEquals(1, hour().curve().requests());
  }
}
