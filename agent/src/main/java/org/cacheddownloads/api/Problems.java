package org.cacheddownloads.api;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.cacheddownloads.failure.Attempt;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.BadResponse;
import org.cacheddownloads.failure.CacheException.BodyTooLarge;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.ChecksumMismatch;
import org.cacheddownloads.failure.CacheException.Conflict;
import org.cacheddownloads.failure.CacheException.Draining;
import org.cacheddownloads.failure.CacheException.InsufficientSpace;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.cacheddownloads.failure.CacheException.MethodNotAllowed;
import org.cacheddownloads.failure.CacheException.NotFound;
import org.cacheddownloads.failure.CacheException.NotReady;
import org.cacheddownloads.failure.CacheException.OriginNotAllowed;
import org.cacheddownloads.failure.CacheException.OriginRejected;
import org.cacheddownloads.failure.CacheException.OriginUnavailable;
import org.cacheddownloads.failure.CacheException.PeerNotAllowed;
import org.cacheddownloads.failure.CacheException.TimedOut;
import org.cacheddownloads.failure.CacheException.TooLarge;
import org.cacheddownloads.failure.CacheException.UnsafeArchive;
import org.cacheddownloads.failure.CacheException.UnsupportedArchive;
import org.jspecify.annotations.Nullable;

/** Failures as problem details (RFC 9457). The one place that knows which status a failure has. */
final class Problems {
  static final String CONTENT_TYPE = "application/problem+json";

  private Problems() {}

  /**
   * @param instance names this one occurrence, in the reply and in the log
   */
  static Answer.Json of(CacheException failure, String instance) {
    int status = statusOf(failure);
    var headers =
        failure instanceof MethodNotAllowed method
            ? Map.of("Allow", method.allowed())
            : Map.<String, String>of();
    return new Answer.Json(status, body(failure, status, instance), CONTENT_TYPE, headers);
  }

  /** A bug: the caller learns the instance, the log has the rest. */
  static Answer.Json bug(String instance) {
    var body =
        head(
            "internal",
            "Internal error",
            500,
            "the agent failed; its log has the details under " + instance,
            instance,
            false);
    return new Answer.Json(500, body, CONTENT_TYPE, Map.of());
  }

  /** What {@code /readyz} says: each reason by itself as well. */
  static Answer.Json notReady(CacheException failure, List<String> reasons) {
    Map<String, @Nullable Object> body = body(failure, statusOf(failure), Instances.current());
    body.put("reasons", reasons);
    return new Answer.Json(statusOf(failure), body, CONTENT_TYPE, Map.of());
  }

  /** A range that begins behind the end (RFC 9110 section 15.5.17). */
  static Answer.Json rangeOutside(long size) {
    String detail = "the range lies outside the " + size + " bytes of the blob";
    var body =
        head("invalid-request", "Range not satisfiable", 416, detail, Instances.current(), false);
    body.put("field", "Range");
    return new Answer.Json(416, body, CONTENT_TYPE, Map.of("Content-Range", "bytes */" + size));
  }

  /** The code of an answer that is a problem. */
  static Optional<String> codeOf(Answer.Json answer) {
    return answer.contentType().equals(CONTENT_TYPE) && answer.body() instanceof Map<?, ?> body
        ? Optional.of(String.valueOf(body.get("code")))
        : Optional.empty();
  }

  static int statusOf(CacheException failure) {
    return switch (failure) { // no default: a new kind does not compile until it has a status
      case InvalidRequest _ -> 400;
      case OriginNotAllowed _, PeerNotAllowed _ -> 403;
      case NotFound _ -> 404;
      case MethodNotAllowed _ -> 405;
      case Conflict _ -> 409;
      case TooLarge _, BodyTooLarge _ -> 413;
      case UnsafeArchive _, UnsupportedArchive _ -> 422;
      case OriginRejected _, ChecksumMismatch _, BadResponse _ -> 502;
      case Draining _, NotReady _, Busy _ -> 503;
      case OriginUnavailable _, TimedOut _ -> 504;
      case InsufficientSpace _ -> 507;
    };
  }

  static Map<String, @Nullable Object> body(CacheException failure, int status, String instance) {
    String code = failure.code();
    var body =
        head(
            code,
            title(code),
            status,
            String.valueOf(failure.getMessage()),
            instance,
            failure.retryable());
    if (failure instanceof InvalidRequest invalid && invalid.field() != null) {
      body.put("field", invalid.field());
    }
    if (failure instanceof UnsafeArchive unsafe && unsafe.limit() != null) {
      body.put("limit", unsafe.limit());
    }
    if (failure instanceof InsufficientSpace space) {
      body.put("neededBytes", space.neededBytes());
      body.put("inUseBytes", space.inUseBytes());
      body.put("quotaBytes", space.quotaBytes());
    }
    if (!failure.attempts().isEmpty()) {
      body.put("originStatus", failure.originStatus());
      body.put("attempts", failure.attempts().stream().map(Problems::attempt).toList());
    }
    return body;
  }

  private static Map<String, @Nullable Object> head(
      String code, String title, int status, String detail, String instance, boolean retryable) {
    var body = new LinkedHashMap<String, @Nullable Object>();
    body.put("type", "urn:cached-downloads:problem:" + code);
    body.put("title", title);
    body.put("status", status);
    body.put("detail", detail);
    body.put("instance", instance);
    body.put("code", code);
    body.put("retryable", retryable);
    return body;
  }

  private static String title(String code) {
    String words = code.replace('-', ' ');
    return Character.toUpperCase(words.charAt(0)) + words.substring(1);
  }

  private static Map<String, @Nullable Object> attempt(Attempt attempt) {
    var item = new LinkedHashMap<String, @Nullable Object>();
    item.put("url", attempt.url());
    item.put("requests", attempt.requests());
    item.put("status", attempt.status());
    item.put("code", attempt.code());
    return item;
  }
}
