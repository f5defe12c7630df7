package org.cacheddownloads.fetch;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.Publication;
import org.cacheddownloads.config.Config;
import org.cacheddownloads.content.Checksum;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Entry;
import org.cacheddownloads.content.Freshness;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.content.IntegrityField;
import org.cacheddownloads.content.Lifetime;
import org.cacheddownloads.content.Outcome;
import org.cacheddownloads.content.SourceUrl;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.content.Validator;
import org.cacheddownloads.content.Variant;
import org.cacheddownloads.failure.Attempt;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.BadResponse;
import org.cacheddownloads.failure.CacheException.BodyTooLarge;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.ChecksumMismatch;
import org.cacheddownloads.failure.CacheException.Draining;
import org.cacheddownloads.failure.CacheException.InsufficientSpace;
import org.cacheddownloads.failure.CacheException.NotReady;
import org.cacheddownloads.failure.CacheException.OriginRejected;
import org.cacheddownloads.failure.CacheException.OriginUnavailable;
import org.cacheddownloads.failure.CacheException.TimedOut;
import org.cacheddownloads.failure.CrashPoint;
import org.cacheddownloads.fetch.Flights.Flight;
import org.cacheddownloads.space.Copies;
import org.cacheddownloads.space.Evictor;
import org.cacheddownloads.space.Pin;
import org.cacheddownloads.space.Recency;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Ingest;
import org.cacheddownloads.store.StorageFault;
import org.cacheddownloads.trace.Phase;
import org.cacheddownloads.trace.Trace;
import org.jspecify.annotations.Nullable;

/**
 * The work of one flight: sources in order, each asked again as long as that is worthwhile; a 304
 * confirms the entry; a body is reserved for, written, hashed, checked, committed and published.
 * Thread-safe; a run belongs to one virtual thread and ends when that is interrupted.
 */
public final class Download {
  private static final String OUT_OF_TIME = new TimedOut("", null).code();

  /** Statuses of answers that may become a download. */
  private static final Set<Integer> BEGINNINGS = Set.of(200, 203, 206, 304);

  private final Supplier<Config> config;
  private final Origin origin;
  private final Slots slots;
  private final Breakers breakers;
  private final Catalog catalog;
  private final BlobStore store;
  private final Transfer.Parts transfers;
  private final Evictor evictor;
  private final Copies copies;
  private final Recency recency;
  private final Authority authority;
  private final Clock clock;

  public Download(
      Supplier<Config> config,
      Origin origin,
      Slots slots,
      Breakers breakers,
      Catalog catalog,
      BlobStore store,
      Evictor evictor,
      Copies copies,
      Recency recency,
      Authority authority,
      Transfer.Parts transfers,
      Clock clock) {
    this.config = config;
    this.origin = origin;
    this.slots = slots;
    this.breakers = breakers;
    this.catalog = catalog;
    this.store = store;
    this.transfers = transfers;
    this.evictor = evictor;
    this.copies = copies;
    this.recency = recency;
    this.authority = authority;
    this.clock = clock;
  }

  /**
   * What a flight is for.
   *
   * @param known the entry of the key, whose bytes are pinned
   * @param granted whether the asker's credentials were accepted for it before
   */
  record Task(
      DownloadRequest request,
      String credentials,
      Optional<Entry> known,
      boolean granted,
      Plan plan) {
    /**
     * The validator for a source; none unless the plan is to revalidate and the entry came from
     * there.
     */
    Validator validatorFor(Source source) {
      return plan instanceof Plan.Revalidate(Entry entry, Validator validator)
              && entry.source().equals(source.identity())
          ? validator
          : Validator.NONE;
    }
  }

  Landing run(Flight flight, Task task) {
    List<Source> sources = task.request().sources();
    Duration hedgeAfter = config.get().fetch().hedgeAfter();
    return sources.size() > 1 && hedgeAfter != null
        ? sideBySide(flight, task, sources, hedgeAfter)
        : inOrder(flight, task, sources);
  }

