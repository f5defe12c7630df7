package org.cacheddownloads.advice;

import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What an access to the stack costs with a million keys. To run it:
 *
 * <pre>
 * mvn -pl agent test-compile dependency:build-classpath -Dmdep.outputFile=target/test.cp
 * cd agent
 * java -cp target/test-classes:target/classes:$(cat target/test.cp) org.openjdk.jmh.Main Benchmark
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
    value = 2,
    jvmArgsAppend = {"-XX:+UseSerialGC", "-Xmx512m"})
public class LruStackBenchmark {
  private static final int KEYS = 1_000_000;
  private static final int DRAWN = 1 << 20;

  /** uniform: any key; skewed: mostly few; turning: a new key each time, and the oldest drops. */
  @Param({"uniform", "skewed", "turning"})
  public String keys = "";

  private final long[] drawn = new long[DRAWN];
  private LruStack stack = new LruStack(KEYS);
  private int next;
  private long lap;

  @Setup
  public void fill() {
    var random = new SplittableRandom(1);
    stack = new LruStack(KEYS);
    for (int key = 0; key < KEYS; key++) {
      stack.access(mixed(key), 1 + key % 1000, 0);
    }
    for (int i = 0; i < DRAWN; i++) {
      drawn[i] =
          switch (keys) {
            case "uniform" -> mixed(random.nextInt(KEYS));
            case "skewed" -> mixed((long) (KEYS * Math.pow(random.nextDouble(), 8)));
            default -> mixed(KEYS + i);
          };
    }
    for (int i = 0; i < 3 * DRAWN; i++) {
      access();
    }
  }

  @Benchmark
  public long access() {
    int i = next++ & (DRAWN - 1);
    if (i == 0) {
      lap += 0x9e37_79b9_7f4a_7c15L;
    }
    long key = keys.equals("turning") ? drawn[i] + lap : drawn[i];
    return stack.access(key, 1 + (i & 1023), 0);
  }

  private static long mixed(long identity) {
    return new SplittableRandom(identity).nextLong();
  }
}
