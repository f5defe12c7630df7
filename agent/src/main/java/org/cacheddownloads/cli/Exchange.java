package org.cacheddownloads.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * One HTTP/1.1 request over a Unix socket and its response (RFC 9112), on a connection of its own.
 * {@link #close}, by any thread, ends a wait.
 */
final class Exchange implements AutoCloseable {
  private static final int MAX_LINE_BYTES = 64 << 10;

  private final SocketChannel channel;
  private final InputStream in;

  /**
   * A response whose body has not been read yet.
   *
   * @param body ends with the response; fails if the connection ends before
   */
  record Response(int status, InputStream body) {}

  private Exchange(SocketChannel channel) {
    this.channel = channel;
    this.in = new BufferedInputStream(Channels.newInputStream(channel));
  }

  static Exchange open(Path socket) throws IOException {
    return new Exchange(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
  }

  /**
   * Sends the request and waits for the head of its response.
   *
   * @param target percent-encoded path with query
   */
  Response send(String method, String target, String accept, byte[] body) throws IOException {
    String head =
        method
            + " "
            + target
            + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: "
            + accept
            + (body.length == 0 ? "" : "\r\nContent-Type: application/json")
            + "\r\nContent-Length: "
            + body.length
            + "\r\n\r\n";
    write(head.getBytes(ISO_8859_1));
    write(body);
    return response();
  }

  private void write(byte[] bytes) throws IOException {
    var buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) channel.write(buffer);
  }

  private Response response() throws IOException {
    String[] status = line().split(" ", 3);
    if (status.length < 2 || !status[0].startsWith("HTTP/1."))
      throw new IOException("this is no HTTP");
    Map<String, String> fields = new HashMap<>();
    for (String line = line(); !line.isEmpty(); line = line()) {
      int colon = Math.max(0, line.indexOf(':'));
      fields.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    try {
      int code = Integer.parseInt(status[1]);
      return new Response(code, body(code, fields));
    } catch (NumberFormatException e) {
      throw new IOException("this is no HTTP", e);
    }
  }

  private InputStream body(int status, Map<String, String> fields) {
    if (status == 204) return InputStream.nullInputStream();
    if (fields.getOrDefault("transfer-encoding", "").equalsIgnoreCase("chunked"))
      return new Chunks();
    String length = fields.get("content-length");
    return length == null ? in : new Counted(Long.parseLong(length));
  }

  private String line() throws IOException {
    var line = new ByteArrayOutputStream();
    for (int each = in.read(); each != '\n'; each = in.read()) {
      if (each < 0) throw new EOFException("the connection was closed");
      if (line.size() == MAX_LINE_BYTES) throw new IOException("a line is too long");
      line.write(each);
    }
    return line.toString(ISO_8859_1).stripTrailing();
  }

  /** Fails if {@code left} bytes do not come. */
  private class Counted extends InputStream {
    long left;

    Counted(long left) {
      this.left = left;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      if (left == 0) return -1;
      int count = in.read(bytes, offset, (int) Math.min(length, left));
      if (count < 0) throw new EOFException("the connection was closed");
      left -= count;
      return count;
    }
  }

  /** RFC 9112 section 7.1; {@code left} are those of the chunk that is read. */
  private final class Chunks extends Counted {
    private boolean first = true;
    private boolean last;

    Chunks() {
      super(0);
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      if (left == 0 && !last) begin();
      return last ? -1 : super.read(bytes, offset, length);
    }

    private void begin() throws IOException {
      if (!first) line(); // the end of the chunk before
      first = false;
      String size = line();
      int end = size.indexOf(';');
      try {
        left = Long.parseLong((end < 0 ? size : size.substring(0, end)).strip(), 16);
      } catch (NumberFormatException e) {
        throw new IOException("this is no HTTP", e);
      }
      last = left == 0;
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
