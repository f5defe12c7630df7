package org.cacheddownloads.api;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Closes a connection on which no complete request has come for a while, be it unused or stuck in
 * the middle of a head or a body. A request that is being answered may take as long as it takes.
 *
 * <p>Thread-safe; what belongs to a connection is used on its event loop alone.
 */
final class IdleLimit {
  private final Vertx vertx;
  private final long millis;
  private final Map<HttpConnection, Idle> connections = new ConcurrentHashMap<>();

  IdleLimit(Vertx vertx, Duration limit) {
    this.vertx = vertx;
    this.millis = Math.max(1, limit.toMillis());
  }

  private final class Idle {
    private final HttpConnection connection;
    private int running;
    private long timer;

    Idle(HttpConnection connection) {
      this.connection = connection;
      arm();
    }

    void arm() {
      timer = vertx.setTimer(millis, _ -> connection.close());
    }

    void begin() {
      if (running++ == 0) {
        vertx.cancelTimer(timer);
      }
    }

    void end() {
      if (--running == 0) {
        arm();
      }
    }

    void close() {
      vertx.cancelTimer(timer);
      connections.remove(connection);
    }
  }

  /** Begins with a new connection. */
  void watch(HttpConnection connection) {
    var idle = new Idle(connection);
    connections.put(connection, idle);
    connection.closeHandler(_ -> idle.close());
  }

  /** A request is complete. */
  void begin(HttpConnection connection) {
    Idle idle = connections.get(connection);
    if (idle != null) {
      idle.begin();
    }
  }

  /** Its reply was written. */
  void end(HttpConnection connection) {
    Idle idle = connections.get(connection);
    if (idle != null) {
      idle.end();
    }
  }
}
