package org.cacheddownloads.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What goes before the commands about entries. */
@Command(
    name = "entries",
    description = "List, show and drop what the cache holds.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class EntriesCommand implements Runnable {
  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing");
  }
}
