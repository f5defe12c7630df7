package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.AgentClient.result;
import static org.cacheddownloads.spec.Eventually.eventually;
import static org.cacheddownloads.spec.Json.named;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What is there again after {@code kill -9} and after a graceful stop: everything that was
 * answered.
 */
class RestartSpec {
  @RegisterExtension static final AgentProcess agent = AgentProcess.with("fetch.attempts", 1);

  @RegisterExtension static final Origin origin = Origin.start();

  @RegisterExtension static final RawOrigin rawOrigin = RawOrigin.start();

  // ---- kill -9

  @Test
  void entriesSurviveAKill() {
    origin.serve("/entry", "hello", "ETag: \"e\"");
    Download before = agent.prefetch(origin.url("/entry"));

    agent.restart();

    Download after = agent.download("entry", "a", origin.url("/entry"));
    assertThat(after.outcome()).isEqualTo("revalidated");
    assertThat(after.bytesFetched()).isZero();
    assertThat(after.digest()).isEqualTo(before.digest());
  }

  @Test
  void freshnessSurvivesAKill() {
    origin.serve("/fresh", "hello", "Cache-Control: max-age=3600");
    agent.prefetch(origin.url("/fresh"));

    agent.restart();

    assertThat(agent.prefetch(origin.url("/fresh")).outcome()).isEqualTo("hit");
  }

  @Test
  void referencesSurviveAKill() {
    origin.serve("/held", "held", "ETag: \"h\"");
    agent.download("held", "a", origin.url("/held"));
    agent.download("held", "b/c", origin.url("/held"), "executable", true);
    var before = held(agent.container("held"));
    long references = agent.stat("cache.references");
    long inUse = agent.stat("disk.inUseBytes");

    agent.restart();

    assertThat(held(agent.container("held"))).isEqualTo(before);
    assertThat(agent.view("held").resolve("b/c")).hasContent("held").isExecutable();
    assertThat(agent.stat("cache.references")).isEqualTo(references);
    eventually().untilAsserted(() -> assertThat(agent.stat("disk.inUseBytes")).isEqualTo(inUse));
    agent.post("/v1/prune", "targetBytes", 0).expect(200);
    assertThat(agent.view("held").resolve("a")).hasContent("held");
  }

  @Test
  void aSwitchedNameSurvivesAKill() {
    origin.serve("/switched", "old", "ETag: \"1\"");
    agent.download("switched", "a", origin.url("/switched"));
    origin.serve("/switched", "new", "ETag: \"2\"");
    Download updated = agent.download("switched", "a", origin.url("/switched"));

    agent.restart();

    assertThat(Json.texts(agent.container("switched").path("downloads"), "digest"))
        .containsExactly(updated.digest());
    assertThat(updated.content()).isEqualTo("new");
  }

  @Test
  void releasesSurviveAKill() {
    origin.serve("/let-go", "hello", "ETag: \"l\"");
    agent.download("let-go-1", "a", origin.url("/let-go"));
    agent.download("let-go-2", "a", origin.url("/let-go"));
    agent.download("let-go-2", "b", origin.url("/let-go"));
    agent.release("let-go-1");
    agent.release("let-go-2", "a");

    agent.restart();

    assertThat(agent.knows("let-go-1")).isFalse();
    assertThat(agent.view("let-go-1")).doesNotExist();
    assertThat(Json.texts(agent.container("let-go-2").path("downloads"), "name"))
        .containsExactly("b");
  }

  @Test
  void reconcileSurvivesAKill() {
    agent.declare("reconciled-away", List.of()).expect(201);
    agent.declare("reconciled-kept", List.of()).expect(201);
    agent.post("/v1/reconcile", "live", List.of("reconciled-kept")).expect(200);

    agent.restart();

    assertThat(agent.knows("reconciled-away")).isFalse();
    assertThat(agent.knows("reconciled-kept")).isTrue();
  }

  @Test
  void expiryAndItsRenewalSurviveAKill() {
    agent.declare("expiring", List.of(), "expiresAfter", "1h").expect(201);
    agent.declare("renewed", List.of(), "expiresAfter", "1h").expect(201);
    agent.post("/v1/containers/renewed/renew", "expiresAfter", "5h").expect(200);
    JsonNode expiring = agent.container("expiring").path("expiresAt");
    JsonNode renewed = agent.container("renewed").path("expiresAt");

    agent.restart();

    assertThat(agent.container("expiring").path("expiresAt")).isEqualTo(expiring);
    assertThat(agent.container("renewed").path("expiresAt")).isEqualTo(renewed);
  }

  @Test
  void whatExpiredMeanwhileIsReleasedAfterTheStart() {
    agent.declare("expired", List.of(), "expiresAfter", "1s").expect(201);

    agent.restart();

    eventually().until(() -> !agent.knows("expired"));
    assertThat(agent.view("expired")).doesNotExist();
  }

  @Test
  void aKillDuringADownloadLeavesNothingUncounted() {
    rawOrigin.serveInHalves("/cut", Content.random(8 * Content.MIB, "cut"), "ETag: \"c\"");
    Exchange caller = agent.open(AgentClient.downloadRequest("cut", "a", rawOrigin.url("/cut")));
    eventually().until(() -> DiskUsage.of(agent.state(), "ingest") >= 2 * Content.MIB);

    agent.restart();
    caller.close();

    assertThat(agent.knows("cut")).isFalse();
    eventually()
        .untilAsserted(
            () -> {
              assertThat(agent.stat("disk.usedBytes")).isEqualTo(DiskUsage.of(agent.state()));
              assertThat(agent.stat("disk.partialBytes"))
                  .isEqualTo(DiskUsage.of(agent.state(), "ingest"));
            });
    rawOrigin.release("/cut");
    assertThat(agent.download("cut", "a", rawOrigin.url("/cut")).bytes())
        .isEqualTo(Content.random(8 * Content.MIB, "cut"));
  }

