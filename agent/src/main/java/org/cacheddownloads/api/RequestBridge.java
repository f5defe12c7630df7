package org.cacheddownloads.api;

import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.BodyTooLarge;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.cacheddownloads.metrics.Meters;
import org.cacheddownloads.store.StorageHealth;
import org.cacheddownloads.trace.Trace;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * From the event loop to a virtual thread and back. The loop collects the small body; then one
 * virtual thread runs the handler and writes its answer. A caller who hangs up interrupts that
 * thread.
 */
final class RequestBridge {
  private static final Logger log = LoggerFactory.getLogger(RequestBridge.class);
  private static final int MOST_BODY_BYTES = 1 << 20;
  private static final int LONGEST_WRITE_SECONDS = 60;

  private final Routes gated;
  private final Routes open;
  private final Gate gate;
  private final Peers peers;
  private final StorageHealth storage;
  private final IdleLimit idle;
  private final Meters meters;
  private final ExecutorService threads;

  /**
   * @param gated routes behind the gate
   * @param open routes that are always there
   * @param meters hears of problems, and where the time of requests goes
   */
  RequestBridge(
      Routes gated,
      Routes open,
      Gate gate,
      Peers peers,
      StorageHealth storage,
      IdleLimit idle,
      Meters meters,
      ExecutorService threads) {
    this.gated = gated;
    this.open = open;
    this.gate = gate;
    this.peers = peers;
    this.storage = storage;
    this.idle = idle;
    this.meters = meters;
    this.threads = threads;
  }

  /** On the event loop. */
  void handle(HttpServerRequest request) {
    var exchange = new Exchange(request);
    request.response().exceptionHandler(_ -> exchange.hungUp());
    request.response().closeHandler(_ -> exchange.hungUp());
    request.exceptionHandler(_ -> exchange.hungUp());
    request.handler(exchange::receive);
    request.endHandler(
        _ -> {
          idle.begin(request.connection());
          exchange.received();
        });
    request.response().endHandler(_ -> idle.end(request.connection()));
  }

  /**
   * One request; its fields belong to the event loop until the body is complete, to the virtual
   * thread after.
   */
  private final class Exchange {
    private final HttpServerRequest request;
    private final HttpServerResponse response;
    private Buffer body = Buffer.buffer();
    private boolean tooLarge;
    private final AtomicBoolean finished = new AtomicBoolean();
    private final AtomicBoolean inside = new AtomicBoolean();
    private volatile boolean gone;
    private final Trace trace = Trace.of(Trace.newId(), meters::phase);
    private volatile @Nullable Thread thread;

    Exchange(HttpServerRequest request) {
      this.request = request;
      this.response = request.response();
    }

    void receive(Buffer part) {
      if (tooLarge || body.length() + part.length() > MOST_BODY_BYTES) {
        if (!tooLarge) {
          tooLarge = true;
          body = Buffer.buffer();
          threads.execute(this::run); // answered at once; what still comes is dropped
        }
        return;
      }
      body.appendBuffer(part);
    }

    void received() {
      if (!tooLarge) {
        threads.execute(this::run);
      }
    }

    void hungUp() {
      gone = true;
      Thread running = thread;
      if (running != null && !finished.get()) {
        running.interrupt();
      }
    }

    private void run() {
      trace.run(this::runTraced);
    }

    private void runTraced() {
      thread = Thread.currentThread();
      if (gone) {
        return;
      }
      try {
        write(answer());
      } catch (CacheException e) {
        tell(Problems.of(e, Instances.current()));
      } catch (RuntimeException | Error e) { // whatever it is, the caller must not wait for ever
        String instance = Instances.current();
        log.error(
            "request failed by a bug instance={} method={} path={}",
            instance,
            request.method(),
            request.path(),
            e);
        tell(Problems.bug(instance));
      } finally {
        finished.set(true);
      }
    }

    private void tell(Answer.Json problem) {
      if (!gone && !response.headWritten()) {
        Problems.codeOf(problem).ifPresent(meters::problem);
      }
      write(problem);
    }

