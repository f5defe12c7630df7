package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Names of origins that have several addresses, dead ones and denied ones among them. The agent's
 * JVM reads a file in place of asking the system's resolver.
 */
class AddressSpec {
  private static final String DENIED = "127.0.0.9";
  private static final Path directory = Project.temporaryDirectory();
  private static final Path hosts = directory.resolve("hosts");

  @RegisterExtension
  static final AgentProcess agent =
      AgentProcess.with(
              "fetch.attempts",
              1,
              "fetch.connectTimeout",
              "10s",
              "origins.denyAddresses",
              List.of(DENIED + "/32", "169.254.0.0/16"))
          .environment("JDK_JAVA_OPTIONS", "-Djdk.net.hosts.file=" + namesIn(hosts));

  private final RawOrigin origin = RawOrigin.startOn("127.0.0.1", 0);

  @AfterEach
  void closeOrigin() {
    origin.close();
  }

  @AfterAll
  static void deleteNames() {
    Project.delete(directory);
  }

  private static Path namesIn(Path file) {
    names(
        file,
        "127.0.0.2 refused-first.test",
        "127.0.0.1 refused-first.test",
        "127.0.0.3 hole-first.test",
        "127.0.0.1 hole-first.test",
        "::1 six-first.test",
        "127.0.0.1 six-first.test",
        "127.0.0.3 holes.test",
        "127.0.0.4 holes.test",
        "169.254.169.254 metadata.test",
        DENIED + " half-denied.test",
        "127.0.0.1 half-denied.test");
    return file;
  }

