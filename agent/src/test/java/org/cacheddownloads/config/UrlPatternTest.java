package org.cacheddownloads.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.cacheddownloads.content.SourceUrl;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UrlPatternTest {
  @ParameterizedTest
  @CsvSource({
    "*,                             https://any.example:99/x?q,               true",
    "https://blobs.example/*,       https://blobs.example/a/b?q,              true",
    "https://blobs.example/*,       https://BLOBS.example:443,                true",
    "https://Blobs.Example:443/*,   https://blobs.example/a,                  true",
    "https://blobs.example,         https://blobs.example/a/b,                true",
    "https://blobs.example/*,       https://me:pw@blobs.example/a,            true",
    "https://blobs.example/*,       http://blobs.example/a,                   false",
    "https://blobs.example/*,       https://blobs.example:8443/a,             false",
    "https://blobs.example:*/*,     https://blobs.example:8443/a,             true",
    "https://blobs.example/*,       https://blobs.example.evil.example/a,     false",
    "https://blobs.example/*,       https://evil.example/blobs.example/a,     false",
    "https://blobs.example/*,       https://blobs.example@evil.example/a,     false",
    "https://*.example.com/*,       https://a.b.example.com/x,                true",
    "https://*.example.com/*,       https://example.com/x,                    false",
    "https://*.example.com/*,       https://notexample.com/x,                 false",
    "https://*.example.com/*,       https://evil.example/.example.com/x,      false",
    "https://*/v1/*,                https://any.example/v1/x,                 true",
    "http://[::1]:8080/*,           http://[::1]:8080/a,                      true",
    "http://127.0.0.1:80/*,         http://127.0.0.1/a,                       true",
    "https://h/a,                   https://h/a,                              true",
    "https://h/a,                   https://h/a/b,                            false",
    "https://h/a,                   https://h/a?q,                            true",
    "https://h/,                    https://h,                                true",
    "https://h/,                    https://h/a,                              false",
    "https://h/a/*/c.zip,           https://h/a/b/b/c.zip,                    true",
    "https://h/a/*/c.zip,           https://h/a/c.zip,                        false",
    "https://h/*a*a,                https://h/ba,                             false",
    "https://h/*a*a,                https://h/aba,                            true",
    "https://h/A/*,                 https://h/a/b,                            false",
    "https://h/public/*,            https://h/public/../private/x,            false",
    "https://h/public/*,            https://h/public/%2E%2e/private/x,        false",
    "https://h/public/*,            https://h/public/..%2fprivate/x,          false",
    "https://h/public/*,            https://h/public/a..b/..c/x,              true",
    "https://h/*,                   https://h/public/../private/x,            true",
  })
  void matches(String pattern, String url, boolean expected) {
    assertEquals(expected, UrlPattern.parse(pattern).matches(SourceUrl.parse(url)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "blobs.example",
        "ftp://h/*",
        "https://",
        "https://a b/*",
        "https://me:pw@h/*",
        "https://h/*?q",
        "https://h*/x",
        "https://a.*.example/*",
        "https://h:0/",
        "https://h:65536/"
      })
  void isNoPattern(String text) {
    assertThrows(IllegalArgumentException.class, () -> UrlPattern.parse(text));
  }
}
