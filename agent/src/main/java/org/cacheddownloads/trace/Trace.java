package org.cacheddownloads.trace;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where the time of one request goes. Phases are entered and left by one thread at a time, the one
 * that runs inside {@link #run}; whoever wants may look at any moment.
 *
 * <p>A phase inside another one interrupts it: no instant is counted twice.
 */
public final class Trace {
  private static final ScopedValue<Trace> CURRENT = ScopedValue.newInstance();
  private static final Phase[] PHASES = Phase.values();
  private static final Span NOBODYS =
      new Span(new Trace("-", (_, _) -> {}, () -> 0), Phase.FLIGHT, null, 0);

  private final String id;
  private final BiConsumer<Phase, Duration> listener;
  private final LongSupplier nanoTime;
  private final Map<Phase, AtomicLong> nanos = new EnumMap<>(Phase.class);
  private volatile @Nullable Span open;

  Trace(String id, BiConsumer<Phase, Duration> listener, LongSupplier nanoTime) {
    this.id = id;
    this.listener = listener;
    this.nanoTime = nanoTime;
    for (Phase phase : PHASES) {
      nanos.put(phase, new AtomicLong());
    }
  }

  /**
   * A trace that has not begun.
   *
   * @param id names the request in its reply and in the log
   * @param listener hears of each phase when it has ended, and how long it took
   */
  public static Trace of(String id, BiConsumer<Phase, Duration> listener) {
    return new Trace(id, listener, System::nanoTime);
  }

  /** A name that nothing else has: a random UUID, which need not be hard to guess. */
  public static String newId() {
    var random = ThreadLocalRandom.current();
    long version4 = (random.nextLong() & ~0xf000L) | 0x4000L;
    long variant2 = (random.nextLong() >>> 2) | (0b10L << 62);
    return new UUID(version4, variant2).toString();
  }

  /** The trace that this thread works for; outside of any, one that is looked at by nobody. */
  public static Trace current() {
    return CURRENT.isBound() ? CURRENT.get() : of("-", (_, _) -> {});
  }

  /** Begins a phase of the request that this thread works for; closing the span ends it. */
  public static Span enter(Phase phase) {
    return CURRENT.isBound() ? CURRENT.get().begin(phase) : NOBODYS;
  }

  /** Works for this request. */
  public void run(Runnable work) {
    ScopedValue.where(CURRENT, this).run(work);
  }

  /** Works for this request. */
  public <T extends @Nullable Object> T call(Supplier<T> work) {
    return ScopedValue.where(CURRENT, this).call(work::get);
  }

  /** A trace for a part of the same request, which runs beside others. */
  public Trace part() {
    return new Trace(id, listener, nanoTime);
  }

  public String id() {
    return id;
  }

  private Span begin(Phase phase) {
    long now = nanoTime.getAsLong();
    Span outer = open;
    if (outer != null) {
      outer.pause(now);
    }
    Span span = new Span(this, phase, outer, now);
    open = span;
    return span;
  }

  /** Counts what another trace has gone through as this one's own, without telling the listener. */
  public void add(Trace other) {
    for (Phase phase : PHASES) {
      sum(phase).addAndGet(other.nanosOf(phase));
    }
  }

  private long nanosOf(Phase phase) {
    Span span = open;
    long running = span != null && span.phase == phase ? nanoTime.getAsLong() - span.since : 0;
    return sum(phase).get() + running;
  }

  private AtomicLong sum(Phase phase) {
    return Objects.requireNonNull(nanos.get(phase));
  }

  /** What it is busy with now, if that is one of the phases. */
  public Optional<Phase> now() {
    return Optional.ofNullable(open).map(span -> span.phase);
  }

  /** How long it was in each phase so far; those that took no time are left out. */
  public Map<Phase, Duration> phases() {
    var phases = new EnumMap<Phase, Duration>(Phase.class);
    for (Phase phase : PHASES) {
      long took = nanosOf(phase);
      if (took > 0) {
        phases.put(phase, Duration.ofNanos(took));
      }
    }
    return phases;
  }

  /** A phase that runs. Closing it twice is closing it once. */
  public static final class Span implements AutoCloseable {
    private final Trace trace;
    private final Phase phase;
    private final @Nullable Span outer;
    private long before;
    private volatile long since;
    private boolean ended;

    private Span(Trace trace, Phase phase, @Nullable Span outer, long now) {
      this.trace = trace;
      this.phase = phase;
      this.outer = outer;
      this.since = now;
    }

    private void pause(long now) {
      trace.sum(phase).addAndGet(now - since);
      before += now - since;
    }

    @Override
    public void close() {
      if (ended || this == NOBODYS) {
        return;
      }
      ended = true;
      long now = trace.nanoTime.getAsLong();
      pause(now);
      if (outer != null) {
        outer.since = now;
      }
      trace.open = outer;
      trace.listener.accept(phase, Duration.ofNanos(before));
    }
  }
}