  /** Lines of an address and a name. */
  private static void names(Path file, String... lines) {
    try {
      Path written = file.resolveSibling("new");
      Files.write(written, List.of(lines));
      Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- several addresses

  @Test
  void anAddressThatRefusesIsPassedOver() {
    origin.script("/a", connection -> connection.answer("a"));
    assertThat(agent.prefetch(origin.urlAs("refused-first.test", "/a")).size()).isEqualTo(1);
  }

  /** Long before {@code fetch.connectTimeout}. */
  @Test
  void anAddressThatDoesNotAnswerIsNotWaitedFor() {
    try (BlackHole _ = BlackHole.on("127.0.0.3", origin.port())) {
      origin.script("/a", connection -> connection.answer("a"));
      Download download = agent.prefetch(origin.urlAs("hole-first.test", "/a"), "timeout", "8s");
      assertThat(download.size()).isEqualTo(1);
    }
  }

  /** A head start is paid once, and not by each of a thousand revalidations. */
  @Test
  void theAddressThatServedLastIsTriedFirst() throws IOException {
    try (BlackHole hole = BlackHole.on("127.0.0.3", 0);
        RawOrigin alive = RawOrigin.startOn("127.0.0.1", hole.port())) {
      alive.script("/a", connection -> connection.answer("a", "ETag: \"a\""));
      for (int i = 0; i < 20; i++) {
        agent.prefetch(alive.urlAs("hole-first.test", "/a"));
      }
      // Each try of the hole leaves one for as long as fetch.connectTimeout.
      assertThat(socketsTo("0300007F", hole.port(), agent)).hasSizeLessThanOrEqualTo(1);
    }
  }

  @Test
  void bothFamiliesAreTried() {
    origin.script("/four", connection -> connection.answer("four"));
    assertThat(agent.prefetch(origin.urlAs("six-first.test", "/four")).size()).isEqualTo(4);
    try (RawOrigin six = RawOrigin.startOn("::1", 0)) {
      six.script("/six", connection -> connection.answer("six"));
      assertThat(agent.prefetch(six.urlAs("six-first.test", "/six")).size()).isEqualTo(3);
    }
  }

  /** Whoever lost the race, or was given up, leaves no connection behind. */
  @Test
  void whatLostTheRaceIsGivenUp() {
    try (AgentProcess impatient =
            AgentProcess.with("fetch.attempts", 1, "fetch.connectTimeout", "1s")
                .environment("JDK_JAVA_OPTIONS", "-Djdk.net.hosts.file=" + hosts);
        BlackHole hole = BlackHole.on("127.0.0.3", 0);
        BlackHole _ = BlackHole.on("127.0.0.4", hole.port())) {
      impatient.start();
      for (int i = 0; i < 3; i++) {
        String url = "http://holes.test:" + hole.port() + "/x" + i;
        CompletableFuture<Reply> reply =
            impatient.sendAsync(AgentClient.prefetchRequest(url, "timeout", "30s"));
        eventually()
            .untilAsserted(() -> assertThat(socketsTo("", hole.port(), impatient)).isNotEmpty());
        reply.join().problem().is(504, "timeout");
      }
      eventually().untilAsserted(() -> assertThat(socketsTo("", hole.port(), impatient)).isEmpty());
    }
  }

  /** The sockets of the agent whose other end has this address, as the kernel writes it. */
  private static List<String> socketsTo(String address, int port, AgentProcess agent)
      throws IOException {
    var open = new ArrayList<String>();
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + agent.pid() + "/fd"))) {
      for (Path descriptor : descriptors.toList()) {
        open.add(target(descriptor));
      }
    }
    String end = address + ":%04X".formatted(port);
    // A JVM connects to IPv4 addresses with sockets of IPv6 too.
    return Stream.concat(
            Files.readAllLines(Path.of("/proc/net/tcp")).stream(),
            Files.readAllLines(Path.of("/proc/net/tcp6")).stream())
        .map(line -> line.strip().split("\\s+", -1)) // slot, local, remote, …, inode
        .filter(row -> row[2].endsWith(end) && open.contains("socket:[" + row[9] + "]"))
        .map(row -> row[2])
        .toList();
  }

  private static String target(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString();
    } catch (IOException e) {
      return ""; // closed just now
    }
  }

  // ---- denied addresses

  @Test
  void aNameOfADeniedAddressIsRefused() {
    agent
        .refused("c", "denied", "http://metadata.test:" + origin.port() + "/x")
        .is(403, "origin-not-allowed");
  }

  @Test
  void aRedirectToANameOfADeniedAddressIsRefused() {
    origin.script(
        "/away",
        connection ->
            connection.head("302 Found", 0, "Location: http://metadata.test/latest/meta-data"));
    agent.refused("c", "redirected", origin.url("/away")).is(403, "origin-not-allowed");
  }

  @Test
  void ofANameOnlyTheAllowedAddressesAreUsed() {
    try (RawOrigin denied = RawOrigin.startOn(DENIED, origin.port())) {
      origin.script("/half", connection -> connection.answer("half", "ETag: \"h\""));
      for (int i = 0; i < 5; i++) {
        agent.prefetch(origin.urlAs("half-denied.test", "/half"));
      }
      // Not even when the allowed one is dead.
      origin.close();
      agent.refused("c", "half", origin.urlAs("half-denied.test", "/half"));
      assertThat(denied.connections()).isZero();
    }
  }

  /** DNS answers hold for seconds, not for as long as the process lives. */
  @Test
  void aNameThatMovedIsFollowed() {
    Path own = directory.resolve("moving");
    names(own, "127.0.0.1 moving.test");
    try (AgentProcess follower =
            AgentProcess.with("fetch.attempts", 1, "origins.denyAddresses", List.of(DENIED + "/32"))
                .environment("JDK_JAVA_OPTIONS", "-Djdk.net.hosts.file=" + own);
        RawOrigin elsewhere = RawOrigin.startOn("127.0.0.5", origin.port())) {
      follower.start();
      origin.keepAlive("/x", connection -> connection.answer("old", "ETag: \"x\""));
      elsewhere.keepAlive("/x", connection -> connection.answer("new", "ETag: \"x\""));
      String url = origin.urlAs("moving.test", "/x");
      assertThat(follower.prefetch(url).digest()).isEqualTo(Content.sha256("old"));

      names(own, "127.0.0.5 moving.test");

      eventually()
          .atMost(Duration.ofSeconds(20)) // the JVM's own default is 30
          .pollInterval(Duration.ofMillis(500))
          .until(() -> follower.prefetch(url).digest().equals(Content.sha256("new")));
    }
  }
}
