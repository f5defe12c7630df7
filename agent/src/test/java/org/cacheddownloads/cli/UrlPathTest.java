package org.cacheddownloads.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.LinkedHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UrlPathTest {
  @ParameterizedTest
  @CsvSource({
    "ruby, /v1/ruby",
    "a/b/c, /v1/a/b/c",
    "a b+c, /v1/a%20b%2Bc",
    "ü€, /v1/%C3%BC%E2%82%AC",
    "100%, /v1/100%25",
    "a?b#c, /v1/a%3Fb%23c",
    "'a:b@c;d,e', /v1/a%3Ab%40c%3Bd%2Ce",
    "...a-b_c~, /v1/...a-b_c~"
  })
  void segmentsAreEncodedAndSlashesStay(String name, String path) {
    assertEquals(path, UrlPath.of("v1", name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "/", "a//b", "a/", "/a", ".", "..", "a/../b", "a/."})
  void segmentsThatMeanAnotherPathAreRefused(String name) {
    assertThrows(IllegalArgumentException.class, () -> UrlPath.of("v1", name));
  }

  @Test
  void emptyParametersAreLeftOut() {
    var parameters = new LinkedHashMap<String, String>();
    parameters.put("limit", "5");
    parameters.put("cursor", "");
    parameters.put("prefix", "a/b&c=d");
    assertEquals("/p?limit=5&prefix=a%2Fb%26c%3Dd", UrlPath.withQuery("/p", parameters));
    assertEquals("/p", UrlPath.withQuery("/p", new LinkedHashMap<>()));
  }
}
