package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import org.cacheddownloads.spec.CertificateAuthority.Pair;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** TLS with real servers: whom the agent trusts, who it says it is, and what ends at once. */
class TlsSpec {
  private static final String LOCAL = "DNS:localhost,IP:127.0.0.1";

  @TempDir static Path shared;

  @TempDir Path directory;

  private static CertificateAuthority authority;
  private static Pair server;

  private final AgentProcess agent = AgentProcess.with("fetch.attempts", 3);

  @BeforeAll
  static void makeCertificates() {
    authority = new CertificateAuthority(shared, "authority");
    server = authority.server(LOCAL);
  }

  @AfterEach
  void end() {
    agent.close();
  }

  private void startTrusting(CertificateAuthority trusted, Map<?, ?>... rules) {
    agent.configure("origins.trust", List.of(trusted.file().toString()));
    start(rules);
  }

  private void start(Map<?, ?>... rules) {
    agent.configure("origins.rules", List.of(rules));
    agent.start();
  }

  private static Map<String, Object> rule(String match, Object... tls) {
    return Map.of("match", match, "tls", Json.object(tls));
  }

  /** A failure that is told after one request, since more of them would fail the same. */
  private Problem failsAtOnce(String url) {
    Problem problem = agent.refused("c", "a", url).is(504, "origin-unavailable");
    assertThat(problem.attempts().path(0).path("requests").asInt()).as("%s", problem).isEqualTo(1);
    assertThat(problem.json().path("retryable").asBoolean()).isFalse();
    return problem;
  }

  // ---- whom the agent trusts

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void bothVersionsAreSpoken(String version) {
    try (TlsOrigin origin = TlsOrigin.with(server, "ssl_protocols " + version + ";")) {
      startTrusting(authority);

      assertThat(agent.prefetch(origin.url("/a")).outcome()).isEqualTo("miss");
      assertThat(agent.prefetch(origin.url("/a")).digest()).isEqualTo(Content.sha256("/a"));
      assertThat(origin.requests().getFirst()).startsWith("/a 200 " + version);
    }
  }

  @Test
  void noOlderVersionIsSpoken() {
    try (TlsOrigin origin =
        TlsOrigin.with(server, "ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;")) {
      startTrusting(authority);

      failsAtOnce(origin.url("/a"));
    }
  }

  @Test
  void anUnknownAuthorityFailsAtOnceAndOneOfARuleIsTrustedForWhatItMatches() {
    try (TlsOrigin origin = TlsOrigin.with(server)) {
      start(rule(origin.url("/ruled/*"), "ca", authority.file().toString()));

      Problem problem = failsAtOnce(origin.url("/a"));

      assertThat(problem.detail()).contains(origin.url("/a"), "TLS", "certificat");
      assertThat(agent.prefetch(origin.url("/ruled/a")).outcome()).isEqualTo("miss");
      failsAtOnce(origin.url("/b")); // also when there is a connection that the rule has made
    }
  }

  @Test
  void theBundleOfTheSystemIsTrusted() {
    Project.requireRoot();
    // A bundle of our own is put over the system's, in a mount namespace of the agent alone.
    agent.startedBy(
        Project.tool("unshare", "util-linux"),
        "--mount",
        "sh",
        "-c",
        "mount --bind \"$0\" /etc/ssl/certs/ca-certificates.crt && exec \"$@\"",
        authority.file().toString());
    try (TlsOrigin origin = TlsOrigin.with(server)) {
      start();

      assertThat(agent.prefetch(origin.url("/a")).outcome()).isEqualTo("miss");
    }
  }

  @Test
  void anotherHostsCertificateFailsAtOnce() {
    try (TlsOrigin origin = TlsOrigin.with(authority.server("DNS:other.example"))) {
      startTrusting(authority);

      assertThat(failsAtOnce(origin.url("/a")).detail()).contains("localhost");
      failsAtOnce("https://127.0.0.1:" + origin.port() + "/a");
    }
  }

  @Test
  void anAddressInTheCertificateIsEnough() {
    try (TlsOrigin origin = TlsOrigin.with(server)) {
      startTrusting(authority);

      assertThat(agent.prefetch("https://127.0.0.1:" + origin.port() + "/a").outcome())
          .isEqualTo("miss");
    }
  }

  @Test
  void anExpiredCertificateFailsAtOnce() {
    try (TlsOrigin origin = TlsOrigin.with(authority.expired(LOCAL))) {
      startTrusting(authority);

      failsAtOnce(origin.url("/a"));
    }
  }

