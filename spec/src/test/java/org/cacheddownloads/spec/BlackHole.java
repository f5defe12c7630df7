package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

/**
 * An address that answers to nobody: it listens, but its queue is full, and the kernel drops what
 * else comes, as a network does that leads nowhere.
 */
final class BlackHole implements AutoCloseable {
  private static final int MORE_THAN_THE_QUEUE_HOLDS = 8;

  private final ServerSocket server;
  private final List<SocketChannel> queued = new ArrayList<>();

  private BlackHole(ServerSocket server) {
    this.server = server;
  }

  /** On an address of the loopback device; port 0 takes a free one. */
  static BlackHole on(String address, int port) {
    try {
      var hole = new BlackHole(new ServerSocket(port, 1, InetAddress.getByName(address)));
      hole.fill();
      return hole;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void fill() throws IOException {
    var target = new InetSocketAddress(server.getInetAddress(), server.getLocalPort());
    for (int i = 0; i < MORE_THAN_THE_QUEUE_HOLDS; i++) {
      SocketChannel channel = SocketChannel.open();
      queued.add(channel);
      channel.configureBlocking(false);
      channel.connect(target);
    }
    if (queued.getLast().finishConnect()) {
      fail("the queue of " + target + " is not full");
    }
  }

  int port() {
    return server.getLocalPort();
  }

  @Override
  public void close() {
    try {
      for (SocketChannel channel : queued) {
        channel.close();
      }
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
