package org.cacheddownloads.spec;

import static org.cacheddownloads.spec.CrashPoint.Reach.CUT;
import static org.cacheddownloads.spec.CrashPoint.Reach.LOAD;
import static org.cacheddownloads.spec.CrashPoint.Reach.START;
import static org.cacheddownloads.spec.CrashPoint.Reach.VERIFY;

import java.util.Locale;

/**
 * The steps at which the agent can be told to kill itself, with what brings it there. This is the
 * list of the tests, beside the agent's own: a step that the agent no longer knows stops its start,
 * and one that it no longer reaches fails {@link KillSpec}.
 */
enum CrashPoint {
  RESERVE(LOAD, 12),
  OPEN(LOAD, 12),
  CHUNK(LOAD, 20),
  KEEP(CUT, 1),
  RESUME(CUT, 1),
  NAME(LOAD, 10),
  COMMIT(LOAD, 10),
  PUBLISH(LOAD, 10),
  UNPACK(LOAD, 4),
  PLANT(LOAD, 4),
  COPY(LOAD, 6),
  UPROOT(LOAD, 4),
  LINK(LOAD, 16),
  SHOW(LOAD, 16),
  SWITCH(LOAD, 3),
  SWITCHED(LOAD, 3),
  HIDE(LOAD, 6),
  UNLINK(LOAD, 4),
  RELEASE(LOAD, 3),
  FLUSH(LOAD, 2),
  EVICT(LOAD, 4),
  EVICTED(LOAD, 3),
  CONDEMN(VERIFY, 1),
  SCAN(START, 4),
  SALVAGE(START, 1),
  RECONCILE(START, 1);

  /** What brings the agent to a step. */
  enum Reach {
    LOAD,
    /** Every start; {@link #SALVAGE} needs a download that the death before has cut. */
    START,
    /** A check that finds damaged bytes. */
    VERIFY,
    /** A download that breaks off again and again. */
    CUT
  }

  private final Reach reach;
  private final int most;

  CrashPoint(Reach reach, int most) {
    this.reach = reach;
    this.most = most;
  }

  Reach reach() {
    return reach;
  }

  /** How often a short load comes by, with some certainty. */
  int most() {
    return most;
  }

  /** Whether dying here leaves something in {@code ingest/} that the next start deals with. */
  boolean leavesAnIngest() {
    return switch (this) {
      case OPEN, CHUNK, NAME, COMMIT, PUBLISH, UNPACK, PLANT, COPY, UPROOT -> true;
      default -> false;
    };
  }

  /** As the agent reads it, to die when it comes by for the nth time. */
  String at(int nth) {
    return name().toLowerCase(Locale.ROOT) + ":" + nth;
  }
}
