package org.cacheddownloads.spec;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One HTTP/1.1 request on a connection of its own, over a Unix or a TCP socket. {@link #close}
 * before the reply has come is what the agent sees as a caller that hangs up. One thread reads; any
 * thread may close.
 */
final class Exchange implements AutoCloseable {
  private static final int SENT_AT_ONCE = 64 * 1024;

  private final Request request;
  private final SocketChannel channel;
  private final InputStream in;
  private final ByteArrayOutputStream streamed = new ByteArrayOutputStream();
  private @Nullable Head head;
  private @Nullable InputStream body;

  private record Head(int status, Map<String, List<String>> headers) {}

  private Exchange(Request request, SocketChannel channel) {
    this.request = request;
    this.channel = channel;
    this.in = new BufferedInputStream(Channels.newInputStream(channel));
  }

  /** Connects and sends the request. */
  static Exchange open(SocketAddress address, Request request) {
    try {
      SocketChannel channel = SocketChannel.open(address);
      ByteBuffer bytes = ByteBuffer.wrap(wire(request));
      if (bytes.remaining() <= SENT_AT_ONCE) {
        send(channel, bytes);
      } else {
        // The agent may answer before it has read all of it: then nobody must be stuck in writing.
        Thread.ofVirtual().start(() -> sendWhatIsTaken(channel, bytes));
      }
      return new Exchange(request, channel);
    } catch (IOException e) {
      throw new UncheckedIOException(request.toString(), e);
    }
  }

  /** The status, as soon as the head is here. */
  int status() {
    try {
      return head().status();
    } catch (IOException e) {
      throw new UncheckedIOException("no head in reply to " + request, e);
    }
  }

  /** The whole reply. Waits for it as long as the connection lives. */
  Reply reply() {
    try {
      Head head = head();
      streamed.write(body().readAllBytes());
      return new Reply(head.status(), head.headers(), streamed.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException("no whole reply to " + request, e);
    }
  }

  /** The next line of a reply that is a stream of lines, or null at its end. */
  @Nullable String line() {
    try {
      String line = readLine(body());
      if (line != null) {
        streamed.writeBytes((line + "\n").getBytes(StandardCharsets.UTF_8));
      }
      return line;
    } catch (IOException e) {
      throw new UncheckedIOException("no line in reply to " + request, e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] wire(Request request) {
    byte[] body =
        request.body() == null ? new byte[0] : request.body().getBytes(StandardCharsets.UTF_8);
    var head =
        new StringBuilder(
            request.method()
                + " "
                + request.target()
                + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    request
        .headers()
        .forEach((name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
    if (request.body() != null || request.method().startsWith("P")) {
      head.append("Content-Length: ").append(body.length).append("\r\n");
    }
    var wire = new ByteArrayOutputStream();
    wire.writeBytes(head.append("\r\n").toString().getBytes(StandardCharsets.UTF_8));
    wire.writeBytes(body);
    return wire.toByteArray();
  }

  private static void send(SocketChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private static void sendWhatIsTaken(SocketChannel channel, ByteBuffer bytes) {
    try {
      send(channel, bytes);
    } catch (IOException e) {
      // The agent has answered and closed; the reply tells.
    }
  }

  private Head head() throws IOException {
    if (head == null) {
      String statusLine = requireLine();
      var headers = new TreeMap<String, List<String>>(String.CASE_INSENSITIVE_ORDER);
      for (String line = requireLine(); !line.isEmpty(); line = requireLine()) {
        int colon = line.indexOf(':');
        headers
            .computeIfAbsent(line.substring(0, colon), _ -> new ArrayList<>())
            .add(line.substring(colon + 1).strip());
      }
      head = new Head(Integer.parseInt(statusLine.split(" ", -1)[1]), headers);
    }
    return head;
  }

  private InputStream body() throws IOException {
    if (body == null) {
      Head head = head();
      if (request.method().equals("HEAD") || head.status() == 204 || head.status() == 304) {
        body = InputStream.nullInputStream();
      } else if (head.headers().containsKey("Transfer-Encoding")) {
        body = new ChunkedBody(in);
      } else if (head.headers().containsKey("Content-Length")) {
        body = new CountedBody(in, Long.parseLong(head.headers().get("Content-Length").getFirst()));
      } else {
        body = in;
      }
    }
    return body;
  }

  private String requireLine() throws IOException {
    String line = readLine(in);
    if (line == null) {
      throw new EOFException("connection closed before the reply's head");
    }
    return line;
  }

  private static @Nullable String readLine(InputStream in) throws IOException {
    var line = new ByteArrayOutputStream();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        return line.size() == 0 ? null : line.toString(StandardCharsets.UTF_8);
      }
      line.write(b);
    }
    String text = line.toString(StandardCharsets.UTF_8);
    return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
  }

  /** A body of known length; ends with an error when the connection ends before it. */
  private static final class CountedBody extends InputStream {
    private final InputStream in;
    private long left;

    CountedBody(InputStream in, long length) {
      this.in = in;
      this.left = length;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      if (left == 0) {
        return -1;
      }
      int count = in.read(bytes, offset, (int) Math.min(length, left));
      if (count < 0) {
        throw new EOFException(left + " bytes of the reply are missing");
      }
      left -= count;
      return count;
    }
  }

  /** A body in chunks (RFC 9112 section 7.1). */
  private static final class ChunkedBody extends InputStream {
    private final InputStream in;
    private InputStream chunk = InputStream.nullInputStream();
    private boolean first = true;
    private boolean ended;

    ChunkedBody(InputStream in) {
      this.in = in;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      while (!ended) {
        int count = chunk.read(bytes, offset, length);
        if (count >= 0) {
          return count;
        }
        nextChunk();
      }
      return -1;
    }

    private void nextChunk() throws IOException {
      if (!first) {
        readLine(in);
      }
      first = false;
      String size = readLine(in);
      if (size == null) {
        throw new EOFException("the last chunk of the reply is missing");
      }
      long length = Long.parseLong(size.split(";", -1)[0].strip(), 16);
      chunk = new CountedBody(in, length);
      ended = length == 0;
    }
  }
}
