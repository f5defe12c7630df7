package org.cacheddownloads.view;

import static org.cacheddownloads.view.Host.C1;
import static org.cacheddownloads.view.Host.C2;
import static org.cacheddownloads.view.Host.name;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.cacheddownloads.config.Config.Quota;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.Conflict;
import org.cacheddownloads.failure.CacheException.InsufficientSpace;
import org.cacheddownloads.space.Cell;
import org.cacheddownloads.space.Pin;
import org.cacheddownloads.space.TestClock;
import org.cacheddownloads.store.Posix;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class ViewsTest {
  private @TempDir Path state;
  private Host host;
  private Stored ruby;
  private Stored php;

  @BeforeEach
  void start() throws IOException {
    host = Host.start(state);
    ruby = host.cell.publish("ruby", Cell.bytes("ruby"));
    php = host.cell.publish("php", Cell.blocks("php", 3));
  }

  /** After each test, whatever it did: the sums are what the disk says. */
  @AfterEach
  void sumsAreTheDisks() throws IOException {
    try {
      host.assertSumsAreTheDisks();
    } finally {
      host.close();
    }
  }

  private int links(Stored stored) throws IOException {
    return Posix.lstat(host.cell.layout.blob(stored)).links();
  }

  private long inUseBytes() {
    return host.cell.budget.sums().inUseBytes();
  }

  // ---- one name ----

  @Test
  void aProvidedNameShowsTheBytesThroughALinkOfTheView() throws IOException {
    assertTrue(host.provide(C1, "ruby", ruby));
    assertEquals("ruby", host.text(C1, "ruby"));
    assertEquals(
        Path.of(".cached-downloads", ruby.fileName()),
        Files.readSymbolicLink(host.path(C1, "ruby")));
    assertEquals(2, links(ruby));
    assertTrue(host.cell.holds.isInUse(ruby));
    assertEquals(1, host.views.references(ruby.digest()));
    assertTrue(inUseBytes() >= 4096);
  }

  @Test
  void theSameAgainIsNotNewAndChangesNothing() throws IOException {
    host.provide(C1, "ruby", ruby);
    Map<String, String> before = host.listing(C1);
    assertFalse(host.provide(C1, "ruby", ruby));
    assertEquals(before, host.listing(C1));
    assertEquals(1, host.views.references());
  }

  @Test
  void aSwitchIsAtomicAndWhoHasTheFileOpenKeepsTheOldBytes() throws IOException {
    host.provide(C1, "it", ruby);
    Object directory = Files.getAttribute(host.cell.layout.view(C1), "unix:ino");
    try (BufferedReader open = Files.newBufferedReader(host.path(C1, "it"))) {
      assertFalse(host.provide(C1, "it", php));
      assertEquals("ruby", open.readLine());
    }
    assertTrue(host.text(C1, "it").startsWith("php"));
    assertEquals(directory, Files.getAttribute(host.cell.layout.view(C1), "unix:ino"));
    assertEquals(1, links(ruby));
    assertEquals(2, links(php));
    assertFalse(host.cell.holds.isInUse(ruby));
    assertEquals(0, host.views.references(ruby.digest()));
    assertEquals(1, host.views.references(php.digest()));
  }

  @Test
  void replacedBytesWithoutAnEntryGoWithTheirLastView() throws IOException {
    host.provide(C1, "it", ruby);
    host.provide(C2, "it", ruby);
    host.cell.evictor.deleteEntry(new CacheKey("ruby"));
    assertTrue(host.cell.isStored(ruby));
    host.provide(C1, "it", php);
    assertTrue(host.cell.isStored(ruby));
    host.provide(C2, "it", php);
    assertFalse(host.cell.isStored(ruby));
  }

  @Test
  void uncachedBytesGoWithTheViewThatHoldsThem() throws IOException {
    Pin pin = host.cell.uncached(Cell.bytes("secret"));
    host.provide(C1, "it", pin.stored());
    pin.close();
    assertEquals("secret", host.text(C1, "it"));
    assertTrue(host.views.release(C1, name("it")));
    assertFalse(host.cell.isStored(pin.stored()));
  }

  @Test
  void twoNamesOfOneViewShareOneLink() throws IOException {
    host.provide(C1, "a", ruby);
    host.provide(C1, "b", ruby);
    assertEquals(2, links(ruby));
    assertEquals(2, host.views.references(ruby.digest()));
    host.views.release(C1, name("a"));
    assertEquals(2, links(ruby));
    assertEquals("ruby", host.text(C1, "b"));
    host.views.release(C1, name("b"));
    assertEquals(1, links(ruby));
  }

  @Test
  void twoViewsHaveALinkEachAndTheBytesCountOnce() throws IOException {
    host.provide(C1, "a", ruby);
    long one = inUseBytes();
    host.provide(C2, "a", ruby);
    assertEquals(3, links(ruby));
    assertEquals(2 * one - 4096, inUseBytes());
  }

  @Test
  void aFileAndItsExecutableFormAreHeldByThemselves() throws IOException {
    Stored executable = Host.executable(ruby);
    host.provide(C1, "plain", ruby);
    try (Pin _ = host.cell.copies.pin(executable, Cell.NEVER).orElseThrow()) {
      host.provide(C1, "bin/run", executable);
    }
    assertTrue(Files.isExecutable(host.path(C1, "bin/run")));
    assertEquals(2, links(ruby));
    assertEquals(2, links(executable));
    host.provide(C1, "bin/run", ruby);
    assertEquals(1, links(executable));
    assertEquals(0444, Posix.lstat(host.path(C1, "bin/run").toRealPath()).mode());
  }

  // ---- nested names ----

  @ParameterizedTest
  @CsvSource({
    "x, .cached-downloads/",
    "a/x, ../.cached-downloads/",
    "a/b/x, ../../.cached-downloads/",
    "1/2/3/4/5/6/7/8, ../../../../../../../.cached-downloads/",
    "büro/ä b/☃, ../../.cached-downloads/"
  })
  void nestedNamesLeadUpToTheLinks(String text, String target) throws IOException {
    host.provide(C1, text, ruby);
    assertEquals("ruby", host.text(C1, text));
    assertEquals(target + ruby.fileName(), Files.readSymbolicLink(host.path(C1, text)).toString());
    assertEquals(List.of(text), host.names(C1));
    assertTrue(host.views.release(C1, name(text)));
    assertEquals(Set.of("", ".cached-downloads"), host.listing(C1).keySet());
  }

  @Test
  void directoriesOfNamesStayWhileTheyAreNeeded() throws IOException {
    host.provide(C1, "d/e/x", ruby);
    host.provide(C1, "d/y", php);
    host.views.release(C1, name("d/e/x"));
    assertTrue(Files.isDirectory(host.path(C1, "d")));
    assertFalse(Files.exists(host.path(C1, "d/e")));
    host.views.release(C1, name("d/y"));
    assertFalse(Files.exists(host.path(C1, "d")));
  }

  @ParameterizedTest
  @CsvSource({"a, a/b", "a/b, a", "a/b/c, a", "a, a/b/c"})
  void aNameBelowAnotherIsAConflictThatChangesNothing(String first, String second)
      throws IOException {
    host.provide(C1, first, ruby);
    Map<String, String> before = host.listing(C1);
    assertThrows(Conflict.class, () -> host.views.checkName(C1, name(second)));
    assertThrows(Conflict.class, () -> host.provide(C1, second, php));
    assertEquals(before, host.listing(C1));
    assertFalse(host.cell.holds.isInUse(php));
    host.views.checkName(C2, name(second));
    assertTrue(host.provide(C2, second, php));
  }

  // ---- sets ----

  @Test
  void aSetIsAllOfTheNames() throws IOException {
    host.provide(C1, "old", php);
    host.provide(C1, "kept", ruby);
    Map<String, String> before = host.listing(C1);
    Views.Declared declared = host.declare(C1, Map.of("kept", ruby, "d/new", php));
    assertFalse(declared.isNew());
    assertEquals(List.of("d/new", "kept"), host.names(C1));
    assertFalse(Files.exists(host.path(C1, "old"), LinkOption.NOFOLLOW_LINKS));
    assertEquals(before.get(""), host.listing(C1).get(""), "the directory is mounted");
    assertEquals(2, host.views.references());
  }

  @Test
  void anEmptySetMakesAnEmptyView() throws IOException {
    assertTrue(host.declare(C1, Map.of()).isNew());
    assertEquals(List.of(), host.names(C1));
    assertTrue(Files.isDirectory(host.cell.layout.view(C1)));
    assertFalse(host.declare(C1, Map.of("a", ruby)).isNew());
    assertFalse(host.declare(C1, Map.of()).isNew());
    assertEquals(List.of(), host.names(C1));
    assertEquals(1, links(ruby));
  }

  @Test
  void aSetMayTurnANameIntoADirectoryAndBack() throws IOException {
    host.declare(C1, Map.of("a", ruby));
    host.declare(C1, Map.of("a/b", ruby, "a/c/d", php));
    assertEquals(List.of("a/b", "a/c/d"), host.names(C1));
    assertEquals("ruby", host.text(C1, "a/b"));
    host.declare(C1, Map.of("a", php));
    assertTrue(host.text(C1, "a").startsWith("php"));
    assertEquals(List.of("a"), host.names(C1));
  }

  @Test
  void aSetMayReplaceAllNamesOfADirectory() throws IOException {
    host.declare(C1, Map.of("d/a", ruby));
    host.declare(C1, Map.of("d/b", php));
    assertEquals(List.of("d/b"), host.names(C1));
    assertTrue(host.text(C1, "d/b").startsWith("php"));
  }

  @Test
  void aSetThatFailsLeavesTheViewAsItWas() throws IOException {
    host.declare(C1, Map.of("a", ruby, "d/e/b", php, "gone", ruby));
    Map<String, String> before = host.listing(C1);
    var sums = host.cell.budget.sums();
    Stored missing = Stored.file(Cell.digestOf(Cell.bytes("nobody has this")));
    assertThrows(
        CacheException.class,
        () -> host.declare(C1, Map.of("a", php, "d/e/b", ruby, "n/e/w", ruby, "z", missing)));
    assertEquals(before, host.listing(C1));
    assertEquals(sums, host.cell.budget.sums());
    assertEquals(List.of("a", "d/e/b", "gone"), host.names(C1));
    assertEquals("ruby", host.text(C1, "a"));
    assertEquals(2, links(ruby));
    assertEquals(2, links(php));
  }

  /** The links are all there; what fails is a name, in the middle of the switches. */
  @Test
  void aSetThatFailsHalfWayIsUndoneStepByStep() throws IOException {
    host.declare(C1, Map.of("a", ruby, "d/b", php, "gone/x", ruby));
    Files.createDirectories(host.path(C1, "z/in the way"));
    Map<String, String> before = host.listing(C1);
    assertThrows(
        CacheException.class,
        () -> host.declare(C1, Map.of("a", php, "d/b", ruby, "n/e/w", ruby, "z", php)));
    assertEquals(before.keySet(), host.listing(C1).keySet());
    assertEquals(before.get(""), host.listing(C1).get(""));
    assertEquals(before.get("a"), host.listing(C1).get("a"));
    assertEquals(before.get("d/b"), host.listing(C1).get("d/b"));
    assertEquals("ruby", host.text(C1, "gone/x"));
    assertEquals(List.of("a", "d/b", "gone/x"), host.names(C1));
    Files.delete(host.path(C1, "z/in the way"));
    Files.delete(host.path(C1, "z"));
  }

  @Test
  void aNewContainerThatFailsWasNeverThere() throws IOException {
    Stored missing = Stored.file(Cell.digestOf(Cell.bytes("nobody has this")));
    assertThrows(CacheException.class, () -> host.provide(C1, "a/b", missing));
    assertThrows(
        CacheException.class,
        () ->
            host.views.declare(
                C1, List.of(Host.row(C1, "a", missing)), Duration.ofHours(1), Cell.NEVER));
    assertFalse(Files.exists(host.cell.layout.view(C1)));
    assertTrue(host.views.find(C1).isEmpty());
    host.cell.catalog.flush();
    assertEquals(List.of(), host.cell.catalog.containers());
    assertTrue(host.provide(C1, "a/b", ruby));
  }

  @Test
  void aConflictInASetChangesNothing() throws IOException {
    host.declare(C1, Map.of("a", ruby));
    Map<String, String> before = host.listing(C1);
    assertThrows(Conflict.class, () -> host.declare(C1, Map.of("x", ruby, "x/y", php)));
    assertEquals(before, host.listing(C1));
  }

  @Test
  void aViewThatDoesNotFitIsRefusedAndChangesNothing() throws IOException {
    long used = host.cell.budget.sums().usedBytes();
    host.cell.quota.set(new Quota(used + 4096, 1000, 0, Duration.ZERO));
    try (Pin _ = host.cell.evictor.pin(ruby);
        Pin _ = host.cell.evictor.pin(php)) {
      assertThrows(InsufficientSpace.class, () -> host.provide(C1, "a", ruby));
    }
    assertFalse(Files.exists(host.cell.layout.view(C1)));
    assertEquals(used, host.cell.budget.sums().usedBytes());
  }

  @Test
  void manyNamesInOneViewArePaidFor() throws IOException {
    for (int i = 0; i < 150; i++) {
      host.provide(C1, "a name that is rather long, so that the directory grows " + i, ruby);
    }
    host.assertSumsAreTheDisks();
    for (int i = 0; i < 150; i++) {
      host.views.release(C1, name("a name that is rather long, so that the directory grows " + i));
    }
    assertEquals(List.of(), host.names(C1));
  }

  // ---- releases ----

  @Test
  void aReleasedContainerLeavesNothing() throws IOException {
    var before = host.cell.budget.sums();
    host.declare(C1, Map.of("a", ruby, "d/e/b", php, "c", php));
    assertTrue(host.views.release(C1));
    assertEquals(before, host.cell.budget.sums());
    assertEquals(0, host.views.references());
    assertEquals(0, host.views.containers());
    assertEquals(0, host.cell.holds.size());
    assertFalse(host.views.release(C1));
    try (var left = Files.list(state.resolve("containers"))) {
      assertEquals(List.of(), left.toList());
    }
    host.cell.catalog.flush();
    assertEquals(List.of(), host.cell.catalog.containers());
    assertEquals(List.of(), host.cell.catalog.downloads());
  }

  @Test
  void aContainerStaysWithoutNamesUntilItIsReleased() throws IOException {
    host.provide(C1, "a", ruby);
    assertTrue(host.views.release(C1, name("a")));
    assertFalse(host.views.release(C1, name("a")));
    assertFalse(host.views.release(C2, name("a")));
    assertEquals(List.of(), host.names(C1));
    assertEquals(1, host.views.containers());
  }

  @Test
  void whatIsInUseIsNeverEvicted() throws IOException {
    host.provide(C1, "a", ruby);
    host.cell.quota.set(new Quota(1, 1000, 0, Duration.ZERO));
    host.cell.budget.enforce();
    assertEquals(List.of(php), host.cell.evicted);
    assertEquals("ruby", host.text(C1, "a"));
    host.views.release(C1);
    host.cell.budget.enforce();
    assertEquals(List.of(php, ruby), host.cell.evicted);
  }

  @Test
  void containersExpireAtTheirTimeAndNotBefore() throws IOException {
    TestClock clock = host.cell.clock;
    host.views.declare(C1, List.of(Host.row(C1, "a", ruby)), Duration.ofHours(1), Cell.NEVER);
    host.provide(C2, "a", ruby);
    clock.advance(Duration.ofMinutes(59));
    assertEquals(List.of(), host.views.expire());
    clock.advance(Duration.ofMinutes(1));
    assertEquals(List.of(C1), host.views.expire());
    assertTrue(host.views.find(C1).isEmpty());
    assertTrue(host.views.find(C2).isPresent());
  }

  @Test
  void aRenewalMovesTheExpiryAndAPutKeepsIt() throws IOException {
    TestClock clock = host.cell.clock;
    host.views.declare(C1, List.of(), Duration.ofHours(1), Cell.NEVER);
    host.provide(C1, "a", ruby);
    assertEquals(
        TestClock.START.plus(Duration.ofHours(1)), host.views.find(C1).orElseThrow().expiresAt());
    clock.advance(Duration.ofMinutes(30));
    host.views.renew(C1, Duration.ofHours(1));
    host.declare(C1, Map.of("a", php));
    assertEquals(
        TestClock.START.plus(Duration.ofMinutes(90)),
        host.views.find(C1).orElseThrow().expiresAt());
    host.views.renew(C1, null);
    clock.advance(Duration.ofDays(1000));
    assertEquals(List.of(), host.views.expire());
    assertTrue(host.views.renew(C2, null).isEmpty());
  }

  @Test
  void aFailedSetKeepsTheExpiry() {
    host.views.declare(C1, List.of(), Duration.ofHours(1), Cell.NEVER);
    Stored missing = Stored.file(Cell.digestOf(Cell.bytes("nobody has this")));
    assertThrows(
        CacheException.class,
        () ->
            host.views.declare(
                C1, List.of(Host.row(C1, "a", missing)), Duration.ofHours(9), Cell.NEVER));
    assertEquals(
        TestClock.START.plus(Duration.ofHours(1)), host.views.find(C1).orElseThrow().expiresAt());
  }

  @Test
  void reconcilingReleasesAllOthers() {
    host.provide(C1, "a", ruby);
    host.provide(C2, "a", php);
    assertEquals(List.of(C1), host.views.reconcile(Set.of(C2)));
    assertEquals(List.of(), host.views.reconcile(Set.of(C2)));
    assertEquals(List.of(C2), host.views.reconcile(Set.of()));
  }

  @Test
  void containersAreListedInPages() {
    host.provide(C2, "a", ruby);
    host.provide(C1, "a", ruby);
    assertEquals(
        List.of(C1, C2), host.views.list("", 10).stream().map(ContainerState::container).toList());
    assertEquals(
        List.of(C1), host.views.list("", 1).stream().map(ContainerState::container).toList());
    assertEquals(
        List.of(C2), host.views.list("c1", 10).stream().map(ContainerState::container).toList());
  }

  /** A caller who hangs up interrupts its thread; what it began is finished. */
  @Test
  void aReleaseOnAnInterruptedThreadIsWhole() throws IOException {
    var before = host.cell.budget.sums();
    host.declare(C1, Map.of("a", ruby, "b", php));
    Thread.currentThread().interrupt();
    try {
      assertTrue(host.views.release(C1));
    } finally {
      assertTrue(Thread.interrupted());
    }
    assertEquals(0, host.cell.holds.size());
    assertEquals(before, host.cell.budget.sums());
  }

  @Test
  void namesLeftOutOnAnInterruptedThreadAreReleased() throws IOException {
    host.declare(C1, Map.of("a", ruby, "b", php));
    Thread.currentThread().interrupt();
    try {
      host.declare(C1, Map.of());
    } finally {
      assertTrue(Thread.interrupted());
    }
    assertEquals(0, host.cell.holds.size());
    assertEquals(1, links(ruby));
    assertEquals(1, links(php));
  }

  // ---- inodes that run out of links, concurrent use ----

  @Test
  void aSecondInodeIsMadeWhereOneHasNoLinksLeftAndOldViewsKeepTheFirst() throws IOException {
    host.provide(C1, "a", ruby);
    host.cell.renewInode(ruby);
    host.provide(C2, "a", ruby);
    assertEquals("ruby", host.text(C1, "a"));
    assertEquals("ruby", host.text(C2, "a"));
    assertEquals(2, links(ruby));
    host.assertSumsAreTheDisks();
    host.views.release(C1);
    host.assertSumsAreTheDisks();
    assertTrue(host.cell.isStored(ruby));
  }

  @Test
  void changesSideBySideAddUp() throws Exception {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var running = new ArrayList<Future<?>>();
      for (int i = 0; i < 8; i++) {
        var container = i % 2 == 0 ? C1 : C2;
        String name = "n" + i / 2;
        running.add(
            threads.submit(
                () -> {
                  for (int round = 0; round < 25; round++) {
                    host.provide(container, name, round % 2 == 0 ? ruby : php);
                    if (round % 5 == 4) {
                      host.views.release(container);
                    }
                  }
                }));
      }
      for (Future<?> one : running) {
        one.get(50, TimeUnit.SECONDS);
      }
    }
    host.assertSumsAreTheDisks();
    host.views.release(C1);
    host.views.release(C2);
    assertEquals(0, host.cell.holds.size());
    assertEquals(0, host.cell.budget.sums().inUseBytes());
  }
}
