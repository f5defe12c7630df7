package org.cacheddownloads.fetch;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.cacheddownloads.archive.TreeMaker;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.Known;
import org.cacheddownloads.config.Config;
import org.cacheddownloads.content.Checksum;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Entry;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.content.Outcome;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.TimedOut;
import org.cacheddownloads.fetch.Flights.Question;
import org.cacheddownloads.fetch.Flights.Ride;
import org.cacheddownloads.space.Copies;
import org.cacheddownloads.space.Evictor;
import org.cacheddownloads.space.Pin;
import org.cacheddownloads.space.Recency;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.StorageFault;
import org.cacheddownloads.trace.Phase;
import org.cacheddownloads.trace.Trace;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The story of a request, from what is wanted to bytes that are pinned in the store:
 *
 * <ol>
 *   <li>a checksum whose bytes are here is a hit;
 *   <li>otherwise the entry of the key, the request and the clock give a {@link Plan};
 *   <li>what needs the origin joins the flight of its question, or starts it ({@link Download} is
 *       its work);
 *   <li>if the origin fails or is slow and the caller accepts it, the older entry is handed out.
 * </ol>
 *
 * Blocking, in the caller's virtual thread; an interrupt ends the waiting. Thread-safe.
 */
public final class Fetcher {
  private static final Logger log = LoggerFactory.getLogger(Fetcher.class);
  private static final Duration PROGRESS_EVERY = Duration.ofMillis(100);

  private final Supplier<Config> config;
  private final Catalog catalog;
  private final BlobStore store;
  private final Evictor evictor;
  private final Copies copies;
  private final TreeMaker trees;
  private final Recency recency;
  private final Breakers breakers;
  private final Flights flights;
  private final Download download;
  private final Authority authority;
  private final Refusals refusals;
  private final Clock clock;

  public Fetcher(
      Supplier<Config> config,
      Catalog catalog,
      BlobStore store,
      Evictor evictor,
      Copies copies,
      TreeMaker trees,
      Recency recency,
      Breakers breakers,
      Flights flights,
      Download download,
      Authority authority,
      Clock clock) {
    this.config = config;
    this.catalog = catalog;
    this.store = store;
    this.evictor = evictor;
    this.copies = copies;
    this.trees = trees;
    this.recency = recency;
    this.breakers = breakers;
    this.flights = flights;
    this.download = download;
    this.authority = authority;
    this.refusals = new Refusals(clock);
    this.clock = clock;
  }

  /** What it would do, told without doing it. */
  public Explainer explainer(Proxies proxies) {
    return new Explainer(config, catalog, authority, breakers, refusals, proxies, clock);
  }

  /** An entry whose bytes are pinned, as the asker sees it. */
  private record Candidate(Known known, Pin pin) implements AutoCloseable {
    Entry entry() {
      return known.entry();
    }

    @Override
    public void close() {
      pin.close();
    }
  }

  /** What stays the same while one request is served. */
  private record Asking(
      DownloadRequest request,
      Question question,
      String credentials,
      Instant deadline,
      Progress progress) {}

  /**
   * Brings the bytes of {@code request} into the store, if they are not there, and pins them.
   *
   * @throws CacheException why not; nothing has changed then that anybody can see
   */
  public Provided provide(DownloadRequest request, Progress progress) {
    OriginPolicy.checkUrl(
        config.get().origins(), request.primary().url()); // also for what is here already
    String credentials = authority.credentials(request.sources());
    var question =
        new Question(request.key(), request.checksum(), authority.question(request.sources()));
    Instant deadline = clock.instant().plus(request.timeout());
    var asking = new Asking(request, question, credentials, deadline, progress);

    Optional<Candidate> byChecksum =
        request.checksum().flatMap(checksum -> candidateOf(checksum, asking));
    if (byChecksum.isPresent()) {
      return handOut(byChecksum.get(), Outcome.HIT);
    }
    Candidate candidate =
        catalog
            .find(request.key(), credentials)
            .flatMap(known -> pinned(known, request, deadline))
            .orElse(null);
    boolean handedOut = false;
    try {
      Plan plan =
          Plan.of(
              Optional.ofNullable(candidate).map(Candidate::entry),
              ask(asking, candidate),
              clock.instant());
      if (plan instanceof Plan.Serve && candidate != null) {
        handedOut = true;
        return handOut(candidate, Outcome.HIT);
      }
      Provided provided = fetch(asking, candidate, plan);
      handedOut = provided.outcome() == Outcome.STALE;
      return provided;
    } finally {
      if (candidate != null && !handedOut) {
        candidate.close();
      }
    }
  }

  private Plan.Ask ask(Asking asking, @Nullable Candidate candidate) {
    DownloadRequest request = asking.request();
    Optional<Digest> wanted = request.checksum().flatMap(catalog::digestOf);
    return new Plan.Ask(
        request.sources().stream().map(Source::identity).collect(Collectors.toSet()),
        wanted,
        request.checksum().isPresent() && wanted.isEmpty(),
        candidate != null && candidate.known().granted(),
        candidate == null
            || candidate
                .entry()
                .variant()
                .matches(sentTo(candidate.entry().source(), request), authority),
        request.maxAge(),
        config.get().fetch().freshness() == Config.Freshness.ALWAYS);
  }