  private Landing inOrder(Flight flight, Task task, List<Source> sources) {
    var failures = new Refused(flight);
    int left = sources.size();
    for (Source source : sources) {
      var tally = new Tally(flight, failures.attempts, source, share(flight, left--));
      failures.tallies.add(tally);
      tally.tell();
      try {
        return fromSource(flight, task, source, tally);
      } catch (CacheException failure) {
        failures.add(failures.tallies.size() - 1, failure);
      }
    }
    throw failures.told();
  }

  private Landing sideBySide(Flight flight, Task task, List<Source> sources, Duration hedgeAfter) {
    var failures = new Refused(flight);
    for (Source source : sources) {
      failures.tallies.add(new Tally(flight, List.of(), source, Optional.empty()));
    }
    return new Hedge(
            flight,
            hedgeAfter,
            sources.size(),
            (branch, number, began) -> {
              Tally tally = failures.tallies.get(number);
              tally.began = began;
              return fromSource(branch, task, sources.get(number), tally);
            })
        .fly(failures);
  }

  /** Why sources did not give what was wanted. Belongs to the thread of the flight. */
  private static final class Refused implements Hedge.Failures {
    private final Flight flight;
    private final List<Tally> tallies = new ArrayList<>();
    private final List<Attempt> attempts = new ArrayList<>();
    private @Nullable CacheException first;

    Refused(Flight flight) {
      this.flight = flight;
    }

    @Override
    public void add(int source, CacheException failure) {
      if (isOurs(failure)) {
        throw failure;
      }
      attempts.add(tallies.get(source).as(failure.code()));
      flight.trouble(failure.getMessage());
      first = first == null ? failure : first;
    }

    @Override
    public CacheException told() {
      if (first == null) {
        throw new IllegalStateException("a request has at least one source");
      }
      return first.withAttempts(attempts);
    }
  }

  /**
   * Until when one of {@code sources} that are left may take to begin its answer, so that one that
   * is silent leaves time for the others; empty for the last one.
   */
  private Optional<Instant> share(Flight flight, int sources) {
    if (sources == 1) {
      return Optional.empty();
    }
    Instant now = clock.instant();
    return Optional.of(now.plus(Duration.between(now, flight.deadline()).dividedBy(sources)));
  }

  /** Failures of this agent or its disk, which another source would not cure. */
  private static boolean isOurs(CacheException failure) {
    return switch (failure) {
      case InsufficientSpace _, Busy _, NotReady _, Draining _, BodyTooLarge _ -> true;
      default -> Thread.currentThread().isInterrupted();
    };
  }

  /** How often a source was asked and what it said last; told to the flight as it grows. */
  private static final class Tally {
    private final Flight flight;
    private final List<Attempt> before;
    private final Source source;
    private Optional<Instant> share;
    private Runnable began = () -> {};
    int requests;
    @Nullable Integer status;
    Optional<Duration> retryAfter = Optional.empty();

    Tally(Flight flight, List<Attempt> before, Source source, Optional<Instant> share) {
      this.flight = flight;
      this.before = before;
      this.source = source;
      this.share = share;
    }

    /** Until when an answer has to begin. */
    Instant deadline() {
      return share.orElseGet(flight::deadline);
    }

    /** What comes is a download: from now on the source may take as long as there is. */
    void begins() {
      share = Optional.empty();
      began.run();
    }

    Attempt as(String code) {
      return new Attempt(source.url().redacted(), requests, status, code);
    }

    void tell() {
      var tried = new ArrayList<>(before);
      tried.add(as(OUT_OF_TIME));
      flight.tried(tried);
    }
  }

