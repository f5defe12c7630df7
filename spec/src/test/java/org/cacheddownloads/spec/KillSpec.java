package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * {@code kill -9}, at every named step and at random instants, hundreds of times on the same state:
 * nothing that was acknowledged is lost, and nothing is left behind. {@code scripts/torture} runs
 * it for longer.
 */
class KillSpec {
  private static final int KILLS = Integer.getInteger("torture.kills", 200);
  private static final long SEED =
      Long.getLong("torture.seed", System.nanoTime() / 1000 % 1_000_000);

  /** Steps to die at, {@code hide,condemn}; empty for all of them and random instants. */
  private static final Set<CrashPoint> AT =
      Stream.of(System.getProperty("torture.at", "").split(",", -1))
          .filter(name -> !name.isBlank())
          .map(name -> CrashPoint.valueOf(name.strip().toUpperCase(Locale.ROOT)))
          .collect(Collectors.toSet());

  @Test
  void noKillLosesWhatWasAcknowledged() {
    System.out.println("torture: " + KILLS + " kills, -Dtorture.seed=" + SEED);
    long start = System.nanoTime();
    var tally = new KillTally(KILLS, AT);
    try (FastStart fast = FastStart.record()) {
      var runs =
          Stream.of(Load.Room.values())
              .map(
                  room -> CompletableFuture.runAsync(() -> run(room, tally, fast), KillSpec::start))
              .toList();
      runs.forEach(KillSpec::join);
    }
    Duration took = Duration.ofNanos(System.nanoTime() - start);
    System.out.println("torture: " + tally + " in " + took.toSeconds() + " s");
    assertThat(tally.kills()).as("kills that hit a live agent").isGreaterThanOrEqualTo(KILLS);
    assertThat(tally.neverFired()).as("steps at which no agent has died; %s", tally).isEmpty();
  }

  private static void start(Runnable run) {
    Thread.ofPlatform().name("torture").start(run);
  }

  private static void run(Load.Room room, KillTally tally, FastStart fast) {
    try (var run = new KillRun(room, SEED, tally, fast)) {
      run.run();
    } catch (RuntimeException | AssertionError e) {
      tally.stop();
      throw new AssertionError("-Dtorture.seed=" + SEED + ", after " + tally, e);
    }
  }

  private static void join(CompletableFuture<Void> run) {
    try {
      run.join();
    } catch (CompletionException e) {
      throw (AssertionError) e.getCause();
    }
  }
}
