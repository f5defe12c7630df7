package org.cacheddownloads.fetch;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.netty.channel.Channel;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.internal.buffer.BufferInternal;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.cacheddownloads.config.Config;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.content.SourceUrl;
import org.cacheddownloads.failure.CacheException.BadResponse;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.TimedOut;
import org.jspecify.annotations.Nullable;

/**
 * The reading side of one exchange. Made on the event loop inside the response callback, before a
 * byte of the body can arrive; read by one virtual thread.
 *
 * <p>Back pressure works on the socket: above {@link #MOST_WAITING_BYTES} in memory nothing more is
 * read from it. Looks odd, is intended: {@code HttpClientResponse.pause} is not used, because what
 * Vert.x has decoded and not delivered when the origin closes the connection is lost then, although
 * all of it came (seen in one of three downloads of 8 MiB from an origin that closes). That needs
 * the handlers to run on the connection's own event loop: with another one Vert.x starts and stops
 * the socket too, and between two masters a start can get lost. Price: one exchange per connection,
 * so this class is for HTTP/1.1.
 */
final class HttpResponse implements OriginResponse {
  private static final int MOST_WAITING_BYTES = 2 << 20;
  private static final int FEW_WAITING_BYTES = 1 << 20;
  private static final long DRAINED_BYTES = 64 * 1024;
  private static final long DRAIN_NANOS = 1_000_000_000;

  private final HttpClientResponse response;
  private final SourceUrl url;
  private final Supplier<Config> config;
  private final Clock clock;
  private final HttpOrigin.Listener listener;
  private final Instant requestedAt;
  private final Instant receivedAt;
  private final Headers headers;
  private final LinkedBlockingQueue<Piece> pieces = new LinkedBlockingQueue<>();
  private final Channel channel;
  private final ReentrantLock flow = new ReentrantLock();

  @GuardedBy("flow")
  private long waitingBytes;

  @GuardedBy("flow")
  private boolean stopped;

  private boolean ended;

  /** All of it came, so the connection may serve another exchange. Belongs to the event loop. */
  private boolean complete;

  private sealed interface Piece {
    record Bytes(Buffer buffer) implements Piece {}

    record End() implements Piece {}

    record Broken(Throwable cause) implements Piece {}
  }

  HttpResponse(
      HttpClientResponse response,
      SourceUrl url,
      Supplier<Config> config,
      Clock clock,
      HttpOrigin.Listener listener,
      Instant requestedAt) {
    this.response = response;
    this.url = url;
    this.config = config;
    this.clock = clock;
    this.listener = listener;
    this.requestedAt = requestedAt;
    this.receivedAt = clock.instant();
    this.headers = Headers.of(response.headers());
    this.channel = Dialer.channel(response.request());
    response.exceptionHandler(cause -> pieces.add(new Piece.Broken(cause)));
    response.endHandler(
        _ -> {
          complete = true;
          pieces.add(new Piece.End());
          flow(-MOST_WAITING_BYTES); // what waits is bounded now, and the connection may be used
          // again
        });
    response.handler(
        buffer -> {
          pieces.add(new Piece.Bytes(buffer));
          flow(buffer.length());
        });
  }

  /**
   * Counts bytes that came (or, negative, were taken) and stops or starts reading from the socket.
   */
  private void flow(int bytes) {
    flow.lock();
    try {
      waitingBytes += bytes;
      if (!stopped && waitingBytes > MOST_WAITING_BYTES) {
        stopped = true;
        channel.config().setAutoRead(false);
      } else if (stopped && waitingBytes < FEW_WAITING_BYTES) {
        stopped = false;
        channel.config().setAutoRead(true);
      }
    } finally {
      flow.unlock();
    }
  }

  @Override
  public int status() {
    return response.statusCode();
  }

  @Override
  public Headers headers() {
    return headers;
  }

  @Override
  public Instant requestedAt() {
    return requestedAt;
  }

  @Override
  public Instant receivedAt() {
    return receivedAt;
  }

  @Override
  public @Nullable ByteBuffer read(Instant deadline) {
    if (ended) {
      return null;
    }
    return switch (next(deadline)) {
      case Piece.Bytes(Buffer buffer) -> {
        flow(-buffer.length());
        listener.received(buffer.length());
        yield ((BufferInternal) buffer).getByteBuf().nioBuffer();
      }
      case Piece.End() -> {
        ended = true;
        yield null;
      }
      case Piece.Broken(Throwable cause) -> {
        listener.trouble("cut");
        throw BadResponse.cut(
            "the connection to "
                + url
                + " ended before the body did ("
                + cause.getClass().getSimpleName()
                + ")",
            status());
      }
    };
  }

  private Piece next(Instant deadline) {
    Duration idle = HttpOrigin.tolerant(config.get().fetch().idleTimeout());
    Duration left = Duration.between(clock.instant(), deadline);
    boolean deadlineFirst = left.compareTo(idle) < 0;
    try {
      Piece piece =
          pieces.poll(Math.max(0, (deadlineFirst ? left : idle).toNanos()), TimeUnit.NANOSECONDS);
      if (piece == null) {
        listener.trouble("timeout");
        throw new TimedOut(
            deadlineFirst
                ? "the deadline passed while " + url + " was being read"
                : url
                    + " sent nothing for "
                    + config.get().fetch().idleTimeout().toMillis()
                    + " ms (fetch.idleTimeout)",
            null);
      }
      return piece;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Busy("nobody waits for this download any more", e);
    }
  }

  @Override
  public void close() {
    if (!ended && !drain()) {
      channel.eventLoop().execute(this::reset);
    }
    ended = true;
    pieces.clear();
  }

  /**
   * Ends the connection of an HTTP/1.1 exchange; on the event loop, since the rest may come just
   * now, and after that the connection is another exchange's.
   */
  private void reset() {
    if (!complete) {
      response.request().reset();
    }
  }

  /**
   * Reads a short rest, such as the nothing behind a 304 or the page behind a 404, so that the
   * connection can be used again.
   */
  private boolean drain() {
    if (status() != 304 && contentLength().orElse(Long.MAX_VALUE) > DRAINED_BYTES) {
      return false;
    }
    long until = System.nanoTime() + DRAIN_NANOS;
    try {
      while (true) {
        switch (pieces.poll(Math.max(0, until - System.nanoTime()), TimeUnit.NANOSECONDS)) {
          case Piece.Bytes(Buffer buffer) -> flow(-buffer.length());
          case Piece.End _ -> {
            return true;
          }
          case Piece.Broken _ -> {
            return false;
          }
          case null -> {
            return false;
          }
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
