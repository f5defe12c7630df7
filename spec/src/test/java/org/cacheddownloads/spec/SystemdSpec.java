package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Content.MIB;
import static org.cacheddownloads.spec.Eventually.eventually;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Under systemd: the unit is sound and tight, and the agent tells how it does over {@code
 * NOTIFY_SOCKET} from its start to its end, whose exit code tells what became of the last requests.
 */
class SystemdSpec {
  private static final int CUT_SHORT = 4;

  @RegisterExtension static final Origin origin = Origin.start();

  @RegisterExtension static final RawOrigin rawOrigin = RawOrigin.start();

  private static AgentProcess toldTo(NotifySocket notify, Object... overrides) {
    return AgentProcess.with(overrides)
        .environment("NOTIFY_SOCKET", notify.address())
        .environment("WATCHDOG_USEC", "400000");
  }

  // ---- sd_notify

  @Test
  void readyIsToldWhenRequestsAreLetIn() {
    try (NotifySocket notify = NotifySocket.onPath();
        AgentProcess agent = toldTo(notify)) {
      agent.begin();
      notify.await("READY=1");

      assertThat(agent.tcp().get("/readyz").status()).isEqualTo(200);
      assertThat(notify.messages().getFirst())
          .containsExactly(
              "READY=1", "STATUS=ready, 0 containers, 0 B of 20.0 GiB, requests at origins: 0");
    }
  }

  @Test
  void anAbstractSocketIsAsGoodAsAPath() {
    try (NotifySocket notify = NotifySocket.withAbstractName();
        AgentProcess agent = toldTo(notify)) {
      agent.begin();

      notify.await("READY=1");
    }
  }

  @Test
  void theStatusFollowsWhatTheAgentHolds() {
    origin.serve("/status", Content.random(3 * MIB, "status"), "ETag: \"s\"");
    try (NotifySocket notify = NotifySocket.onPath();
        AgentProcess agent = toldTo(notify)) {
      agent.start();
      agent.download("c", "a", origin.url("/status"));

      notify.await("STATUS=ready, 1 container, 3.0 MiB of 20.0 GiB");
    }
  }

  @Test
  void anAgentThatLivesPingsTheWatchdog() {
    try (NotifySocket notify = NotifySocket.onPath();
        AgentProcess agent = toldTo(notify)) {
      agent.start();

      eventually().until(() -> notify.messages("WATCHDOG=1").size() >= 5);
    }
  }

  /** Each status that changes is told by the same round that would ping. */
  @ParameterizedTest
  @CsvSource({"WATCHDOG_PID=1, 0", "WATCHDOG_PID=$$, 1"})
  void aWatchdogOfAnotherProcessIsNotPinged(String whose, int pings) {
    try (NotifySocket notify = NotifySocket.onPath();
        AgentProcess agent = toldTo(notify)) {
      agent.startedBy("sh", "-c", whose + " exec \"$0\" \"$@\"").start();
      agent.declare("one", List.of()).expect(201);
      notify.await("STATUS=ready, 1 container,");
      agent.declare("two", List.of()).expect(201);
      notify.await("STATUS=ready, 2 containers,");

      assertThat(notify.messages("WATCHDOG=1").stream().limit(1)).hasSize(pings);
    }
  }

  @Test
  void aReloadIsToldWithItsTimeAndItsEnd() {
    try (NotifySocket notify = NotifySocket.onPath();
        AgentProcess agent = toldTo(notify, "quota.bytes", "64MiB")) {
      agent.start();
      notify.await("READY=1");
      agent.configure("quota.bytes", "32MiB").writeConfig();
      long before = System.nanoTime() / 1_000; // by the monotonic clock of Linux, as the message

      agent.sighup();
      eventually().until(() -> notify.messages("READY=1").size() == 2);

      List<String> reloading = notify.messages("RELOADING=1").getFirst();
      assertThat(reloading).hasSize(2);
      assertThat(micros(reloading.getLast())).isBetween(before, System.nanoTime() / 1_000);
      assertThat(notify.lines().indexOf("RELOADING=1"))
          .isLessThan(notify.lines().lastIndexOf("READY=1"));
      assertThat(notify.messages("READY=1").getLast().getLast()).contains("of 32.0 MiB");
    }
  }

  @Test
  void aReloadThatFailsEndsTooAndTheStatusSaysWhy() {
    try (NotifySocket notify = NotifySocket.onPath();
        AgentProcess agent = toldTo(notify)) {
      agent.start();
      notify.await("READY=1");
      agent.configure("fetch.timeout", "soon").writeConfig();

      agent.sighup();
      eventually().until(() -> notify.messages("READY=1").size() == 2);

      assertThat(notify.messages("RELOADING=1")).hasSize(1);
      assertThat(notify.messages("READY=1").getLast())
          .hasSize(2)
          .last()
          .asString()
          .contains("not reloaded", "fetch.timeout");
      agent.get("/readyz").expect(200);
      agent.configure("fetch.timeout", "1m").writeConfig();
      agent.sighup();
      eventually().until(() -> notify.messages("READY=1").size() == 3);
      assertThat(notify.messages("READY=1").getLast().getLast()).doesNotContain("not reloaded");
    }
  }

  private static long micros(String line) {
    return Long.parseLong(line.substring("MONOTONIC_USEC=".length()));
  }

