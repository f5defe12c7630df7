package org.cacheddownloads.archive;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.cacheddownloads.catalog.BlobRow;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.config.Config;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.content.TreeSum;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.TimedOut;
import org.cacheddownloads.failure.CrashPoint;
import org.cacheddownloads.space.Budget;
import org.cacheddownloads.space.Copies;
import org.cacheddownloads.space.Evictor;
import org.cacheddownloads.space.Pin;
import org.cacheddownloads.space.Recency;
import org.cacheddownloads.space.Reservation;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.StorageFault;
import org.cacheddownloads.store.TreeStore;
import org.cacheddownloads.trace.Phase;
import org.cacheddownloads.trace.Trace;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trees by the digest of their archive: pins the one that is here, and makes it of the blob where
 * it is not. Thread-safe. One unpacking for each archive, however many ask, and {@code
 * archives.concurrency} at a time; each on a platform thread of its own, so that nothing else waits
 * for it. It ends when the last who waits for it has given up.
 */
public final class TreeMaker {
  private static final Logger log = LoggerFactory.getLogger(TreeMaker.class);

  /** The ingest's own directory, its marker, and the directory of the tree. */
  private static final int NICE = 10;

  private static final int INODES_BESIDE = 3;

  private final Supplier<Config> config;
  private final Catalog catalog;
  private final BlobStore store;
  private final Budget budget;
  private final Evictor evictor;
  private final Copies copies;
  private final Recency recency;
  private final Clock clock;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final Map<Digest, Job> jobs = new HashMap<>();

  @GuardedBy("lock")
  private final ArrayDeque<Job> queue = new ArrayDeque<>();

  @GuardedBy("lock")
  private int running;

  /** A tree that stays until the pin is closed, and what it holds. */
  public record Pinned(Pin pin, TreeSum sum) {}

  /** One unpacking, for all who wait for it. */
  private static final class Job {
    final Digest archive;
    final CompletableFuture<Boolean> done = new CompletableFuture<>();
    int waiters;
    volatile boolean abandoned;

    Job(Digest archive) {
      this.archive = archive;
    }

    void check() {
      if (abandoned) {
        throw new Busy("nobody waits for this tree any more", null);
      }
    }
  }

  public TreeMaker(
      Supplier<Config> config,
      Catalog catalog,
      BlobStore store,
      Budget budget,
      Evictor evictor,
      Copies copies,
      Recency recency,
      Clock clock) {
    this.config = config;
    this.catalog = catalog;
    this.store = store;
    this.budget = budget;
    this.evictor = evictor;
    this.copies = copies;
    this.recency = recency;
    this.clock = clock;
    store.trees().verifyBy(this::isWhole);
  }

  /** Pins the tree of {@code archive} if it is here. */
  public Optional<Pin> pinIfHere(Digest archive) {
    Pin pin = evictor.pin(Stored.tree(archive));
    try {
      if (here(archive).isPresent()) {
        return Optional.of(pin);
      }
    } catch (RuntimeException e) {
      pin.close();
      throw e;
    }
    pin.close();
    return Optional.empty();
  }

  /**
   * Pins the tree of {@code archive}, which is handed out now, making it if it is not here.
   *
   * @return empty if neither it nor its blob is in the store
   * @throws CacheException why it cannot be made; nothing is left of it then
   */
  public Optional<Pinned> use(Digest archive, Instant deadline) {
    Stored tree = Stored.tree(archive);
    Pin pin = evictor.pin(tree);
    try {
      Optional<TreeSum> sum = here(archive);
      if (sum.isEmpty() && make(archive, deadline)) {
        sum = here(archive);
      }
      if (sum.isPresent()) {
        catalog.used(tree, recency.next());
        return Optional.of(new Pinned(pin, sum.get()));
      }
    } catch (RuntimeException e) {
      pin.close();
      throw e;
    }
    pin.close();
    return Optional.empty();
  }

  private Optional<TreeSum> here(Digest archive) {
    if (isBeingMade(archive)) {
      return Optional.empty();
    }
    Stored tree = Stored.tree(archive);
    try {
      return copies.isSound(tree) ? catalog.blob(tree).map(BlobRow::tree) : Optional.empty();
    } catch (IOException e) {
      throw StorageFault.of("look up " + tree, e);
    }
  }

  private boolean isBeingMade(Digest archive) {
    lock.lock();
    try {
      return jobs.containsKey(archive);
    } finally {
      lock.unlock();
    }
  }

  /** Whether a tree on disk is what its manifest says, and that the one on record. */
  private boolean isWhole(Stored tree) throws IOException {
    Optional<TreeSum> sum = catalog.blob(tree).map(BlobRow::tree);
    if (sum.isEmpty()) {
      return false;
    }
    Path manifest = store.path(tree);
    try {
      Trees.verify(
          manifest,
          manifest.resolveSibling(Unpacker.CONTENT),
          sum.get().digest(),
          TreeMaker::checkInterrupt);
      return true;
    } catch (DamagedTree e) {
      log.error("a tree is damaged digest={} difference={}", tree, e.getMessage());
      return false;
    }
  }

