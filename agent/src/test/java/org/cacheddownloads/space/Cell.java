package org.cacheddownloads.space;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.Publication;
import org.cacheddownloads.config.Config.Policy;
import org.cacheddownloads.config.Config.Quota;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Entry;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.Lifetime;
import org.cacheddownloads.content.Sha256;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.content.Validator;
import org.cacheddownloads.content.Variant;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Ingest;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.StoreLayout;

/**
 * The real parts below the views, in a directory of a test: what a download does to them is a
 * method here. Closing one and opening another on the same directory is a restart.
 */
public final class Cell implements AutoCloseable {
  private static final int MANY_LINKS = 1000;
  public static final String BOOT = "boot";
  public static final Instant NEVER = Instant.MAX;
  public static final Quota ROOMY = new Quota(1L << 30, 100_000, 0, Duration.ZERO);

  public final TestClock clock;
  public final AtomicReference<Quota> quota = new AtomicReference<>(ROOMY);
  public final AtomicLong freeBytes = new AtomicLong(1L << 40);
  public final StoreLayout layout;
  public final BlobStore store;
  public final Recency recency;
  public final Holds holds = new Holds();
  public final Budget budget;
  public final Catalog catalog;
  public final Partials partials;
  public final Evictor evictor;
  public final Copies copies;
  public int damaged;
  public final List<Stored> evicted = new ArrayList<>();
  public final List<EvictionReason> reasons = new ArrayList<>();

  public Cell(Path state) throws IOException {
    this(state, new TestClock());
  }

  public Cell(Path state, TestClock clock) throws IOException {
    this(state, clock, Policy.LRU);
  }

  Cell(Path state, TestClock clock, Policy policy) throws IOException {
    this.clock = clock;
    layout = StoreLayout.open(state);
    store = new BlobStore(layout, BOOT);
    recency = new Recency(clock);
    budget = new Budget(quota::get, freeBytes::get, clock);
    partials = new Partials(budget, () -> Duration.ofHours(1), clock);
    catalog = Catalog.open(layout.catalog(), holds::isInUse);
    evictor =
        new Evictor(
            catalog,
            store,
            holds,
            EvictionOrder.of(policy, catalog, holds),
            budget,
            partials,
            clock,
            new Evictor.Listener() {
              @Override
              public void evicted(
                  Stored stored, long bytes, Duration idleFor, EvictionReason reason) {
                evicted.add(stored);
                reasons.add(reason);
              }

              @Override
              public void damaged(Stored stored, boolean inUse) {
                damaged++;
              }
            });
    copies = new Copies(catalog, store, budget, holds, evictor, recency);
  }

  public static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** A body of so many blocks of 4 KiB that differs from every body of another text. */
  public static byte[] blocks(String text, int count) {
    return text.concat("\n")
        .repeat(1 + count * 4096 / (text.length() + 1))
        .substring(0, count * 4096)
        .getBytes(StandardCharsets.US_ASCII);
  }

  public static Digest digestOf(byte[] bytes) {
    return new Digest(Sha256.hexOf(new String(bytes, StandardCharsets.UTF_8)));
  }

  public static Entry entry(String key, Digest digest, long size) {
    Instant at = TestClock.START;
    return new Entry(
        new CacheKey(key),
        digest,
        size,
        "http://origin/" + key,
        "http://origin/" + key,
        new Validator("\"" + key + "\"", null),
        at,
        at,
        null,
        Set.of(),
        Variant.NONE,
        Lifetime.NONE);
  }

  /** What a download does: reserve, write, commit, publish. */
  public Stored publish(String key, byte[] body) throws IOException {
    try (Pin pin = commit(body)) {
      Stored stored = pin.stored();
      long allocated = store.stat(stored).orElseThrow().allocatedBytes();
      Entry entry = entry(key, stored.digest(), body.length);
      catalog
          .publish(new Publication(entry, allocated, "", Optional.empty()), recency.next())
          .ifPresent(evictor::dropUnlisted);
      return stored;
    }
  }

