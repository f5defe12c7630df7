package org.cacheddownloads.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The command {@code serve} where it is written as in a unit: without options, or with {@code
 * --config FILE} and a file that can be read. Everything else is for {@link Cli}.
 *
 * <p>Looks odd, is intended: picocli's classes are of a format that the JVM prepares for no start,
 * and reading them took 0.3 of the 1.4 seconds that a start lasted.
 */
public final class PlainServe {
  private PlainServe() {}

  /**
   * Runs the agent if {@code args} are such a line.
   *
   * @return the exit code; empty if they are not
   */
  public static OptionalInt run(String[] args, ServeAction serve) {
    if (args.length == 0 || !args[0].equals("serve")) {
      return OptionalInt.empty();
    }
    if (args.length == 1) {
      return OptionalInt.of(run(serve, null));
    }
    if (args.length != 3 || !args[1].equals("--config") || !Files.isReadable(Path.of(args[2]))) {
      return OptionalInt.empty();
    }
    return OptionalInt.of(run(serve, Path.of(args[2])));
  }

  private static int run(ServeAction serve, @Nullable Path config) {
    try {
      return serve.serve(config);
    } catch (Exception e) { // top of the process
      System.err.println("error: this should not have happened:");
      e.printStackTrace();
      return ExitCode.REFUSED;
    }
  }
}