  private static void checkInterrupt() {
    if (Thread.currentThread().isInterrupted()) {
      throw new Busy("the request was given up", null);
    }
  }

  // ---- making ----

  /**
   * @return false if the blob is not in the store
   */
  private boolean make(Digest archive, Instant deadline) {
    Job job = join(archive);
    try (var _ = Trace.enter(Phase.UNPACK)) {
      Duration left = Duration.between(clock.instant(), deadline);
      return job.done.get(Math.max(0, left.toNanos()), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new TimedOut("the archive " + archive + " was not unpacked in time", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Busy("the request was given up while its archive was unpacked", e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException failure
          ? failure
          : new IllegalStateException(e.getCause());
    } finally {
      leave(job);
    }
  }

  private Job join(Digest archive) {
    lock.lock();
    try {
      Job job = jobs.get(archive);
      if (job == null || job.abandoned) {
        job = new Job(archive);
        jobs.put(archive, job);
        queue.addLast(job);
      }
      job.waiters++;
      startSome();
      return job;
    } finally {
      lock.unlock();
    }
  }

  private void leave(Job job) {
    lock.lock();
    try {
      job.waiters--;
      if (job.waiters == 0 && !job.done.isDone()) {
        job.abandoned = true;
        if (queue.remove(job)) {
          jobs.remove(job.archive, job);
        }
      }
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private void startSome() {
    while (running < config.get().archives().concurrency() && !queue.isEmpty()) {
      Job job = queue.removeFirst();
      running++;
      Thread.ofPlatform().daemon().name("unpack-" + job.archive.hex()).start(() -> run(job));
    }
  }

  private void run(Job job) {
    try {
      Posix.giveWay(NICE); // who waits for a tree waits long anyway, and hits should not
      boolean made = unpack(job);
      ended(job);
      job.done.complete(made);
    } catch (Throwable e) {
      ended(job);
      job.done.completeExceptionally(e);
    }
  }

  /** First: nobody joins what has ended. */
  private void ended(Job job) {
    lock.lock();
    try {
      jobs.remove(job.archive, job);
      running--;
      startSome();
    } finally {
      lock.unlock();
    }
  }

  /** Archives that are unpacked now. */
  public int running() {
    lock.lock();
    try {
      return running;
    } finally {
      lock.unlock();
    }
  }

  /** Archives that wait for their turn. */
  public int queued() {
    lock.lock();
    try {
      return queue.size();
    } finally {
      lock.unlock();
    }
  }

  private boolean unpack(Job job) {
    Stored tree = Stored.tree(job.archive);
    Optional<Pin> blob = copies.pin(Stored.file(job.archive), Instant.MAX);
    if (blob.isEmpty()) {
      return false;
    }
    try (Pin file = blob.get();
        Pin _ = evictor.pin(tree);
        Reservation room = budget.reserve(Reservation.BLOCK_BYTES, INODES_BESIDE, Instant.MAX)) {
      if (store.stat(tree).isPresent() && catalog.blob(tree).isPresent()) {
        return true; // made while this one waited for its turn
      }
      if (store.isThere(tree)) {
        store.delete(tree); // left by a power cut, and counted by nobody
      }
      Path made = store.trees().begin();
      try {
        make(job, store.path(file.stored()), made, room);
      } finally {
        TreeStore.end(made);
      }
      return true;
    } catch (IOException e) {
      throw StorageFault.of("make the tree of " + job.archive, e);
    }
  }

  private void make(Job job, Path archive, Path made, Reservation room) throws IOException {
    Stored tree = Stored.tree(job.archive);
    Instant start = clock.instant();
    Room inSteps = (bytes, inodes) -> room.extend(bytes, inodes, Instant.MAX);
    Unpacked unpacked =
        new Unpacker(Limits.of(config.get().archives())).unpack(archive, made, inSteps, job::check);
    CrashPoint.UNPACK.reached();
    if (!store.trees().commit(made, tree)) {
      throw new IOException("a tree is in the way: " + store.path(tree));
    }
    var sum = new TreeSum(unpacked.treeDigest(), unpacked.bytes(), unpacked.files());
    var row =
        new BlobRow(
            tree,
            Posix.lstat(archive).sizeBytes(),
            unpacked.allocatedBytes(),
            unpacked.inodes(),
            recency.next(),
            sum);
    try {
      catalog.addTree(row);
    } catch (RuntimeException e) {
      store.delete(tree); // nobody would count it
      throw e;
    }
    room.committedTree(unpacked.allocatedBytes(), unpacked.inodes());
    log.info(
        "unpacked archive={} files={} bytes={} millis={}",
        job.archive,
        unpacked.files(),
        unpacked.bytes(),
        Duration.between(start, clock.instant()).toMillis());
  }
}
