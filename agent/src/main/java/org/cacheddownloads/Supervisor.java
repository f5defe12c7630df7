package org.cacheddownloads;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.cacheddownloads.store.Posix;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who started this process and wants to hear how it does: systemd, by datagrams to {@code
 * NOTIFY_SOCKET} (sd_notify(3)). Without that variable nothing happens. What cannot be told is
 * logged once and stops nothing. Thread-safe.
 *
 * <p>Decided: a life sign for the watchdog is a turn through an event loop, a virtual thread and
 * the locks behind the figures, because a request needs just these; chores are not asked, because
 * scrubbing a large blob and reconciling may rightly take both their threads for many minutes;
 * price: chores that hang are seen in the metrics alone.
 */
final class Supervisor implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Supervisor.class);
  private static final Duration STATUS_PAUSE = Duration.ofSeconds(5);

  /** For closing the parts after the drain, most of which give up after 10 seconds. */
  private static final Duration CLOSING = Duration.ofSeconds(30);

  private static final int LONGEST_STATUS = 500;
  private static final int SEND_ATTEMPTS = 50;
  private static final long SEND_PAUSE_NANOS = 20_000_000;

  private final @Nullable Line line;
  private final Duration watchdog;
  private final AtomicBoolean hasComplained = new AtomicBoolean();
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile @Nullable Supplier<CompletableFuture<String>> pulse;
  private volatile boolean hasBegun;
  private volatile String remark = "";
  private volatile String told = "";

  /** Takes one message; false if it has no room for it yet. */
  @FunctionalInterface
  interface Line {
    boolean send(String message) throws IOException;
  }

  /**
   * @param line null: nobody wants to hear
   * @param watchdog how long the life signs may stay away; zero: nobody waits for them
   */
  Supervisor(@Nullable Line line, Duration watchdog) {
    this.line = line;
    this.watchdog = watchdog;
  }

  /** As the environment says, of which only the variables of sd_notify(3) are read. */
  static Supervisor of(Map<String, String> environment, long pid) {
    String socket = environment.get("NOTIFY_SOCKET");
    if (socket == null || socket.isEmpty()) {
      return new Supervisor(null, Duration.ZERO);
    }
    var supervisor =
        new Supervisor(
            message -> Posix.sendDatagram(socket, message.getBytes(StandardCharsets.UTF_8)),
            watchdog(environment, pid));
    Thread.ofPlatform().daemon().name("supervisor").start(supervisor::lookAgainAndAgain);
    return supervisor;
  }

  /** {@code WATCHDOG_USEC}, if it is meant for this process (sd_watchdog_enabled(3)). */
  static Duration watchdog(Map<String, String> environment, long pid) {
    String micros = environment.getOrDefault("WATCHDOG_USEC", "");
    String whose = environment.getOrDefault("WATCHDOG_PID", "");
    if (!micros.matches("[0-9]{1,15}") || !(whose.isEmpty() || whose.equals(Long.toString(pid)))) {
      return Duration.ZERO;
    }
    return Duration.of(Long.parseLong(micros), ChronoUnit.MICROS);
  }

  /** An agent serves. {@code pulse} brings its status in one line, as long as it lives. */
  void ready(Supplier<CompletableFuture<String>> pulse) {
    this.pulse = pulse;
    tellReady(status(pulse, STATUS_PAUSE));
  }

  /** The configuration is about to be read again. */
  void reloading() {
    tell("RELOADING=1\nMONOTONIC_USEC=" + (line == null ? 0 : Posix.monotonicMicros()));
  }

  /**
   * @param remark what stands behind the status until the next reload
   */
  void reloaded(String remark) {
    this.remark = remark;
    Supplier<CompletableFuture<String>> current = pulse;
    tellReady(current == null ? "" : status(current, STATUS_PAUSE));
  }

  private void tellReady(String status) {
    told = status;
    tell("READY=1" + status);
    hasBegun = true;
  }

  /** The agent drains and ends, or makes way for another in this process. */
  void draining(Duration patience, boolean isEnd) {
    pulse = null;
    String status = "\nSTATUS=draining, for at most " + patience.toSeconds() + " s";
    if (isEnd) {
      long micros = TimeUnit.SECONDS.toMicros(patience.plus(CLOSING).toSeconds());
      tell("STOPPING=1\nEXTEND_TIMEOUT_USEC=" + micros + status);
    } else {
      tell(status.strip());
    }
  }

  private void lookAgainAndAgain() {
    Duration pause = pause();
    try {
      while (!closed.await(pause.toNanos(), TimeUnit.NANOSECONDS)) {
        look();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * A quarter of the watchdog's patience: two looks, each as slow as it may be, take half of it.
   */
  private Duration pause() {
    Duration quarter = watchdog.dividedBy(4);
    return quarter.isZero() || quarter.compareTo(STATUS_PAUSE) > 0 ? STATUS_PAUSE : quarter;
  }

  /**
   * Tells that the agent lives, if it does, and its status if that has changed; nothing before it
   * was ready once. Between two agents of one process there is nobody to ask, and the process
   * counts as alive.
   */
  void look() {
    if (!hasBegun) {
      return;
    }
    Supplier<CompletableFuture<String>> current = pulse;
    String status = current == null ? "" : status(current, pause());
    boolean lives = current == null || !status.isEmpty();
    String message =
        (lives && !watchdog.isZero() ? "WATCHDOG=1" : "") + (status.equals(told) ? "" : status);
    if (!message.isEmpty()) {
      tell(message.strip());
      told = status.isEmpty() ? told : status;
    }
  }

  /** A line to append to a message; empty if the agent gives no sign of life in time. */
  private String status(Supplier<CompletableFuture<String>> pulse, Duration patience) {
    if (line == null) {
      return "";
    }
    try {
      String text = pulse.get().get(patience.toNanos(), TimeUnit.NANOSECONDS) + remark;
      String oneLine = text.replaceAll("\\p{Cntrl}+", " ");
      return "\nSTATUS=" + oneLine.substring(0, Math.min(oneLine.length(), LONGEST_STATUS));
    } catch (ExecutionException | TimeoutException | RuntimeException e) {
      log.warn("the agent gives no sign of life error={}", e.toString());
      return "";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "";
    }
  }

  private void tell(String message) {
    if (line == null) {
      return;
    }
    try {
      for (int i = 0; i < SEND_ATTEMPTS; i++) {
        if (line.send(message)) {
          return;
        }
        LockSupport.parkNanos(SEND_PAUSE_NANOS);
      }
      complain("it does not read what it is sent");
    } catch (IOException | RuntimeException e) {
      complain(e.toString());
    }
  }

  private void complain(String reason) {
    if (hasComplained.compareAndSet(false, true)) {
      log.warn("the service manager at NOTIFY_SOCKET cannot be told anything error={}", reason);
    }
  }

  @Override
  public void close() {
    closed.countDown();
  }
}
