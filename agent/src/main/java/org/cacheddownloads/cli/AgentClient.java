package org.cacheddownloads.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.cacheddownloads.cli.Exchange.Response;
import org.cacheddownloads.content.Durations;
import org.jspecify.annotations.Nullable;

/**
 * HTTP to the agent over its Unix socket: every method waits, at most {@code timeout}. Nothing is
 * connected between two requests.
 */
final class AgentClient implements AutoCloseable {
  private static final int MAX_BODY_BYTES = 64 << 20;
  private static final String JSON = "application/json";
  private static final String LINES = "application/x-ndjson, application/json";

  private final Path socket;
  private final Duration timeout;

  /** A reply that is no problem. */
  record Reply(int status, String text) {
    /** The object in the body; empty where there is none (204). */
    JsonObject json() {
      JsonObject object = Json.decode(text);
      return object == null ? new JsonObject() : object;
    }
  }

  /** What is done with a response while it arrives. */
  @FunctionalInterface
  private interface Reading {
    Reply read(Response response) throws IOException;
  }

  private AgentClient(Path socket, Duration timeout) {
    this.socket = socket;
    this.timeout = timeout;
  }

  static AgentClient open(Path socket, Duration timeout) {
    return new AgentClient(socket, timeout);
  }

  /**
   * Asks and waits for the whole reply.
   *
   * @param path percent-encoded, with its query
   * @throws AgentRefused if the agent answered with a problem
   * @throws AgentUnreachable if there is no answer
   */
  Reply send(String method, String path, @Nullable JsonObject body) {
    return exchange(
        method,
        path,
        JSON,
        body,
        timeout,
        response -> new Reply(response.status(), text(response.body())));
  }

  /**
   * Asks for lines of progress and waits for the last one. The reply is the download, as if it had
   * been asked for with {@link #send}.
   */
  Reply sendWithProgress(String method, String path, JsonObject body, ProgressListener progress) {
    var events = EventLines.ofProgress(progress);
    Reply reply = exchange(method, path, LINES, body, timeout, response -> lines(response, events));
    JsonObject last = events.last();
    if (last == null) return reply;
    return switch (last.getString("event", "")) {
      case "done" -> new Reply(reply.status(), Json.encode(Json.section(last, "download")));
      case "failed" -> throw new AgentRefused(Json.section(last, "problem"));
      default ->
          throw new AgentUnreachable(
              "the agent at "
                  + socket
                  + " hung up before it was done; see its log, then try again");
    };
  }

  /**
   * Asks for lines and passes them on as they come, until the agent ends the reply, for however
   * long that is.
   *
   * @param listener takes the lines that are no problem
   */
  void stream(String path, EventLines.LineListener listener) {
    var events = new EventLines(listener);
    exchange("GET", path, LINES, null, Durations.LONGEST, response -> lines(response, events));
  }

  private static Reply lines(Response response, EventLines events) throws IOException {
    byte[] buffer = new byte[8192];
    try (InputStream body = response.body()) {
      for (int count = body.read(buffer); count >= 0; count = body.read(buffer))
        events.write(buffer, count);
    }
    events.end();
    return new Reply(response.status(), events.rest());
  }

  private static String text(InputStream body) throws IOException {
    byte[] bytes = body.readNBytes(MAX_BODY_BYTES + 1);
    if (bytes.length > MAX_BODY_BYTES) throw new IOException("the reply is too long");
    return new String(bytes, UTF_8);
  }

  private Reply exchange(
      String method,
      String path,
      String accept,
      @Nullable JsonObject body,
      Duration patience,
      Reading reading) {
    byte[] bytes = body == null ? new byte[0] : Json.encode(body).getBytes(UTF_8);
    var late = new AtomicBoolean();
    try (Exchange exchange = Exchange.open(socket)) {
      Thread watch = watch(exchange, patience, late);
      try {
        return accepted(reading.read(exchange.send(method, path, accept, bytes)));
      } finally {
        watch.interrupt();
      }
    } catch (IOException | IllegalArgumentException e) {
      throw late.get() ? tooLate(patience) : new AgentUnreachable(reason(e));
    }
  }

  /** Ends the exchange at the deadline: a channel that blocks knows no timeout of its own. */
  private static Thread watch(Exchange exchange, Duration patience, AtomicBoolean late) {
    return Thread.ofPlatform()
        .daemon()
        .name("deadline")
        .start(
            () -> {
              try {
                Thread.sleep(patience);
                late.set(true);
                exchange.close();
              } catch (InterruptedException | IOException e) {
                // the exchange has ended
              }
            });
  }

  private static Reply accepted(Reply reply) {
    if (reply.status() < 300) return reply;
    JsonObject problem = Json.decode(reply.text());
    throw new AgentRefused(
        problem != null
            ? problem
            : new JsonObject().put("detail", "the agent answered with status " + reply.status()));
  }

  private AgentUnreachable tooLate(Duration patience) {
    return new AgentUnreachable(
        "the agent at "
            + socket
            + " did not answer within "
            + Durations.format(patience)
            + "; see its log, or wait longer with --timeout");
  }

  /** The kernel's words lead to different remedies; the JDK passes them on only as text. */
  private String reason(Exception e) {
    String cause = String.valueOf(e.getMessage());
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

  @Override
  public void close() {
    // each request has closed what it opened
  }
}