  @Test
  void aSocketThatIsNotThereIsNoReasonToFail() {
    try (AgentProcess agent = AgentProcess.with()) {
      agent.environment("NOTIFY_SOCKET", agent.scratch("nobody").toString());
      agent.start();
      agent.configure("quota.bytes", "32MiB").writeConfig();
      agent.sighup();
      eventually().until(() -> agent.stat("disk.quotaBytes") == 32 * MIB);
      agent.sigterm();

      assertThat(agent.awaitExit()).isZero();
      assertThat(agent.log().split("NOTIFY_SOCKET", -1)).as("complaints").hasSize(2);
    }
  }

  // ---- the end

  @Test
  void aCleanStopIsToldAndExitsWithZero() {
    origin.serve("/held", "hello", "ETag: \"h\"");
    origin.hold("/held");
    try (NotifySocket notify = NotifySocket.onPath();
        AgentProcess agent = toldTo(notify)) {
      agent.start();
      var running = agent.downloadAsync("held", "a", origin.url("/held"));
      origin.awaitHits("/held", 1);

      agent.sigterm();
      notify.await("STOPPING=1");

      assertThat(notify.messages("STOPPING=1").getFirst())
          .contains("EXTEND_TIMEOUT_USEC=60000000")
          .anyMatch(line -> line.startsWith("STATUS=draining"));
      assertThat(agent.isAlive()).isTrue();
      origin.release("/held");
      assertThat(AgentClient.result(running).outcome()).isEqualTo("miss");
      assertThat(agent.awaitExit()).isZero();
    }
  }

  @Test
  void aDownloadThatAStopCutsShortGoesOnAfterTheNextStart() {
    byte[] bytes = Content.random(20 * MIB, "stopped");
    rawOrigin.serveInHalves("/stopped", bytes, "ETag: \"v1\"");
    try (AgentProcess agent = AgentProcess.running("drain.timeout", "100ms")) {
      Exchange caller =
          agent.open(AgentClient.downloadRequest("stopped", "a", rawOrigin.url("/stopped")));
      eventually().until(() -> agent.stat("disk.partialBytes") >= 10 * MIB);

      agent.sigterm();

      assertThat(agent.awaitExit()).isEqualTo(CUT_SHORT);
      caller.close();
      rawOrigin.release("/stopped");
      var rest = new RangedBody(bytes, "ETag: \"v1\"");
      rawOrigin.script("/stopped", rest);
      agent.start();
      Download download = agent.download("stopped", "a", rawOrigin.url("/stopped"));
      assertThat(download.bytes()).isEqualTo(bytes);
      assertThat(download.bytesFetched()).isLessThanOrEqualTo(bytes.length - 8L * MIB);
      assertThat(rest.asked()).hasSize(1).first().asString().startsWith("bytes=");
    }
  }

  @Test
  void aWrongConfigurationExitsSoThatNobodyStartsItAgain() {
    try (AgentProcess agent = AgentProcess.with("quota.bytes", "plenty")) {
      assertThat(agent.startsNot().exit()).isEqualTo(2);
    }
    assertThat(unit()).contains("RestartPreventExitStatus=2", "SuccessExitStatus=" + CUT_SHORT);
  }

  // ---- the unit

  private static final Path UNITS = Project.ROOT.resolve("systemd");

  private static List<String> unit() {
    try {
      return Files.readAllLines(UNITS.resolve("cached-downloads.service"));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static Child.Outcome analyze(String... arguments) {
    var command = new ArrayList<>(List.of(Project.tool("systemd-analyze", "systemd")));
    command.addAll(List.of(arguments));
    return Child.run(command);
  }

  /** The scale of systemd ends at 10; daemons in the archive of Debian are mostly above 8. */
  @Test
  void theSandboxIsTight() {
    String unit = UNITS.resolve("cached-downloads.service").toString();

    Child.Outcome outcome =
        analyze("security", "--offline=true", "--no-pager", "--threshold=20", unit);

    Matcher level =
        Pattern.compile("Overall exposure level for [^:]*: ([0-9.]+)").matcher(outcome.output());
    assertThat(level.find()).as(outcome.output() + outcome.errors()).isTrue();
    assertThat(Double.parseDouble(level.group(1))).isLessThanOrEqualTo(2.0);
    assertThat(outcome.exit()).isZero();
  }

  /** With the program that {@code ExecStart} names, which is not installed here. */
  @Test
  void systemdFindsNoFaultInTheUnit() throws IOException {
    Path directory = Project.temporaryDirectory();
    try {
      Path unit = directory.resolve("cached-downloads.service");
      Files.writeString(
          unit,
          String.join("\n", unit())
              .replace("ExecStart=/usr/bin/cached-downloads", "ExecStart=/bin/true"));

      Child.Outcome outcome = analyze("verify", "--man=no", unit.toString());

      assertThat(outcome.exit()).as(outcome.errors()).isZero();
      assertThat(outcome.errors().lines().filter(line -> !isOfAnOlderSystemd(line))).isEmpty();
      assertThat(unit()).contains("Type=notify-reload");
    } finally {
      Project.delete(directory);
    }
  }

  /** Before 253 it does not know the type; the drop-in for it gives another one. */
  private static boolean isOfAnOlderSystemd(String line) {
    return line.endsWith("Failed to parse service type, ignoring: notify-reload");
  }

  @Test
  void thereIsADropInForASystemdThatDoesNotKnowTheType() throws IOException {
    try (Stream<String> lines = Files.lines(UNITS.resolve("before-253.conf"))) {
      assertThat(lines.filter(line -> !line.startsWith("#")))
          .containsExactly("[Service]", "Type=notify", "ExecReload=kill -HUP $MAINPID");
    }
  }
}
