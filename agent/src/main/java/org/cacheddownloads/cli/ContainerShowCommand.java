package org.cacheddownloads.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows one container: what to mount, and what it was given. */
@Command(
    name = "show",
    description = "Show a container: what to mount, and its downloads.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class ContainerShowCommand implements Callable<Integer> {
  @Mixin private final ClientOptions client;

  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Parameters(paramLabel = "CONTAINER", description = "The container's id.")
  private String container = "";

  ContainerShowCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    try (AgentClient agent = client.connect(ClientOptions.USUAL_WAIT)) {
      new Lists(client, agent).container(container);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    return ExitCode.OK;
  }
}
