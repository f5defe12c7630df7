package org.cacheddownloads.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Lists containers with their downloads. */
@Command(
    name = "ls",
    description = "List containers with their downloads.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class ContainerLsCommand implements Callable<Integer> {
  @Mixin private final ClientOptions client;

  ContainerLsCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    try (AgentClient agent = client.connect(ClientOptions.USUAL_WAIT)) {
      new Lists(client, agent).containers();
    }
    return ExitCode.OK;
  }
}
