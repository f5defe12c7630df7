package org.cacheddownloads.api;

import io.netty.channel.socket.nio.NioChannelOption;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.impl.ConnectionBase;
import java.util.List;
import java.util.function.Supplier;
import jdk.net.ExtendedSocketOptions;
import jdk.net.UnixDomainPrincipal;
import org.cacheddownloads.failure.CacheException.PeerNotAllowed;
import org.cacheddownloads.store.Posix;

/**
 * Who may talk on the socket, by the user of the process at its other end ({@code SO_PEERCRED},
 * unix(7)).
 */
@FunctionalInterface
interface Peers {
  /** Whoever may open the socket may use it. */
  Peers ANYBODY = _ -> {};

  /**
   * Refuses a request whose peer may not use the socket.
   *
   * @throws PeerNotAllowed if the peer's user is not among those allowed
   */
  void check(HttpServerRequest request);

  /** Only processes of these users; an empty list allows everybody. Asked anew for each request. */
  static Peers ofUsers(Supplier<List<Integer>> allowedUids) {
    return request -> {
      List<Integer> allowed = allowedUids.get();
      if (allowed.isEmpty()) {
        return;
      }
      String user = userOf(request);
      if (allowed.stream().map(Posix::userName).noneMatch(user::equals)) {
        throw new PeerNotAllowed(
            "the user '" + user + "' may not use this socket; socket.allowUids has " + allowed);
      }
    };
  }

  private static String userOf(HttpServerRequest request) {
    if (request.connection() instanceof ConnectionBase connection) {
      UnixDomainPrincipal peer =
          connection
              .channel()
              .config()
              .getOption(NioChannelOption.of(ExtendedSocketOptions.SO_PEERCRED));
      if (peer != null) {
        return peer.user().getName();
      }
    }
    throw new PeerNotAllowed("the user at the other end of the socket is not known");
  }
}