  private Landing fromSource(Flight flight, Task task, Source source, Tally tally) {
    flight.asks(source.url().redacted());
    try (Breakers.Try attempt = breakers.enter(source.url().origin())) {
      try {
        return fromSource(flight, task, source, tally, attempt);
      } catch (OriginUnavailable e) {
        if (e.retryable()) { // what lasts is told at once each time, and is no sign of an outage
          attempt.failed();
        }
        throw e;
      } catch (TimedOut e) {
        if (clock.instant().isBefore(tally.deadline())) { // a limit of ours, and not the caller's
          attempt.failed();
        }
        throw e;
      }
    }
  }

  private Landing fromSource(
      Flight flight, Task task, Source source, Tally tally, Breakers.Try attempt) {
    Validator validator = task.validatorFor(source);
    Checksum.Algorithm algorithm = task.request().checksum().map(Checksum::algorithm).orElse(null);
    try (var transfer = new Transfer(transfers, flight, source, algorithm)) {
      int failures = 0;
      while (true) {
        try {
          tally.retryAfter = Optional.empty();
          var asking = new Asking(flight, task, source, transfer, tally, attempt);
          Optional<Landing> landing = askForAll(asking, validator);
          if (landing.isEmpty()) { // a 304 that matched nothing, or a part that does not fit
            landing = askForAll(asking, Validator.NONE);
          }
          if (landing.isPresent()) {
            return landing.get();
          }
          throw BadResponse.of(
              source.url() + " answers 304 although nothing was asked conditionally", 304);
        } catch (CacheException failure) {
          boolean progressed = transfer.hasProgressed();
          failures = progressed ? 1 : failures + 1;
          if (!Retry.isWorthwhile(failure)
              || attempt.isProbe()
              || failures >= config.get().fetch().attempts()
              || !(progressed || breakers.mayRepeat(source.url().origin()))) {
            throw failure;
          }
          flight.trouble(failure.getMessage());
          pause(
              tally,
              failure,
              Retry.pause(failures, tally.retryAfter, ThreadLocalRandom.current()::nextLong));
        }
      }
    }
  }

  private void pause(Tally tally, CacheException failure, Duration pause) {
    if (clock.instant().plus(pause).isAfter(tally.deadline())) {
      // What it asks for comes too late for everybody who waits, or for the sources that are left.
      throw tally.share.isPresent() || !Retry.isOutage(failure)
          ? failure
          : new TimedOut(
              "there is no time for another try before the deadline; the last one: "
                  + failure.getMessage(),
              failure);
    }
    try (var _ = Trace.enter(Phase.RETRY)) {
      Thread.sleep(pause);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Busy("nobody waits for this download any more", e);
    }
  }

  /**
   * One request, or several where the body finds no room that could be evicted: who waits for a
   * release holds neither a slot nor a connection, since that may take longer than an origin has
   * patience, and since hits need the slots meanwhile.
   *
   * @return empty if what came is of no use and the source has to be asked for all
   */
  private Optional<Landing> askForAll(Asking asking, Validator validator) {
    Optional<Landing> landing = ask(asking, validator);
    while (asking.transfer().lacksRoom()) {
      asking.transfer().awaitRoom();
      landing = ask(asking, validator);
    }
    return landing;
  }

  /** What stays the same while one source is asked, however often. */
  private record Asking(
      Flight flight,
      Task task,
      Source source,
      Transfer transfer,
      Tally tally,
      Breakers.Try attempt) {}

  /** The slot of a request, which moves with it where a redirect leads to another origin. */
  private final class Place implements AutoCloseable {
    private final Instant deadline;
    private Slots.Slot slot;

    Place(SourceUrl url, Instant deadline) {
      this.deadline = deadline;
      this.slot = slots.take(url, deadline);
    }

    /** Gives the one up first: who waits for a slot holds none that others wait for. */
    void moveTo(SourceUrl url) {
      slot.close();
      slot = slots.take(url, deadline);
    }

    @Override
    public void close() {
      slot.close();
    }
  }

