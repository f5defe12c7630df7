package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * A program that runs beside the tests. Its output goes to a file; {@link #close} ends it, by its
 * own process id, and so does the end of the JVM.
 */
final class Child implements AutoCloseable {
  private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> RUNNING.forEach(Process::destroyForcibly)));
  }

  /** What the machine's environment says about proxies is not meant for what runs on loopback. */
  private static final Pattern PROXY = Pattern.compile("(?i)(https?|all|no)_proxy");

  private final Process process;
  private final Path log;
  private final long logBefore;

  private Child(Process process, Path log, long logBefore) {
    this.process = process;
    this.log = log;
    this.logBefore = logBefore;
  }

  /** Starts the program in a directory; output is appended to {@code log}. */
  static Child start(Path directory, Path log, List<String> command) {
    return start(directory, log, command, Map.of());
  }

  /** The same with variables added to the environment. */
  static Child start(
      Path directory, Path log, List<String> command, Map<String, String> environment) {
    var program =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    program.environment().keySet().removeIf(name -> PROXY.matcher(name).matches());
    program.environment().putAll(environment);
    return started(program, log);
  }

  private static Child started(ProcessBuilder program, Path log) {
    try {
      long logBefore = Files.exists(log) ? Files.size(log) : 0;
      Process process = program.start();
      RUNNING.add(process);
      return new Child(process, log, logBefore);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs the program in the checkout to its end, which must come within two minutes. */
  static Outcome run(List<String> command) {
    return run(command, Duration.ofMinutes(2));
  }

  /** The same with another bound. */
  static Outcome run(List<String> command, Duration bound) {
    Path directory = Project.temporaryDirectory();
    Path output = directory.resolve("output");
    Path errors = directory.resolve("errors");
    try (Child child =
        started(
            new ProcessBuilder(command)
                .directory(Project.ROOT.toFile())
                .redirectOutput(output.toFile())
                .redirectError(errors.toFile()),
            output)) {
      if (!child.endsWithin(bound)) {
        fail("still running: " + command + "\n" + child.output());
      }
      int exit = child.awaitExit();
      return new Outcome(exit, Files.readString(output), Files.readString(errors));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      Project.delete(directory);
    }
  }

  /** What a program that has ended leaves: its exit code and what it printed. */
  record Outcome(int exit, String output, String errors) {}

  boolean isAlive() {
    return process.isAlive();
  }

  long pid() {
    return process.pid();
  }

  /** Everything that the program has printed so far. */
  String output() {
    try {
      return Files.readString(log, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What this program has printed, without what others wrote to the same file before. */
  String ownOutput() {
    try (var file = Files.newByteChannel(log)) {
      byte[] bytes = new byte[Math.toIntExact(Math.max(0, file.size() - logBefore))];
      var buffer = ByteBuffer.wrap(bytes);
      file.position(logBefore);
      while (buffer.hasRemaining() && file.read(buffer) >= 0) {}
      return new String(bytes, 0, buffer.position(), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Sends a signal by name, such as {@code HUP}. */
  void signal(String name) {
    Outcome outcome = run(List.of("kill", "-" + name, Long.toString(pid())));
    if (outcome.exit() != 0) {
      fail("kill -" + name + ": " + outcome.errors());
    }
  }

  /** Ends the program at once, as {@code kill -9} does, and waits until it is gone. */
  void kill9() {
    process.destroyForcibly();
    awaitExit();
  }

  /** Waits for the end, two minutes at most, and returns the exit code. */
  int awaitExit() {
    try {
      if (!process.waitFor(2, TimeUnit.MINUTES)) {
        fail("still running: " + process.info().commandLine().orElse("") + "\n" + output());
      }
      RUNNING.remove(process);
      return process.exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Whether the program ends within this time; returns as soon as it does. */
  boolean endsWithin(Duration time) {
    try {
      return process.waitFor(time.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    if (isAlive()) {
      kill9();
    }
    RUNNING.remove(process);
  }
}
