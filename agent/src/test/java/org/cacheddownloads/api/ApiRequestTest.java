package org.cacheddownloads.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ApiRequestTest {
  private static ApiRequest request(String query) {
    return ApiRequest.of("GET", "/v1/entries", query, Headers.NONE, new byte[0]);
  }

  @Test
  void aPathIsSplitAndNotDecoded() {
    var request = ApiRequest.of("GET", "/v1/a%2Fb/", "", Headers.NONE, new byte[0]);
    assertEquals(List.of("v1", "a%2Fb", ""), request.segments());
  }

  @ParameterizedTest
  @CsvSource({
    "a=b, b",
    "a=b%20c, b c",
    "a=b+c, b c",
    "a=b%2Bc, b+c",
    "a=, ''",
    "a, ''",
    "a=b=c, b=c",
    "&a=b&, b",
    "%61=b, b",
    "x=y&a=b, b",
    "a=http%3A%2F%2Fh%2F%3Fx%26y, http://h/?x&y",
    "a=%C3%BC, ü"
  })
  void aParameterIsDecoded(String query, String value) {
    assertEquals(value, request(query).parameter("a").orElseThrow());
  }

  @ParameterizedTest
  @CsvSource({"a=1&a=2, a", "a=1&a=1, a", "a&%61, a", "b=1&b, b"})
  void aParameterIsGivenOnce(String query, String field) {
    assertEquals(field, assertThrows(InvalidRequest.class, () -> request(query)).field());
  }

  @ParameterizedTest
  @ValueSource(strings = {"a=%", "a=%zz", "%=b", "a=%ff"})
  void badEscapesAreRefused(String query) {
    assertThrows(InvalidRequest.class, () -> request(query));
  }

  @Test
  void parametersThatARouteDoesNotHaveAreRefusedByName() {
    ApiRequest request = request("limit=5&limt=6");
    assertEquals(
        "limt", assertThrows(InvalidRequest.class, () -> request.allowing("limit")).field());
    ApiRequest good = request("limit=5");
    assertSame(good, good.allowing("limit", "cursor"));
    assertEquals("limit", assertThrows(InvalidRequest.class, () -> good.allowing()).field());
    assertTrue(good.parameter("cursor").isEmpty());
  }

  @ParameterizedTest
  @CsvSource({"'', 100", "limit=1, 1", "limit=1000, 1000", "limit=007, 7"})
  void aLimitIsRead(String query, int limit) {
    assertEquals(limit, request(query).limit());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"0", "1001", "-1", "", "x", "1.5", "99999", "100000", "9999999999", "٣", "1%20"})
  void otherLimitsAreRefused(String text) {
    ApiRequest request = request("limit=" + text);
    assertEquals("limit", assertThrows(InvalidRequest.class, request::limit).field());
  }

  @ParameterizedTest
  @CsvSource({
    "application/x-ndjson, true",
    "'application/json, application/x-ndjson;q=0.9', true",
    "application/json, false",
    "'', false"
  })
  void progressIsAskedForByAccept(String accept, boolean lines) {
    Headers headers = accept.isEmpty() ? Headers.NONE : Headers.of(Map.of("Accept", accept));
    var request = ApiRequest.of("PUT", "/", "", headers, new byte[0]);
    assertEquals(lines, request.wantsLines());
    assertFalse(request("").wantsLines());
  }
}
