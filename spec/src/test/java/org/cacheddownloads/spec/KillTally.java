package org.cacheddownloads.spec;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Counts the kills that hit a live agent. Thread-safe. */
final class KillTally {
  private final int enough;
  private final Set<CrashPoint> steps;
  private final Map<CrashPoint, Integer> fired = new EnumMap<>(CrashPoint.class);
  private final Map<String, Integer> random = new TreeMap<>();
  private boolean stopped;

  /**
   * @param enough how many kills there are to be
   * @param steps where, or empty for all steps and random instants too
   */
  KillTally(int enough, Set<CrashPoint> steps) {
    this.enough = enough;
    this.steps = steps;
  }

  Set<CrashPoint> steps() {
    return steps.isEmpty() ? EnumSet.allOf(CrashPoint.class) : steps;
  }

  boolean hasRandomDeaths() {
    return steps.isEmpty();
  }

  synchronized void fired(CrashPoint point) {
    fired.merge(point, 1, Integer::sum);
  }

  synchronized void random(String when) {
    random.merge(when, 1, Integer::sum);
  }

  /** Something is broken: no more kills. */
  synchronized void stop() {
    stopped = true;
  }

  /** Enough kills, and each step among them; without some step, twice as many. */
  synchronized boolean isEnough() {
    return stopped
        || (kills() >= enough && neverFired().isEmpty())
        || kills() >= 2 * Math.max(enough, 60);
  }

  synchronized int kills() {
    return sum(fired) + sum(random);
  }

  private static int sum(Map<?, Integer> counts) {
    return counts.values().stream().mapToInt(Integer::intValue).sum();
  }

  /** The steps at which no agent has died. */
  synchronized List<CrashPoint> neverFired() {
    return steps().stream().filter(point -> !fired.containsKey(point)).toList();
  }

  @Override
  public synchronized String toString() {
    return "%d kills: at steps %s; at random %s; never at %s"
        .formatted(kills(), fired, random, neverFired());
  }
}
