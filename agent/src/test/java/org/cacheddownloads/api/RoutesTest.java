package org.cacheddownloads.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.cacheddownloads.failure.CacheException.MethodNotAllowed;
import org.cacheddownloads.failure.CacheException.NotFound;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RoutesTest {
  private final Routes routes =
      new Routes()
          .add("GET", "v1/things", named("list"))
          .add("GET", "v1/things/*", named("get"))
          .add("PUT", "v1/things/*", named("put"))
          .add("POST", "v1/things/*/renew", named("renew"))
          .add("PUT", "v1/things/*/parts/**", named("part"));

  private static Handler named(String name) {
    return _ -> new Answer.Text(200, name, "text/plain");
  }

  private static ApiRequest request(String method, String path) {
    return ApiRequest.of(method, path, "", org.cacheddownloads.content.Headers.NONE, new byte[0]);
  }

  private String found(String method, String path) {
    ApiRequest request = request(method, path);
    return ((Answer.Text) routes.find(method, request.segments()).answer(request)).body();
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /v1/things, list",
    "GET, /v1/things/a, get",
    "GET, /v1/things/a%2Fb, get",
    "PUT, /v1/things/a, put",
    "POST, /v1/things/a/renew, renew",
    "PUT, /v1/things/a/parts/b, part",
    "PUT, /v1/things/a/parts/b/c/d, part",
    "PUT, /v1/things/a/parts/, part"
  })
  void aPathHasItsHandler(String method, String path, String name) {
    assertEquals(name, found(method, path));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/v1",
        "/v2/things",
        "/v1/things/a/b",
        "/v1/things/a/parts",
        "/v1/Things",
        "//v1/things"
      })
  void otherPathsAreNotFound(String path) {
    assertThrows(NotFound.class, () -> found("PUT", path));
    assertNull(routes.findOrNull("PUT", request("PUT", path).segments()));
  }

  @Test
  void aMethodThatAPathDoesNotHaveIsToldWhichItHas() {
    var refusal =
        assertThrows(
            MethodNotAllowed.class, () -> routes.find("DELETE", List.of("v1", "things", "a")));
    assertEquals("GET, PUT", refusal.allowed());
    assertThrows(
        MethodNotAllowed.class, () -> routes.findOrNull("DELETE", List.of("v1", "things")));
  }
}
