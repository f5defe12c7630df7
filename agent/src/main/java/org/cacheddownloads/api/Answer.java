package org.cacheddownloads.api;

import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;

/** What a handler answers; the bridge writes it. */
sealed interface Answer {
  /** A value as JSON. */
  record Json(int status, Object body, String contentType, Map<String, String> headers)
      implements Answer {
    static Json ok(Object body) {
      return of(200, body);
    }

    static Json of(int status, Object body) {
      return new Json(status, body, "application/json", Map.of());
    }
  }

  /** No body. */
  record Empty(int status, Map<String, String> headers) implements Answer {
    static final Empty NO_CONTENT = new Empty(204, Map.of());
  }

  record Text(int status, String body, String contentType) implements Answer {}

  /** Part of a file; {@code done} is run when it is sent or given up. */
  record FileRange(
      int status, Path file, long offset, long length, Map<String, String> headers, Runnable done)
      implements Answer {
    /** The same, with something more to do at the end. */
    FileRange andThen(Runnable more) {
      return new FileRange(
          status,
          file,
          offset,
          length,
          headers,
          () -> {
            done.run();
            more.run();
          });
    }
  }

  /**
   * Lines of JSON that are sent as they come, while {@code source} runs in the request's thread;
   * {@code done} is run when that has ended or was never begun.
   */
  record Lines(Consumer<Consumer<Object>> source, Runnable done) implements Answer {
    Lines(Consumer<Consumer<Object>> source) {
      this(source, () -> {});
    }
  }
}
