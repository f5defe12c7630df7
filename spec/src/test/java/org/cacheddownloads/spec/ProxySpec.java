package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Proxies of rules and of the environment. The agent knows no host by name here, so what it
 * downloads from {@code blobs.test} came through a proxy that does.
 */
class ProxySpec {
  private static final String LOGIN = "agent:c4n4ry";

  @RegisterExtension static final Origin origin = Origin.start();

  @TempDir static Path shared;

  private static CertificateAuthority authority;
  private static TlsOrigin tls;

  private final ScriptedProxy http = ScriptedProxy.http();
  private final ScriptedProxy socks = ScriptedProxy.socks();
  private final AgentProcess agent =
      AgentProcess.with("fetch.attempts", 2, "log.level", "debug").knowingHosts();

  @BeforeAll
  static void makeCertificates() {
    authority = new CertificateAuthority(shared, "authority");
    tls = TlsOrigin.with(authority.server("DNS:blobs.test"));
  }

  @org.junit.jupiter.api.AfterAll
  static void endOrigin() {
    tls.close();
  }

  @AfterEach
  void end() {
    try (http;
        socks;
        agent) {
      // in this order, from behind
    }
  }

  private static String named(String path) {
    return "http://blobs.test:" + port() + path;
  }

  private static String namedTls(String path) {
    return "https://blobs.test:" + tls.port() + path;
  }

  private static String port() {
    return origin.authority().substring(origin.authority().indexOf(':') + 1);
  }

  private void start(Map<?, ?>... rules) {
    agent.configure(
        "origins.rules", List.of(rules), "origins.trust", List.of(authority.file().toString()));
    agent.start();
  }

  private static Map<String, String> rule(String match, String proxy) {
    return Map.of("match", match, "proxy", proxy);
  }

  // ---- the way

  @Test
  void anHttpProxyIsAskedForTheWholeUrlAndResolvesTheName() {
    start(rule("*", http.url()));
    origin.serve("/plain", "plain", "ETag: \"p\"");

    Download first = agent.prefetch(named("/plain?sig=s3cret"));
    Download second = agent.prefetch(named("/plain?sig=s3cret"));

    assertThat(first.digest()).isEqualTo(Content.sha256("plain"));
    assertThat(second.outcome()).isEqualTo("revalidated");
    assertThat(http.asked()).hasSize(2).containsOnly("GET " + named("/plain?sig=s3cret"));
    assertThat(origin.lastRequest("/plain").header("Host")).hasValue("blobs.test:" + port());
    assertThat(origin.lastRequest("/plain").header("Proxy-Authorization")).isEmpty();
  }

  @Test
  void anHttpProxyIsAskedForATunnelToTlsWhoseCertificateIsChecked() {
    start(rule("*", http.url()));

    assertThat(agent.prefetch(namedTls("/a")).digest()).isEqualTo(Content.sha256("/a"));

    assertThat(http.asked()).containsExactly("CONNECT blobs.test:" + tls.port());
    assertThat(tls.requests().getLast()).contains(" blobs.test ");
    agent
        .refused("c", "a", "https://other.test:" + tls.port() + "/a")
        .is(504, "origin-unavailable");
    assertThat(http.asked().getLast()).isEqualTo("CONNECT other.test:" + tls.port());
  }

