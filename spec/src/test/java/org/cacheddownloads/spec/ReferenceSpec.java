package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;
import static org.cacheddownloads.spec.Json.named;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a container holds: its view on disk, the set of its downloads, how names switch and are
 * released, and when a container ends.
 */
class ReferenceSpec {
  @RegisterExtension
  static final AgentProcess agent =
      AgentProcess.with("fetch.attempts", 1, "fetch.negativeTtl", "0s");

  @RegisterExtension static final Origin origin = Origin.start();

  // ---- on disk

  @Test
  void aNameIsARelativeSymlinkToAHardLinkInTheSameView() throws IOException {
    origin.serve("/layout", "hello", "ETag: \"l\"");

    Download ruby = agent.download("layout", "ruby", origin.url("/layout"));
    Download php = agent.download("layout", "buildpacks/php", origin.url("/layout"));

    assertThat(Files.readSymbolicLink(ruby.hostPath()).toString()).startsWith(".cached-downloads/");
    assertThat(Files.readSymbolicLink(php.hostPath()).toString())
        .startsWith("../.cached-downloads/");
    assertThat(ruby.file()).startsWith(agent.view("layout").toRealPath());
    assertThat(php.path()).isEqualTo("/cached-downloads/buildpacks/php");
    assertThat(php.content()).isEqualTo("hello");
  }

  @Test
  void theLinkCountIsTheReferenceCount() {
    origin.serve("/links", "links", "ETag: \"l\"");
    Download first = agent.download("links-1", "a", origin.url("/links"));
    int alone = first.links();

    Download second = agent.download("links-2", "a", origin.url("/links"));

    assertThat(second.inode()).isEqualTo(first.inode());
    assertThat(first.links()).isEqualTo(alone + 1);
    agent.release("links-2");
    assertThat(first.links()).isEqualTo(alone);
  }

  @Test
  void referencesOfAnEntryAreTheNamesThatHoldItsBytes() {
    origin.serve("/names", "names", "ETag: \"n\"");
    agent.download("names-1", "a", origin.url("/names"));
    agent.download("names-1", "b", origin.url("/names"));
    agent.download("names-2", "a", origin.url("/names"));
    agent.download("names-2", "a", origin.url("/names"));

    assertThat(agent.entry(origin.url("/names")).path("references").asInt()).isEqualTo(3);
    agent.release("names-1", "a");
    assertThat(agent.entry(origin.url("/names")).path("references").asInt()).isEqualTo(2);
    agent.release("names-1");
    agent.release("names-2");
    assertThat(agent.entry(origin.url("/names")).path("references").asInt()).isZero();
  }

  @Test
  void theMountIsReadyForTheOciRuntime() {
    origin.serve("/mount", "hello", "ETag: \"m\"");
    agent.download("mount", "a", origin.url("/mount"));

    JsonNode container = agent.container("mount");

    assertThat(container.path("mount").path("destination").asText()).isEqualTo("/cached-downloads");
    assertThat(container.path("mount").path("source").asText())
        .isEqualTo(agent.view("mount").toString());
    assertThat(Json.texts(container.path("mount").path("options")))
        .containsExactly("rbind", "ro", "nosuid", "nodev");
    assertThat(container.path("mounts")).isEmpty();
    assertThat(container.path("expiresAt").isNull()).isTrue();
  }