  /** The headers that a request has for the source of an entry. */
  private static Headers sentTo(String source, DownloadRequest request) {
    return request.sources().stream()
        .filter(each -> each.identity().equals(source))
        .findFirst()
        .orElseGet(request::primary)
        .headers();
  }

  private Provided handOut(Candidate candidate, Outcome outcome) {
    catalog.used(candidate.pin().stored(), recency.next());
    return new Provided(candidate.entry(), outcome, 0, candidate::close);
  }

  // ---- what is here ----

  private Optional<Candidate> candidateOf(Checksum checksum, Asking asking) {
    Optional<Digest> digest = catalog.digestOf(checksum);
    if (digest.isEmpty()) {
      digest = computed(checksum, asking);
    }
    return digest
        .flatMap(known -> catalog.findGranted(known, asking.credentials()))
        .flatMap(known -> pinned(known, asking.request(), asking.deadline()));
  }

  /**
   * The digest under the request's key, if its bytes have a checksum that nobody has computed so
   * far.
   */
  private Optional<Digest> computed(Checksum checksum, Asking asking) {
    Optional<Known> known = catalog.find(asking.request().key(), asking.credentials());
    if (known.isEmpty()
        || !known.get().granted()
        || catalog.isChecksumKnown(known.get().entry().digest(), checksum.algorithm())) {
      return Optional.empty();
    }
    Digest digest = known.get().entry().digest();
    try (Candidate candidate = pinnedFile(known.get(), asking.deadline()).orElse(null)) {
      if (candidate == null) {
        return Optional.empty();
      }
      String hex = store.hash(candidate.pin().stored(), checksum.algorithm().jcaName());
      catalog.learnChecksum(digest, new Checksum(checksum.algorithm(), hex));
      return hex.equals(checksum.hex()) ? Optional.of(digest) : Optional.empty();
    } catch (IOException e) {
      throw StorageFault.of("hash " + digest, e);
    }
  }

  /**
   * Pins the bytes of an entry, or what they unpack to where that is wanted and is here; empty if
   * they have vanished or turn out to be damaged.
   */
  private Optional<Candidate> pinned(Known known, DownloadRequest request, Instant deadline) {
    if (request.form() == Form.TREE) {
      Optional<Pin> tree = trees.pinIfHere(known.entry().digest());
      if (tree.isPresent()) {
        return Optional.of(new Candidate(known, tree.get()));
      }
    }
    return pinnedFile(known, deadline);
  }

  private Optional<Candidate> pinnedFile(Known known, Instant deadline) {
    return copies
        .pin(Stored.file(known.entry().digest()), deadline)
        .map(pin -> new Candidate(known, pin));
  }

  // ---- what has to be asked for ----

  private Provided fetch(Asking asking, @Nullable Candidate candidate, Plan plan) {
    Optional<CacheException> refused = refusals.recall(asking.question());
    if (refused.isPresent()) {
      throw refused.get();
    }
    Download.Task task = task(asking, candidate, plan);
    Pin olderBytes = candidate == null ? null : evictor.pin(candidate.pin().stored());
    Ride ride = flights.join(asking.question(), asking.deadline(), workOf(task, olderBytes));
    if (olderBytes != null && !ride.leads()) {
      olderBytes.close(); // the flight that was joined has its own
    }
    boolean kept = false;
    try {
      if (candidate != null
          && (mayBeUsedMeanwhile(candidate, asking)
              || (allAreDown(asking) && mayBeStale(candidate, asking)))) {
        if (ride.leads()) { // the others leave: one who stays is enough, however many ask
          kept = true;
          goOnWithout(ride);
        }
        return handOut(candidate, Outcome.STALE);
      }
      Landing landing = awaitTraced(ride, asking, candidate);
      if (landing == null && candidate != null) {
        return handOut(candidate, Outcome.STALE);
      }
      if (landing == null) {
        throw late(asking, ride);
      }
      if (landing.forOne() && !ride.leads()) {
        return fetchAlone(asking, task, candidate);
      }
      kept = true;
      return provided(landing, ride);
    } catch (CacheException failure) {
      refusals.remember(asking.question(), failure, config.get().fetch().negativeTtl());
      if (candidate != null && Retry.isOutage(failure) && mayBeStale(candidate, asking)) {
        return handOut(candidate, Outcome.STALE);
      }
      throw failure;
    } finally {
      if (!kept) {
        ride.close();
      }
    }
  }

  /** Validates for those who come later: nobody waits, and the flight has its bytes pinned. */
  private static void goOnWithout(Ride ride) {
    Thread.ofVirtual()
        .name("validation")
        .start(
            () -> {
              try (ride) {
                Optional<Landing> _ = ride.await(ride.deadline());
              } catch (CacheException e) {
                log.debug("an entry could not be validated in advance error={}", e.getMessage());
              }
            });
  }

