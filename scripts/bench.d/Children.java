import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The processes that were started, and the directory they work in. Both are gone when this is
 * closed, and also when the program is interrupted.
 */
final class Children implements AutoCloseable {
  private final ArrayDeque<Process> running = new ArrayDeque<>();
  private final Path work;
  private final Thread atExit = new Thread(this::end);

  Children(Path work) throws IOException {
    this.work = work;
    Bench.renew(work);
    Runtime.getRuntime().addShutdownHook(atExit);
  }

  /** A process that runs on in the background; what it says goes to {@code log}. */
  synchronized Process start(Path log, List<String> command) throws IOException {
    Process process =
        new ProcessBuilder(command)
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    running.push(process);
    return process;
  }

  /** What a command prints, which must succeed. */
  static String output(List<String> command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String output = new String(process.getInputStream().readAllBytes());
    if (process.waitFor() != 0) {
      throw new IOException(String.join(" ", command) + " failed: " + output);
    }
    return output;
  }

  static String tail(Path log) throws IOException {
    List<String> lines = Files.readAllLines(log);
    return String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()));
  }

  private synchronized void end() {
    for (Process process : running) process.destroy();
    try {
      while (!running.isEmpty()) {
        Process process = running.pop();
        if (!process.waitFor(40, TimeUnit.SECONDS)) process.destroyForcibly().waitFor();
      }
      Bench.delete(work);
    } catch (IOException | InterruptedException e) {
      System.err.println("bench: cleaning up " + work + ": " + e);
    }
  }

  @Override
  public void close() {
    end();
  }
}