  @Test
  void aKillDuringASetLeavesEachNameOldOrNew() {
    origin.serve("/torn/1", "old one", "ETag: \"1\"");
    origin.serve("/torn/2", "old two", "ETag: \"2\"");
    var set = List.of(named("one", origin.url("/torn/1")), named("two", origin.url("/torn/2")));
    agent.declare("torn", set).expect(201);
    origin.serve("/torn/1", "new one", "ETag: \"3\"");
    origin.hold("/torn/2");
    Exchange caller = agent.open(Request.put("/v1/containers/torn", Json.object("downloads", set)));
    origin.awaitHits("/torn/2", 2);

    agent.restart();
    caller.close();
    origin.release("/torn/2");

    assertThat(Json.texts(agent.container("torn").path("downloads"), "name"))
        .containsExactlyInAnyOrder("one", "two");
    assertThat(agent.view("torn").resolve("one")).content().isIn("old one", "new one");
    assertThat(agent.view("torn").resolve("two")).hasContent("old two");
  }

  // ---- what the catalog did not hear of before a kill

  @Test
  void aContainerThatIsMadeAnewHasNotTheExpiryOfItsForerunner() {
    origin.serve("/again", "hello", "Cache-Control: max-age=3600");
    agent.prefetch(origin.url("/again"));
    agent.declare("again", List.of(), "expiresAfter", "1h").expect(201);
    agent.release("again");
    agent.download("again", "a", origin.url("/again"));

    agent.restart();

    assertThat(agent.container("again").path("expiresAt").isNull()).isTrue();
    assertThat(agent.view("again").resolve("a")).hasContent("hello");
  }

  @Test
  void aContainerWhoseNamesWereAllBeingReplacedIsStillThere() {
    origin.serve("/replaced", "hello", "Cache-Control: max-age=3600");
    agent.prefetch(origin.url("/replaced"));
    dieAt("hide:1");
    agent.download("replaced", "old", origin.url("/replaced"));
    Exchange caller =
        agent.open(
            Request.put(
                "/v1/containers/replaced",
                Json.object("downloads", List.of(named("new", origin.url("/replaced"))))));
    agent.awaitExit();
    caller.close();

    liveOn();

    assertThat(agent.knows("replaced")).isTrue();
    assertThat(agent.view("replaced").resolve("old")).doesNotExist();
  }

  @Test
  void aContainerThatNobodyWasToldOfIsNotThere() {
    origin.serve("/untold", "hello", "Cache-Control: max-age=3600");
    agent.prefetch(origin.url("/untold"));
    dieAt("link:1");
    agent.declare("untold", List.of(), "expiresAfter", "1h").expect(201);
    agent.release("untold");
    Exchange caller = agent.open(AgentClient.downloadRequest("untold", "a", origin.url("/untold")));
    agent.awaitExit();
    caller.close();

    liveOn();

    assertThat(agent.knows("untold")).isFalse();
    assertThat(agent.view("untold")).doesNotExist();
  }

  private static void dieAt(String step) {
    agent.kill9();
    agent.environment("CACHED_DOWNLOADS_CRASH_AT", step);
    agent.start();
  }

  private static void liveOn() {
    agent.withoutEnvironment("CACHED_DOWNLOADS_CRASH_AT");
    agent.start();
  }

  // ---- SIGTERM

  @Test
  void aStopLetsRunningRequestsFinishAndRefusesNewOnes() {
    origin.serve("/running", "hello", "ETag: \"r\"");
    origin.serve("/late", "late", "ETag: \"l\"");
    origin.hold("/running");
    var running = agent.downloadAsync("running", "a", origin.url("/running"));
    origin.awaitHits("/running", 1);

    agent.sigterm();
    eventually().until(() -> agent.tcp().get("/readyz").status() == 503);
    agent.refused("late", "a", origin.url("/late")).is(503, "draining");
    agent.get("/readyz").problem().is(503, "draining");
    origin.release("/running");

    assertThat(result(running).outcome()).isEqualTo("miss");
    agent.awaitExit();
    agent.start();
    assertThat(agent.view("running").resolve("a")).hasContent("hello");
    assertThat(agent.knows("late")).isFalse();
  }

  @Test
  void everythingIsThereAgainAfterAStop() {
    origin.serve("/stopped", "hello", "Cache-Control: max-age=3600");
    agent.download("stopped", "a", origin.url("/stopped"));
    JsonNode before = agent.container("stopped");
    JsonNode entry = agent.entry(origin.url("/stopped"));

    agent.sigterm();
    agent.awaitExit();
    agent.start();

    assertThat(agent.container("stopped")).isEqualTo(before);
    assertThat(agent.entry(origin.url("/stopped"))).isEqualTo(entry);
  }

  /** Name, digest and place of each download: what the file system knows, in the order of names. */
  private static List<String> held(JsonNode container) {
    return StreamSupport.stream(container.path("downloads").spliterator(), false)
        .map(
            download ->
                String.join(
                    " ",
                    download.path("name").asText(),
                    download.path("digest").asText(),
                    download.path("hostPath").asText()))
        .sorted()
        .toList();
  }
}
