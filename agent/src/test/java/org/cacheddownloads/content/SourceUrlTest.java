package org.cacheddownloads.content;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SourceUrlTest {
  @ParameterizedTest
  @CsvSource({
    "http://h, http://h:80, h, 80, /",
    "http://h/, http://h:80, h, 80, /",
    "https://h/a/b, https://h:443, h, 443, /a/b",
    "HTTP://H.Example/A, http://h.example:80, h.example, 80, /A",
    "http://h:8080/a?b=c, http://h:8080, h, 8080, /a?b=c",
    "http://h:/a, http://h:80, h, 80, /a",
    "http://h?b, http://h:80, h, 80, /?b",
    "http://h/a?, http://h:80, h, 80, /a?",
    "http://h/a#b?c, http://h:80, h, 80, /a",
    "http://u:p@h/a, http://h:80, h, 80, /a",
    "http://my_host.local/a, http://my_host.local:80, my_host.local, 80, /a",
    "http://u:p@my_host:81/a, http://my_host:81, my_host, 81, /a",
    "http://[::1]/a, http://[::1]:80, [::1], 80, /a",
    "http://[FE80::1]:8080/a, http://[fe80::1]:8080, [fe80::1], 8080, /a",
    "http://10.0.0.1/a, http://10.0.0.1:80, 10.0.0.1, 80, /a",
    "http://h/a%20b/%2F, http://h:80, h, 80, /a%20b/%2F",
    "http://h//a/../b, http://h:80, h, 80, //a/../b"
  })
  void isTakenApart(String text, String origin, String host, int port, String target) {
    SourceUrl url = SourceUrl.parse(text);
    assertEquals(origin, url.origin());
    assertEquals(host, url.host());
    assertEquals(port, url.port());
    assertEquals(target, url.requestTarget());
  }

  @ParameterizedTest
  @CsvSource({
    "http://h/a, http://h/a",
    "http://h, http://h",
    "HTTP://H/A, HTTP://H/A",
    "http://user:secret@h:81/a?token=secret#secret, http://h:81/a",
    "http://user:secret@my_host/a, http://my_host/a",
    "http://h/a?, http://h/a"
  })
  void isRedactedInEveryText(String text, String redacted) {
    SourceUrl url = SourceUrl.parse(text);
    assertEquals(redacted, url.redacted());
    assertEquals(redacted, url.toString());
  }

  @Test
  void theIdentityHasAHashInPlaceOfTheQuery() {
    String hash = Sha256.hexOf("token=secret").substring(0, 16);
    assertEquals(
        "http://h/a?q=" + hash, SourceUrl.parse("http://u:p@h/a?token=secret#f").identity());
    assertEquals("http://h/a", SourceUrl.parse("http://u:p@h/a#f").identity());
    assertNotEquals(
        SourceUrl.parse("http://h/a").identity(), SourceUrl.parse("http://h/a?").identity());
    assertNotEquals(
        SourceUrl.parse("http://h/a?x").identity(), SourceUrl.parse("http://h/a?y").identity());
  }

  @ParameterizedTest
  @CsvSource({
    "http://user:pass@h/, user:pass",
    "http://user@h/, user:",
    "http://user:@h/, user:",
    "http://:pass@h/, :pass",
    "http://us%40er:p%3Ass@h/, us@er:p:ss",
    "http://b%C3%BCro:x@h/, büro:x"
  })
  void userInfoIsBasicAuthorization(String text, String pair) {
    assertEquals(
        Optional.of(
            "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8))),
        SourceUrl.parse(text).basicAuthorization());
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://h/", "http://@h/"})
  void withoutUserInfoThereIsNone(String text) {
    assertEquals(Optional.empty(), SourceUrl.parse(text).basicAuthorization());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "secret",
        "/secret",
        "//h/secret",
        "h/secret",
        "http:",
        "http:secret",
        "http://",
        "http:///secret",
        "http://?secret",
        "http://:80/secret",
        "http://user:secret@/a",
        "http://user:secret@:80/a",
        "http://h:0/secret",
        "http://h:65536/secret",
        "http://h:99999/secret",
        "http://h:secret/",
        "http://h:-1/secret",
        "http://a@secret@h/",
        "http://h/a b?secret",
        "http://h/?secret=%zz",
        "http://h/?secret=a b",
        "http://user:sec ret@h/",
        "http://h/secret\n",
        "http://[secret]/",
        "http://[::1/secret",
        "http://h/?secret|x",
        "http://h/sécret/secret"
      })
  void whatIsNoUrlIsRefusedWithoutRepeatingIt(String text) {
    var refusal = assertThrows(InvalidRequest.class, () -> SourceUrl.parse(text));
    assertFalse(refusal.getMessage().contains("secret"), refusal.getMessage());
    assertFalse(refusal.getMessage().isBlank());
  }

  @Test
  void aUrlHasALimit() {
    String longest = "http://h/" + "a".repeat(8192 - 9);
    assertEquals(8184, SourceUrl.parse(longest).requestTarget().length());
    assertThrows(InvalidRequest.class, () -> SourceUrl.parse(longest + "a"));
  }

  /** The policy refuses these; that they are malformed would be the wrong answer. */
  @ParameterizedTest
  @ValueSource(
      strings = {"file:/etc/passwd", "file:///etc/passwd", "data:text/plain,x", "mailto:a@b"})
  void aSchemeWithoutAuthorityHasNoHost(String text) {
    SourceUrl url = SourceUrl.parse(text);
    assertEquals("", url.host());
    assertFalse(url.isTls());
  }

  @ParameterizedTest
  @CsvSource({
    "http://h/a/b?q, c, http://h/a/c, /a/c",
    "http://h/a/b?q, ./c, http://h/a/c, /a/c",
    "http://h/a/b?q, ../c, http://h/c, /c",
    "http://h/a/b?q, /c?d, http://h/c, /c?d",
    "http://h/a/b?q, ?d, http://h/a/b, /a/b?d",
    "http://h?q, ?d, http://h, /?d",
    "http://h, c, http://h/c, /c",
    "http://h/a/b, //other/c, http://other/c, /c",
    "https://h/a/b, //other/c, https://other/c, /c",
    "http://h/a/b, https://other:8443/c?d, https://other:8443/c, /c?d",
    "http://h/a/b, HTTP://other/c, HTTP://other/c, /c",
    "http://h/a/b, c#fragment, http://h/a/c, /a/c",
    "http://h:81/a, /c, http://h:81/c, /c",
    "http://my_host:81/a, c, http://my_host:81/c, /c",
    "http://[::1]:81/a, /c, http://[::1]:81/c, /c",
    "http://h/a, c%20d, http://h/c%20d, /c%20d",
    "http://h/a, 'http://my_host/c', http://my_host/c, /c"
  })
  void redirectsAreResolved(String from, String location, String redacted, String target) {
    SourceUrl next = SourceUrl.parse(from).resolve(location);
    assertEquals(redacted, next.redacted());
    assertEquals(target, next.requestTarget());
  }

  @Test
  void aRedirectDoesNotInheritUserInfoOfAnotherOrigin() {
    SourceUrl next = SourceUrl.parse("http://user:secret@h/a").resolve("http://other/b");
    assertEquals(Optional.empty(), next.basicAuthorization());
    assertTrue(
        SourceUrl.parse("http://h/a").resolve("http://u:p@h/b").basicAuthorization().isPresent());
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://h b/secret", "http://[secret", "%zz secret", "http:secret"})
  void aRedirectToNowhereIsRefusedWithoutRepeatingIt(String location) {
    SourceUrl url = SourceUrl.parse("http://h/a");
    var refusal = assertThrows(InvalidRequest.class, () -> url.resolve(location));
    assertFalse(refusal.getMessage().contains("secret"), refusal.getMessage());
  }

  @Test
  void equalityIsThatOfAllThatIsSent() {
    SourceUrl url = SourceUrl.parse("http://u:p@h/a?b");
    assertEquals(url, SourceUrl.parse("http://u:p@h/a?b#fragment"));
    assertEquals(url.hashCode(), SourceUrl.parse("http://u:p@h/a?b").hashCode());
    for (String other :
        new String[] {
          "http://u:p@h/a?c",
          "http://u:q@h/a?b",
          "http://h/a?b",
          "https://u:p@h/a?b",
          "http://u:p@h/b?b",
          "http://u:p@i/a?b",
          "http://u:p@h/a"
        }) {
      assertNotEquals(url, SourceUrl.parse(other));
    }
    assertTrue(url.hasQuery());
    assertFalse(SourceUrl.parse("http://h/a").hasQuery());
  }
}
