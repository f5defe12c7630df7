package org.cacheddownloads.advice;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.SplittableRandom;

/**
 * Requests such as the cells of a container platform make, made up: the same seed gives the same
 * requests on every machine. Objects have 1 KiB to 2 GiB, and keep their size. A million requests
 * take well under a second to make.
 */
public enum Workload {
  /**
   * Applications are staged: some of 18 buildpacks, 1 MiB to 1 GiB, of which a new version appears
   * every 3 to 14 days, then a few of 3,000 dependencies by Zipf.
   */
  STAGING,
  /**
   * Applications are started: 6,000 droplets by Zipf, 5 to 500 MiB, log-normal, of which a new
   * version appears every 1 to 60 days.
   */
  STARTS,
  /** Most objects are asked for once or twice and never again; a third of the requests is not. */
  ONEOFF,
  /**
   * Deploy storms over a background of starts: dozens to hundreds of containers ask within a few
   * minutes for the same one to five new objects, which nobody asks for afterwards.
   */
  STORM,
  /** All of the others at once, each at its own pace, busy by day and quiet by night. */
  MIXED;

  /** The requests, without end, from time 0 on. Not thread-safe. */
  public Iterator<Access> requests(long seed) {
    return arrivals(seed);
  }

  private Arrivals arrivals(long seed) {
    return switch (this) {
      case STAGING -> new Staging(seed);
      case STARTS -> new Starts(seed);
      case ONEOFF -> new OneOff(seed);
      case STORM -> new Storm(seed);
      case MIXED -> new Mixed(seed);
    };
  }

  /** The workload of this name, in any case. */
  public static Optional<Workload> named(String name) {
    return Arrays.stream(values()).filter(each -> each.word().equalsIgnoreCase(name)).findFirst();
  }

  /** As people write it. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The finaliser of SplitMix64 (Steele, Lea and Flood 2014). */
  static long mixed(long value) {
    long z = value + 0x9e3779b97f4a7c15L;
    z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
    z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
    return z ^ z >>> 31;
  }

  /** What kind of object it is, which gives its size; and which keeps the keys of kinds apart. */
  private enum Kind {
    BUILDPACK(1, 1L << 20, 1L << 30, 0, 0),
    DEPENDENCY(2, 1L << 10, 200L << 20, 2L << 20, 1.8),
    DROPLET(3, 5L << 20, 500L << 20, 60L << 20, 0.8),
    ONCE(4, 5L << 20, 500L << 20, 60L << 20, 0.8),
    HOT(5, 5L << 20, 500L << 20, 60L << 20, 0.8),
    BACKGROUND(6, 5L << 20, 500L << 20, 60L << 20, 0.8),
    STORMED(7, 20L << 20, 2L << 30, 150L << 20, 1.0);

    /** Below 16. */
    final int tag;

    final long leastBytes;
    final long mostBytes;
    final long medianBytes;
    final double sigma;

    Kind(int tag, long leastBytes, long mostBytes, long medianBytes, double sigma) {
      this.tag = tag;
      this.leastBytes = leastBytes;
      this.mostBytes = mostBytes;
      this.medianBytes = medianBytes;
      this.sigma = sigma;
    }

    /**
     * Log-normal; the sum of four uniform numbers is near enough to a normal one and has no tails.
     */
    long bytes(long hash) {
      long sum = 0;
      for (int i = 0; i < 64; i += 16) sum += hash >>> i & 0xffff;
      double normal = (sum / 65536.0 - 2) * Math.sqrt(3);
      return Math.clamp(
          (long) (medianBytes * StrictMath.exp(sigma * normal)), leastBytes, mostBytes);
    }

    /** Any size is as likely as its double. */
    long logUniformBytes(double share) {
      return (long)
          (leastBytes * StrictMath.pow(mostBytes / (double) leastBytes, Math.clamp(share, 0, 1)));
    }
  }

  /** One stream of requests with a clock and chances of its own. */
  private abstract static class Arrivals implements Iterator<Access> {
    static final long MINUTE = 60_000;
    static final long DAY = 24 * 60 * MINUTE;

    final SplittableRandom random;
    private final long salt;
    private double millis;

    Arrivals(long seed) {
      random = new SplittableRandom(mixed(seed));
      salt = mixed(seed + 1);
    }

    @Override
    public final boolean hasNext() {
      return true;
    }

    long now() {
      return (long) millis;
    }

    /** Lets time pass until the next event of many that know nothing of each other. */
    void await(double meanMillis) {
      millis -= meanMillis * StrictMath.log(1 - random.nextDouble());
    }

    Access access(Kind kind, long number, int version) {
      long key = key(kind, number, version);
      return new Access(now(), key, kind.bytes(mixed(~key)));
    }

    /** Different for all that differ: one long to one long, as long as each fits into its place. */
    long key(Kind kind, long number, int version) {
      return mixed(((long) kind.tag << 60 | number << 20 | version) ^ salt);
    }

    /** A share of 1 that belongs to the object, whatever its version. */
    double trait(Kind kind, long number) {
      return (mixed(key(kind, number, 0)) >>> 11) * 0x1p-53;
    }

