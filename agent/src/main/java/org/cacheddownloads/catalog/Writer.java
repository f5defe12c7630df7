package org.cacheddownloads.catalog;

import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.Draining;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that writes the catalog. Callers who come while a transaction runs share the next
 * one (group commit), and the deferred writes go along at the latest every {@link #FLUSH_EVERY}.
 */
final class Writer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Writer.class);
  private static final Duration FLUSH_EVERY = Duration.ofMillis(500);
  private static final int GROUP = 256;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Sql sql;
  private final Corruption corruption;
  private final Deferred deferred;
  private final LinkedBlockingQueue<Task<?>> tasks = new LinkedBlockingQueue<>();
  private final Thread thread;
  private volatile Consumer<CacheException> whenFailing = _ -> {};
  private volatile boolean open = true;

  /** Transactions that were committed; only the thread counts. */
  private volatile long commits;

  private record Task<T>(Connections.Work<T> work, CompletableFuture<T> done) {
    /** Runs now; the caller hears of it once the transaction is committed. */
    T run(Sql sql) throws SQLException {
      return work.on(sql);
    }
  }

  Writer(Connections connections, Deferred deferred) {
    this.sql = connections.writer();
    this.corruption = connections.corruption();
    this.deferred = deferred;
    this.thread = Thread.ofPlatform().name("catalog-writer").daemon().start(this::loop);
  }

  void whenFailing(Consumer<CacheException> listener) {
    whenFailing = listener;
  }

  /** How many transactions this process has committed. */
  long commits() {
    return commits;
  }

  /** Runs {@code work} in a transaction and returns when it is committed. */
  <T> T write(Connections.Work<T> work) {
    var task = new Task<>(work, new CompletableFuture<T>());
    if (!open) {
      throw new Draining();
    }
    tasks.add(task);
    return await(task.done());
  }

  /** Writes everything deferred so far and returns when it is committed. */
  void flush() {
    write(_ -> true);
  }

  /** Lets the thread write soon because much is waiting. */
  void hurry() {
    tasks.add(new Task<>(_ -> true, new CompletableFuture<Boolean>()));
  }

  private static <T> T await(CompletableFuture<T> done) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return done.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
          interrupted =
              true; // the transaction is short and will commit anyway: its result must be known
        } catch (TimeoutException e) {
          throw new Busy("the catalog did not commit within " + PATIENCE.toSeconds() + " s", e);
        } catch (ExecutionException e) {
          if (e.getCause() instanceof CacheException failure) {
            throw failure;
          }
          if (e.getCause() instanceof SQLException failure) {
            throw CatalogFault.of(failure);
          }
          throw new IllegalStateException(e.getCause());
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void loop() {
    var group = new ArrayList<Task<?>>(GROUP);
    while (open || !tasks.isEmpty()) {
      group.clear();
      Task<?> first = next();
      if (first != null) {
        group.add(first);
        tasks.drainTo(group, GROUP - 1);
      }
      if (first != null || !deferred.isEmpty()) {
        transact(group);
      }
    }
    transact(List.of());
  }

  private @Nullable Task<?> next() {
    try {
      return tasks.poll(FLUSH_EVERY.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      return null; // nobody interrupts this thread to end it: close() sets open
    }
  }

  private void transact(List<Task<?>> group) {
    var completions = new ArrayList<Runnable>(group.size());
    try {
      sql.script("BEGIN IMMEDIATE");
      Runnable flushed = deferred.writeAll(sql);
      for (Task<?> task : group) {
        completions.add(prepared(task));
      }
      sql.script("COMMIT");
      countCommit();
      flushed.run();
      completions.forEach(Runnable::run);
    } catch (SQLException | RuntimeException e) {
      rollback();
      deferred.notWritten();
      log.warn("catalog transaction failed tasks={} error={}", group.size(), e.toString());
      group.forEach(task -> task.done().completeExceptionally(e));
      if (e instanceof SQLException fault) {
        corruption.look(fault);
        whenFailing.accept(CatalogFault.of(fault));
      }
    }
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
  private void countCommit() {
    commits++;
  }

  private <T> Runnable prepared(Task<T> task) throws SQLException {
    T result = task.run(sql);
    return () -> task.done().complete(result);
  }

  private void rollback() {
    try {
      sql.script("ROLLBACK");
    } catch (SQLException e) {
      log.debug("nothing to roll back error={}", e.toString());
    }
  }

  /** Commits what is waiting and ends the thread; at most a minute. */
  @Override
  public void close() {
    open = false;
    hurry();
    try {
      thread.join(PATIENCE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