  /** One request. @return empty for a 304 that does not confirm what is here */
  private Optional<Landing> ask(Asking asking, Validator validator) {
    Task task = asking.task();
    Source source = asking.source();
    Transfer transfer = asking.transfer();
    Tally tally = asking.tally();
    try (var place = new Place(source.url(), tally.deadline())) {
      tally.requests++;
      tally.tell();
      int before = tally.requests - 1;
      try (OriginResponse response = answer(asking, validator, place, before)) {
        asking.attempt().answered();
        tally.status = response.status();
        tally.tell();
        tally.retryAfter =
            Retry.retryAfter(response.headers().first("retry-after"), clock.instant());
        if (BEGINNINGS.contains(response.status())) {
          tally.begins();
        }
        return switch (response.status()) {
          case 200, 203, 206 -> receive(task, source, response, transfer);
          case 416 -> {
            if (transfer.rest().isEmpty()) {
              throw rejected(source, response);
            }
            yield receive(task, source, response, transfer);
          }
          case 304 -> confirm(task, source, validator, response, transfer);
          default -> throw rejected(source, response);
        };
      }
    }
  }

  private OriginResponse answer(
      Asking asking, Validator validator, Place place, int requestsBefore) {
    try (var _ = Trace.enter(Phase.ORIGIN)) {
      return origin.get(
          asking.source(),
          validator,
          asking.transfer().rest(),
          place::moveTo,
          requestsBefore,
          asking.tally().deadline());
    }
  }

  private static CacheException rejected(Source source, OriginResponse response) {
    int status = response.status();
    if (status >= 400) {
      return new OriginRejected(source.url() + " answered " + status, status);
    }
    return BadResponse.of(
        source.url() + " answered " + status + ", which is not a download", status);
  }

  private Optional<Landing> confirm(
      Task task, Source source, Validator validator, OriginResponse response, Transfer transfer) {
    transfer.discard(); // what is confirmed is not what it is a part of
    if (!validator.isPresent()
        || task.known().isEmpty()
        || !validator.matches(Validator.of(response.headers()))) {
      return Optional.empty();
    }
    Entry known = task.known().get();
    Entry confirmed =
        isForOne(task, freshness(response.headers(), response))
            ? known.confirmedForOne(response.receivedAt())
            : known.confirmed(
                response.headers(),
                response.requestedAt(),
                response.receivedAt(),
                source.headers(),
                authority);
    catalog.confirm(confirmed, task.credentials(), task.granted(), response.receivedAt());
    return Optional.of(
        new Landing(
            confirmed,
            Outcome.REVALIDATED,
            0,
            false,
            evictor.pin(Stored.file(confirmed.digest()))));
  }

  // ---- a body ----

  /**
   * @return empty if the source has to be asked again for all of it
   */
  private Optional<Landing> receive(
      Task task, Source source, OriginResponse response, Transfer transfer) {
    Freshness freshness = freshness(response.headers(), response);
    try (var _ = Trace.enter(Phase.BODY)) {
      Optional<Headers> headers = transfer.receive(response, !isForOne(task, freshness));
      if (headers.isEmpty()) {
        return Optional.empty();
      }
      Ingest.Sum sum = transfer.finish();
      check(task, source, sum);
      checkIntegrity(source, headers.get(), transfer, sum);
      return Optional.of(land(task, source, response, headers.get(), transfer, sum));
    } catch (IOException e) {
      throw StorageFault.of("store the download of " + source.url(), e);
    }
  }

  private static Freshness freshness(Headers headers, OriginResponse response) {
    return Freshness.of(headers, response.requestedAt(), response.receivedAt());
  }

  /** Whether a response may be given to one request only. */
  private static boolean isForOne(Task task, Freshness freshness) {
    return !freshness.storable() || (freshness.personal() && task.credentials().isEmpty());
  }