  @Test
  void aSocksProxyIsGivenTheNameForBoth() {
    start(rule("*", socks.url()));
    origin.serve("/socks", "socks", "ETag: \"s\"");

    assertThat(agent.prefetch(named("/socks")).digest()).isEqualTo(Content.sha256("socks"));
    assertThat(agent.prefetch(namedTls("/b")).digest()).isEqualTo(Content.sha256("/b"));

    assertThat(socks.asked())
        .containsExactly("SOCKS blobs.test:" + port(), "SOCKS blobs.test:" + tls.port());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theProxyAndTheOriginMayBeIpv6Addresses(boolean socks) {
    try (ScriptedProxy proxy = ScriptedProxy.onIpv6(socks)) {
      start(rule("*", proxy.url()));
      origin.serve("/six", "six", "ETag: \"6\"");

      String six = "http://[::1]:" + port() + "/six";
      assertThat(agent.prefetch(six).digest()).isEqualTo(Content.sha256("six"));
      assertThat(agent.prefetch(namedTls("/six")).digest()).isEqualTo(Content.sha256("/six"));

      assertThat(proxy.asked()).hasSize(2);
      if (!socks) {
        assertThat(proxy.asked().getFirst()).isEqualTo("GET " + six);
      }
    }
  }

  // ---- the environment

  @ParameterizedTest
  @ValueSource(strings = {"http_proxy", "HTTP_PROXY", "all_proxy"})
  void theEnvironmentNamesTheProxy(String variable) {
    agent.environment(variable, http.url());
    start();
    origin.serve("/environment", "e", "ETag: \"e\"");

    agent.prefetch(named("/environment"));

    assertThat(http.asked()).containsExactly("GET " + named("/environment"));
  }

  @Test
  void theEnvironmentMayNameAnotherProxyForTls() {
    agent.environment("http_proxy", socks.url()).environment("https_proxy", http.url());
    start();

    agent.prefetch(namedTls("/a"));

    assertThat(http.asked()).containsExactly("CONNECT blobs.test:" + tls.port());
    assertThat(socks.asked()).isEmpty();
  }

  @Test
  void exceptionsOfTheEnvironmentRulesAndLoopbackGoStraight() {
    agent
        .knowingHosts("excepted.test", "127.0.0.1", "ruled.test", "127.0.0.1")
        .environment("http_proxy", http.url())
        .environment("no_proxy", "10.0.0.0/8, .excepted.test");
    start(rule("http://ruled.test:*/*", "none"));
    origin.serve("/straight", "straight", "ETag: \"s\"");

    for (String host : List.of("excepted.test", "ruled.test", "127.0.0.1")) {
      assertThat(agent.prefetch("http://" + host + ":" + port() + "/straight").digest())
          .isEqualTo(Content.sha256("straight"));
    }

    assertThat(http.asked()).isEmpty();
    agent.prefetch(named("/straight"));
    assertThat(http.asked()).hasSize(1);
  }

  @Test
  void anEnvironmentThatCannotBeUnderstoodIsNamedAtTheStartAndNotShown() {
    agent.environment("https_proxy", "https://" + LOGIN + "@proxy.test:443");

    assertThat(agent.startsNot().output())
        .contains("cannot start: https_proxy (environment)")
        .doesNotContain("c4n4ry");
  }

  // ---- credentials of the proxy

  @ParameterizedTest
  @CsvSource({"http, http", "http, tls", "socks, http", "socks, tls"})
  void credentialsGoToTheProxyAndNowhereElse(String kind, String target) {
    ScriptedProxy proxy = kind.equals("http") ? http : socks;
    proxy.asksFor(LOGIN);
    start(rule("*", proxy.urlAs(LOGIN)));
    origin.serve("/login", "login", "ETag: \"l\"");

    agent.prefetch(target.equals("http") ? named("/login") : namedTls("/login"));

    assertThat(proxy.asked()).hasSize(1).allSatisfy(line -> assertThat(line).endsWith(LOGIN));
    assertThat(origin.requests("/login").toString()).doesNotContain("c4n4ry", "YzRuNHJ5");
    assertThat(agent.get("/v1/config").toString()).contains(proxy.url()).doesNotContain("c4n4ry");
    assertThat(agent.log()).doesNotContain("c4n4ry");
  }

  @ParameterizedTest
  @CsvSource({"http, http", "http, tls", "socks, http", "socks, tls"})
  void aProxyThatWantsOtherCredentialsFailsAtOnce(String kind, String target) {
    ScriptedProxy proxy = (kind.equals("http") ? http : socks).asksFor("agent:other");
    start(rule("*", proxy.urlAs(LOGIN)));

    Problem problem =
        agent
            .refused("c", "a", target.equals("http") ? named("/x") : namedTls("/x"))
            .is(504, "origin-unavailable");

    assertThat(problem.detail()).contains("the proxy refused", proxy.url());
    assertThat(problem.json().path("retryable").asBoolean()).isFalse();
    assertThat(problem.attempts().path(0).path("requests").asInt()).isEqualTo(1);
    assertThat(problem + agent.log()).doesNotContain("c4n4ry");
  }

  // ---- what goes wrong

  @Test
  void aProxyThatIsDownIsNamedAndTriedAgain() {
    String nobody = "http://" + LOGIN + "@127.0.0.1:" + Project.freePort();
    start(rule("*", nobody));

    for (String url : List.of(named("/x"), namedTls("/x"))) {
      Problem problem = agent.refused("c", "a", url).is(504, "origin-unavailable");

      assertThat(problem.detail())
          .contains("connection refused", "through the proxy http://127.0.0.1:")
          .doesNotContain("c4n4ry");
      assertThat(problem.attempts().path(0).path("requests").asInt()).isEqualTo(2);
    }
  }

  @Test
  void aProxyThatCannotReachTheOriginIsTriedAgainAndOneThatForbidsItIsNot() {
    start(rule("*", http.url()));

    http.refuses("502 Bad Gateway");
    Problem passing = agent.refused("c", "a", namedTls("/x")).is(504, "origin-unavailable");
    http.refuses("403 Forbidden");
    Problem lasting = agent.refused("c", "a", namedTls("/x")).is(504, "origin-unavailable");

    assertThat(passing.detail()).contains("502");
    assertThat(passing.attempts().path(0).path("requests").asInt()).isEqualTo(2);
    assertThat(lasting.detail()).contains("403");
    assertThat(lasting.attempts().path(0).path("requests").asInt()).isEqualTo(1);
  }

  // ---- the policy holds

  @Test
  void hostsAndAddressesThatAreNotAllowedNeverReachTheProxy() {
    agent.configure(
        "origins.allow", List.of("*.test", "169.254.169.254", "0xa9fea9fe", "[fe80::1]"));
    start(rule("*", http.url()));
    origin.answer("/inside", 302, "Location: http://169.254.169.254/latest/meta-data");

    for (String url :
        List.of(
            "http://other.example/x",
            "http://169.254.169.254/x",
            "http://0xA9FEA9FE/x",
            "https://[fe80::1]/x")) {
      agent.refused("c", "a", url).is(403, "origin-not-allowed");
    }
    assertThat(http.asked()).isEmpty();

    agent.refused("c", "a", named("/inside")).is(403, "origin-not-allowed");
    assertThat(http.asked()).containsExactly("GET " + named("/inside"));
  }
}
