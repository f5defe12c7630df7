package org.cacheddownloads.fetch;

import com.google.errorprone.annotations.concurrent.GuardedBy;
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
 * <p>Above {@link #MOST_WAITING_BYTES} in memory the other side is stopped, by a {@link Flow} of
 * the protocol: of HTTP/1.1 the socket, of HTTP/2 the stream.
 */
final class HttpResponse implements OriginResponse {
  private static final int MOST_WAITING_BYTES = 2 << 20;
  private static final int FEW_WAITING_BYTES = 1 << 20;
  private static final long LEFT_TO_COME_BYTES = 64 * 1024;
  private static final long LEFT_TO_COME_MILLIS = 5000;

  private final HttpClientResponse response;
  private final SourceUrl url;
  private final Supplier<Config> config;
  private final Clock clock;
  private final HttpOrigin.Listener listener;
  private final Instant requestedAt;
  private final Instant receivedAt;
  private final Headers headers;
  private final LinkedBlockingQueue<Piece> pieces = new LinkedBlockingQueue<>();
  private final Flow flow;
  private final ReentrantLock counting = new ReentrantLock();

  @GuardedBy("counting")
  private long waitingBytes;

  @GuardedBy("counting")
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
    this.flow = Flow.of(response, this::isStopped);
    response.exceptionHandler(cause -> pieces.add(new Piece.Broken(cause)));
    response.endHandler(
        _ -> {
          complete = true;
          pieces.add(new Piece.End());
          count(-MOST_WAITING_BYTES); // what waits is bounded now, and the connection is free
        });
    response.handler(
        buffer -> {
          pieces.add(new Piece.Bytes(buffer));
          count(buffer.length());
        });
  }

  /** Counts bytes that came (or, negative, were taken) and stops or starts the other side. */
  private void count(int bytes) {
    counting.lock();
    try {
      waitingBytes += bytes;
      boolean stop =
          stopped ? waitingBytes >= FEW_WAITING_BYTES : waitingBytes > MOST_WAITING_BYTES;
      if (stop != stopped) {
        stopped = stop;
        flow.changed();
      }
    } finally {
      counting.unlock();
    }
  }

  private boolean isStopped() {
    counting.lock();
    try {
      return stopped;
    } finally {
      counting.unlock();
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
        count(-buffer.length());
        listener.received(url, buffer.length());
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

  /**
   * Nothing more is wanted. A short rest, such as the page behind a 404, is let come for a moment,
   * beside whoever goes on, so that the connection can be used again.
   */
  @Override
  public void close() {
    if (!ended && !isHere()) {
      boolean isShort =
          status() == 304 || contentLength().orElse(Long.MAX_VALUE) <= LEFT_TO_COME_BYTES;
      flow.onLoop(this::reset, isShort ? LEFT_TO_COME_MILLIS : 0);
    }
    ended = true;
    pieces.clear();
  }

  /** Whether all of it came by now. What waits is dropped. */
  private boolean isHere() {
    for (Piece piece = pieces.poll(); piece != null; piece = pieces.poll()) {
      if (piece instanceof Piece.End) {
        return true;
      }
    }
    return false;
  }

  /**
   * On the event loop, since the rest may come just now, and after that the connection of an
   * HTTP/1.1 exchange is another one's.
   */
  private void reset() {
    if (!complete) {
      flow.reset();
    }
  }
}
