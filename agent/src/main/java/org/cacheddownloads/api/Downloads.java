package org.cacheddownloads.api;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.cacheddownloads.advice.Advisor;
import org.cacheddownloads.archive.TreeMaker;
import org.cacheddownloads.catalog.DownloadRow;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Entry;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.NotReady;
import org.cacheddownloads.fetch.DownloadRequest;
import org.cacheddownloads.fetch.Fetcher;
import org.cacheddownloads.fetch.Progress;
import org.cacheddownloads.fetch.Provided;
import org.cacheddownloads.metrics.Meters;
import org.cacheddownloads.space.Copies;
import org.cacheddownloads.space.Pin;
import org.cacheddownloads.store.StorageHealth;
import org.cacheddownloads.trace.Phase;
import org.cacheddownloads.trace.RequestLog.Served;
import org.cacheddownloads.trace.Trace;
import org.cacheddownloads.view.Views;
import org.cacheddownloads.view.Views.Declared;
import org.jspecify.annotations.Nullable;

/**
 * Fetches and then shows: one download, a whole set, or nothing but the fetch. Counts each download
 * once. Thread-safe.
 */
public final class Downloads {
  private final Fetcher fetcher;
  private final Copies copies;
  private final TreeMaker trees;
  private final Views views;
  private final Meters meters;
  private final StorageHealth storage;
  private final Journal journal;
  private final Advisor advisor;
  private final ToLongFunction<DownloadRow> allocatedBytes;
  private final Clock clock;

  /**
   * @param allocatedBytes what a download takes of the quota
   */
  public Downloads(
      Fetcher fetcher,
      Copies copies,
      TreeMaker trees,
      Views views,
      Meters meters,
      StorageHealth storage,
      Journal journal,
      Advisor advisor,
      ToLongFunction<DownloadRow> allocatedBytes,
      Clock clock) {
    this.fetcher = fetcher;
    this.copies = copies;
    this.trees = trees;
    this.views = views;
    this.meters = meters;
    this.storage = storage;
    this.journal = journal;
    this.advisor = advisor;
    this.allocatedBytes = allocatedBytes;
    this.clock = clock;
  }

  /** One download of a set: what it is to be called, and what it is. */
  record Named(DownloadName name, DownloadRequest request) {}

  /** A download in its view; {@code isNew}: the name was not there before. */
  record Shown(DownloadRow row, boolean isNew) {}

  /** A download that was fetched, with everything that keeps its bytes until they are linked. */
  private record Fetched(DownloadRow row, Provided provided, @Nullable Pin copy, Trace trace)
      implements AutoCloseable {
    @Override
    public void close() {
      if (copy != null) {
        copy.close();
      }
      provided.close();
    }
  }

  /** Gives a container one download. */
  Shown provide(
      ContainerId container, DownloadName name, DownloadRequest request, Progress progress) {
    Instant start = clock.instant();
    try {
      views.checkName(container, name);
      try (Fetched fetched = fetch(container, name, request, progress, start)) {
        boolean isNew;
        try (var _ = Trace.enter(Phase.LINK)) {
          isNew = views.provide(fetched.row(), start.plus(request.timeout()));
        }
        count(fetched, true, container.text(), start);
        return new Shown(fetched.row(), isNew);
      }
    } catch (RuntimeException e) {
      failed(container.text(), name.toString(), request, start, e);
      throw e;
    }
  }

  /** Brings bytes into the store for whoever asks next. */
  DownloadRow prefetch(DownloadRequest request, Progress progress) {
    Instant start = clock.instant();
    try (Fetched fetched = fetch(PREFETCH_CONTAINER, PREFETCH_NAME, request, progress, start)) {
      count(fetched, false, NOBODY, start);
      return fetched.row();
    } catch (RuntimeException e) {
      failed(NOBODY, "-", request, start, e);
      throw e;
    }
  }

  /** Instead of a container, where a download is for whoever asks next. */
  private static final String NOBODY = "-";

  private static final ContainerId PREFETCH_CONTAINER = new ContainerId("prefetch");
  private static final DownloadName PREFETCH_NAME = DownloadName.parse("-");

