package org.cacheddownloads.cli;

import io.netty.util.internal.logging.InternalLoggerFactory;
import io.netty.util.internal.logging.JdkLoggerFactory;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.SocketAddress;
import io.vertx.ext.web.client.HttpRequest;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.codec.BodyCodec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.cacheddownloads.content.Durations;
import org.jspecify.annotations.Nullable;

/**
 * HTTP to the agent over its Unix socket, in direct style: every method waits, at most {@code
 * timeout}.
 */
final class AgentClient implements AutoCloseable {
  private static final String LOGGING = "vertx.logger-delegate-factory-class-name";

  private final Path socket;
  private final Duration timeout;
  private final Vertx vertx;
  private final WebClient web;

  /** A reply that is no problem. */
  record Reply(int status, String text) {
    /** The object in the body; empty where there is none (204). */
    JsonObject json() {
      JsonObject object = Json.decode(text);
      return object == null ? new JsonObject() : object;
    }
  }

  private AgentClient(Path socket, Duration timeout, Vertx vertx) {
    this.socket = socket;
    this.timeout = timeout;
    this.vertx = vertx;
    this.web = WebClient.create(vertx);
  }

  /**
   * Keeps Vert.x and Netty from starting Logback. To be called before any of their classes is used,
   * even {@code JsonObject}: the first decides.
   */
  static void logWithoutLogback() {
    if (System.getProperty(LOGGING) == null)
      System.setProperty(LOGGING, "io.vertx.core.logging.JULLogDelegateFactory");
    InternalLoggerFactory.setDefaultFactory(JdkLoggerFactory.INSTANCE);
  }

  /** Nothing is connected before the first request. */
  static AgentClient open(Path socket, Duration timeout) {
    var options =
        new VertxOptions()
            .setEventLoopPoolSize(1)
            .setWorkerPoolSize(1)
            .setInternalBlockingPoolSize(1)
            .setUseDaemonThread(true)
            .setFileSystemOptions(
                new FileSystemOptions()
                    .setClassPathResolvingEnabled(false)
                    .setFileCachingEnabled(false));
    return new AgentClient(socket, timeout, Vertx.vertx(options));
  }

  /**
   * Asks and waits for the whole reply.
   *
   * @param path percent-encoded, with its query
   * @throws AgentRefused if the agent answered with a problem
   * @throws AgentUnreachable if there is no answer
   */
  Reply send(String method, String path, @Nullable JsonObject body) {
    HttpResponse<Buffer> response = await(send(request(method, path), body));
    Buffer received = response.body();
    return accepted(response.statusCode(), received == null ? "" : received.toString());
  }

  /**
   * Asks for lines of progress and waits for the last one. The reply is the download, as if it had
   * been asked for with {@link #send}.
   *
   * @param progress is told on a thread of Vert.x, one line after another
   */
  Reply sendWithProgress(String method, String path, JsonObject body, ProgressListener progress) {
    var events = new EventLines(progress);
    var request =
        request(method, path)
            .putHeader("Accept", "application/x-ndjson, application/json")
            .as(BodyCodec.pipe(events));
    int status = await(send(request, body)).statusCode();
    JsonObject last = events.last();
    if (last == null || status >= 300) return accepted(status, events.rest());
    return switch (last.getString("event", "")) {
      case "done" -> new Reply(status, Json.encode(Json.section(last, "download")));
      case "failed" -> throw new AgentRefused(Json.section(last, "problem"));
      default ->
          throw new AgentUnreachable(
              "the agent at "
                  + socket
                  + " hung up before it was done; see its log, then try again");
    };
  }

  /** Does not wait: the process ends right after, and Vert.x takes its time. */
  @Override
  public void close() {
    vertx.close();
  }

  private HttpRequest<Buffer> request(String method, String path) {
    var options =
        new RequestOptions()
            .setMethod(HttpMethod.valueOf(method))
            .setServer(SocketAddress.domainSocketAddress(socket.toString()))
            .setHost("localhost")
            .setURI(path)
            .putHeader("Accept", "application/json");
    return web.request(options).followRedirects(false);
  }

  private static <T> Future<HttpResponse<T>> send(
      HttpRequest<T> request, @Nullable JsonObject body) {
    if (body == null) return request.send();
    return request
        .putHeader("Content-Type", "application/json")
        .sendBuffer(Buffer.buffer(Json.encode(body)));
  }

  private Reply accepted(int status, String text) {
    if (status < 300) return new Reply(status, text);
    JsonObject problem = Json.decode(text);
    throw new AgentRefused(
        problem != null
            ? problem
            : new JsonObject().put("detail", "the agent answered with status " + status));
  }

  private <T> HttpResponse<T> await(Future<HttpResponse<T>> response) {
    try {
      return response
          .toCompletionStage()
          .toCompletableFuture()
          .get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new AgentUnreachable(
          "the agent at "
              + socket
              + " did not answer within "
              + Durations.format(timeout)
              + "; see its log, or wait longer with --timeout");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AgentUnreachable("interrupted while waiting for the agent at " + socket);
    } catch (ExecutionException e) {
      throw new AgentUnreachable(
          reason(String.valueOf(e.getCause() == null ? e : e.getCause().getMessage())));
    }
  }

  /** The kernel's words lead to different remedies; Netty passes them on only as text. */
  private String reason(String cause) {
    String start =
        "start it with 'cached-downloads serve', or name its socket with --socket or CACHED_DOWNLOADS_SOCKET";
    if (Files.notExists(socket)) return "no agent at " + socket + " (no such socket); " + start;
    if (cause.contains("Permission denied"))
      return "not allowed to open " + socket + "; ask as its owner or as a member of its group";
    if (cause.contains("refused")) return "no agent at " + socket + " (nobody listens); " + start;
    return "no answer from the agent at "
        + socket
        + " ("
        + Terminal.printable(cause)
        + "); see its log, then try again";
  }
}
