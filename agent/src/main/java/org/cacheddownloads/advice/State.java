package org.cacheddownloads.advice;

import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.cacheddownloads.advice.Recorder.Fate;

/**
 * All that is known: the stack, the windows, and the time. Not thread-safe.
 *
 * <p>Its time is that of the clock as long as the clock goes forward. A step back of more than a
 * minute takes no time, and then time goes on: so buckets and stack stay in order, and a clock that
 * was wrong for a while does not stop them until it is as late again.
 */
final class State {
  private static final long JITTER_MILLIS = 60_000;
  private static final long MINUTE_MILLIS = 60_000;

  final LruStack stack;
  private final Map<Span, Window> windows = new EnumMap<>(Span.class);
  private final Window[] all;

  /** Times of this state, in milliseconds since 1970: when it began, and now. */
  private long since;

  private long now;

  /** What the clock said last. */
  private long clock;

  State(int maxKeys, Instant began) {
    this(maxKeys);
    since = began.toEpochMilli();
    now = since;
    clock = since;
  }

  /** One that takes its times from a file. */
  State(int maxKeys) {
    stack = new LruStack(maxKeys);
    for (Span span : Span.values()) {
      windows.put(span, new Window(span));
    }
    all = windows.values().toArray(Window[]::new);
  }

  /** What of it is a time: see the fields. */
  record Times(long since, long now, long clock) {}

  /** Goes on at these times. @return false if they cannot be those of the buckets */
  boolean startAt(Times times) {
    since = times.since();
    now = times.now();
    clock = times.clock();
    return since >= 0
        && since <= now
        && clock >= 0
        && windows.values().stream().allMatch(window -> window.reaches(now));
  }

  void record(Recorder.Request request) {
    advance(request.at());
    int units = Curve.units(request.allocatedBytes());
    long droppedBefore = stack.dropped();
    long heldBefore = stack.units();
    long distance =
        request.fate() == Fate.UNSTORED
            ? LruStack.NEVER
            : stack.access(request.key(), units, (int) (now / MINUTE_MILLIS));
    boolean isForced = request.fate() == Fate.FORCED || request.fate() == Fate.UNSTORED;
    for (Window window : all) {
      Bucket bucket = window.at(now);
      bucket.add(Counter.REQUESTS, 1);
      bucket.add(Counter.BYTES, request.bytes());
      bucket.noteUnits(units);
      if (request.fate() == Fate.HIT) {
        bucket.add(Counter.HITS, 1);
        bucket.add(Counter.HIT_BYTES, request.bytes());
      }
      if (distance != LruStack.NEVER && !isForced) {
        bucket.distances.record(distance, request.bytes());
        continue;
      }
      bucket.add(Counter.COLD_REQUESTS, 1);
      bucket.add(Counter.COLD_BYTES, request.bytes());
      bucket.add(Counter.DROPPED, stack.dropped() - droppedBefore);
      if (droppedBefore > 0 && !isForced) {
        bucket.noteBound(heldBefore + units);
      }
    }
  }

  void occupy(Instant at, long key, long allocatedBytes) {
    advance(at);
    long _ = stack.access(key, Curve.units(allocatedBytes), (int) (now / MINUTE_MILLIS));
  }

  void regret(Instant at, long bytes, Duration waited) {
    advance(at);
    add(Counter.REGRETS, 1);
    add(Counter.REGRET_BYTES, bytes);
    add(Counter.REGRET_NANOS, waited.toNanos());
  }

  void ghostHit(Instant at, long bytes) {
    advance(at);
    add(Counter.GHOST_HITS, 1);
    add(Counter.GHOST_HIT_BYTES, bytes);
  }

  private void add(Counter counter, long amount) {
    for (Window window : all) {
      window.at(now).add(counter, amount);
    }
  }

  private void advance(Instant at) {
    long millis = at.toEpochMilli();
    if (millis > clock) {
      now += millis - clock;
      clock = millis;
    } else if (clock - millis > JITTER_MILLIS) {
      clock = millis;
    }
  }

  /** What a window holds; the rest of the advice is made of it without any lock. */
  record Held(long fromMillis, Curve curve, long workingSetUnits) {}

  Held held(Span span, Instant at) {
    advance(at);
    Window window = window(span);
    long start = window.start(now);
    return new Held(
        Math.max(start, since) + clock - now,
        new Curve(window.buckets(now)),
        stack.unitsSince((int) (start / MINUTE_MILLIS)));
  }

  /** What a file has beside the stack. */
  record Rest(Times times, long dropped, Map<Span, List<Bucket>> buckets) {}

  Rest rest() {
    var buckets = new EnumMap<Span, List<Bucket>>(Span.class);
    windows.forEach((span, window) -> buckets.put(span, window.buckets(now)));
    return new Rest(new Times(since, now, clock), stack.dropped(), buckets);
  }

  @SuppressWarnings("NullAway") // each span has its window from the beginning
  Window window(Span span) {
    return windows.get(span);
  }
}
