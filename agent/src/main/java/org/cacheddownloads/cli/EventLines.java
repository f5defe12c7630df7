package org.cacheddownloads.cli;

import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import io.vertx.core.streams.WriteStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Takes a body of JSON lines apart while it arrives: progress is passed on, the rest is kept, at
 * most {@link #MAX_BYTES}. Whether the body is lines at all is known only at its end, with the
 * status. Written to by one thread, read by another after the response is complete.
 */
final class EventLines implements WriteStream<Buffer> {
  private static final int MAX_BYTES = 4 << 20;

  private final ProgressListener progress;
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();
  private final StringBuilder rest = new StringBuilder();
  private @Nullable JsonObject last;

  EventLines(ProgressListener progress) {
    this.progress = progress;
  }

  /** The last event; null if the body had none. */
  synchronized @Nullable JsonObject last() {
    return last;
  }

  /** Everything that is no progress. */
  synchronized String rest() {
    return rest.toString();
  }

  @Override
  public synchronized Future<Void> write(Buffer data) {
    if (rest.length() + line.size() + data.length() > MAX_BYTES)
      return Future.failedFuture("a reply of more than " + MAX_BYTES + " bytes");
    for (int i = 0; i < data.length(); i++) {
      byte each = data.getByte(i);
      if (each == '\n') endLine();
      else line.write(each);
    }
    return Future.succeededFuture();
  }

  @Override
  public synchronized Future<Void> end() {
    endLine();
    return Future.succeededFuture();
  }

  private void endLine() {
    String text = line.toString(StandardCharsets.UTF_8);
    line.reset();
    JsonObject event = text.isBlank() ? null : Json.decode(text);
    if (event != null && event.containsKey("event")) last = event;
    if (event != null && "progress".equals(event.getValue("event"))) {
      Long total = event.getValue("total") instanceof Number number ? number.longValue() : null;
      progress.progress(Json.number(event, "bytes"), total);
    } else {
      rest.append(text).append('\n');
    }
  }

  @Override
  public boolean writeQueueFull() {
    return false;
  }

  @Override
  public WriteStream<Buffer> setWriteQueueMaxSize(int maxSize) {
    return this;
  }

  @Override
  public WriteStream<Buffer> drainHandler(@Nullable Handler<Void> handler) {
    return this;
  }

  @Override
  public WriteStream<Buffer> exceptionHandler(@Nullable Handler<Throwable> handler) {
    return this;
  }
}
