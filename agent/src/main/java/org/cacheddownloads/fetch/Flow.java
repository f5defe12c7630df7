package org.cacheddownloads.fetch;

import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.vertx.core.http.HttpClientResponse;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** How one exchange stops and starts what the other side sends, and ends it early. Thread-safe. */
sealed interface Flow {
  /** What the supplier of {@link #of} says has changed. */
  void changed();

  /** Ends the exchange; on the event loop. */
  void reset();

  /** Runs {@code task} on the event loop, after {@code millis}. */
  void onLoop(Runnable task, long millis);

  static Flow of(HttpClientResponse response, BooleanSupplier stopped) {
    Channel channel = Dialer.channel(response.request());
    return Dialer.isMultiplexed(response.request())
        ? new OfStream(response, channel.eventLoop(), stopped)
        : new OfSocket(response, channel, stopped);
  }

  /**
   * HTTP/1.1: the socket is not read from. Looks odd, is intended: {@code HttpClientResponse.pause}
   * is not used, because what Vert.x has decoded and not delivered when the origin closes the
   * connection is lost then, although all of it came (seen in one of three downloads of 8 MiB from
   * an origin that closes). That needs the handlers to run on the connection's own event loop: with
   * another one Vert.x starts and stops the socket too, and between two masters a start can get
   * lost. Price: one exchange per connection.
   */
  record OfSocket(HttpClientResponse response, Channel channel, BooleanSupplier stopped)
      implements Flow {
    @Override
    public void changed() {
      channel.config().setAutoRead(!stopped.getAsBoolean());
    }

    @Override
    public void reset() {
      response.request().reset();
    }

    @Override
    public void onLoop(Runnable task, long millis) {
      var _ = channel.eventLoop().schedule(task, millis, TimeUnit.MILLISECONDS);
    }
  }

  /**
   * HTTP/2: the stream's window is not refilled (RFC 9113 section 5.2), so that other streams of
   * the connection go on. The event loop reads what holds when it gets there, so that of a stop and
   * a start that overtake each other the later one stands. What is lost when the connection ends
   * while the stream is stopped is asked for again like any rest.
   */
  record OfStream(HttpClientResponse response, EventLoop loop, BooleanSupplier stopped)
      implements Flow {
    private static final long CANCEL = 8; // RFC 9113 section 7

    @Override
    public void changed() {
      loop.execute(
          () -> {
            if (stopped.getAsBoolean()) {
              response.pause();
            } else {
              response.resume();
            }
          });
    }

    @Override
    public void reset() {
      response.request().reset(CANCEL);
    }

    @Override
    public void onLoop(Runnable task, long millis) {
      var _ = loop.schedule(task, millis, TimeUnit.MILLISECONDS);
    }
  }
}
