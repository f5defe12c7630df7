package org.cacheddownloads.spec;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An origin for much traffic, whose bytes are a function of path and version: whoever has a digest
 * can be told what it is, without asking the agent. It lives in the test process and so outlasts
 * every kill. Thread-safe; one request a connection.
 */
final class LoadOrigin implements AutoCloseable {
  /** How a source answers. All that may be stored have an entity tag for each version. */
  enum Kind {
    SMALL(100, 12_000),
    /** Several chunks for the agent to write. */
    LARGE(600_000, 1_600_000),
    /** The length is not announced. */
    CHUNKED(50_000, 900_000),
    /** Fresh for an hour: handed out again without a question. */
    FRESH(100, 12_000),
    /** May not be stored. */
    UNCACHED(100, 300_000),
    /**
     * Every second answer stops behind the first 4 MiB, which is where the agent can go on later;
     * every second answer to that stops soon as well.
     */
    CUT(4_600_000, 5_400_000),
    /** A {@link LoadArchive}. */
    ARCHIVE,
    FRESH_ARCHIVE,
    UNCACHED_ARCHIVE,
    /** An archive that must not be unpacked. */
    UNSAFE_ARCHIVE,
    /** A 404. */
    MISSING(0, 1);

    private final int least;
    private final int most;

    Kind() {
      this(0, 1);
    }

    Kind(int least, int most) {
      this.least = least;
      this.most = most;
    }

    boolean isArchive() {
      return switch (this) {
        case ARCHIVE, FRESH_ARCHIVE, UNCACHED_ARCHIVE -> true;
        default -> false;
      };
    }

    boolean mayBeStored() {
      return this != UNCACHED && this != UNCACHED_ARCHIVE;
    }

    private boolean isFresh() {
      return this == FRESH || this == FRESH_ARCHIVE;
    }
  }

  /**
   * One path.
   *
   * @param content sources with equal content have equal bytes in equal versions
   * @param digests of all versions there have been, the present one last
   */
  record Source(
      String path,
      Kind kind,
      String content,
      List<String> digests,
      AtomicInteger wholes,
      AtomicInteger rests) {
    private int version() {
      return digests.size() - 1;
    }
  }

  private static final int PATIENCE_MILLIS = 30_000;
  private static final int CUT_AT = 4_300_000;
  private static final int REST_BYTES = 64 * 1024;

  private final ServerSocket server;
  private final Map<String, Source> sources = new TreeMap<>();
  private final Map<String, String> known = new ConcurrentHashMap<>();
  private final Map<String, Map<String, String>> trees = new ConcurrentHashMap<>();

  private LoadOrigin(ServerSocket server) {
    this.server = server;
  }

  static LoadOrigin start() {
    try {
      var origin = new LoadOrigin(new ServerSocket(0, 500, InetAddress.getLoopbackAddress()));
      Thread.ofVirtual().start(origin::accept);
      return origin;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- sources; all of them are added before the first request

  Source add(String path, Kind kind) {
    return add(path, kind, path);
  }

  Source add(String path, Kind kind, String content) {
    var source =
        new Source(
            path, kind, content, new ArrayList<>(), new AtomicInteger(), new AtomicInteger());
    sources.put(path, source);
    change(source);
    return source;
  }

  /** From now on the source has another version, with other bytes. */
  void change(Source source) {
    synchronized (source.digests()) {
      int next = source.version() + 1;
      String digest = Content.checksum("sha256", bytes(source, next));
      if (source.kind().isArchive()) {
        trees.put(digest, LoadArchive.of(seed(source, next)).tree());
      }
      known.put(digest, source.content() + " version " + next);
      source.digests().add(digest);
    }
  }

  String url(Source source) {
    return url(source.path());
  }

  String url(String path) {
    return "http://127.0.0.1:" + server.getLocalPort() + path;
  }

  /** The digest of the present version. */
  String digest(Source source) {
    synchronized (source.digests()) {
      return source.digests().getLast();
    }
  }

  /** The digests of all versions so far. */
  Set<String> digests(Source source) {
    synchronized (source.digests()) {
      return new LinkedHashSet<>(source.digests());
    }
  }

  /** What a digest is, for a reader of a report. */
  String describe(String digest) {
    return known.getOrDefault(digest, "no bytes of this origin");
  }

  /** What the archive of a digest unpacks to; empty if it is none, or must not be unpacked. */
  Map<String, String> tree(String digest) {
    return trees.getOrDefault(digest, Map.of());
  }

  private static long seed(Source source, int version) {
    return (source.content() + "#" + version).hashCode();
  }

  private static byte[] bytes(Source source, int version) {
    if (source.kind().isArchive()) {
      return LoadArchive.of(seed(source, version)).bytes();
    }
    if (source.kind() == Kind.UNSAFE_ARCHIVE) {
      return LoadArchive.unsafe(seed(source, version));
    }
    var random = new SplittableRandom(seed(source, version));
    byte[] bytes = new byte[random.nextInt(source.kind().least, source.kind().most)];
    random.nextBytes(bytes);
    return bytes;
  }

  // ---- answers

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        Thread.ofVirtual().start(() -> talk(socket));
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private void talk(Socket socket) {
    try (socket) {
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(PATIENCE_MILLIS);
      var in = new BufferedInputStream(socket.getInputStream());
      String path = line(in).split(" ", -1)[1];
      Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
      for (String line = line(in); !line.isEmpty(); line = line(in)) {
        int colon = line.indexOf(':');
        headers.put(line.substring(0, colon), line.substring(colon + 1).strip());
      }
      answer(sources.get(path), headers, socket.getOutputStream());
      socket.shutdownOutput();
      in.transferTo(OutputStream.nullOutputStream()); // or closing could reset what was sent
    } catch (IOException e) {
      // The agent hung up or was killed.
    }
  }

  private static String line(InputStream in) throws IOException {
    var line = new ByteArrayOutputStream();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new IOException("the request is cut");
      }
      line.write(b);
    }
    return line.toString(StandardCharsets.US_ASCII).strip();
  }

