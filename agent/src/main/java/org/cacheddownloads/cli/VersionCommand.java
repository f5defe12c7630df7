package org.cacheddownloads.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The version of this program; that of a running agent is in {@code stats}. */
@Command(
    name = "version",
    description = "Print the version of this program.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class VersionCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Option(names = "--json", description = "Print it as JSON.")
  private boolean json;

  VersionCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    terminal
        .out()
        .println(
            json ? "{\"version\":\"" + Cli.version() + "\"}" : "cached-downloads " + Cli.version());
    return ExitCode.OK;
  }
}
