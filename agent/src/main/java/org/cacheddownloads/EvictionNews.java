package org.cacheddownloads;

import java.time.Duration;
import org.cacheddownloads.advice.Advisor;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.metrics.Meters;
import org.cacheddownloads.space.EvictionReason;
import org.cacheddownloads.space.Evictor;
import org.cacheddownloads.trace.Events;

/** What the evictor does, as figures, as events, and for advice. */
record EvictionNews(Meters meters, Events events, Advisor advisor) implements Evictor.Listener {
  @Override
  public void evicted(Stored stored, long bytes, Duration idleFor, EvictionReason reason) {
    meters.evicted(stored, bytes, idleFor, reason);
    advisor.evicted(stored);
    events.tell(
        Events.Kind.EVICTED,
        "digest",
        stored.digest().toString(),
        "form",
        stored.isTree() ? "directory" : "file",
        "bytes",
        bytes,
        "idleSeconds",
        Math.max(0, idleFor.toSeconds()),
        "reason",
        reason.label());
  }

  @Override
  public void damaged(Stored stored, boolean inUse) {
    meters.damaged(stored, inUse);
    events.tell(Events.Kind.QUARANTINED, "digest", stored.digest().toString(), "inUse", inUse);
  }
}