  @Test
  void theServerIsToldTheNameThatIsWanted() {
    try (TlsOrigin origin =
        TlsOrigin.withNames(server, "blobs.test", authority.server("DNS:blobs.test"))) {
      agent.knowingHosts("blobs.test", "127.0.0.1");
      startTrusting(authority);

      agent.prefetch("https://blobs.test:" + origin.port() + "/a");

      assertThat(origin.requests().getFirst()).contains(" blobs.test ");
    }
  }

  @Test
  void aFileOfTrustThatCannotBeUsedIsNamedAtTheStart() throws IOException {
    Path wrong = Files.writeString(directory.resolve("trust.pem"), "nothing of the kind");
    agent.configure("origins.trust", List.of(wrong.toString()));

    assertThat(agent.startsNot().output())
        .contains("origins.trust", wrong.toString())
        .doesNotContain("Exception");
  }

  @Test
  void aRedirectOutOfTlsIsNotFollowed() {
    try (TlsOrigin origin = TlsOrigin.with(server)) {
      startTrusting(authority);

      agent.refused("c", "a", origin.url("/plain")).is(403, "origin-not-allowed");
    }
  }

  // ---- who the agent says it is

  @Test
  void aClientCertificateIsShownToWhatTheRuleMatchesAndRenewedWithItsFiles() throws IOException {
    Pair mine = copied(authority.client("client-one"));
    try (TlsOrigin origin = askingForClients()) {
      startTrusting(authority, client(origin.url("/ruled/*"), mine));

      Problem without = agent.refused("c", "a", origin.url("/a")).is(502, "origin-rejected");
      assertThat(without.originStatus()).isEqualTo(400); // as nginx says it
      agent.prefetch(origin.url("/ruled/a"));
      copied(authority.client("client-two"));
      agent.prefetch(origin.url("/ruled/a"));

      assertThat(origin.requests().get(1)).contains("/ruled/a 200").endsWith("CN=client-one");
      assertThat(origin.requests().getLast()).contains("/ruled/a").endsWith("CN=client-two");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"-tls1_2", "-tls1_3"})
  void aServerThatEndsTheHandshakeForWantOfACertificateIsAskedOnce(String version)
      throws IOException {
    int port = Project.freePort();
    var command =
        ("s_server -quiet -www -Verify 1 -verify_return_error -accept 127.0.0.1:%d -cert %s -key %s -CAfile %s "
                + version)
            .formatted(port, server.certificate(), server.key(), authority.file());
    var program = new java.util.ArrayList<>(List.of(Project.tool("openssl", "openssl")));
    program.addAll(List.of(command.split(" ", -1)));
    try (Child _ = Child.start(directory, directory.resolve("log"), program)) {
      eventually().until(() -> listens(port));
      startTrusting(authority);

      assertThat(failsAtOnce("https://localhost:" + port + "/a").detail()).contains("TLS");
    }
  }

  private static boolean listens(int port) {
    try (var socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void filesThatCannotBeUsedAreNamedWithTheirKeyAndNotShown() throws IOException {
    Pair mine = copied(authority.client("client-three"));
    try (TlsOrigin origin = askingForClients()) {
      startTrusting(authority, client(origin.url("/*"), mine));

      Files.writeString(mine.key(), "c4n4ry");
      Problem unfit = agent.refused("c", "a", origin.url("/a")).is(504, "origin-unavailable");
      Files.delete(mine.key());
      Problem missing = agent.refused("c", "a", origin.url("/a")).is(504, "origin-unavailable");
      copied(authority.client("client-three"));
      agent.prefetch(origin.url("/a"));

      assertThat(unfit.detail()).contains("tls.key", origin.url("/*"), mine.key().toString());
      assertThat(missing.detail()).contains("tls.key", mine.key().toString(), "no such file");
      assertThat(unfit.json() + agent.log()).doesNotContain("c4n4ry");
    }
  }

  private static TlsOrigin askingForClients() {
    return TlsOrigin.with(
        server, "ssl_client_certificate " + authority.file() + "; ssl_verify_client on;");
  }

  private static Map<String, Object> client(String match, Pair pair) {
    return rule(match, "certificate", pair.certificate().toString(), "key", pair.key().toString());
  }

  /** In place of what was there. */
  private Pair copied(Pair pair) throws IOException {
    var mine = new Pair(directory.resolve("client.pem"), directory.resolve("client.key"));
    Files.copy(pair.certificate(), mine.certificate(), StandardCopyOption.REPLACE_EXISTING);
    Files.copy(pair.key(), mine.key(), StandardCopyOption.REPLACE_EXISTING);
    return mine;
  }
}
