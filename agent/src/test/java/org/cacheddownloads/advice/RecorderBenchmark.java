package org.cacheddownloads.advice;

import java.time.Instant;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a request costs in all, lock and windows included, with a million keys of skewed use. Run it
 * as {@link LruStackBenchmark}.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
    value = 2,
    jvmArgsAppend = {"-XX:+UseSerialGC", "-Xmx512m"})
public class RecorderBenchmark {
  private static final int KEYS = 1_000_000;
  private static final int DRAWN = 1 << 20;
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  private final long[] drawn = new long[DRAWN];
  private Recorder recorder = Recorder.empty(KEYS, START);
  private int next;

  @Setup
  public void fill() {
    var random = new SplittableRandom(1);
    recorder = Recorder.empty(KEYS, START);
    for (int key = 0; key < KEYS; key++) {
      record(mixed(key));
    }
    for (int i = 0; i < DRAWN; i++) {
      drawn[i] = mixed((long) (KEYS * Math.pow(random.nextDouble(), 8)));
    }
  }

  @Benchmark
  public void record() {
    record(drawn[next++ & (DRAWN - 1)]);
  }

  private void record(long key) {
    recorder.record(
        new Recorder.Request(
            START.plusMillis(next),
            key,
            1L << 20,
            1L << 20,
            (key & 1) == 0 ? Recorder.Fate.HIT : Recorder.Fate.MISS));
  }

  private static long mixed(long identity) {
    return new SplittableRandom(identity).nextLong();
  }
}
