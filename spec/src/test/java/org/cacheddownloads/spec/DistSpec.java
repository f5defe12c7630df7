package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The packages that {@code scripts/dist} makes: equal sources make equal bytes, and what they
 * install does its job on a Debian that has nothing else.
 */
class DistSpec {
  private static final Duration LONGEST = Duration.ofMinutes(10);
  private static final Path WORK = Project.temporaryDirectory();
  private static final Path ONE = WORK.resolve("one");
  private static final Path OTHER = WORK.resolve("other");

  @RegisterExtension static final Origin origin = Origin.start();

  /** The certificate of an origin that the installed agent is made to trust. */
  private static CertificateAuthority.Pair pair;

  @BeforeAll
  static void build() {
    build(ONE);
  }

  private static void build(Path directory) {
    Child.Outcome outcome =
        Child.run(List.of(Project.ROOT + "/scripts/dist", directory.toString()), LONGEST);
    assertThat(outcome.exit()).as(outcome.errors()).isZero();
  }

  @AfterAll
  static void delete() {
    Project.delete(WORK);
  }

  private static Path made(Path directory, String suffix) {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.toString().endsWith(suffix)).findAny().orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void twoBuildsAreEqualByteByByte() throws IOException {
    build(OTHER);

    for (String suffix : List.of(".tar.gz", ".deb")) {
      assertThat(made(ONE, suffix).getFileName()).isEqualTo(made(OTHER, suffix).getFileName());
      assertThat(Files.mismatch(made(ONE, suffix), made(OTHER, suffix))).as(suffix).isEqualTo(-1);
    }
  }

  // ---- the Debian package

  @Test
  void theDebianPackageDoesItsJobOnADebianThatHasNothingElse() throws IOException {
    origin.serve("/tool", "a tool", "ETag: \"t\"");
    try (DebianRoot debian = DebianRoot.fresh()) {
      String deb = debian.copyIn(made(ONE, ".deb"));
      debian.ok("dpkg", "-i", deb);
      configure(debian);

      try (Child agent = serve(debian)) {
        AgentClient client = client(debian);
        Download miss = client.download("web", "bin/tool", origin.url("/tool"));
        Download again = client.download("job", "tool", origin.url("/tool"));

        assertThat(miss.outcome()).isEqualTo("miss");
        assertThat(again.outcome()).isEqualTo("revalidated");
        assertThat(debian.path(miss.text("hostPath"))).hasContent("a tool");
        assertThat(debian.ok("stat", "-c", "%U", "/var/lib/cached-downloads/VERSION").strip())
            .isEqualTo("cached-downloads");
        assertThat(debian.ok("cached-downloads", "ls")).contains("web", "job");
        assertThat(Files.readString(Path.of("/proc/" + agent.pid() + "/maps")))
            .as("what the JVM has mapped")
            .containsPattern("/var/cache/cached-downloads/agent-[0-9a-f]{16}\\.aot");
        handlesEveryCodec(client);
        handlesTls(debian, client);
        client.release("job");
        assertThat(client.knows("job")).isFalse();
        stop(agent);
      }
      upgrade(debian, deb);
      removeAndPurge(debian);
    }
  }

  /** Its file is changed as operators do, and must stay so. */
  private static void configure(DebianRoot debian) throws IOException {
    Path file = debian.path("/etc/cached-downloads/config.yaml");
    CertificateAuthority authority = new CertificateAuthority(WORK, "authority");
    Files.copy(authority.file(), debian.path("/etc/cached-downloads/ca.pem"));
    pair = authority.server("DNS:localhost");
    Files.writeString(
        file,
        Files.readString(file)
            .replace("127.0.0.1:9758", "127.0.0.1:" + Project.freePort())
            .replace("minFreeBytes: 1GiB", "minFreeBytes: 0")
            .replace("trust: []", "trust: [/etc/cached-downloads/ca.pem]"));
  }

