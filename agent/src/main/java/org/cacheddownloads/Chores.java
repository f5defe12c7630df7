package org.cacheddownloads;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What happens by the clock and not on request. One platform thread, so that a chore that takes
 * long delays only other chores.
 */
final class Chores implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Chores.class);
  private static final long PATIENCE_SECONDS = 10;

  private final ScheduledExecutorService threads =
      Executors.newScheduledThreadPool(
          2, Thread.ofPlatform().daemon().name("chores-", 0).factory());

  /** A piece of work that may fail; the failure is logged and the next round comes all the same. */
  interface Chore {
    void run() throws Exception;
  }

  /** Runs {@code chore} again and again, with a pause between that is asked for anew each time. */
  void every(Supplier<Duration> pause, String name, Chore chore) {
    ScheduledFuture<?> _ =
        threads.schedule(
            () -> {
              attempt(name, chore);
              if (!threads.isShutdown()) {
                every(pause, name, chore);
              }
            },
            Math.max(10, pause.get().toMillis()),
            TimeUnit.MILLISECONDS);
  }

  /** The same after {@code pause}, for what would hold up the first requests. */
  void onceAfter(Duration pause, String name, Chore chore) {
    ScheduledFuture<?> _ =
        threads.schedule(() -> attempt(name, chore), pause.toMillis(), TimeUnit.MILLISECONDS);
  }

  void once(String name, Chore chore) {
    threads.execute(() -> attempt(name, chore));
  }

  private static void attempt(String name, Chore chore) {
    try {
      chore.run();
    } catch (Exception e) { // top of the thread: whatever it is, the next round comes
      log.error("background work failed name={}", name, e);
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
    try {
      if (!threads.awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        log.warn("background work did not end within {} s", PATIENCE_SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
