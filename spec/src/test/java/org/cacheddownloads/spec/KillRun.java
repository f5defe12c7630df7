package org.cacheddownloads.spec;

import static org.cacheddownloads.spec.CrashPoint.Reach.LOAD;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.cacheddownloads.spec.Ledger.Form;

/**
 * One state directory that lives through kill after kill: start, compare, load, die, start again.
 * Each start is also the check of the death before it. Three of four starts are compared before
 * they get load; the others get it at once, while they still tidy up.
 */
final class KillRun implements AutoCloseable {
  private static final String ARMED = "CACHED_DOWNLOADS_CRASH_AT";
  private static final int KILLED = 128 + 9;
  private static final int MOST_ANSWERS = 160;
  private static final int RANDOM_DEATHS = 4;
  private static final int HISTORY = 6;
  private static final List<Form> DAMAGED = List.of(Form.FILE, Form.LINKED, Form.MOUNTED);
  private static final Duration LAST_CHANCE = Duration.ofMillis(500);

  private final Load.Room room;
  private final Random random;
  private final KillTally tally;
  private final AgentProcess agent;
  private final LoadOrigin origin = LoadOrigin.start();
  private final Ledger ledger = new Ledger();
  private final Load load;
  private final Checker checker;
  private final ArrayDeque<Death> planned = new ArrayDeque<>();
  private final ArrayDeque<String> history = new ArrayDeque<>();
  private long startNanos = Duration.ofSeconds(1).toNanos();

  /** How an agent is to end. */
  private sealed interface Death {
    /** By its own hand, at a step that it reaches for the nth time. */
    record At(CrashPoint point, int nth) implements Death {}

    /** After this many answers. */
    record AfterAnswers(int answers) implements Death {}

    /** This long after the load has begun. */
    record AfterMillis(int millis) implements Death {}

    /** At rest: the load has ended, and what it left has been compared. */
    record AtRest(int answers) implements Death {}

    /** After this part of the time that the start before took. */
    record InStart(double part) implements Death {}
  }

  KillRun(Load.Room room, long seed, KillTally tally, FastStart fast) {
    this.room = room;
    this.random = new Random(seed * 31 + room.name().hashCode());
    this.tally = tally;
    this.agent = AgentProcess.with(room.config()).withoutTcp();
    fast.hurry(agent);
    this.load = new Load(agent, origin, ledger, room);
    this.checker = new Checker(agent, ledger, load, origin);
  }

  /** Kills until the tally has enough, then compares a last time. */
  void run() {
    while (!tally.isEnough()) {
      planned.addAll(round());
      while (!planned.isEmpty() && !tally.isEnough()) {
        die(planned.removeFirst());
        requireNoFaults();
      }
    }
    startUnarmed();
    compare();
    load.serveOnce();
    requireNoFaults();
    agent.kill9();
  }

  /** Every step once, and the random deaths, in random order. */
  private List<Death> round() {
    var deaths = new ArrayList<Death>();
    tally.steps().stream()
        .filter(point -> point != CrashPoint.SALVAGE) // planned where there is something to salvage
        .forEach(point -> deaths.add(new Death.At(point, 1 + random.nextInt(point.most()))));
    deaths.add(new Death.AtRest(random.nextInt(MOST_ANSWERS)));
    for (int i = 0; i < RANDOM_DEATHS && tally.hasRandomDeaths(); i++) {
      deaths.add(new Death.AfterAnswers(random.nextInt(MOST_ANSWERS)));
      deaths.add(new Death.AfterMillis(random.nextInt(400)));
      deaths.add(new Death.InStart(0.2 + random.nextDouble()));
    }
    Collections.shuffle(deaths, random);
    return deaths;
  }