    private Answer answer() {
      peers.check(request);
      if (tooLarge) {
        throw new BodyTooLarge(MOST_BODY_BYTES);
      }
      String path = request.path() == null ? "" : request.path();
      if (!path.startsWith("/")) {
        throw new InvalidRequest("path", "the path must start with a slash");
      }
      String query = request.query() == null ? "" : request.query();
      var asked =
          ApiRequest.of(
              request.method().name(), path, query, Headers.of(request.headers()), body.getBytes());
      Handler always = open.findOrNull(asked.method(), asked.segments());
      return always != null ? always.answer(asked) : gatedAnswer(asked);
    }

    private Answer gatedAnswer(ApiRequest asked) {
      gate.enter();
      inside.set(true);
      try {
        Answer answer = gated.find(asked.method(), asked.segments()).answer(asked);
        if (answer instanceof Answer.Json json) {
          Problems.codeOf(json).ifPresent(meters::problem);
        }
        return answer;
      } catch (CacheException e) {
        storage.heard(e);
        throw e;
      }
    }

    /** The reply is sent or cannot be: a drain need not wait for this request any more. */
    private void leave() {
      if (inside.getAndSet(false)) {
        gate.leave();
      }
    }

    private void write(Answer answer) {
      if (gone || response.headWritten()) {
        giveUp(answer);
        return;
      }
      response.putHeader("X-Request-Id", trace.id());
      Future<Void> sent =
          switch (answer) {
            case Answer.Json json -> {
              json.headers().forEach((name, value) -> response.putHeader(name, value));
              yield end(json.status(), json.contentType(), Json.bytes(json.body()));
            }
            case Answer.Text text ->
                end(
                    text.status(),
                    text.contentType(),
                    text.body().getBytes(StandardCharsets.UTF_8));
            case Answer.Empty empty -> {
              empty.headers().forEach((name, value) -> response.putHeader(name, value));
              yield response.setStatusCode(empty.status()).end();
            }
            case Answer.FileRange file -> send(file);
            case Answer.Lines lines -> stream(lines);
          };
      sent.onComplete(_ -> leave());
    }

    private Future<Void> stream(Answer.Lines lines) {
      try {
        response.setChunked(true).putHeader("Content-Type", "application/x-ndjson").writeHead();
        lines.source().accept(this::writeLine);
      } finally {
        lines.done().run();
      }
      return response.end();
    }

    /** A reader that is slow is waited for; one that has stopped to read is not. */
    private void writeLine(Object line) {
      Future<Void> written =
          response.write(Buffer.buffer(Json.bytes(line)).appendByte((byte) '\n'));
      if (response.writeQueueFull()) {
        try {
          written
              .toCompletionStage()
              .toCompletableFuture()
              .get(LONGEST_WRITE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
          throw new Busy("the caller does not read what it asked for", e);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new Busy("the caller hung up", e);
        }
      }
    }

    private Future<Void> end(int status, String contentType, byte[] bytes) {
      response.setStatusCode(status).putHeader("Content-Type", contentType);
      if (tooLarge) {
        response.putHeader("Connection", "close"); // the rest of the body is not wanted
      }
      if (request.method().equals(HttpMethod.HEAD)) {
        return response.putHeader("Content-Length", String.valueOf(bytes.length)).end();
      }
      return response.end(Buffer.buffer(bytes));
    }

    private Future<Void> send(Answer.FileRange file) {
      file.headers().forEach((name, value) -> response.putHeader(name, value));
      return response
          .setStatusCode(file.status())
          .sendFile(file.file().toString(), file.offset(), file.length())
          .onComplete(
              sent -> {
                file.done().run();
                if (sent.failed() && !response.ended()) {
                  response.reset();
                }
              });
    }

    /** Nobody reads it, or a stream of lines broke in the middle and must not look complete. */
    private void giveUp(Answer answer) {
      if (answer instanceof Answer.FileRange file) {
        file.done().run();
      }
      if (answer instanceof Answer.Lines lines) {
        lines.done().run();
      }
      if (!response.ended()) {
        response.reset();
      }
      leave();
    }
  }
}
