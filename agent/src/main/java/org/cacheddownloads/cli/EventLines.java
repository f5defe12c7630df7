package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Takes a body of JSON lines apart while it arrives: a listener takes what it knows, the rest is
 * kept, at most {@link #MAX_BYTES}. Whether the body is lines at all is known only at its end, with
 * the status.
 */
final class EventLines {
  private static final int MAX_BYTES = 4 << 20;

  private final LineListener listener;
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();
  private final StringBuilder rest = new StringBuilder();
  private @Nullable JsonObject last;

  /** Hears of lines, one after another. */
  @FunctionalInterface
  interface LineListener {
    /**
     * Hears one line.
     *
     * @param event null if the line is no JSON object
     * @return whether the line is done with
     */
    boolean take(String text, @Nullable JsonObject event);
  }

  EventLines(LineListener listener) {
    this.listener = listener;
  }

  /** Those that pass progress on. */
  static EventLines ofProgress(ProgressListener progress) {
    return new EventLines(
        (_, event) -> {
          if (event == null || !"progress".equals(event.getValue("event"))) return false;
          Long total = event.getValue("total") instanceof Number number ? number.longValue() : null;
          progress.progress(Json.number(event, "bytes"), total);
          return true;
        });
  }

  /** The last event; null if the body had none. */
  @Nullable JsonObject last() {
    return last;
  }

  /** Everything that was not taken. */
  String rest() {
    return rest.toString();
  }

  /**
   * Takes the next bytes of the body.
   *
   * @throws IOException if there is too much that nobody takes
   */
  void write(byte[] bytes, int count) throws IOException {
    if (rest.length() + line.size() + count > MAX_BYTES)
      throw new IOException("a reply of more than " + MAX_BYTES + " bytes");
    for (int i = 0; i < count; i++) {
      if (bytes[i] == '\n') endLine();
      else line.write(bytes[i]);
    }
  }

  /** To be called behind the last byte. */
  void end() {
    endLine();
  }

  private void endLine() {
    String text = line.toString(StandardCharsets.UTF_8);
    line.reset();
    JsonObject event = text.isBlank() ? null : Json.decode(text);
    if (event != null && event.containsKey("event")) last = event;
    if (!listener.take(text, event)) rest.append(text).append('\n');
  }
}
