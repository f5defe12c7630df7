package org.cacheddownloads.fetch;

import io.netty.channel.Channel;
import io.netty.util.AttributeKey;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.http.StreamResetException;
import io.vertx.core.net.SocketAddress;
import io.vertx.core.net.impl.ConnectionBase;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Finds a connection for a request, and sends it so that nothing of an earlier exchange can be
 * taken for its answer. Belongs to one event loop, which all connections share; every method is
 * called there.
 */
final class Dialer {
  /** When the next address is tried beside one that does not answer (RFC 8305 section 8). */
  private static final long HEAD_START_MILLIS = 250;

  private static final int REMEMBERED_ORIGINS = 1000;
  private static final long REFUSED_STREAM = 7; // RFC 9113 section 7
  private static final int MOST_REFUSALS = 10;
  private static final AttributeKey<Boolean> USED = AttributeKey.valueOf(Dialer.class, "used");

  private final Vertx vertx;
  private final Context loop;
  private final HttpClient client;

  /** The address that served an origin last, so that one that is dead is not waited for again. */
  private final Map<String, SocketAddress> lastServed =
      new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, SocketAddress> eldest) {
          return size() > REMEMBERED_ORIGINS;
        }
      };

  Dialer(Vertx vertx, Context loop, HttpClient client) {
    this.vertx = vertx;
    this.loop = loop;
    this.client = client;
  }

  /**
   * The connection on which a request was sent was in use before, and ended without an answer to
   * it: the origin may not have seen the request.
   */
  static final class LostConnection extends RuntimeException {
    private static final long serialVersionUID = 1;

    LostConnection(Throwable cause) {
      super(null, cause, false, false);
    }
  }

  /**
   * A request to the same thing at one of several addresses.
   *
   * @param ways the request by address, in the order in which they are to be tried
   * @param again whether it was tried before: then the address that served last comes last
   * @param losses how often it was sent on a connection that was lost; after the first loss it does
   *     not go on a connection of HTTP/1.1 that was used before
   */
  record Call(String origin, List<RequestOptions> ways, boolean again, int losses) {
    boolean fresh() {
      return losses > 0;
    }

    Call afterLoss() {
      return new Call(origin, ways, again, losses + 1);
    }
  }

  /** The connection that is there first. */
  Race dial(Call call) {
    var race = new Race(call);
    race.tryNext();
    return race;
  }

  /**
   * Sends a request.
   *
   * <p>On a connection of HTTP/1.1 that was used before, what has arrived since is read first: its
   * end, or bytes behind the last body, which would be read as the answer to this request
   * otherwise. Price: one more round of the event loop.
   *
   * @param open what to do with the response, at once and on the event loop
   * @return fails with {@link LostConnection} where a fresh connection may do better
   */
  <T> Future<T> send(HttpClientRequest request, Call call, Function<HttpClientResponse, T> open) {
    Channel channel = channel(request);
    boolean reused = channel.attr(USED).getAndSet(true) != null;
    if (!reused) {
      // What breaks a connection is told to its exchanges; without a handler it is logged as well.
      request.connection().exceptionHandler(_ -> {});
    }
    if (isMultiplexed(request)) {
      return request
          .send()
          .map(open)
          .recover(fault -> Future.failedFuture(ofShared(fault, reused, call.losses())));
    }
    if (!reused) {
      return request.send().map(open);
    }
    Promise<T> answer = Promise.promise();
    Runnable later =
        () ->
            Future.succeededFuture(request)
                .compose(HttpClientRequest::send) // what it throws is a failure of the future
                .map(open)
                .recover(fault -> Future.failedFuture(new LostConnection(fault)))
                .onComplete(answer);
    var _ =
        channel
            .eventLoop()
            .schedule(() -> loop.runOnContext(_ -> later.run()), 0, TimeUnit.NANOSECONDS);
    return answer.future();
  }

  /**
   * Of a shared connection only its end, or its refusal of the stream, says nothing of the URL.
   * What was refused was not looked at (RFC 9113 section 8.7), and the next connection may be one
   * that others are about to use up as well, so that may happen several times.
   */
  private static Throwable ofShared(Throwable fault, boolean reused, int losses) {
    boolean refused =
        (fault instanceof HttpClosedException closed && closed.goAway() != null)
            || (fault instanceof StreamResetException reset && reset.getCode() == REFUSED_STREAM);
    boolean ended = fault instanceof HttpClosedException && reused && losses == 0;
    return ended || (refused && losses < MOST_REFUSALS) ? new LostConnection(fault) : fault;
  }

  static boolean isMultiplexed(HttpClientRequest request) {
    return request.version() == HttpVersion.HTTP_2;
  }

  static Channel channel(HttpClientRequest request) {
    return ((ConnectionBase) request.connection()).channel();
  }

  private Future<HttpClientRequest> open(RequestOptions way, boolean fresh) {
    return Future.succeededFuture(way)
        .compose(client::request) // what it throws is a failure of the future
        .compose(
            request -> {
              if (!fresh || isMultiplexed(request) || !channel(request).hasAttr(USED)) {
                return Future.succeededFuture(request);
              }
              request.exceptionHandler(_ -> {});
              return request.connection().close().transform(_ -> open(way, true));
            });
  }

  /**
   * Happy eyeballs (RFC 8305 section 5): the next address is tried when the one before has failed,
   * or has had its head start; the first connection wins, the others go back to the pool.
   */
  final class Race {
    private final Call call;
    private final List<RequestOptions> ways;
    private final Promise<HttpClientRequest> won = Promise.promise();
    private int next;
    private int running;
    private long timer = -1;
    private @Nullable Throwable firstFault;

    private Race(Call call) {
      this.call = call;
      this.ways = inOrder(call);
    }

    Future<HttpClientRequest> winner() {
      return won.future();
    }

    /** Starts no further try; one that succeeds all the same is given back. */
    void cancel() {
      won.tryFail("nobody waits for the connection any more");
      stopTimer();
    }

    private void tryNext() {
      stopTimer();
      if (won.future().isComplete() || next == ways.size()) {
        return;
      }
      RequestOptions way = ways.get(next++);
      running++;
      open(way, call.fresh()).onSuccess(request -> arrived(way, request)).onFailure(this::failed);
      if (next < ways.size() && !won.future().isComplete()) {
        timer = vertx.setTimer(HEAD_START_MILLIS, _ -> tryNext());
      }
    }

    private void arrived(RequestOptions way, HttpClientRequest request) {
      stopTimer();
      request.exceptionHandler(_ -> {}); // its futures tell; a reset is our own doing
      if (!won.tryComplete(request)) {
        request.reset();
      } else if (way.getServer() instanceof SocketAddress address) {
        lastServed.remove(call.origin());
        lastServed.put(call.origin(), address);
      }
    }

    private void failed(Throwable fault) {
      running--;
      firstFault = firstFault == null ? fault : firstFault;
      if (next < ways.size()) {
        tryNext();
      } else if (running == 0) {
        won.tryFail(firstFault);
      }
    }

    private void stopTimer() {
      if (timer >= 0) {
        vertx.cancelTimer(timer);
        timer = -1;
      }
    }
  }

  private List<RequestOptions> inOrder(Call call) {
    SocketAddress last = lastServed.get(call.origin());
    var ordered = new ArrayList<>(call.ways());
    for (RequestOptions way : call.ways()) {
      if (last != null && last.equals(way.getServer())) {
        ordered.remove(way);
        ordered.add(call.again() ? ordered.size() : 0, way);
      }
    }
    return ordered;
  }
}