    /** Which version there is now, of an object that has a new one so often. */
    int version(Kind kind, long number, double periodDays) {
      return (int) (now() / (periodDays * DAY) + trait(kind, number));
    }
  }

  private static final class Staging extends Arrivals {
    private static final int BUILDPACKS = 18;
    private static final int MOST_DEPENDENCIES = 12;

    private final Zipf popular = new Zipf(BUILDPACKS, 0.8);
    private final Zipf dependencies = new Zipf(3_000, 0.9);
    private int buildpacksLeft;
    private int dependenciesLeft;
    private int nextBuildpack;

    Staging(long seed) {
      super(seed);
    }

    @Override
    public Access next() {
      if (buildpacksLeft == 0 && dependenciesLeft == 0) begin();
      else await(500);
      if (buildpacksLeft > 0) {
        buildpacksLeft--;
        return buildpack(nextBuildpack++ % BUILDPACKS);
      }
      dependenciesLeft--;
      return access(Kind.DEPENDENCY, dependencies.draw(random), 0);
    }

    /** One in twenty names no buildpack, and all are tried. */
    private void begin() {
      await(0.5 * MINUTE);
      boolean all = random.nextInt(20) == 0;
      buildpacksLeft = all ? BUILDPACKS : 1 + random.nextInt(3);
      nextBuildpack = popular.draw(random);
      dependenciesLeft = random.nextInt(MOST_DEPENDENCIES + 1);
    }

    /** A new version is about as large as the one before. */
    private Access buildpack(int number) {
      double period = 3 + 11 * trait(Kind.BUILDPACK, ~number & 0xff);
      int version = version(Kind.BUILDPACK, number, period);
      long key = key(Kind.BUILDPACK, number, version);
      double share = (number + 0.5) / BUILDPACKS + ((key & 0xff) - 128) / 10_000.0;
      // Neighbours in size are no neighbours in rank: 7 and 18 have no common divisor.
      double spread = (share * BUILDPACKS * 7 % BUILDPACKS) / BUILDPACKS;
      return new Access(now(), key, Kind.BUILDPACK.logUniformBytes(spread));
    }
  }

  private static final class Starts extends Arrivals {
    private final Zipf droplets = new Zipf(6_000, 0.9);

    Starts(long seed) {
      super(seed);
    }

    @Override
    public Access next() {
      await(4_000);
      int number = droplets.draw(random);
      double period = StrictMath.pow(60, trait(Kind.DROPLET, number | 1L << 30));
      return access(Kind.DROPLET, number, version(Kind.DROPLET, number, period));
    }
  }

  private static final class OneOff extends Arrivals {
    private static final int RECENT = 2_000;

    private final Zipf hot = new Zipf(300, 0.7);
    private long once = RECENT;

    OneOff(long seed) {
      super(seed);
    }

    @Override
    public Access next() {
      await(4_000);
      int chance = random.nextInt(100);
      if (chance < 33) return access(Kind.HOT, hot.draw(random), 0);
      if (chance < 80) return access(Kind.ONCE, once++, 0);
      return access(Kind.ONCE, once - 1 - random.nextInt(RECENT), 0);
    }
  }

  private static final class Storm extends Arrivals {
    private final Zipf background = new Zipf(2_000, 0.9);
    private long firstNew;
    private int news;
    private int left;

    Storm(long seed) {
      super(seed);
    }

    @Override
    public Access next() {
      if (left == 0 && random.nextInt(600) == 0) begin();
      if (left == 0 || random.nextInt(20) == 0) {
        await(left == 0 ? 4_000 : 100);
        return access(Kind.BACKGROUND, background.draw(random), 0);
      }
      left--;
      await(300);
      return access(Kind.STORMED, firstNew + random.nextInt(news), 0);
    }

    private void begin() {
      firstNew += news;
      news = 1 + random.nextInt(5);
      left = 40 + random.nextInt(500);
    }
  }

  private static final class Mixed extends Arrivals {
    /** How far a day's requests are pushed towards noon; below 1, or time would run backwards. */
    private static final double RHYTHM = 0.75;

    private final PriorityQueue<Head> heads =
        new PriorityQueue<>(Comparator.comparingLong(head -> head.access().millis()));

    /** The next request of a stream. */
    private record Head(Access access, Arrivals rest) {}

    Mixed(long seed) {
      super(seed);
      // Seeds of their own, which keep the keys of the four apart as well.
      long own = seed;
      for (Workload each : List.of(STAGING, STARTS, ONEOFF, STORM)) {
        Arrivals arrivals = each.arrivals(++own);
        heads.add(new Head(arrivals.next(), arrivals));
      }
    }

    @Override
    public Access next() {
      Head first = heads.remove();
      heads.add(new Head(first.rest().next(), first.rest()));
      Access access = first.access();
      return new Access(byDay(access.millis()), access.key(), access.bytes());
    }

    /** Slow from midnight on, fast at noon; a day still takes a day. */
    private static long byDay(long even) {
      double angle = 2 * Math.PI * (even % DAY) / DAY;
      return even + (long) (RHYTHM * DAY / (2 * Math.PI) * StrictMath.sin(angle));
    }
  }
}