  /** The response was for one request only: this one gets its own. */
  private Provided fetchAlone(Asking asking, Download.Task task, @Nullable Candidate candidate) {
    Pin olderBytes = candidate == null ? null : evictor.pin(candidate.pin().stored());
    Ride ride = flights.alone(asking.question(), asking.deadline(), workOf(task, olderBytes));
    boolean kept = false;
    try {
      Landing landing = ride.await(asking.deadline()).orElseThrow(() -> late(asking, ride));
      kept = true;
      return provided(landing, ride);
    } finally {
      Trace.current().add(ride.trace());
      if (!kept) {
        ride.close();
      }
    }
  }

  private Download.Task task(Asking asking, @Nullable Candidate candidate, Plan plan) {
    Optional<Entry> known = Optional.ofNullable(candidate).map(Candidate::entry);
    return new Download.Task(
        asking.request(),
        asking.credentials(),
        known,
        candidate != null && candidate.known().granted(),
        plan);
  }

  /**
   * @param olderBytes held until the flight ends, which may be after the request that started it
   */
  private Flights.Work workOf(Download.Task task, @Nullable Pin olderBytes) {
    return flight -> {
      try (olderBytes) {
        return download.run(flight, task);
      }
    };
  }

  private Provided provided(Landing landing, Ride ride) {
    catalog.used(landing.pin().stored(), recency.next());
    boolean sharedUncached = landing.outcome() == Outcome.UNCACHED;
    Outcome outcome = ride.leads() || sharedUncached ? landing.outcome() : Outcome.COALESCED;
    return new Provided(
        landing.entry(), outcome, ride.leads() ? landing.bytesFetched() : 0, ride::close);
  }

  /** Whose own flight it is goes through what that does; the others wait for it. */
  private @Nullable Landing awaitTraced(Ride ride, Asking asking, @Nullable Candidate candidate) {
    if (!ride.leads()) {
      try (var _ = Trace.enter(Phase.FLIGHT)) {
        return await(ride, asking, candidate);
      }
    }
    try {
      return await(ride, asking, candidate);
    } finally {
      Trace.current().add(ride.trace());
    }
  }

  /**
   * The landing, or null if the caller's time is up, or the time that an origin gets while there is
   * a stale entry to hand out.
   */
  private @Nullable Landing await(Ride ride, Asking asking, @Nullable Candidate candidate) {
    Instant until = asking.deadline();
    if (candidate != null && mayBeStale(candidate, asking)) {
      Instant patience = clock.instant().plus(config.get().fetch().staleAfter());
      until = patience.isBefore(until) ? patience : until;
    }
    while (true) {
      Instant now = clock.instant();
      Instant slice =
          asking.progress().equals(Progress.NONE) || now.plus(PROGRESS_EVERY).isAfter(until)
              ? until
              : now.plus(PROGRESS_EVERY);
      Optional<Landing> landing = ride.await(slice);
      if (landing.isPresent()) {
        return landing.get();
      }
      if (!clock.instant().isBefore(until)) {
        if (candidate != null && mayBeStale(candidate, asking)) {
          return null;
        }
        throw late(asking, ride);
      }
      asking.progress().at(ride.received(), ride.total());
    }
  }

  /**
   * Whether an entry may stand in for an origin that fails: if the caller allows it, or the origin
   * does by {@code stale-if-error} and the caller has not said what it allows.
   */
  private boolean mayBeStale(Candidate candidate, Asking asking) {
    Entry entry = candidate.entry();
    DownloadRequest request = asking.request();
    return fits(candidate, asking)
        && (entry.mayBeStale(request.maxStale(), clock.instant())
            || (request.originDecidesStale() && entry.mayStandInForAnError(clock.instant())));
  }

  /** Whether an entry may be handed out while it is validated. */
  private boolean mayBeUsedMeanwhile(Candidate candidate, Asking asking) {
    return asking.request().originDecidesStale()
        && config.get().fetch().freshness() != Config.Freshness.ALWAYS
        && fits(candidate, asking)
        && candidate.entry().mayBeUsedMeanwhile(clock.instant());
  }

  /** Whether to wait for an answer is to wait for an origin that had none for a while. */
  private boolean allAreDown(Asking asking) {
    return asking.request().sources().stream()
        .allMatch(source -> breakers.isDown(source.url().origin()));
  }

  /** Whether an entry is what is asked for, but for its age. */
  private boolean fits(Candidate candidate, Asking asking) {
    Plan.Ask ask = ask(asking, candidate);
    Entry entry = candidate.entry();
    return ask.granted()
        && ask.sameVariant()
        && ask.sources().contains(entry.source())
        && !ask.wantsOther()
        && ask.wanted().map(entry.digest()::equals).orElse(true);
  }

  private static CacheException late(Asking asking, Ride ride) {
    String trouble = ride.lastTrouble();
    String message =
        "the download of "
            + asking.request().primary().url()
            + " was not complete within "
            + asking.request().timeout().toMillis()
            + " ms"
            + (trouble == null ? "" : "; the last try failed: " + trouble);
    return new TimedOut(message, null).withAttempts(ride.tried());
  }
}
