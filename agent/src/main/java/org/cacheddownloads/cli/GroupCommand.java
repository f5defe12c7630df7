package org.cacheddownloads.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A word that goes before commands about one thing, such as {@code container} before its four. */
@Command(mixinStandardHelpOptions = true, versionProvider = Cli.Version.class)
final class GroupCommand implements Runnable {
  private final String description;
  private @Nullable CommandSpec spec;

  GroupCommand(String description) {
    this.description = description;
  }

  /** Called by picocli. */
  @Spec
  void setSpec(CommandSpec mine) {
    spec = mine;
    mine.usageMessage().description(description);
  }

  @Override
  public void run() {
    if (spec != null) throw new ParameterException(spec.commandLine(), "a command is missing");
  }
}
