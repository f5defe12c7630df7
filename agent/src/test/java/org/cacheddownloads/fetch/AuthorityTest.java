package org.cacheddownloads.fetch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.List;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.content.SourceUrl;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AuthorityTest {
  private final Authority authority = new Authority("00112233445566778899aabbccddeeff");

  private static Source source(String url, String... headers) {
    var fields = new LinkedHashMap<String, String>();
    for (int i = 0; i < headers.length; i += 2) {
      fields.put(headers[i], headers[i + 1]);
    }
    return new Source(SourceUrl.parse(url), Headers.of(fields));
  }

  private String credentials(Source... sources) {
    return authority.credentials(List.of(sources));
  }

  private String question(Source... sources) {
    return authority.question(List.of(sources));
  }

  @ParameterizedTest
  @CsvSource({"Accept, text/plain", "accept-language, de", "User-Agent, curl", "ACCEPT, */*"})
  void theseHeadersAreNoCredentials(String name, String value) {
    assertEquals("", credentials(source("http://h/a", name, value)));
  }

  @Test
  void withoutHeadersThereAreNone() {
    assertEquals("", credentials(source("http://h/a?token=secret"), source("http://m/a")));
  }

  @Test
  void everyOtherHeaderIsOne() {
    String none = credentials(source("http://h/a", "Authorization", "x"));
    assertFalse(none.isEmpty());
    assertNotEquals(none, credentials(source("http://h/a", "Authorization", "y")));
    assertNotEquals(none, credentials(source("http://h/a", "X-Token", "x")));
    assertFalse(credentials(source("http://h/a", "Cookie", "x")).isEmpty());
  }

  @Test
  void userInfoIsOne() {
    String one = credentials(source("http://u:p@h/a"));
    assertFalse(one.isEmpty());
    assertNotEquals(one, credentials(source("http://u:q@h/a")));
    assertEquals(one, credentials(source("http://u:p@h/another")));
  }

  @Test
  void itMattersWhichSourceHasThem() {
    assertNotEquals(
        credentials(source("http://h/a", "Authorization", "x"), source("http://m/a")),
        credentials(source("http://h/a"), source("http://m/a", "Authorization", "x")));
  }

  @Test
  void namesAreCaseInsensitiveAndTheirOrderDoesNotMatter() {
    assertEquals(
        credentials(source("http://h/a", "X-A", "1", "X-B", "2")),
        credentials(source("http://h/a", "x-b", "2", "x-a", "1")));
  }

  @Test
  void hashesTellNothingAndDifferByKey() {
    String hash = credentials(source("http://h/a", "Authorization", "secret"));
    assertTrue(hash.matches("[0-9a-f]{32}"), hash);
    assertNotEquals(
        hash,
        new Authority("ffeeddccbbaa99887766554433221100")
            .credentials(List.of(source("http://h/a", "Authorization", "secret"))));
  }

  /** Each differs from the first in one thing that goes out. */
  @Test
  void questionsDifferInWhateverGoesOut() {
    String question = question(source("http://h/a?q=1", "Accept", "x"));
    assertEquals(question, question(source("http://H:80/a?q=1#fragment", "accept", "x")));
    for (Source other :
        List.of(
            source("http://h/b?q=1", "Accept", "x"),
            source("http://h/a?q=2", "Accept", "x"),
            source("http://h/a", "Accept", "x"),
            source("https://h/a?q=1", "Accept", "x"),
            source("http://h:81/a?q=1", "Accept", "x"),
            source("http://u@h/a?q=1", "Accept", "x"),
            source("http://h/a?q=1", "Accept", "y"),
            source("http://h/a?q=1"))) {
      assertNotEquals(question, question(other), other.toString());
    }
    assertNotEquals(
        question, question(source("http://h/a?q=1", "Accept", "x"), source("http://m/a")));
  }

  @Test
  void aVariantIsHashedWithTheSameKey() {
    assertEquals(authority.hash("x"), authority.hash("x"));
    assertNotEquals(authority.hash("x"), authority.hash("y"));
  }
}
