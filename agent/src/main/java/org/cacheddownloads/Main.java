package org.cacheddownloads;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.security.Security;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.cli.Cli;
import org.cacheddownloads.cli.PlainServe;
import org.cacheddownloads.config.Config;
import org.cacheddownloads.config.ConfigReader;
import org.cacheddownloads.config.InvalidConfig;
import org.cacheddownloads.config.Settings;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CrashPoint;
import org.cacheddownloads.store.Posix;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The program: {@code serve} runs the agent, every other subcommand talks to one. */
public final class Main {
  private static final Logger log = LoggerFactory.getLogger(Main.class);
  private static final int OK = 0;
  private static final int CANNOT_START = 1;
  private static final int WRONG_CONFIG = 2;
  private static final int CUT_SHORT = 4;

  private Main() {}

  public static void main(String[] arguments) {
    respectDns();
    System.exit(
        PlainServe.run(arguments, Main::serve).orElseGet(() -> Cli.run(arguments, Main::serve)));
  }

  /**
   * How the JVM looks up names, which it settles with the first lookup: in the system's order of
   * addresses and not IPv4 first, and anew after 10 seconds, or after 1 second what was unknown.
   */
  private static void respectDns() {
    System.setProperty("java.net.preferIPv6Addresses", "system");
    Security.setProperty("networkaddress.cache.ttl", "10");
    Security.setProperty("networkaddress.cache.negative.ttl", "1");
  }

  /**
   * @return 0 after a clean stop, 1 if the agent cannot start, 2 if its configuration is wrong, 4
   *     if running requests had to be cut short
   */
  private static int serve(@Nullable Path file) throws InterruptedException {
    var events = new LinkedBlockingQueue<Event>();
    Thread signals = aside("signals", () -> listen(events));
    Thread _ = aside("preload-numbers", () -> Objects.requireNonNull(BigDecimal.ONE));
    Thread _ = aside("preload-posix", Posix::preload);
    Thread _ = aside("preload-catalog", Catalog::preload);
    Settings settings;
    try {
      settings = ConfigReader.read(file, System.getenv());
    } catch (InvalidConfig | IOException e) {
      System.err.println(e.getMessage());
      return WRONG_CONFIG;
    }
    Config.Log logging = settings.config().log();
    Logging.start(logging.level(), logging.format());
    armCrashPoint();
    signals.join(); // what is signalled during the start waits, where the default would be to die
    try (Supervisor supervisor = Supervisor.of(System.getenv(), ProcessHandle.current().pid())) {
      return run(file, settings, events, supervisor);
    }
  }

  /**
   * Begins what takes long and needs no configuration, on another processor: classes that look up
   * or compute much when they are loaded. Whoever needs one first waits for it.
   */
  private static Thread aside(String name, Runnable work) {
    return Thread.ofPlatform().daemon().name(name).start(work);
  }

  private static void listen(Queue<Event> events) {
    Posix.onSignal("TERM", () -> events.add(Event.STOP));
    Posix.onSignal("INT", () -> events.add(Event.STOP));
    Posix.onSignal("HUP", () -> events.add(Event.RELOAD));
  }

  private static int run(
      @Nullable Path file, Settings start, BlockingQueue<Event> events, Supervisor supervisor)
      throws InterruptedException {
    Settings settings = start;
    while (true) {
      try (Agent agent = Agent.start(file, System.getenv(), settings)) {
        agent.whenBroken(() -> events.add(Event.START_ANEW));
        supervisor.ready(agent::pulse);
        Event event = events.take();
        while (event == Event.RELOAD) {
          reload(agent, supervisor);
          event = events.take();
        }
        supervisor.draining(agent.settings().config().drain().timeout(), event == Event.STOP);
        boolean allLeft = agent.drain();
        if (event == Event.STOP || events.contains(Event.STOP)) {
          return allLeft ? OK : CUT_SHORT;
        }
        log.warn("starting anew");
        settings = agent.settings();
      } catch (IOException | RuntimeException e) {
        log.error("the agent cannot start: {}", e.getMessage());
        log.debug("cause", e);
        return CANNOT_START;
      }
    }
  }

  /** What an agent that runs is told, or tells: that it found its catalog damaged. */
  private enum Event {
    STOP,
    RELOAD,
    START_ANEW
  }

  /** For tests of crashes alone; see {@link CrashPoint}. */
  private static void armCrashPoint() {
    String point = System.getenv("CACHED_DOWNLOADS_CRASH_AT");
    if (point != null) {
      CrashPoint.arm(point, Posix::die);
      log.warn("armed to die for a test point={}", point);
    }
  }

  private static void reload(Agent agent, Supervisor supervisor) {
    supervisor.reloading();
    try {
      var needsRestart = agent.reload().needsRestart();
      supervisor.reloaded(
          needsRestart.isEmpty() ? "" : "; restart for " + String.join(", ", needsRestart));
    } catch (CacheException e) {
      log.error("the configuration was not reloaded: {}", e.getMessage());
      supervisor.reloaded("; not reloaded: " + e.getMessage());
    }
  }
}
