package org.cacheddownloads.fetch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.cacheddownloads.config.Config;
import org.cacheddownloads.config.Config.Fetch;
import org.cacheddownloads.content.Checksum;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.content.IntegrityField;
import org.cacheddownloads.content.ResumeNote;
import org.cacheddownloads.failure.CacheException.BadResponse;
import org.cacheddownloads.failure.CacheException.ChecksumMismatch;
import org.cacheddownloads.failure.CacheException.TimedOut;
import org.cacheddownloads.failure.CacheException.TooLarge;
import org.cacheddownloads.failure.CrashPoint;
import org.cacheddownloads.fetch.Flights.Flight;
import org.cacheddownloads.space.Budget;
import org.cacheddownloads.space.Partial;
import org.cacheddownloads.space.Partials;
import org.cacheddownloads.space.Reservation;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Hashing;
import org.cacheddownloads.store.Ingest;
import org.cacheddownloads.store.StorageFault;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The body of one source on its way into the store, through as many requests as that takes: what a
 * connection that broke has brought is kept, and the rest is asked for. Belongs to the thread of
 * one flight.
 *
 * <p>Closed without {@link #finish}, it lays aside what can be gone on with and drops the rest.
 */
public final class Transfer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Transfer.class);
  private static final long SMALLEST_STEP = 64 * 1024;
  private static final long LARGEST_STEP = 16 << 20;
  private static final int INODES = 2;
  private static final int INODES_WITH_NOTE = 3;

  /** A try that brought this much is not held against the origin. */
  private static final long PROGRESS_BYTES = 1 << 20;

  private static final Pattern CONTENT_RANGE =
      Pattern.compile("bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})");
  private static final Pattern UNSATISFIED = Pattern.compile("bytes \\*/([0-9]{1,18})");

  private final Parts parts;
  private final Flight flight;
  private final Source source;
  private final String sent;
  private final Checksum.@Nullable Algorithm algorithm;
  private @Nullable Ingest ingest;
  private @Nullable Reservation room;

  /** Room that was waited for, for a body that is still to be asked for. */
  private @Nullable Reservation promised;

  /** Allocation for which a release has to be waited for; 0 if there is nothing to wait for. */
  private long lackingBytes;

  private @Nullable ResumeNote note;
  private long windowsNoted;
  private long receivedBytes;
  private long mostBytes;
  private boolean spoiled;

  /** What all transfers work with. */
  public record Parts(
      Supplier<Config> config,
      BlobStore store,
      Budget budget,
      Partials partials,
      Authority authority,
      Listener listener,
      Clock clock) {}

  /** Hears of downloads that go on where they were cut. */
  public interface Listener {
    /** {@code bytes} of a body were here already and are not asked for again. */
    void resumed(long bytes);
  }

  /** Takes up what is left of an earlier try, if there is anything. */
  Transfer(Parts parts, Flight flight, Source source, Checksum.@Nullable Algorithm algorithm) {
    this.parts = parts;
    this.flight = flight;
    this.source = source;
    this.algorithm = algorithm;
    this.sent = parts.authority().question(java.util.List.of(source));
    parts.partials().take(source.identity(), sent, algorithm).ifPresent(this::takeUp);
  }

  private void takeUp(Partial partial) {
    try {
      Ingest open = partial.open(parts.store(), algorithm);
      if (open.size() == 0) {
        partial.close();
        return;
      }
      ingest = open;
      room = partial.room();
      note = partial.note();
      mostBytes = open.size();
    } catch (ClosedByInterruptException e) {
      layDown(partial);
      throw StorageFault.of("read a partial download", e);
    } catch (IOException e) {
      log.warn(
          "a partial download cannot be gone on with source={} error={}",
          source.url(),
          e.toString());
      partial.close();
    }
  }

  private void layDown(Partial partial) {
    try {
      parts.partials().keep(partial);
    } catch (IOException e) {
      partial.close();
    }
  }

  /** The rest to ask for, if a part is here. */
  Optional<Origin.Part> rest() {
    return ingest == null || note == null || ingest.size() == 0
        ? Optional.empty()
        : Optional.of(new Origin.Part(ingest.size(), note.strong()));
  }

  /** Body bytes that this transfer has received, also those that came in vain. */
  long receivedBytes() {
    return receivedBytes;
  }

  /** Whether more is here than at the last call, so that going on makes sense. */
  boolean hasProgressed() {
    long size = ingest == null || note == null ? 0 : ingest.size();
    boolean progressed = size >= mostBytes + PROGRESS_BYTES;
    mostBytes = Math.max(mostBytes, size);
    return progressed;
  }

  /** The room that the bytes take, once there are any. */
  Reservation room() {
    return required(room);
  }

  Ingest ingest() {
    return required(ingest);
  }

  private static <T> T required(@Nullable T part) {
    if (part == null) {
      throw new IllegalStateException("no body has begun");
    }
    return part;
  }

  /**
   * Reads the body of a 200 or 203, or what a 206 or 416 says about the rest.
   *
   * @param mayRest whether the response may be kept for another request
   * @return the headers that hold for the whole, or empty if the source is to be asked again: for
   *     all of it, or for {@link #rest} after {@link #awaitRoom} if it {@link #lacksRoom}
   */
  Optional<Headers> receive(OriginResponse response, boolean mayRest) throws IOException {
    return switch (response.status()) {
      case 206 -> goOn(response);
      case 416 -> complete(response);
      default -> startOver(response, mayRest) ? Optional.of(response.headers()) : Optional.empty();
    };
  }

  /** Whether the body ended for want of room, which only a release can make. */
  boolean lacksRoom() {
    return lackingBytes > 0;
  }

  /** Waits for the room that was missing, with no response open. */
  void awaitRoom() {
    long bytes = lackingBytes;
    lackingBytes = 0;
    Reservation held = room == null ? promised : room;
    if (held == null) {
      promised = parts.budget().reserve(bytes, INODES_WITH_NOTE, flight.deadline());
    } else {
      held.ensure(bytes, flight.deadline());
    }
  }

  /**
   * @return whether all of it is here
   */
  private boolean startOver(OriginResponse response, boolean mayRest) throws IOException {
    discard();
    long announced = response.contentLength().orElse(-1);
    checkSize(announced);
    Optional<ResumeNote> resumable =
        mayRest && response.status() == 200
            ? ResumeNote.of(source.identity(), sent, response.headers(), announced)
            : Optional.empty();
    note = resumable.orElse(null);
    if (!begin(allocation(announced < 0 ? SMALLEST_STEP : announced))) {
      return false;
    }
    CrashPoint.RESERVE.reached();
    ingest = parts.store().begin(false, algorithm, note);
    CrashPoint.OPEN.reached();
    return copy(response, announced);
  }

  private boolean begin(long bytes) {
    if (promised == null) {
      room =
          parts
              .budget()
              .reserveByEvicting(bytes, note == null ? INODES : INODES_WITH_NOTE, flight.deadline())
              .orElse(null);
    } else if (promised.ensureByEvicting(bytes, flight.deadline())) {
      room = promised;
      promised = null;
    }
    lackingBytes = room == null ? bytes : 0;
    return room != null;
  }

  private Optional<Headers> goOn(OriginResponse response) throws IOException {
    ResumeNote mine = note;
    Ingest open = ingest;
    if (mine == null || open == null) {
      throw BadResponse.of(source.url() + " answered 206 although no range was asked for", 206);
    }
    long total = totalOf(response, mine, open.size());
    if (total < 0) {
      log.info(
          "the origin sent another range than the rest, starting over source={}", source.url());
      discard();
      return Optional.empty();
    }
    checkSize(total);
    if (!required(room).ensureByEvicting(allocation(total), flight.deadline())) {
      lackingBytes = allocation(total);
      return Optional.empty();
    }
    parts.listener().resumed(open.size());
    CrashPoint.RESUME.reached();
    return copy(response, total)
        ? Optional.of(response.headers().orElse(mine.headers()))
        : Optional.empty();
  }

  /** The length of the whole, or -1 if this is not exactly the rest that was asked for. */
  private static long totalOf(OriginResponse response, ResumeNote mine, long from) {
    Matcher range =
        CONTENT_RANGE.matcher(response.headers().first("content-range").orElse("").strip());
    if (!range.matches() || !mine.isOf(response.headers())) {
      return -1;
    }
    long first = Long.parseLong(range.group(1));
    long last = Long.parseLong(range.group(2));
    long total = Long.parseLong(range.group(3));
    OptionalLong length = response.contentLength();
    boolean exact =
        first == from
            && last >= first
            && last < total
            && (mine.totalBytes() < 0 || mine.totalBytes() == total)
            && (length.isEmpty() || length.getAsLong() == last - first + 1);
    return exact ? total : -1;
  }

  /** A 416 for a rest of no bytes says that all of it is here (RFC 9110 section 15.5.17). */
  private Optional<Headers> complete(OriginResponse response) {
    Matcher range =
        UNSATISFIED.matcher(response.headers().first("content-range").orElse("").strip());
    ResumeNote mine = note;
    Ingest open = ingest;
    if (mine != null
        && open != null
        && range.matches()
        && Long.parseLong(range.group(1)) == open.size()
        && (mine.totalBytes() < 0 || mine.totalBytes() == open.size())) {
      // How old the representation is was said of another response: it is not fresh.
      String control = mine.headers().first("cache-control").map(text -> text + ", ").orElse("");
      parts.listener().resumed(open.size());
      return Optional.of(mine.headers().with("cache-control", control + "no-cache"));
    }
    discard();
    return Optional.empty();
  }

  private long allocation(long bytes) {
    long beside = note == null ? 0 : parts.store().noteAllocation(note, bytes);
    return Reservation.allocationOf(bytes) + Reservation.allocationOf(beside);
  }

  private void checkSize(long bytes) {
    Long most = parts.config().get().fetch().maxBytes();
    if (most != null && bytes > most) {
      spoiled = true;
      throw new TooLarge(source.url() + " is larger than " + most + " bytes (fetch.maxBytes)");
    }
  }

  /**
   * Copies what comes.
   *
   * @param total length of the whole, -1 if it is not known
   * @return whether all of it is here; else it lacks room
   */
  private boolean copy(OriginResponse response, long total) throws IOException {
    Ingest open = required(ingest);
    Reservation reserved = required(room);
    var pace = new Pace(parts.config().get().fetch(), open.size(), parts.clock().instant());
    var message = new MessageSum(response.headers());
    ByteBuffer piece = response.read(flight.deadline());
    while (piece != null) {
      receivedBytes += piece.remaining();
      long size = open.size() + piece.remaining();
      checkSize(size);
      if (total >= 0 && size > total) {
        spoiled = true;
        throw BadResponse.of(
            source.url() + " sent more than the " + total + " bytes it announced",
            response.status());
      }
      if (total < 0) {
        Instant before = parts.clock().instant();
        if (!makeRoom(reserved, size)) {
          return false;
        }
        pace.waited(before, parts.clock().instant());
      }
      message.update(piece);
      ByteBuffer bytes = piece;
      flight.<@Nullable Void>whole(
          () -> {
            open.write(bytes);
            return null;
          });
      charge(reserved, open.written(), size);
      flight.progress(size, total);
      pace.check(size, parts.clock().instant(), source);
      piece = response.read(flight.deadline());
    }
    if (total >= 0 && total != open.size()) {
      throw BadResponse.cut(
          source.url() + " announced " + total + " bytes and sent " + open.size(),
          response.status());
    }
    if (!message.isRight()) {
      spoiled = true;
      throw new ChecksumMismatch(
          source.url() + " sent other bytes than its Content-Digest says of them");
    }
    return true;
  }

  /** What is buffered stays reserved: the file system's free space does not lack it yet. */
  private void charge(Reservation reserved, long written, long size) {
    reserved.wrote(written);
    long windows = size / BlobStore.RESUMABLE_BYTES;
    if (note != null && windows > windowsNoted) {
      windowsNoted = windows;
      reserved.wroteBeside(parts.store().noteAllocation(note, size));
    }
  }

  /**
   * Reserves ahead of a body of unknown length in steps that grow with it, so that little is
   * reserved in vain. One that could not be gone on with later waits for room here.
   *
   * @return false if the rest is to be asked for when there is room
   */
  private boolean makeRoom(Reservation reserved, long size) {
    if (allocation(size) <= reserved.totalBytes()) {
      return true;
    }
    long wanted = allocation(size + Math.clamp(size / 4, SMALLEST_STEP, LARGEST_STEP));
    if (rest().isEmpty()) {
      reserved.ensure(wanted, flight.deadline());
    } else if (!reserved.ensureByEvicting(wanted, flight.deadline())) {
      lackingBytes = wanted;
    }
    return !lacksRoom();
  }

  /** Ends the writing: what was received is the whole. Nothing is laid aside after this. */
  Ingest.Sum finish() throws IOException {
    spoiled = true;
    Ingest.Sum sum = flight.whole(required(ingest)::finish);
    required(room).wrote(sum.size());
    return sum;
  }

  /** Drops what is here. */
  void discard() {
    Ingest open = ingest;
    Reservation reserved = room;
    ingest = null;
    room = null;
    note = null;
    windowsNoted = 0;
    spoiled = false;
    try (reserved;
        open) {
      // the bytes go first, then their room
    }
  }

  @Override
  public void close() {
    try (Reservation _ = promised) {
      layAside();
    }
  }

  private void layAside() {
    Ingest open = ingest;
    Reservation reserved = room;
    ResumeNote mine = note;
    if (open == null
        || reserved == null
        || mine == null
        || spoiled
        || !open.isIntact()
        || !open.isNoted()) {
      discard();
      return;
    }
    try {
      flight.<@Nullable Void>whole(
          () -> {
            open.layAside();
            parts
                .partials()
                .keep(new Partial(open, mine, reserved, algorithm, parts.clock().instant()));
            CrashPoint.KEEP.reached();
            return null;
          });
    } catch (IOException e) {
      log.warn("a partial download cannot be kept source={} error={}", source.url(), e.toString());
      discard();
    }
  }

  /** The sums that a message states of its own content (RFC 9530 section 2), and what came. */
  private static final class MessageSum {
    private final Map<Checksum, MessageDigest> sums = new HashMap<>();

    MessageSum(Headers response) {
      for (Checksum stated : IntegrityField.of(response, IntegrityField.MESSAGE)) {
        sums.put(stated, Hashing.digest(stated.algorithm().jcaName()));
      }
    }

    void update(ByteBuffer piece) {
      sums.values().forEach(sum -> sum.update(piece.duplicate()));
    }

    boolean isRight() {
      return sums.entrySet().stream()
          .allMatch(
              sum -> HexFormat.of().formatHex(sum.getValue().digest()).equals(sum.getKey().hex()));
    }
  }

  /** Watches the average rate, window by window: a drip that never falls silent ends too. */
  private static final class Pace {
    private final Fetch limits;
    private Instant windowStart;
    private long bytesAtStart;

    Pace(Fetch limits, long bytes, Instant start) {
      this.limits = limits;
      this.bytesAtStart = bytes;
      this.windowStart = start;
    }

    /** Leaves out a time in which nothing was read because there was no room. */
    void waited(Instant from, Instant until) {
      windowStart = windowStart.plus(Duration.between(from, until));
    }

    void check(long bytes, Instant now, Source source) {
      Duration window = Duration.between(windowStart, now);
      if (window.compareTo(limits.minRateWindow()) < 0) {
        return;
      }
      double rate = (bytes - bytesAtStart) * 1000.0 / Math.max(1, window.toMillis());
      if (rate < limits.minRateBytes()) {
        throw new TimedOut(
            source.url()
                + " sends less than "
                + limits.minRateBytes()
                + " bytes per second (fetch.minRate)",
            null);
      }
      windowStart = now;
      bytesAtStart = bytes;
    }
  }
}
