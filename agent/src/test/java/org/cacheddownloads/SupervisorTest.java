package org.cacheddownloads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SupervisorTest {
  private static final Duration WATCHDOG = Duration.ofMillis(40);

  private final List<String> messages = new ArrayList<>();
  private final Supervisor supervisor = new Supervisor(messages::add, WATCHDOG);

  private static CompletableFuture<String> says(String status) {
    return CompletableFuture.completedFuture(status);
  }

  @Test
  void anAgentThatLivesIsPinged() {
    supervisor.ready(() -> says("fine"));
    supervisor.look();
    supervisor.look();

    assertThat(messages).containsExactly("READY=1\nSTATUS=fine", "WATCHDOG=1", "WATCHDOG=1");
  }

  @Test
  void nothingIsToldBeforeItIsReady() {
    supervisor.look();

    assertThat(messages).isEmpty();
  }

  @Test
  void anAgentThatHangsIsNotPinged() {
    var pulse = new AtomicReference<>(says("fine"));
    supervisor.ready(pulse::get);
    messages.clear();
    pulse.set(new CompletableFuture<>());

    supervisor.look();

    assertThat(messages).isEmpty();
  }

  @Test
  void anAgentWhoseFiguresFailIsNotPinged() {
    supervisor.ready(() -> CompletableFuture.failedFuture(new IllegalStateException("broken")));
    messages.clear();

    supervisor.look();

    assertThat(messages).isEmpty();
  }

  @Test
  void theStatusIsToldWhenItChanged() {
    var status = new AtomicReference<>("one");
    var unwatched = new Supervisor(messages::add, Duration.ZERO);
    unwatched.ready(() -> says(status.get()));
    messages.clear();

    unwatched.look();
    status.set("two");
    unwatched.look();
    unwatched.look();

    assertThat(messages).containsExactly("STATUS=two");
  }

  @Test
  void aStatusIsOneLineWhateverTheFaultSays() {
    supervisor.ready(() -> says("fine"));
    messages.clear();

    supervisor.reloaded("; not reloaded: two faults:\n  line 1\nWATCHDOG=trigger");

    assertThat(messages)
        .containsExactly(
            "READY=1\nSTATUS=fine; not reloaded: two faults:   line 1 WATCHDOG=trigger");
  }

  @Test
  void aProcessBetweenTwoAgentsCountsAsAlive() {
    supervisor.ready(() -> says("fine"));
    supervisor.draining(Duration.ofSeconds(30), false);
    messages.clear();

    supervisor.look();

    assertThat(messages).containsExactly("WATCHDOG=1");
  }

  @Test
  void aStopMayLastAsLongAsTheDrainAndSomeMore() {
    supervisor.draining(Duration.ofSeconds(30), true);

    assertThat(messages)
        .containsExactly(
            "STOPPING=1\nEXTEND_TIMEOUT_USEC=60000000\nSTATUS=draining, for at most 30 s");
  }

  @Test
  void aReceiverThatIsBusyIsTriedAgain() {
    var full = new ArrayList<>(List.of("", ""));
    var slow =
        new Supervisor(
            message -> {
              if (!full.isEmpty()) {
                full.removeLast();
                return false;
              }
              return messages.add(message);
            },
            WATCHDOG);

    slow.ready(() -> says("fine"));

    assertThat(messages).containsExactly("READY=1\nSTATUS=fine");
  }

  @Test
  void aReceiverThatIsGoneIsNoReasonToFail() {
    var gone =
        new Supervisor(
            _ -> {
              throw new IOException("no such socket");
            },
            WATCHDOG);

    assertThatCode(() -> gone.ready(() -> says("fine"))).doesNotThrowAnyException();
    assertThatCode(gone::reloading).doesNotThrowAnyException();
  }

  @Test
  void nobodyIsAskedAndNothingToldWithoutASocket() {
    var nobody = Supervisor.of(Map.of("WATCHDOG_USEC", "1000000"), 1);

    assertThatCode(
            () ->
                nobody.ready(
                    () -> {
                      throw new AssertionError("asked for its status");
                    }))
        .doesNotThrowAnyException();
  }

  @ParameterizedTest
  @CsvSource({
    "30000000, 17,  30",
    "30000000, '',  30",
    "30000000, 18,  0",
    "soon,     17,  0",
    "-1,       17,  0",
    "'',       17,  0",
    "0,        17,  0"
  })
  void theWatchdogWaitsForThisProcessOnly(String micros, String pid, int seconds) {
    assertThat(Supervisor.watchdog(Map.of("WATCHDOG_USEC", micros, "WATCHDOG_PID", pid), 17))
        .isEqualTo(Duration.ofSeconds(seconds));
  }
}
