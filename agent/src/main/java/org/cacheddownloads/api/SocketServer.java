package org.cacheddownloads.api;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.SocketAddress;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Clock;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.cacheddownloads.advice.Advisor;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.config.Config;
import org.cacheddownloads.config.Config.Changes;
import org.cacheddownloads.config.HostPort;
import org.cacheddownloads.config.Settings;
import org.cacheddownloads.fetch.Explainer;
import org.cacheddownloads.fetch.Flights;
import org.cacheddownloads.metrics.Meters;
import org.cacheddownloads.space.Copies;
import org.cacheddownloads.space.Evictor;
import org.cacheddownloads.space.Verifier;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.StorageHealth;
import org.cacheddownloads.trace.Events;
import org.cacheddownloads.trace.RequestLog;
import org.cacheddownloads.view.Views;
import org.jspecify.annotations.Nullable;

/**
 * The listeners: everything on a Unix socket, metrics and health on a TCP port as well. Closing
 * ends them, and the threads of requests that still run.
 */
public final class SocketServer implements AutoCloseable {
  private static final int MAX_HEADER_BYTES = 64 * 1024;
  private static final int MAX_LINE_BYTES = 32 * 1024;
  private static final int BACKLOG = 4096;
  private static final long PATIENCE_SECONDS = 10;

  private final HttpServer socket;
  private final @Nullable HttpServer tcp;
  private final Path socketPath;
  private final ExecutorService threads;

  /** What the routes are about. */
  public record Parts(
      Supplier<Config> config,
      Supplier<Settings> settings,
      Downloads downloads,
      Views views,
      Catalog catalog,
      BlobStore store,
      Evictor evictor,
      Copies copies,
      Verifier verifier,
      Meters meters,
      Supplier<Map<String, Object>> stats,
      Supplier<Changes> reload,
      Gate gate,
      StorageHealth storage,
      Explainer explainer,
      Flights flights,
      RequestLog requests,
      Events events,
      Advisor advisor,
      LongSupplier inUseBytes,
      Clock clock) {}

  private SocketServer(
      HttpServer socket, @Nullable HttpServer tcp, Path socketPath, ExecutorService threads) {
    this.socket = socket;
    this.tcp = tcp;
    this.socketPath = socketPath;
    this.threads = threads;
  }

  /** Listens. @throws IOException with a sentence for the operator when an address cannot be had */
  public static SocketServer start(Vertx vertx, Parts parts) throws IOException {
    Config config = parts.config().get();
    Path path = config.socket().path().toAbsolutePath();
    prepare(path);
    var idle = new IdleLimit(vertx, config.socket().idleTimeout());
    ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    Routes health = new Routes();
    stateRoutes(parts).addHealthTo(health);
    var onSocket =
        new RequestBridge(
            gated(parts),
            health,
            parts.gate(),
            Peers.ofUsers(() -> parts.config().get().socket().allowUids()),
            parts.storage(),
            idle,
            parts.meters(),
            threads);
    HttpServer socket =
        listen(
            vertx,
            onSocket,
            idle,
            SocketAddress.domainSocketAddress(path.toString()),
            "the socket " + path);
    restrict(path, config.socket());
    HostPort address = config.metrics().address();
    if (address == null) {
      return new SocketServer(socket, null, path, threads);
    }
    var onTcp =
        new RequestBridge(
            new Routes(),
            health,
            parts.gate(),
            Peers.ANYBODY,
            parts.storage(),
            idle,
            parts.meters(),
            threads);
    HttpServer tcp =
        listen(
            vertx,
            onTcp,
            idle,
            SocketAddress.inetSocketAddress(address.port(), address.host()),
            "metrics.address " + address);
    return new SocketServer(socket, tcp, path, threads);
  }

  private static StateRoutes stateRoutes(Parts parts) {
    return new StateRoutes(
        parts.settings(),
        parts.stats(),
        parts.reload(),
        parts.meters(),
        parts.gate(),
        parts.storage());
  }