  private static Child serve(DebianRoot debian) {
    Child agent =
        debian.start(
            WORK.resolve("agent.log"),
            "setpriv",
            "--reuid=cached-downloads",
            "--regid=cached-downloads",
            "--clear-groups",
            "--no-new-privs",
            "/usr/bin/cached-downloads",
            "serve",
            "--config",
            "/etc/cached-downloads/config.yaml");
    eventually()
        .ignoreExceptions()
        .until(() -> !agent.isAlive() || client(debian).get("/readyz").status() == 200);
    assertThat(agent.isAlive()).as(agent.output()).isTrue();
    return agent;
  }

  private static AgentClient client(DebianRoot debian) {
    return new AgentClient(
        UnixDomainSocketAddress.of(debian.path("/run/cached-downloads/agent.sock")),
        Contract.Listener.SOCKET);
  }

  private static void stop(Child agent) {
    agent.signal("TERM");
    assertThat(agent.awaitExit()).as(agent.output()).isZero();
  }

  /** Each has a library of its own, some of them native. */
  private static void handlesEveryCodec(AgentClient client) {
    try (SourceTree tree = SourceTree.madeBy("printf hello > greeting")) {
      for (String packer : List.of("gzip", "bzip2", "xz", "zstd -q")) {
        String path = "/tree-" + packer.substring(0, 2);
        origin.serve(path, tree.pack("tar -cf - . | " + packer + " > \"$1\""), "ETag: \"t\"");
        Download unpacked =
            client.download("tree", path.substring(1), origin.url(path), "as", "directory");
        assertThat(unpacked.json().path("files").asInt()).as(packer).isEqualTo(1);
      }
    }
  }

  private static void handlesTls(DebianRoot debian, AgentClient client) {
    try (TlsOrigin tls = TlsOrigin.with(pair)) {
      Download download = client.download("tls", "a", tls.url("/over-tls"));
      assertThat(debian.path(download.text("hostPath"))).hasContent("/over-tls");
    }
    assertThat(client.get("/metrics").expect(200).text())
        .contains("jvm_", "cached_downloads_requests_total");
  }

  private static void upgrade(DebianRoot debian, String deb) throws IOException {
    String config = Files.readString(debian.path("/etc/cached-downloads/config.yaml"));
    debian.ok("dpkg", "-i", deb);

    assertThat(debian.path("/etc/cached-downloads/config.yaml")).hasContent(config);
    try (Child agent = serve(debian)) {
      AgentClient client = client(debian);
      Download again = client.download("new", "tool", origin.url("/tool"));
      assertThat(again.outcome()).isEqualTo("revalidated");
      assertThat(client.knows("web")).isTrue();
      stop(agent);
    }
    assertThat(debian.path("/var/lib/cached-downloads/containers/web/bin/tool"))
        .hasContent("a tool");
  }

  private static void removeAndPurge(DebianRoot debian) {
    debian.ok("dpkg", "-r", "cached-downloads");
    assertThat(debian.path("/usr/lib/cached-downloads")).doesNotExist();
    assertThat(debian.path("/var/cache/cached-downloads")).doesNotExist();
    assertThat(debian.path("/etc/cached-downloads/config.yaml")).exists();
    assertThat(debian.path("/var/lib/cached-downloads/containers/web/bin/tool"))
        .hasContent("a tool");

    debian.ok("dpkg", "--purge", "cached-downloads");
    assertThat(debian.path("/var/lib/cached-downloads")).doesNotExist();
    assertThat(debian.path("/etc/cached-downloads")).doesNotExist();
    assertThat(debian.path("/run/cached-downloads")).doesNotExist();
    assertThat(debian.ok("find", "/usr", "/etc", "/var/lib", "-xdev", "-name", "*cached*down*"))
        .isEmpty();
  }

