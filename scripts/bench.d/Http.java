import java.io.IOException;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/** One HTTP/1.1 exchange on a connection of its own, over a Unix socket or TCP. */
final class Http implements AutoCloseable {
  /** The body as text: the agent's replies are JSON, the rest is only counted. */
  record Reply(int status, String body) {}

  private static final int CONNECT_TRIES = 1_000;

  private final SocketChannel channel;

  private Http(SocketChannel channel) {
    this.channel = channel;
  }

  static Reply ask(SocketAddress server, String method, String path, String body)
      throws IOException {
    try (Http http = connect(server)) {
      return http.send(method, path, body);
    }
  }

  static Http connect(SocketAddress server) throws IOException {
    boolean unix = server instanceof UnixDomainSocketAddress;
    for (int tries = 1; ; tries++) {
      SocketChannel channel =
          unix ? SocketChannel.open(StandardProtocolFamily.UNIX) : SocketChannel.open();
      try {
        channel.connect(server);
        return new Http(channel);
      } catch (IOException e) { // a full queue of a Unix socket refuses instead of waiting
        channel.close();
        boolean queueIsFull = unix && String.valueOf(e.getMessage()).contains("unavailable");
        if (!queueIsFull || tries == CONNECT_TRIES) throw e;
        Thread.yield();
      }
    }
  }

  Reply send(String method, String path, String body) throws IOException {
    String content = body == null ? "" : body;
    String head =
        method
            + " "
            + path
            + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            + (body == null ? "" : "Content-Type: application/json\r\n")
            + "Content-Length: "
            + content.getBytes(StandardCharsets.UTF_8).length
            + "\r\n\r\n";
    ByteBuffer request = ByteBuffer.wrap((head + content).getBytes(StandardCharsets.UTF_8));
    while (request.hasRemaining()) channel.write(request);
    var all = new java.io.ByteArrayOutputStream();
    ByteBuffer buffer = ByteBuffer.allocate(16 << 10);
    while (channel.read(buffer) >= 0) {
      all.write(buffer.array(), 0, buffer.position());
      buffer.clear();
    }
    String reply = all.toString(StandardCharsets.ISO_8859_1);
    int end = reply.indexOf("\r\n\r\n");
    if (end < 0) throw new IOException("the connection was closed without a reply");
    return new Reply(Integer.parseInt(reply.substring(9, 12)), reply.substring(end + 4));
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
