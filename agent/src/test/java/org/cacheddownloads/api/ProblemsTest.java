package org.cacheddownloads.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
import org.cacheddownloads.trace.Trace;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ProblemsTest {
  /** The table of the contract. */
  static List<Arguments> kinds() {
    return List.of(
        Arguments.of(new InvalidRequest("x"), 400, "invalid-request", false),
        Arguments.of(new OriginNotAllowed("x"), 403, "origin-not-allowed", false),
        Arguments.of(new PeerNotAllowed("x"), 403, "peer-not-allowed", false),
        Arguments.of(new NotFound("x"), 404, "not-found", false),
        Arguments.of(new MethodNotAllowed("x", "GET"), 405, "method-not-allowed", false),
        Arguments.of(new Conflict("x"), 409, "conflict", false),
        Arguments.of(new TooLarge("x"), 413, "too-large", false),
        Arguments.of(new BodyTooLarge(1), 413, "too-large", false),
        Arguments.of(UnsafeArchive.of("x"), 422, "unsafe-archive", false),
        Arguments.of(new UnsupportedArchive("x"), 422, "unsupported-archive", false),
        Arguments.of(new OriginRejected("x", 404), 502, "origin-rejected", false),
        Arguments.of(new OriginRejected("x", 429), 502, "origin-rejected", true),
        Arguments.of(new OriginRejected("x", 500), 502, "origin-rejected", true),
        Arguments.of(new ChecksumMismatch("x"), 502, "checksum-mismatch", false),
        Arguments.of(BadResponse.of("x", 204), 502, "bad-response", true),
        Arguments.of(BadResponse.cut("x", null), 502, "bad-response", true),
        Arguments.of(new Draining(), 503, "draining", true),
        Arguments.of(new NotReady("x", null), 503, "not-ready", true),
        Arguments.of(new Busy("x", null), 503, "busy", true),
        Arguments.of(new OriginUnavailable("x", null), 504, "origin-unavailable", true),
        Arguments.of(new TimedOut("x", null), 504, "timeout", true),
        Arguments.of(new InsufficientSpace("x", 1, 2, 3), 507, "insufficient-space", true));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void everyKindHasItsStatusAndCode(
      CacheException failure, int status, String code, boolean retryable) {
    Answer.Json answer = Problems.of(failure, "urn:uuid:1");
    assertEquals(status, answer.status());
    assertEquals("application/problem+json", answer.contentType());
    Map<?, ?> body = (Map<?, ?>) answer.body();
    assertEquals(status, body.get("status"));
    assertEquals(code, body.get("code"));
    assertEquals("urn:cached-downloads:problem:" + code, body.get("type"));
    assertEquals(failure.getMessage(), body.get("detail"));
    assertEquals("urn:uuid:1", body.get("instance"));
    assertEquals(retryable, body.get("retryable"));
    assertFalse(String.valueOf(body.get("title")).isEmpty());
  }

  @Test
  void noKindIsLeftOut() {
    Set<Class<?>> tested =
        kinds().stream().map(one -> one.get()[0].getClass()).collect(Collectors.toSet());
    Set<Class<?>> permitted = new HashSet<>();
    Stream.of(CacheException.class.getPermittedSubclasses()).forEach(permitted::add);
    assertEquals(permitted, tested);
  }

  @Test
  void whatIsKnownBesidesIsSaid() {
    Map<?, ?> field = body(new InvalidRequest("cacheKey", "x"));
    assertEquals("cacheKey", field.get("field"));
    assertFalse(body(new InvalidRequest("x")).containsKey("field"));
    assertEquals(
        "archives.maxFiles", body(UnsafeArchive.over("archives.maxFiles", "x")).get("limit"));
    assertFalse(body(UnsafeArchive.damaged("x", null)).containsKey("limit"));
    Map<?, ?> space = body(new InsufficientSpace("x", 1, 2, 3));
    assertEquals(1L, space.get("neededBytes"));
    assertEquals(2L, space.get("inUseBytes"));
    assertEquals(3L, space.get("quotaBytes"));
    assertEquals(
        "GET, PUT", Problems.of(new MethodNotAllowed("x", "GET, PUT"), "i").headers().get("Allow"));
  }

  @Test
  void everySourceThatWasTriedIsListed() {
    Map<?, ?> body =
        body(
            new OriginRejected("x", 503)
                .withAttempts(
                    List.of(
                        new Attempt("http://h/a", 4, 503, "origin-rejected"),
                        new Attempt("http://m/a", 1, null, "timeout"))));
    assertEquals(503, body.get("originStatus"));
    var second = new java.util.LinkedHashMap<String, Object>();
    second.put("url", "http://m/a");
    second.put("requests", 1);
    second.put("status", null);
    second.put("code", "timeout");
    assertEquals(
        List.of(
            Map.of("url", "http://h/a", "requests", 4, "status", 503, "code", "origin-rejected"),
            second),
        body.get("attempts"));
    assertFalse(body(new NotFound("x")).containsKey("attempts"));
  }

  @Test
  void aBugTellsItsInstanceAndNothingElse() {
    Answer.Json bug = Problems.bug("urn:uuid:7");
    assertEquals(500, bug.status());
    Map<?, ?> body = (Map<?, ?>) bug.body();
    assertEquals("urn:uuid:7", body.get("instance"));
    assertTrue(String.valueOf(body.get("detail")).contains("urn:uuid:7"));
    assertEquals(false, body.get("retryable"));
  }

  @Test
  void instancesAreNotGivenTwice() {
    assertFalse(Trace.newId().equals(Trace.newId()));
  }

  private static Map<?, ?> body(CacheException failure) {
    return (Map<?, ?>) Problems.of(failure, "i").body();
  }
}
