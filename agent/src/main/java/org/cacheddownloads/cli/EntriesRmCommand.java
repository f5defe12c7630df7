package org.cacheddownloads.cli;

import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Drops one entry. */
@Command(
    name = "rm",
    description =
        "Drop an entry, so that its next use fetches anew. Bytes in use stay until they are released.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class EntriesRmCommand implements Callable<Integer> {
  @Mixin private final ClientOptions client;

  @Parameters(paramLabel = "KEY", description = "The entry's key, as 'entries ls' shows it.")
  private String key = "";

  EntriesRmCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    try (AgentClient agent = client.connect(ClientOptions.USUAL_WAIT)) {
      agent.send("DELETE", UrlPath.entry(key), null);
    }
    if (client.json()) client.out().println(Json.encode(Json.of(Map.of("dropped", key))));
    else client.out().println("dropped " + Terminal.printable(key));
    return ExitCode.OK;
  }
}