  @Test
  void theDebianPackageHasWhatDebianExpects() {
    String deb = made(ONE, ".deb").toString();

    assertThat(Child.run(List.of("dpkg-deb", "--info", deb)).output())
        .contains("Depends: libc6", "conffiles", "postinst", "prerm", "postrm", "md5sums");
    assertThat(Child.run(List.of("dpkg-deb", "--contents", deb)).output())
        .contains(
            "root/root",
            "./usr/bin/cached-downloads -> ../lib/cached-downloads/bin/cached-downloads",
            "./usr/lib/systemd/system/cached-downloads.service",
            "./usr/lib/sysusers.d/cached-downloads.conf",
            "./usr/lib/tmpfiles.d/cached-downloads.conf",
            "./usr/share/bash-completion/completions/cached-downloads",
            "./usr/share/cached-downloads/metrics-dashboards/rules.yml",
            "./usr/share/man/man1/cached-downloads.1.gz",
            "./usr/share/zsh/vendor-completions/_cached-downloads",
            "./usr/share/doc/cached-downloads/copyright",
            "./usr/share/doc/cached-downloads/sbom.cdx.json")
        .doesNotContain("multi-user.target.wants");
  }

  // ---- the archive

  @Test
  void theArchiveRunsWhereItIsUnpacked() throws IOException {
    Path directory = Project.temporaryDirectory();
    try {
      Child.Outcome unpacked =
          Child.run(
              List.of("tar", "-xzf", made(ONE, ".tar.gz").toString(), "-C", directory.toString()));
      assertThat(unpacked.exit()).as(unpacked.errors()).isZero();
      Path home = made(directory, "");
      String program = home.resolve("bin/cached-downloads").toString();
      String version = Child.run(List.of(program, "version")).output();
      Path ofOtherFiles = home.resolve("start/agent-0123456789abcdef.aot");
      Files.writeString(ofOtherFiles, "recorded for another version");
      Child.Outcome prepared =
          Child.run(List.of(home.resolve("bin/prepare").toString(), home + "/start"), LONGEST);

      assertThat(home.getFileName().toString())
          .startsWith("cached-downloads-" + version.strip().replaceAll(".* ", "") + "-linux-");
      assertThat(prepared.exit()).as(prepared.output() + prepared.errors()).isZero();
      assertThat(home.resolve("start"))
          .isDirectoryContaining("regex:.*/agent-[0-9a-f]{16}\\.aot")
          .isDirectoryContaining("regex:.*/cli-[0-9a-f]{16}\\.aot");
      assertThat(ofOtherFiles).doesNotExist();
      assertThat(Child.run(List.of(program, "version")).output()).isEqualTo(version);
      billOfMaterials(home.resolve("share/doc/cached-downloads"), home.resolve("lib"));
    } finally {
      Project.delete(directory);
    }
  }

  /** Each jar that is carried has its line in the list of licences and its part in the SBOM. */
  private static void billOfMaterials(Path documents, Path lib) throws IOException {
    JsonNode sbom = Json.parse(Files.readString(documents.resolve("sbom.cdx.json")));
    String licences = Files.readString(documents.resolve("LICENCES"));
    assertThat(sbom.path("bomFormat").asText()).isEqualTo("CycloneDX");
    try (Stream<Path> jars = Files.list(lib)) {
      for (Path jar : jars.toList()) {
        String hash = Content.checksum("sha256", Files.readAllBytes(jar));
        JsonNode part = part(sbom, hash.substring("sha256:".length()));
        String line = part.path("name").asText() + " " + part.path("version").asText() + " ";
        assertThat(licences.lines().filter(text -> text.contains(":" + line)))
            .as("the licence of %s", line)
            .anyMatch(text -> text.matches(".* {1,}[A-Za-z0-9].*[A-Za-z0-9].*"));
      }
    }
  }

  private static JsonNode part(JsonNode sbom, String sha256) {
    for (JsonNode part : sbom.path("components")) {
      for (JsonNode hash : part.path("hashes")) {
        if (hash.path("content").asText().equals(sha256)) {
          return part;
        }
      }
    }
    throw new AssertionError("no part of the SBOM has the SHA-256 " + sha256);
  }
}
