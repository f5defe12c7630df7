package org.cacheddownloads.fetch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.cacheddownloads.config.Proxy;
import org.cacheddownloads.config.Rule;
import org.cacheddownloads.config.UrlPattern;
import org.cacheddownloads.content.SourceUrl;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProxiesTest {
  private static String found(Proxies proxies, String url, Rule... rules) {
    return proxies
        .find(List.of(rules), SourceUrl.parse(url))
        .map(Proxy.Via::toString)
        .orElse("direct");
  }

  private static Map<String, String> environment(String text) {
    var environment = new HashMap<String, String>();
    for (String each : text.split(" ", -1)) {
      int equals = each.indexOf('=');
      if (equals > 0) environment.put(each.substring(0, equals), each.substring(equals + 1));
    }
    return environment;
  }

  @ParameterizedTest
  @CsvSource({
    "'',                                               http://h/x,  direct",
    "http_proxy=http://p:1,                            http://h/x,  http://p:1",
    "http_proxy=http://p:1,                            https://h/x, direct",
    "https_proxy=http://p:1,                           https://h/x, http://p:1",
    "HTTPS_PROXY=http://p:1,                           https://h/x, http://p:1",
    "HTTP_PROXY=http://p:1,                            http://h/x,  http://p:1",
    "http_proxy=http://low:1 HTTP_PROXY=http://up:1,   http://h/x,  http://low:1",
    "http_proxy= HTTP_PROXY=http://up:1,               http://h/x,  http://up:1",
    "all_proxy=socks5://p:1,                           http://h/x,  socks5://p:1",
    "ALL_PROXY=socks5h://p:1,                          https://h/x, socks5://p:1",
    "all_proxy=http://a:1 https_proxy=http://s:1,      https://h/x, http://s:1",
    "all_proxy=http://a:1 https_proxy=none,            https://h/x, direct",
    "http_proxy=p:3128,                                http://h/x,  http://p:3128",
    "all_proxy=http://p:1,                             http://localhost:8080/x, direct",
    "all_proxy=http://p:1,                             http://127.1.2.3/x, direct",
    "all_proxy=http://p:1,                             http://[::1]/x, direct",
  })
  void theEnvironmentSays(String environment, String url, String expected) {
    assertEquals(expected, found(Proxies.of(environment(environment)), url));
  }

  @ParameterizedTest
  @CsvSource({
    "*,                        http://h/x,                 direct",
    "h,                        http://h/x,                 direct",
    "H,                        http://h/x,                 direct",
    "example.com,              http://a.example.com/x,     direct",
    "example.com,              http://example.com./x,      direct",
    "example.com,              http://notexample.com/x,    proxy",
    "example.com,              http://example.com.evil/x,  proxy",
    ".example.com,             http://a.example.com/x,     direct",
    "*.example.com,            http://a.b.example.com/x,   direct",
    "'a, b,h',                 http://h/x,                 direct",
    "'a h',                    http://h/x,                 direct",
    "h:8080,                   http://h:8080/x,            direct",
    "h:8080,                   http://h/x,                 proxy",
    "h:80,                     http://h/x,                 direct",
    "10.0.0.0/8,               http://10.1.2.3/x,          direct",
    "10.0.0.0/8,               http://11.1.2.3/x,          proxy",
    "10.0.0.0/8,               http://h/x,                 proxy",
    "10.1.2.3,                 http://10.1.2.3/x,          direct",
    "10.1.2.3:80,              http://10.1.2.3/x,          direct",
    "0.1.2.3,                  http://10.0.1.2.3/x,        proxy",
    "fd00::/8,                 http://[fd00::1]/x,         direct",
    "[fd00::1]:80,             http://[fd00:0::1]/x,       direct",
    "fd00::1,                  http://[fd00::1]/x,         direct",
  })
  void exceptionsAreConnectedTo(String exceptions, String url, String expected) {
    var proxies = Proxies.of(Map.of("http_proxy", "http://p:1", "no_proxy", exceptions));
    assertEquals(expected.equals("proxy") ? "http://p:1" : "direct", found(proxies, url));
  }

  @Test
  void whatARuleSaysWins() {
    var proxies = Proxies.of(Map.of("http_proxy", "http://environment:1", "NO_PROXY", "excepted"));
    Rule through = rule("http://*.ruled/*", "http://ruled:1");
    Rule direct = rule("http://direct/*", "none");
    Rule silent = rule("*", null);

    assertEquals("http://ruled:1", found(proxies, "http://a.ruled/x", through, direct, silent));
    assertEquals("direct", found(proxies, "http://direct/x", through, direct, silent));
    assertEquals("http://environment:1", found(proxies, "http://h/x", through, direct, silent));
    assertEquals("direct", found(proxies, "http://excepted/x", through, direct, silent));
    assertEquals(
        "http://p:1",
        found(proxies, "http://127.0.0.1/x", rule("http://127.0.0.1/*", "http://p:1")));
  }

  private static Rule rule(String match, @Nullable String proxy) {
    return new Rule(
        UrlPattern.parse(match), null, Map.of(), proxy == null ? null : Proxy.parse(proxy), null);
  }

  @ParameterizedTest
  @CsvSource({
    "http_proxy,  https://me:hush@p:1",
    "HTTPS_PROXY, http://me:hush@p",
    "all_proxy,   socks4://me:hush@p:1",
    "no_proxy,    10.0.0.0/99"
  })
  void whatCannotBeUnderstoodIsNamedAndNotShown(String name, String value) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> Proxies.of(Map.of(name, value)))
            .getMessage();
    assertTrue(message.startsWith(name.toLowerCase(java.util.Locale.ROOT)), message);
    assertFalse(message.contains("hush"), message);
  }

  @Test
  void theTextHasNoUserInfo() {
    String text = Proxies.of(Map.of("http_proxy", "http://me:hush@p:1")).toString();
    assertTrue(text.contains("http://p:1"), text);
    assertFalse(text.contains("hush"), text);
  }
}
