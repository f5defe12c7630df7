package org.cacheddownloads.spec;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * An origin of numbered items whose bytes follow from a seed, the number and a version, so that any
 * test can say what an item must be. Each has a strong ETag and is answered with 304 when that is
 * asked for; every third comes without a length; every fifth is fresh for an hour and never
 * changes. Thread-safe.
 */
final class VersionedOrigin implements AfterAllCallback, AutoCloseable {
  private static final int BACKLOG = 200;

  private final long seed;
  private final ToIntFunction<Random> sizes;
  private final List<Item> items;
  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  private VersionedOrigin(long seed, int items, ToIntFunction<Random> sizes) throws IOException {
    this.seed = seed;
    this.sizes = sizes;
    this.items = IntStream.range(0, items).mapToObj(Item::new).toList();
    this.server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), BACKLOG);
    server.setExecutor(threads);
    server.createContext("/", this::answer);
  }

  /** An origin of so many items; {@code sizes} says how many bytes the next version has. */
  static VersionedOrigin start(long seed, int items, ToIntFunction<Random> sizes) {
    try {
      var origin = new VersionedOrigin(seed, items, sizes);
      origin.server.start();
      return origin;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  List<Item> items() {
    return items;
  }

  /** One version of an item. */
  static final class Version {
    private final int number;
    private final byte[] bytes;
    private final String digest;

    private Version(int number, byte[] bytes) {
      this.number = number;
      this.bytes = bytes;
      this.digest = Content.checksum("sha256", bytes);
    }

    String digest() {
      return digest;
    }

    int size() {
      return bytes.length;
    }
  }

  /** One URL. */
  final class Item {
    private final int number;
    private final AtomicInteger bodies = new AtomicInteger();
    private volatile Version now;

    private Item(int number) {
      this.number = number;
      this.now = version(0);
    }

    int number() {
      return number;
    }

    String url() {
      return "http://127.0.0.1:" + server.getAddress().getPort() + "/" + number;
    }

    /** What the URL leads to now. */
    Version now() {
      return now;
    }

    boolean isFresh() {
      return number % 5 == 0;
    }

    /** Publishes other bytes under the URL; does nothing for one that is fresh. */
    void change() {
      if (!isFresh()) {
        now = version(now.number + 1);
      }
    }

    /** How often its bytes were sent. */
    int bodies() {
      return bodies.get();
    }

    private Version version(int version) {
      var random = new Random(seed * 31 + number * 1_000_003L + version);
      byte[] bytes = new byte[sizes.applyAsInt(random)];
      random.nextBytes(bytes);
      return new Version(version, bytes);
    }
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      Item item = items.get(Integer.parseInt(exchange.getRequestURI().getPath().substring(1)));
      Version version = item.now();
      String etag = "\"" + version.number + "\"";
      exchange.getResponseHeaders().set("ETag", etag);
      if (item.isFresh()) {
        exchange.getResponseHeaders().set("Cache-Control", "max-age=3600");
      }
      if (etag.equals(exchange.getRequestHeaders().getFirst("If-None-Match"))) {
        exchange.sendResponseHeaders(304, -1);
        return;
      }
      item.bodies.incrementAndGet();
      exchange.sendResponseHeaders(200, item.number % 3 == 0 ? 0 : version.bytes.length);
      exchange.getResponseBody().write(version.bytes);
      exchange.getResponseBody().close();
    }
  }

  @Override
  public void afterAll(ExtensionContext context) {
    close();
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
    try {
      threads.awaitTermination(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