  @Test
  void theViewStaysTheSameDirectory() throws IOException {
    origin.serve("/directory/1", "one", "ETag: \"1\"");
    origin.serve("/directory/2", "two", "ETag: \"2\"");
    agent.download("directory", "a", origin.url("/directory/1"));
    Object inode = Files.getAttribute(agent.view("directory"), "unix:ino");

    agent.download("directory", "b", origin.url("/directory/2"));
    agent.declare("directory", List.of()).expect(200);
    agent.declare("directory", List.of(named("c/d", origin.url("/directory/1")))).expect(200);

    assertThat(Files.getAttribute(agent.view("directory"), "unix:ino")).isEqualTo(inode);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"a b", "ü", "100%", "why?x#y&z", "plus+;:@", "1/2/3/4/5/6/7/8", "..a/b.."})
  void namesArePercentEncodedInUrlsAndPlainOnDisk(String name) {
    origin.serve("/encoded", "hello", "ETag: \"e\"");

    Download download = agent.download("encoded", name, origin.url("/encoded"));

    assertThat(download.text("name")).isEqualTo(name);
    assertThat(agent.view("encoded").resolve(name)).hasContent("hello");
    assertThat(Json.texts(agent.container("encoded").path("downloads"), "name")).contains(name);
    agent.release("encoded", name);
    assertThat(Files.exists(agent.view("encoded").resolve(name), LinkOption.NOFOLLOW_LINKS))
        .isFalse();
  }

  @Test
  void aSegmentMayHave255Bytes() {
    origin.serve("/long", "hello", "ETag: \"l\"");

    assertThat(agent.download("long", "n".repeat(255), origin.url("/long")).content())
        .isEqualTo("hello");
  }

  // ---- switching a name

  @Test
  void whoHasTheFileOpenKeepsReadingTheOldBytes() throws IOException {
    origin.serve("/open", "old bytes", "ETag: \"1\"");
    Download old = agent.download("open", "a", origin.url("/open"));
    try (InputStream open = Files.newInputStream(old.hostPath())) {
      origin.serve("/open", "new bytes", "ETag: \"2\"");

      Download updated = agent.download("open", "a", origin.url("/open"));
      agent.post("/v1/prune", "targetBytes", 0).expect(200);

      assertThat(updated.content()).isEqualTo("new bytes");
      assertThat(new String(open.readAllBytes(), StandardCharsets.UTF_8)).isEqualTo("old bytes");
    }
  }

  @Test
  void anotherContainerKeepsWhatItWasGiven() {
    origin.serve("/kept", "old bytes", "ETag: \"1\"");
    Download kept = agent.download("kept-1", "a", origin.url("/kept"));
    origin.serve("/kept", "new bytes", "ETag: \"2\"");

    Download updated = agent.download("kept-2", "a", origin.url("/kept"));
    agent.post("/v1/prune", "targetBytes", 0).expect(200);

    assertThat(updated.content()).isEqualTo("new bytes");
    assertThat(kept.content()).isEqualTo("old bytes");
    assertThat(agent.hasBlob(kept.digest())).isTrue();
  }

  @Test
  void aSwitchedNameLosesItsReferenceOnTheOldBytes() {
    origin.serve("/switched", "switched old", "ETag: \"1\"");
    Download old = agent.download("switched", "a", origin.url("/switched"));
    origin.serve("/switched", "switched new", "ETag: \"2\"");
    agent.download("switched", "a", origin.url("/switched"));

    agent.post("/v1/prune", "targetBytes", 0).expect(200);

    assertThat(agent.hasBlob(old.digest())).isFalse();
    assertThat(Files.exists(old.hostPath())).isTrue();
  }

  // ---- sets

  @Test
  void aSetIsProvidedWholeAndToldAsTheContainer() {
    origin.serve("/set/1", "one", "ETag: \"1\"");
    origin.serve("/set/2", "two", "ETag: \"2\"");
    var downloads =
        List.of(
            named("one", origin.url("/set/1")),
            named("deep/two", origin.url("/set/2"), "executable", true));

    JsonNode container = agent.declare("set", downloads).expect(201).json();

    assertThat(container.path("container").asText()).isEqualTo("set");
    assertThat(Json.texts(container.path("downloads"), "name"))
        .containsExactlyInAnyOrder("one", "deep/two");
    assertThat(agent.view("set").resolve("one")).hasContent("one");
    assertThat(agent.view("set").resolve("deep/two")).hasContent("two").isExecutable();
    agent.declare("set", downloads).expect(200);
  }

  @Test
  void ofASetThatFailsNothingChanges() {
    origin.serve("/partly/good", "good", "ETag: \"g\"");
    origin.serve("/partly/kept", "kept", "ETag: \"k\"");
    origin.answer("/partly/bad", 404);
    agent.declare("partly", List.of(named("kept", origin.url("/partly/kept")))).expect(201);
    JsonNode before = agent.container("partly");

    var wanted =
        List.of(named("kept", origin.url("/partly/good")), named("bad", origin.url("/partly/bad")));
    agent.declare("partly", wanted).problem().is(502, "origin-rejected");

    assertThat(agent.container("partly")).isEqualTo(before);
    assertThat(agent.view("partly").resolve("kept")).hasContent("kept");
    assertThat(names("partly")).containsExactly("kept");
  }

  @Test
  void ofAFirstSetThatFailsThereIsNoContainer() {
    origin.answer("/none/bad", 404);

    agent
        .declare("none", List.of(named("bad", origin.url("/none/bad"))))
        .problem()
        .is(502, "origin-rejected");

    assertThat(agent.knows("none")).isFalse();
    assertThat(agent.view("none")).doesNotExist();
  }

  @Test
  void namesLeftOutAreReleased() {
    origin.serve("/left/1", "left one", "ETag: \"1\"");
    origin.serve("/left/2", "left two", "ETag: \"2\"");
    agent
        .declare(
            "left",
            List.of(named("one", origin.url("/left/1")), named("two", origin.url("/left/2"))))
        .expect(201);

    agent.declare("left", List.of(named("two", origin.url("/left/2")))).expect(200);

    assertThat(names("left")).containsExactly("two");
    assertThat(Json.texts(agent.container("left").path("downloads"), "name"))
        .containsExactly("two");
    assertThat(agent.entry(origin.url("/left/1")).path("references").asInt()).isZero();
  }

  @Test
  void anEmptySetMakesAnEmptyViewThatStays() {
    JsonNode container = agent.declare("empty", List.of()).expect(201).json();

    assertThat(container.path("downloads")).isEmpty();
    assertThat(Path.of(container.path("mount").path("source").asText())).isDirectory();
    assertThat(names("empty")).isEmpty();
    assertThat(agent.knows("empty")).isTrue();
  }

  @Test
  void aContainerThatLostItsLastNameStays() {
    origin.serve("/last", "hello", "ETag: \"l\"");
    agent.download("last", "a", origin.url("/last"));

    agent.release("last", "a");

    assertThat(agent.knows("last")).isTrue();
    assertThat(agent.view("last")).isDirectory();
  }

  @ParameterizedTest
  @ValueSource(strings = {"a then a/b", "a/b then a"})
  void aNameBelowAnotherNameIsAConflict(String order) {
    origin.serve("/below", "hello", "ETag: \"b\"");
    String container = order.startsWith("a/b") ? "below-1" : "below-2";
    String[] names = order.split(" then ", -1);
    agent.download(container, names[0], origin.url("/below"));

    agent.refused(container, names[1], origin.url("/below")).is(409, "conflict");

    assertThat(Json.texts(agent.container(container).path("downloads"), "name"))
        .containsExactly(names[0]);
    agent
        .declare(
            container,
            List.of(named("a", origin.url("/below")), named("a/b", origin.url("/below"))))
        .problem()
        .is(409, "conflict");
  }

  @Test
  void aSetMayPutANameBelowOneThatItLeavesOut() {
    origin.serve("/moved-below", "hello", "ETag: \"b\"");
    agent.declare("moved-below", List.of(named("a", origin.url("/moved-below")))).expect(201);

    agent.declare("moved-below", List.of(named("a/b", origin.url("/moved-below")))).expect(200);

    assertThat(agent.view("moved-below").resolve("a/b")).hasContent("hello");
  }

  // ---- release

  @Test
  void aReleasedContainerIsGoneFromDisk() {
    origin.serve("/released", "hello", "ETag: \"r\"");
    agent.download("released", "deep/a", origin.url("/released"));

    agent.release("released");

    assertThat(agent.view("released")).doesNotExist();
    assertThat(agent.knows("released")).isFalse();
  }

  @Test
  void releasingWhatIsNotThereIsFine() {
    origin.serve("/idempotent", "hello", "ETag: \"i\"");
    agent.download("idempotent", "a", origin.url("/idempotent"));

    agent.release("idempotent", "b");
    agent.release("idempotent", "a");
    agent.release("idempotent", "a");
    agent.release("idempotent");
    agent.release("idempotent");
    agent.release("never-was", "a");
  }

  // ---- expiry, reconcile, lists

  @Test
  void anExpiredContainerIsReleased() {
    origin.serve("/expires", "expires", "ETag: \"e\"");

    agent
        .declare("expires", List.of(named("a", origin.url("/expires"))), "expiresAfter", "1s")
        .expect(201);

    eventually().until(() -> !agent.knows("expires"));
    eventually().until(() -> !Files.exists(agent.view("expires")));
    assertThat(agent.entry(origin.url("/expires")).path("references").asInt()).isZero();
  }

  @Test
  void renewMovesTheExpiry() {
    agent.declare("renewed", List.of(), "expiresAfter", "1h").expect(201);
    Instant before = expiry(agent.container("renewed"));

    JsonNode renewed =
        agent.post("/v1/containers/renewed/renew", "expiresAfter", "PT2H").expect(200).json();

    assertThat(expiry(renewed)).isAfter(before.plusSeconds(3000));
    assertThat(agent.container("renewed").path("expiresAt")).isEqualTo(renewed.path("expiresAt"));
  }

  @Test
  void aPutWithoutExpiryKeepsIt() {
    origin.serve("/keeps-expiry", "hello", "ETag: \"k\"");
    JsonNode declared =
        agent.declare("keeps-expiry", List.of(), "expiresAfter", "1h").expect(201).json();

    agent.download("keeps-expiry", "a", origin.url("/keeps-expiry"));
    JsonNode again = agent.declare("keeps-expiry", List.of()).expect(200).json();

    assertThat(expiry(again)).isEqualTo(expiry(declared));
  }

  @Test
  void renewingAnUnknownContainerIsNotFound() {
    agent.post("/v1/containers/unknown/renew", "expiresAfter", "1h").problem().is(404, "not-found");
  }

  @Test
  void reconcileReleasesWhatIsNotAlive() {
    agent.declare("alive", List.of()).expect(201);
    agent.declare("dead-1", List.of()).expect(201);
    agent.declare("dead-2", List.of()).expect(201);

    JsonNode reply =
        agent.post("/v1/reconcile", "live", List.of("alive", "never-was")).expect(200).json();

    assertThat(Json.texts(reply.path("released")))
        .contains("dead-1", "dead-2")
        .doesNotContain("alive", "never-was");
    assertThat(agent.knows("alive")).isTrue();
    assertThat(agent.knows("dead-1")).isFalse();
    assertThat(agent.view("dead-2")).doesNotExist();
  }

  @Test
  void containersComeInPages() {
    var wanted = IntStream.range(0, 5).mapToObj(i -> "page-" + i).toList();
    wanted.forEach(id -> agent.declare(id, List.of()).expect(201));

    JsonNode first = agent.get("/v1/containers?limit=2").expect(200).json();
    var all =
        agent.pages("/v1/containers?limit=2", "containers").stream()
            .map(item -> item.path("container").asText())
            .toList();

    assertThat(first.path("containers")).hasSize(2);
    assertThat(first.path("next").isTextual()).isTrue();
    assertThat(all).containsAll(wanted).doesNotHaveDuplicates();
  }

  private static Instant expiry(JsonNode container) {
    return Instant.parse(container.path("expiresAt").asText());
  }

  /** The names at the top of a view, as {@code ls} shows them. */
  private static List<String> names(String container) {
    try (Stream<Path> files = Files.list(agent.view(container))) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> !name.startsWith("."))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