  private void answer(Source source, Map<String, String> asked, OutputStream out)
      throws IOException {
    if (source.kind() == Kind.MISSING) {
      send(out, "404 Not Found", new byte[0], "Content-Length: 0");
      return;
    }
    int version;
    synchronized (source.digests()) {
      version = source.version();
    }
    String etag = "\"" + source.content() + "-" + version + "\"";
    boolean stored = source.kind().mayBeStored();
    String validator = stored ? "ETag: " + etag : "X-None: 1";
    String control = source.kind().isFresh() ? "Cache-Control: max-age=3600" : "X-Control: none";
    if (!stored) {
      control = "Cache-Control: no-store";
    }
    if (etag.equals(asked.get("If-None-Match"))) {
      send(out, "304 Not Modified", new byte[0], validator, control);
      return;
    }
    byte[] body = bytes(source, version);
    String range = asked.get("Range");
    if (range != null && etag.equals(asked.getOrDefault("If-Range", etag))) {
      int from = Integer.parseInt(range.replaceAll("bytes=([0-9]+)-.*", "$1"));
      boolean cut = source.kind() == Kind.CUT && source.rests().getAndIncrement() % 2 == 0;
      int to = cut ? Math.min(body.length, from + REST_BYTES) : body.length;
      send(
          out,
          "206 Partial Content",
          Arrays.copyOfRange(body, from, to),
          validator,
          "Content-Range: bytes " + from + "-" + (body.length - 1) + "/" + body.length,
          "Content-Length: " + (body.length - from));
    } else if (source.kind() == Kind.CHUNKED) {
      send(out, "200 OK", chunked(body), validator, "Transfer-Encoding: chunked");
    } else {
      boolean cut = source.kind() == Kind.CUT && source.wholes().getAndIncrement() % 2 == 0;
      byte[] sent = cut ? Arrays.copyOf(body, CUT_AT) : body;
      send(out, "200 OK", sent, validator, control, "Content-Length: " + body.length);
    }
  }

  /** RFC 9112 section 7.1, as a single chunk. */
  private static byte[] chunked(byte[] body) {
    var wire = new ByteArrayOutputStream();
    wire.writeBytes(
        (Integer.toHexString(body.length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
    wire.writeBytes(body);
    wire.writeBytes("\r\n0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    return wire.toByteArray();
  }

  private static void send(OutputStream out, String status, byte[] body, String... headers)
      throws IOException {
    var head = new StringBuilder("HTTP/1.1 " + status + "\r\nConnection: close\r\n");
    Arrays.stream(headers).forEach(header -> head.append(header).append("\r\n"));
    out.write(head.append("\r\n").toString().getBytes(StandardCharsets.US_ASCII));
    out.write(body);
    out.flush();
  }

  @Override
  public void close() {
    try {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
