package org.cacheddownloads.fetch;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.OriginUnavailable;
import org.cacheddownloads.failure.CacheException.TimedOut;

/** Names to addresses, by the system's resolver, in bounded time. Thread-safe. */
final class Resolver implements AutoCloseable {
  private final Clock clock;
  private final HttpOrigin.Listener listener;

  /** Platform threads: the system's resolver holds the thread that calls it, and may take long. */
  private final ExecutorService threads =
      Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("resolver-", 0).factory());

  Resolver(Clock clock, HttpOrigin.Listener listener) {
    this.clock = clock;
    this.listener = listener;
  }

  /**
   * The addresses of {@code host} in the resolver's order; of a literal address that one.
   *
   * @throws OriginUnavailable if it is not known
   * @throws TimedOut if that was not found out until {@code until}
   */
  List<InetAddress> resolve(String host, Instant until) {
    Optional<InetAddress> literal = OriginPolicy.literal(host);
    if (literal.isPresent()) {
      return List.of(literal.get()); // nothing to ask, and no thread to wait for
    }
    var lookup = threads.submit(() -> List.of(InetAddress.getAllByName(host)));
    try {
      return lookup.get(
          Math.max(1, Duration.between(clock.instant(), until).toMillis()), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      listener.trouble("dns");
      if (e.getCause() instanceof UnknownHostException) {
        throw new OriginUnavailable("the host '" + host + "' is unknown", null);
      }
      throw new OriginUnavailable("the host '" + host + "' cannot be resolved", e.getCause());
    } catch (TimeoutException e) {
      listener.trouble("dns");
      lookup.cancel(true);
      throw new TimedOut("the host '" + host + "' was not resolved in time", null);
    } catch (InterruptedException e) {
      lookup.cancel(true);
      Thread.currentThread().interrupt();
      throw new Busy("nobody waits for this download any more", e);
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
