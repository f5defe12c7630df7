package org.cacheddownloads.fetch;

import java.net.InetAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/** The order in which the addresses of a host are tried. Pure. */
final class Addresses {
  /** Enough for every family to have several; a name with hundreds must not cost as many tries. */
  private static final int MOST = 8;

  private Addresses() {}

  /**
   * The families by turns, beginning with that of the first address, each in the resolver's order
   * (RFC 8305 section 4), so that a family that leads nowhere costs one head start.
   */
  static List<InetAddress> interleaved(List<InetAddress> resolved) {
    if (resolved.isEmpty()) {
      return List.of();
    }
    Class<?> family = resolved.getFirst().getClass();
    var first = new ArrayDeque<InetAddress>();
    var second = new ArrayDeque<InetAddress>();
    resolved.forEach(address -> (family.isInstance(address) ? first : second).add(address));
    var ordered = new ArrayList<InetAddress>();
    while (ordered.size() < Math.min(MOST, resolved.size())) {
      var turn = second.isEmpty() || (ordered.size() % 2 == 0 && !first.isEmpty()) ? first : second;
      ordered.add(turn.remove());
    }
    return ordered;
  }
}
