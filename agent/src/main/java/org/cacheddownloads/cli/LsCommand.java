package org.cacheddownloads.cli;

import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The short form of {@code container ls}, {@code container show} and {@code entries ls}. */
@Command(
    name = "ls",
    description =
        "List containers with their downloads, one container, or with --entries what the cache holds.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class LsCommand implements Callable<Integer> {
  @Mixin private final ClientOptions client;

  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "CONTAINER",
      description = "Only this container, with more about it.")
  private @Nullable String container;

  @Option(names = "--entries", description = "List the entries of the cache.")
  private boolean entries;

  @Option(
      names = "--prefix",
      paramLabel = "P",
      description = "With --entries: those whose key begins with this.")
  private @Nullable String prefix;

  LsCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    if (entries && container != null) throw misuse("--entries and CONTAINER exclude each other");
    if (!entries && prefix != null) throw misuse("--prefix needs --entries");
    try (AgentClient agent = client.connect(ClientOptions.USUAL_WAIT)) {
      var lists = new Lists(client, agent);
      if (entries) lists.entries(Map.of("prefix", prefix == null ? "" : prefix));
      else if (container == null) lists.containers();
      else lists.container(container);
    } catch (IllegalArgumentException e) {
      throw misuse(String.valueOf(e.getMessage()));
    }
    return ExitCode.OK;
  }

  private ParameterException misuse(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
