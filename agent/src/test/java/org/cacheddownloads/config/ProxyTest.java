package org.cacheddownloads.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.cacheddownloads.config.Proxy.Direct;
import org.cacheddownloads.config.Proxy.Kind;
import org.cacheddownloads.config.Proxy.Login;
import org.cacheddownloads.config.Proxy.Via;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProxyTest {
  @Test
  void isReadWithItsUserInfoDecoded() {
    assertEquals(new Direct(), Proxy.parse("none"));
    assertEquals(new Via(Kind.HTTP, "p", 3128, null), Proxy.parse("http://p:3128/"));
    assertEquals(new Via(Kind.SOCKS5, "::1", 1080, null), Proxy.parse("socks5h://[::1]:1080"));
    assertEquals(
        new Via(Kind.SOCKS5, "p", 1, new Login("me", "a:b@c")),
        Proxy.parse("SOCKS5://me:a%3Ab%40c@p:1"));
    assertEquals(
        new Via(Kind.HTTP, "p", 1, new Login("token", "")), Proxy.parse("http://token@p:1"));
  }

  @Test
  void itsTextHasNoUserInfo() {
    assertEquals("http://p:3128", Proxy.parse("http://me:hush@p:3128").toString());
    assertEquals("socks5://[::1]:1080", Proxy.parse("socks5://me:hush@[::1]:1080").toString());
    assertFalse(new Login("me", "hush").toString().contains("hush"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "p:3128",
        "http://hush",
        "https://me:hush@p:443",
        "ftp://hush:1",
        "http://hush:1/path",
        "http://hush:1?q",
        "http://hush:0",
        "http://me:hush%FF@p:1",
        "http://me:hush%@p:1",
        "http://hush:70000"
      })
  void isNone(String text) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> Proxy.parse(text)).getMessage();
    assertFalse(message.contains("hush"), message);
  }
}