  private void die(Death death) {
    history.addLast(String.valueOf(death));
    if (history.size() > HISTORY) {
      history.removeFirst();
    }
    switch (death) {
      case Death.At(CrashPoint point, int nth) -> dieAt(point, nth);
      case Death.AfterAnswers(int answers) -> dieUnderLoad(answers, Duration.ofSeconds(10));
      case Death.AfterMillis(int millis) -> dieUnderLoad(MOST_ANSWERS, Duration.ofMillis(millis));
      case Death.AtRest(int answers) -> {
        startUnarmed();
        load.start(random.nextLong(), answers).awaitEnd();
        compare();
        kill("at rest");
      }
      case Death.InStart(double part) -> {
        agent.withoutEnvironment(ARMED);
        agent.begin();
        agent.endsWithin(Duration.ofNanos((long) (part * startNanos)));
        kill("during a start");
      }
    }
  }

  /** Starts the agent. @return whether it lives and, where it was compared, has lived through it */
  private boolean startAndMaybeCompare() {
    long begin = System.nanoTime();
    boolean runs = agent.startOrEnd();
    startNanos = System.nanoTime() - begin;
    return runs && (random.nextInt(4) == 0 || compare());
  }

  private void dieAt(CrashPoint point, int nth) {
    agent.environment(ARMED, point.at(nth));
    if (!startAndMaybeCompare()) {
      fired(point); // on its own, without a request
      return;
    }
    int answers = point.reach() == LOAD ? MOST_ANSWERS : random.nextInt(20);
    load.start(random.nextLong(), answers).awaitEnd();
    if (agent.isAlive()) {
      switch (point.reach()) {
        case VERIFY -> load.damage(DAMAGED.get(random.nextInt(3)), random.nextBoolean());
        case CUT -> load.cut();
        case LOAD, START -> {}
      }
    }
    if (agent.endsWithin(LAST_CHANCE)) { // what runs in the background may be on its way there
      fired(point);
    } else {
      kill("under load, " + point + " not reached");
    }
  }

  private void dieUnderLoad(int answers, Duration time) {
    startUnarmed();
    if (random.nextInt(2) == 0) {
      load.serveOnce();
    }
    Load.Traffic traffic = load.start(random.nextLong(), answers);
    traffic.awaitEnd(time);
    kill("under load");
    traffic.awaitEnd();
  }

  /** A start that nothing may end. */
  private void startUnarmed() {
    agent.withoutEnvironment(ARMED);
    if (!startAndMaybeCompare()) {
      throw new AssertionError("the agent ended without being killed\n" + report());
    }
  }

  /**
   * @return whether the agent has lived through it
   */
  private boolean compare() {
    try {
      checker.check();
      return true;
    } catch (RuntimeException e) {
      if (agent.endsWithin(Duration.ofSeconds(5))) {
        return false;
      }
      throw e;
    }
  }

  private void kill(String when) {
    if (!agent.isAlive()) {
      throw new AssertionError("the agent ended without being killed\n" + report());
    }
    agent.kill9();
    tally.random(when);
  }

  /** The agent has ended by itself; it must have been at the step that it was told. */
  private void fired(CrashPoint point) {
    int exit = agent.awaitExit();
    if (exit != KILLED || !agent.logOfThisStart().contains("armed to die for a test point=")) {
      throw new AssertionError("the agent ended with " + exit + "\n" + report());
    }
    tally.fired(point);
    if (point.leavesAnIngest() && random.nextInt(3) == 0) {
      planned.addFirst(new Death.At(CrashPoint.SALVAGE, 1)); // now there is something
    }
  }

  private void requireNoFaults() {
    if (!ledger.faults().isEmpty()) {
      throw new AssertionError(
          "with %s room, %d promises are broken:\n  %s\n%s"
              .formatted(
                  room,
                  ledger.faults().size(),
                  ledger.faults().stream().limit(10).collect(Collectors.joining("\n  ")),
                  report()));
    }
  }

  private String report() {
    List<String> log = agent.log().lines().toList();
    Stream<String> end = log.stream().skip(Math.max(0, log.size() - 80));
    return "deaths so far end with %s; the log ends with\n%s"
        .formatted(history, end.collect(Collectors.joining("\n")));
  }

  @Override
  public void close() {
    agent.close();
    origin.close();
  }
}
