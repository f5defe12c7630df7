package org.cacheddownloads.advice;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Outcome;
import org.cacheddownloads.content.Stored;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees each download that the agent hands out and each eviction: for the curve of all quotas, for
 * the policy on trial at the present quota, for the downloads that an eviction made necessary, and
 * for the trace, where one is wanted. Thread-safe; takes a few microseconds a download and throws
 * nothing at those who tell it.
 */
public final class Advisor implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Advisor.class);

  /** What is fetched again within so long of its eviction is regretted. */
  public static final Duration REGRET = Duration.ofHours(1);

  /** The policy on trial. */
  public static final Policy.Kind TRIAL = Policy.Kind.S3FIFO;

  static final int MOST_EVICTED = 100_000;

  private final Recorder recorder;
  private final Path file;
  private final LongSupplier quotaBytes;
  private final ToLongFunction<String> hash;
  private final Clock clock;
  private final Object lock = new Object();

  @GuardedBy("lock")
  private final Policy trial;

  @GuardedBy("lock")
  private long trialBytes;

  /** When bytes were evicted, oldest first. */
  @GuardedBy("lock")
  private final Map<Digest, Instant> evicted = new LinkedHashMap<>();

  @GuardedBy("lock")
  private Regrets regrets = new Regrets(0, 0, Duration.ZERO);

  /** Something came that the file does not tell. */
  private final AtomicBoolean unsaved = new AtomicBoolean();

  private volatile Trace trace = new Trace(null, 0, null);

  /** Where requests are recorded, if they are. */
  private record Trace(@Nullable Path file, long maxBytes, @Nullable TraceWriter writer) {}

  /** All regrets since the start. */
  public record Regrets(long count, long bytes, Duration waited) {
    private Regrets plus(long bytes, Duration waited) {
      return new Regrets(count + 1, this.bytes + bytes, this.waited.plus(waited));
    }
  }

  /**
   * A download that was handed out, or brought in for whoever asks next.
   *
   * @param key of the cache
   * @param allocatedBytes of what was handed out, as the quota counts
   * @param bytes size of the download
   */
  public record Answer(
      String key,
      Stored stored,
      long allocatedBytes,
      long bytes,
      long bytesFetched,
      Outcome outcome,
      Duration took) {}

  private Advisor(
      Recorder recorder,
      Path file,
      int maxKeys,
      LongSupplier quotaBytes,
      ToLongFunction<String> hash,
      Clock clock) {
    this.recorder = recorder;
    this.file = file;
    this.quotaBytes = quotaBytes;
    this.hash = hash;
    this.clock = clock;
    this.trialBytes = quotaBytes.getAsLong();
    this.trial = TRIAL.of(trialBytes, maxKeys);
  }

  /**
   * One that goes on where the last one stopped, if {@code file} tells of it.
   *
   * @param quotaBytes the quota in force
   * @param hash of a text, over all 64 bits, the same after a restart
   */
  public static Advisor open(
      Path file, int maxKeys, LongSupplier quotaBytes, ToLongFunction<String> hash, Clock clock) {
    Recorder recorder = Recorder.open(file, maxKeys, clock.instant());
    recorder
        .refusal()
        .ifPresent(
            reason -> log.warn("advice begins anew, its file is unusable reason={}", reason));
    var advisor = new Advisor(recorder, file, maxKeys, quotaBytes, hash, clock);
    advisor.warmUp();
    return advisor;
  }

  /** The policy on trial starts with what was used last, each once. */
  private void warmUp() {
    synchronized (lock) {
      Policy cold = trial;
      recorder.forEach(cold::request);
    }
  }

  public void answered(Answer answer) {
    Instant now = clock.instant();
    long object = hash.applyAsLong(answer.key() + "\0" + answer.stored());
    Recorder.Fate fate = fateOf(answer.outcome());
    recorder.record(
        new Recorder.Request(now, object, answer.allocatedBytes(), answer.bytes(), fate));
    unsaved.set(true);
    if (answer.bytesFetched() > 0 && fate != Recorder.Fate.UNSTORED) {
      Stored archive = Stored.file(answer.stored().digest());
      if (!archive.equals(answer.stored())) { // from which the other form was made
        recorder.occupy(now, hash.applyAsLong(answer.key() + "\0" + archive), answer.bytes());
      }
    }
    synchronized (lock) {
      if (fate != Recorder.Fate.UNSTORED) {
        tryPolicy(now, object, answer, fate);
      }
      if (answer.outcome() == Outcome.MISS || answer.outcome() == Outcome.COALESCED) {
        regretIfEvicted(now, answer);
      }
    }
    TraceWriter writer = trace.writer();
    if (writer != null) {
      writer.record(
          new TraceLine(
              now.toEpochMilli(),
              object,
              answer.bytes(),
              answer.allocatedBytes(),
              answer.outcome().label(),
              answer.took().toMillis()));
    }
  }

  private static Recorder.Fate fateOf(Outcome outcome) {
    return switch (outcome) {
      case HIT, REVALIDATED, COALESCED, STALE -> Recorder.Fate.HIT;
      case MISS -> Recorder.Fate.MISS;
      case UPDATED -> Recorder.Fate.FORCED;
      case UNCACHED -> Recorder.Fate.UNSTORED;
    };
  }

  @GuardedBy("lock")
  private void tryPolicy(Instant now, long object, Answer answer, Recorder.Fate fate) {
    long quota = quotaBytes.getAsLong();
    if (quota != trialBytes) {
      trialBytes = quota;
      trial.resize(quota);
    }
    boolean hit = trial.request(object, answer.allocatedBytes());
    if (hit && fate != Recorder.Fate.FORCED) {
      recorder.ghostHit(now, answer.bytes());
    }
  }

  /** Whoever waited with it regrets the wait alone. */
  @GuardedBy("lock")
  private void regretIfEvicted(Instant now, Answer answer) {
    forgetOld(now);
    if (evicted.containsKey(answer.stored().digest())) {
      long bytes = answer.outcome() == Outcome.MISS ? answer.bytes() : 0;
      regrets = regrets.plus(bytes, answer.took());
      recorder.regret(now, bytes, answer.took());
    }
  }

  /** The store's own name of {@code stored} is gone, for want of room. */
  public void evicted(Stored stored) {
    Instant now = clock.instant();
    synchronized (lock) {
      evicted.remove(stored.digest());
      evicted.put(stored.digest(), now);
      forgetOld(now);
    }
  }

  @GuardedBy("lock")
  private void forgetOld(Instant now) {
    Instant old = now.minus(REGRET);
    Iterator<Instant> times = evicted.values().iterator();
    while (times.hasNext()) {
      boolean isOld = times.next().isBefore(old);
      if (!isOld && evicted.size() <= MOST_EVICTED) {
        return;
      }
      times.remove();
    }
  }

  /** What the window that ends now tells. */
  public Advice advise(Span span) {
    return recorder.advise(span, clock.instant());
  }

  /** Allocated bytes of all that was asked for in each window, each object once. */
  public long workingSetBytes(Span span) {
    return recorder.workingSetBytes(span, clock.instant());
  }

  public Regrets regrets() {
    synchronized (lock) {
      return regrets;
    }
  }

  /**
   * Records requests in {@code file} from now on; null ends it. What goes on in the same file is
   * left alone. A file that cannot be had is told of in the log, and nothing is recorded.
   */
  public void recordIn(@Nullable Path traceFile, long maxBytes) {
    synchronized (lock) {
      Trace before = trace;
      boolean isSame =
          traceFile != null && traceFile.equals(before.file()) && maxBytes == before.maxBytes();
      if (isSame && before.writer() != null) {
        return;
      }
      trace = new Trace(traceFile, maxBytes, null);
      if (before.writer() != null) {
        before.writer().close();
      }
      if (traceFile != null) {
        trace = new Trace(traceFile, maxBytes, writer(traceFile, maxBytes).orElse(null));
      }
    }
  }

  private static Optional<TraceWriter> writer(Path traceFile, long maxBytes) {
    try {
      return Optional.of(TraceWriter.open(traceFile, maxBytes));
    } catch (IOException e) {
      log.error(
          "requests are not recorded, the trace cannot be opened file={} error={}",
          traceFile,
          e.toString());
      return Optional.empty();
    }
  }

  /**
   * How the recording goes.
   *
   * @param state {@code writing}, {@code full} or {@code failed}
   * @param lost requests that came faster than they could be written
   */
  public record TraceStatus(Path file, String state, long bytes, long lost) {}

  /** Empty if no recording is wanted. */
  public Optional<TraceStatus> traceStatus() {
    Trace now = trace;
    Path traceFile = now.file();
    TraceWriter writer = now.writer();
    if (traceFile == null) {
      return Optional.empty();
    }
    return Optional.of(
        writer == null
            ? new TraceStatus(traceFile, TraceWriter.State.FAILED.word(), 0, 0)
            : new TraceStatus(traceFile, writer.state().word(), writer.bytes(), writer.lost()));
  }

  /**
   * Writes what is known to the file, for the next start, if anything came since the last time. A
   * disk that refuses costs advice its memory and nobody a download, and is told of in the log.
   */
  public void save() {
    if (unsaved.getAndSet(false)) {
      try {
        recorder.save(file);
      } catch (IOException e) {
        unsaved.set(true);
        log.warn("what advice is made of cannot be kept file={} error={}", file, e.toString());
      }
    }
  }

  @Override
  public void close() {
    recordIn(null, 0);
    save();
  }
}
