package org.cacheddownloads.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** The version of this program; that of a running agent is in {@code stats}. */
@Command(
    name = "version",
    description = "Print the version of this program.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class VersionCommand implements Callable<Integer> {
  private final Terminal terminal;

  VersionCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    terminal.out().println("cached-downloads " + Cli.version());
    return ExitCode.OK;
  }
}