  private static void check(Task task, Source source, Ingest.Sum sum) {
    task.request()
        .checksum()
        .ifPresent(
            wanted -> {
              String actual =
                  wanted.algorithm() == Checksum.Algorithm.SHA256
                      ? sum.digest().hex()
                      : sum.other().map(Checksum::hex).orElse("");
              if (!actual.equals(wanted.hex())) {
                throw new ChecksumMismatch(
                    source.url()
                        + " has the checksum "
                        + wanted.algorithm().label()
                        + ":"
                        + actual
                        + ", wanted is "
                        + wanted);
              }
            });
  }

  /**
   * Whether the bytes are what the origin says of them (RFC 9530 section 3). An entity tag says
   * nothing of the kind, whatever it looks like.
   */
  private void checkIntegrity(Source source, Headers headers, Transfer transfer, Ingest.Sum sum)
      throws IOException {
    for (Checksum stated : IntegrityField.of(headers, IntegrityField.WHOLE)) {
      String actual =
          stated.algorithm() == Checksum.Algorithm.SHA256
              ? sum.digest().hex()
              : store.hash(transfer.ingest(), stated.algorithm().jcaName());
      if (!actual.equals(stated.hex())) {
        throw new ChecksumMismatch(
            source.url()
                + " has the checksum "
                + stated.algorithm().label()
                + ":"
                + actual
                + ", and says in Repr-Digest that it is "
                + stated);
      }
    }
  }

  private Landing land(
      Task task,
      Source source,
      OriginResponse response,
      Headers headers,
      Transfer transfer,
      Ingest.Sum sum)
      throws IOException {
    Ingest ingest = transfer.ingest();
    Stored stored = Stored.file(sum.digest());
    Pin pin = evictor.pin(stored);
    try {
      if (store.stat(stored).isEmpty()) {
        evictor.forgetVanished(stored); // or its row would count what comes now a second time
      }
      boolean added =
          store.commit(ingest, stored)
              || (!copies.isSound(stored) && store.commit(ingest, stored)); // it was damaged
      long allocated = store.stat(stored).orElseThrow().allocatedBytes();
      Freshness freshness = freshness(headers, response);
      Entry entry = entry(task, source, response, headers, freshness, sum);
      boolean forOne = isForOne(task, freshness);
      if (forOne || !isUseful(entry)) {
        catalog.addBlob(stored, sum.size(), allocated, recency.next());
        charge(transfer, added, allocated);
        return new Landing(entry, Outcome.UNCACHED, transfer.receivedBytes(), forOne, pin);
      }
      publish(task, entry, allocated, sum);
      charge(transfer, added, allocated);
      CrashPoint.PUBLISH.reached();
      return new Landing(
          entry,
          task.known().isPresent() ? Outcome.UPDATED : Outcome.MISS,
          transfer.receivedBytes(),
          false,
          pin);
    } catch (IOException | RuntimeException e) {
      pin.close();
      throw e;
    }
  }

  /** Once the catalog has a row: a file without one is deleted with the pin, and costs nothing. */
  private static void charge(Transfer transfer, boolean added, long allocated) {
    if (added) {
      transfer.room().committed(allocated);
    }
  }

  private Entry entry(
      Task task,
      Source source,
      OriginResponse response,
      Headers headers,
      Freshness freshness,
      Ingest.Sum sum) {
    return new Entry(
        task.request().key(),
        sum.digest(),
        sum.size(),
        source.url().redacted(),
        source.identity(),
        Validator.of(headers),
        response.receivedAt(),
        response.receivedAt(),
        freshness.freshUntil(),
        freshness.directives(),
        Variant.of(headers, source.headers(), authority),
        Lifetime.of(headers));
  }

  /** Without a validator or a lifetime that lasts, an entry could never be handed out again. */
  private static boolean isUseful(Entry entry) {
    return entry.validator().isPresent() || entry.isFreshAt(entry.fetchedAt());
  }

  private void publish(Task task, Entry entry, long allocated, Ingest.Sum sum) {
    Optional<Digest> replaced =
        catalog.publish(
            new Publication(entry, allocated, task.credentials(), sum.other()), recency.next());
    replaced.ifPresent(evictor::dropUnlisted);
  }
}