  /** Gives a container a whole set, fetched side by side: all of it or nothing. */
  Declared declare(ContainerId container, List<Named> set, @Nullable Duration expiresAfter) {
    Instant start = clock.instant();
    var fetched = new ArrayList<Fetched>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      try {
        RuntimeException failure = collect(container, set, start, threads, fetched);
        if (failure != null) {
          throw failure;
        }
        Duration longest =
            set.stream()
                .map(named -> named.request().timeout())
                .max(Duration::compareTo)
                .orElse(Duration.ofMinutes(1));
        List<DownloadRow> rows = fetched.stream().map(Fetched::row).toList();
        Declared declared;
        try (var _ = Trace.enter(Phase.LINK)) {
          declared = views.declare(container, rows, expiresAfter, start.plus(longest));
        }
        fetched.forEach(one -> count(one, true, container.text(), start));
        return declared;
      } catch (RuntimeException e) {
        fetched.forEach(
            one ->
                count(one, false, container.text(), start)); // it was fetched, and is in the cache
        throw e;
      } finally {
        threads.shutdownNow();
        fetched.forEach(Fetched::close);
      }
    }
  }

  /** Waits for all of a set. @return the failure of the first in the list that failed, or null */
  private @Nullable RuntimeException collect(
      ContainerId container,
      List<Named> set,
      Instant start,
      ExecutorService threads,
      List<Fetched> fetched) {
    var running = new ArrayList<Future<Fetched>>();
    for (Named named : set) {
      Trace own = Trace.current().part();
      Supplier<Fetched> work = counting(container, named, start);
      running.add(threads.submit(() -> own.call(work)));
    }
    RuntimeException first = null;
    boolean interrupted = false;
    for (Future<Fetched> future : running) {
      while (true) {
        try {
          fetched.add(future.get());
        } catch (ExecutionException e) {
          RuntimeException failure = failureOf(e);
          first = first == null ? failure : first;
        } catch (InterruptedException e) {
          interrupted = true;
          threads.shutdownNow(); // each of them ends soon, and what it holds is collected
          continue;
        }
        break;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
      return first == null ? new Busy("the caller hung up", null) : first;
    }
    return first;
  }

  private Supplier<Fetched> counting(ContainerId container, Named named, Instant start) {
    return () -> {
      try {
        return fetch(container, named.name(), named.request(), Progress.NONE, start);
      } catch (RuntimeException e) {
        failed(container.text(), named.name().toString(), named.request(), start, e);
        throw e;
      }
    };
  }

  private static RuntimeException failureOf(ExecutionException e) {
    return switch (e.getCause()) {
      case RuntimeException failure -> failure;
      case null, default -> new IllegalStateException(e.getCause());
    };
  }

  private Fetched fetch(
      ContainerId container,
      DownloadName name,
      DownloadRequest request,
      Progress progress,
      Instant start) {
    Fetched fetched = tryToFetch(container, name, request, progress, start);
    if (fetched == null) { // evicted between two steps: all of it is asked for now
      fetched = tryToFetch(container, name, request, progress, start);
    }
    if (fetched == null) {
      throw new NotReady(
          "the bytes of "
              + request.sources().getFirst().url()
              + " vanished from the store; try again",
          null);
    }
    return fetched;
  }

  /**
   * @return null if the bytes have vanished again
   */
  private @Nullable Fetched tryToFetch(
      ContainerId container,
      DownloadName name,
      DownloadRequest request,
      Progress progress,
      Instant start) {
    Instant deadline = start.plus(request.timeout());
    Provided provided = fetcher.provide(request, progress);
    try {
      Entry entry = provided.entry();
      Stored stored = new Stored(entry.digest(), request.form());
      TreeMaker.Pinned tree = null;
      Pin copy = null;
      if (stored.isTree()) {
        tree = trees.use(entry.digest(), deadline).orElse(null);
        copy = tree == null ? null : tree.pin();
      } else if (request.form() != Form.FILE) {
        copy = copies.use(stored, deadline).orElse(null);
      }
      if (copy == null && request.form() != Form.FILE) {
        provided.close();
        return null;
      }
      var row =
          new DownloadRow(
              container,
              name,
              stored,
              request.key().text(),
              request.cacheKey(),
              request.sources().getFirst().url().redacted(),
              entry.size(),
              provided.outcome(),
              provided.bytesFetched(),
              Duration.between(start, clock.instant()),
              entry.validator(),
              entry.freshUntil(),
              request.deliver(),
              tree == null ? null : tree.sum());
      return new Fetched(row, provided, copy, Trace.current());
    } catch (RuntimeException e) {
      provided.close();
      throw e;
    }
  }

  private void count(Fetched fetched, boolean served, String container, Instant start) {
    DownloadRow row = fetched.row();
    meters.answered(row.outcome(), row.size(), served, row.duration());
    journal.ended(
        new Served(
            fetched.trace().id(),
            start,
            container,
            row.name().toString(),
            row.key(),
            row.url(),
            row.outcome().label(),
            null,
            row.size(),
            Duration.between(start, clock.instant()),
            fetched.trace().phases()),
        row.bytesFetched());
    if (row.bytesFetched() > 0) {
      journal.fetched(row);
    }
    advisor.answered(
        new Advisor.Answer(
            row.key(),
            row.stored(),
            allocatedBytes.applyAsLong(row),
            row.size(),
            row.bytesFetched(),
            row.outcome(),
            row.duration()));
  }

  private void failed(
      String container, String name, DownloadRequest request, Instant start, RuntimeException e) {
    Duration duration = Duration.between(start, clock.instant());
    storage.heard(e);
    meters.failed(duration);
    Trace trace = Trace.current();
    journal.ended(
        new Served(
            trace.id(),
            start,
            container,
            name,
            request.key().text(),
            request.sources().getFirst().url().redacted(),
            "failed",
            e instanceof CacheException failure ? failure.code() : "internal",
            0,
            duration,
            trace.phases()),
        0);
  }
}
