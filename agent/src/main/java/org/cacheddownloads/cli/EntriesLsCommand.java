package org.cacheddownloads.cli;

import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Lists what the cache holds. */
@Command(
    name = "ls",
    description = "List the entries of the cache. Conditions add up.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class EntriesLsCommand implements Callable<Integer> {
  @Mixin private final ClientOptions client;

  @Option(
      names = "--prefix",
      paramLabel = "P",
      description = "Only entries whose key begins with this.")
  private String prefix = "";

  @Option(names = "--url", paramLabel = "URL", description = "Only entries of this URL.")
  private String url = "";

  EntriesLsCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    var conditions = new LinkedHashMap<String, String>();
    conditions.put("prefix", prefix);
    conditions.put("url", url);
    try (AgentClient agent = client.connect(ClientOptions.USUAL_WAIT)) {
      new Lists(client, agent).entries(conditions);
    }
    return ExitCode.OK;
  }
}