  private static Routes gated(Parts parts) {
    Routes routes = new Routes();
    new ContainerRoutes(parts.config(), parts.downloads(), parts.views(), parts.meters())
        .addTo(routes);
    new EntryRoutes(
            parts.catalog(),
            parts.evictor(),
            parts.verifier(),
            parts.views(),
            parts.explainer(),
            parts.clock())
        .addTo(routes);
    new BlobRoutes(parts.catalog(), parts.store(), parts.copies(), parts.clock()).addTo(routes);
    stateRoutes(parts).addTo(routes);
    new EventRoutes(parts.flights(), parts.requests(), parts.events()).addTo(routes);
    new AdviceRoutes(parts.config(), parts.advisor(), parts.inUseBytes(), parts.clock())
        .addTo(routes);
    return routes;
  }

  /** Removes a socket that a killed agent left behind. */
  private static void prepare(Path path) throws IOException {
    Path directory = path.getParent();
    if (directory != null) {
      Files.createDirectories(directory);
    }
    if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      if (!isSocket(path)) {
        throw new IOException(
            "socket.path "
                + path
                + " is a file that is not a socket; remove it or set another path");
      }
      if (isAnswered(path)) {
        throw new IOException(
            "socket.path " + path + " belongs to an agent that runs; stop it or set another path");
      }
      Files.delete(path);
    }
  }

  private static boolean isAnswered(Path path) {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
      return channel.isConnected();
    } catch (IOException e) {
      return false; // nobody listens: it was left behind
    }
  }

  private static boolean isSocket(Path path) throws IOException {
    int mode = (Integer) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    return (mode & 0170000) == 0140000; // S_IFMT, S_IFSOCK (inode(7))
  }

  private static HttpServer listen(
      Vertx vertx, RequestBridge bridge, IdleLimit idle, SocketAddress address, String what)
      throws IOException {
    var options =
        new HttpServerOptions()
            .setMaxHeaderSize(MAX_HEADER_BYTES)
            .setMaxInitialLineLength(MAX_LINE_BYTES)
            .setHandle100ContinueAutomatically(true)
            .setHttp2ClearTextEnabled(false) // hanging up and drains are about HTTP/1.1
            .setAcceptBacklog(BACKLOG);
    HttpServer server =
        vertx
            .createHttpServer(options)
            .connectionHandler(idle::watch)
            .requestHandler(bridge::handle);
    try {
      return server
          .listen(address)
          .toCompletionStage()
          .toCompletableFuture()
          .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new IOException(
          "cannot listen on "
              + what
              + ": "
              + (e.getCause() == null ? e : e.getCause()).getMessage(),
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while starting to listen on " + what, e);
    }
  }

  private static void restrict(Path path, Config.Socket socket) throws IOException {
    Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
    int mode = Integer.parseInt(socket.mode(), 8);
    PosixFilePermission[] fromHigh =
        PosixFilePermission.values(); // declared from owner read to others execute
    for (int i = 0; i < fromHigh.length; i++) {
      if ((mode & (0400 >> i)) != 0) {
        permissions.add(fromHigh[i]);
      }
    }
    Files.setPosixFilePermissions(path, permissions);
    String group = socket.group();
    if (group != null) {
      Files.getFileAttributeView(path, PosixFileAttributeView.class)
          .setGroup(
              path.getFileSystem()
                  .getUserPrincipalLookupService()
                  .lookupPrincipalByGroupName(group));
    }
  }

  /** The port of the TCP listener; 0 without one. */
  public int metricsPort() {
    return tcp == null ? 0 : tcp.actualPort();
  }

  @Override
  public void close() {
    threads.shutdownNow();
    try {
      socket
          .close()
          .toCompletionStage()
          .toCompletableFuture()
          .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
      if (tcp != null) {
        tcp.close()
            .toCompletionStage()
            .toCompletableFuture()
            .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
      }
      Files.deleteIfExists(socketPath);
    } catch (ExecutionException | TimeoutException | IOException e) {
      throw new IllegalStateException("the listeners did not close", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
