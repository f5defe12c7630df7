package org.cacheddownloads.fetch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.cacheddownloads.config.HeaderValue;
import org.cacheddownloads.config.Rule;
import org.cacheddownloads.config.RuleTls;
import org.cacheddownloads.config.UrlPattern;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.content.SourceUrl;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AuthorityTest {
  private final List<Rule> rules = new ArrayList<>();
  private final Authority authority = authority(rules);

  private static Authority authority(List<Rule> rules) {
    return new Authority(
        "00112233445566778899aabbccddeeff", new RuleHeaders(() -> rules, Clock.systemUTC()));
  }

  private void rule(String match, Map<String, HeaderValue> headers, @Nullable RuleTls tls) {
    rules.clear();
    rules.add(new Rule(UrlPattern.parse(match), tls, headers, null, null));
  }

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
        new Authority(
                "ffeeddccbbaa99887766554433221100", new RuleHeaders(List::of, Clock.systemUTC()))
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

  @Test
  void whatARuleAddsIsOneThatAllCallersHave() {
    rule("http://h/*", Map.of("Authorization", new HeaderValue.Text("agent")), null);

    String agents = credentials(source("http://h/a"));
    assertFalse(agents.isEmpty());
    assertEquals(agents, credentials(source("http://h/b", "Accept", "x")));
    assertEquals("", credentials(source("http://elsewhere/a")));
    assertNotEquals(agents, credentials(source("http://h/a", "Cookie", "x")));
    rule("http://h/*", Map.of("Authorization", new HeaderValue.Text("rotated")), null);
    assertNotEquals(agents, credentials(source("http://h/a")));
  }

  @Test
  void whatTheCallerSendsInPlaceOfTheRuleCountsAlone() {
    String own = credentials(source("http://h/a", "Authorization", "own"));
    String user = credentials(source("http://u:p@elsewhere/a"));

    rule("*", Map.of("authorization", new HeaderValue.Text("agent")), null);

    assertEquals(own, credentials(source("http://h/a", "Authorization", "own")));
    assertEquals(user, credentials(source("http://u:p@elsewhere/a")));
  }

  @Test
  void aHeaderWithoutAValueIsAnAuthorityOfItsOwn(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("token");
    rule("*", Map.of("Authorization", new HeaderValue.InFile(file)), null);

    String without = credentials(source("http://h/a"));
    Files.writeString(file, "Bearer agent\n");
    String with = credentials(source("http://h/a"));

    assertFalse(without.isEmpty());
    assertNotEquals(without, with);
    assertEquals(with, credentials(source("http://h/a", "Authorization", "Bearer agent")));
  }

  @Test
  void theClientCertificateOfARuleIsOneForTlsAlone() {
    rule("*", Map.of(), new RuleTls(null, Path.of("/c.pem"), Path.of("/k.pem")));

    assertEquals("", credentials(source("http://h/a")));
    assertFalse(credentials(source("https://h/a")).isEmpty());
  }

  @Test
  void questionsDifferInWhatARuleAdds() {
    String question = question(source("http://h/a"));
    rule("*", Map.of("X-Token", new HeaderValue.Text("agent")), null);
    assertNotEquals(question, question(source("http://h/a")));
  }
}