  /** What a download does whose response may not be stored: the pin is all that holds the bytes. */
  public Pin uncached(byte[] body) throws IOException {
    Pin pin = commit(body);
    long allocated = store.stat(pin.stored()).orElseThrow().allocatedBytes();
    catalog.addBlob(pin.stored(), body.length, allocated, recency.next());
    return pin;
  }

  /** Bytes in the store that no row accounts for so far. */
  public Pin commit(byte[] body) throws IOException {
    try (Reservation room = budget.reserve(Reservation.allocationOf(body.length), 2, NEVER);
        Ingest ingest = store.begin(false, null)) {
      ingest.write(ByteBuffer.wrap(body));
      room.wrote(body.length);
      Stored stored = new Stored(ingest.finish().digest(), Form.FILE);
      Pin pin = evictor.pin(stored);
      if (store.commit(ingest, stored)) {
        room.committed(store.stat(stored).orElseThrow().allocatedBytes());
      }
      return pin;
    }
  }

  /** Whether the store has a file of this name. */
  public boolean isStored(Stored stored) {
    return Files.exists(layout.blob(stored));
  }

  /**
   * Gives {@code stored} another inode, as when the first has all the links it can have. The links
   * that crowd it meanwhile are nobody's.
   */
  public void renewInode(Stored stored) throws IOException {
    Path crowd = Files.createDirectory(layout.state().resolve("crowd"));
    for (int i = 0; i < MANY_LINKS; i++) {
      Posix.link(layout.blob(stored), crowd.resolve("link" + i));
    }
    try (Pin _ = evictor.pin(stored)) {
      copies.renewInode(stored, NEVER);
    } finally {
      BlobStore.discard(crowd);
    }
  }

  /** Hands {@code stored} out, as the newest use. */
  public void use(Stored stored) {
    catalog.used(stored, recency.next());
  }

  /** What the disk says, told apart as the sums of the budget are. */
  public record Disk(
      long partialBytes, long idleBytes, long inUseBytes, long quarantineBytes, long files) {}

  /**
   * Counts the disk without asking any part of the agent: blocks once per inode, and directories
   * below {@code containers}.
   */
  public Disk disk() throws IOException {
    Path state = layout.state();
    Map<Long, Long> inUse = new HashMap<>();
    long directories = 0;
    long files = 0;
    for (Path path : below(state.resolve("containers"))) {
      Posix.Stat stat = Posix.lstat(path);
      if (stat.isFile()) {
        inUse.put(stat.inode(), stat.allocatedBytes());
      } else {
        files++;
        directories += stat.isDirectory() ? stat.allocatedBytes() : 0;
      }
    }
    Set<Long> counted = new HashSet<>(inUse.keySet());
    long idle = newBytes(state.resolve("blobs"), counted);
    long quarantine = newBytes(state.resolve("quarantine"), counted);
    long partial = newBytes(state.resolve("ingest"), counted);
    return new Disk(
        partial,
        idle,
        directories + inUse.values().stream().mapToLong(Long::longValue).sum(),
        quarantine,
        files + counted.size());
  }

  private static long newBytes(Path directory, Set<Long> counted) throws IOException {
    long bytes = 0;
    for (Path path : below(directory)) {
      Posix.Stat stat = Posix.lstat(path);
      if (stat.isFile() && counted.add(stat.inode())) {
        bytes += stat.allocatedBytes();
      }
    }
    return bytes;
  }

  private static List<Path> below(Path directory) throws IOException {
    try (var paths = Files.walk(directory)) {
      return paths.filter(path -> !path.equals(directory)).sorted().toList();
    }
  }

  /** The sums of the budget are those of the disk, and nothing is reserved. */
  public void assertSumsAreTheDisks() throws IOException {
    Budget.Sums sums = budget.sums();
    assertEquals(0, sums.reservedBytes(), "reserved bytes");
    assertEquals(
        disk(),
        new Disk(
            sums.partialBytes(),
            sums.idleBytes(),
            sums.inUseBytes(),
            sums.quarantineBytes(),
            sums.files()));
  }

  @Override
  public void close() {
    catalog.close();
    store.close();
    layout.close();
  }
}
