package org.cacheddownloads.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Runs the agent in the foreground. */
@Command(
    name = "serve",
    description = "Run the agent until SIGTERM or Ctrl-C.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class ServeCommand implements Callable<Integer> {
  private final ServeAction action;

  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "The configuration as YAML (default: the embedded defaults).")
  private @Nullable Path config;

  ServeCommand(ServeAction action) {
    this.action = action;
  }

  @Override
  public Integer call() throws Exception {
    if (config != null && !Files.isReadable(config))
      throw new ParameterException(spec.commandLine(), "cannot read the configuration " + config);
    return action.serve(config);
  }
}
