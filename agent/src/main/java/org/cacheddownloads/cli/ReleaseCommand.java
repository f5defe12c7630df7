package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Takes back what a container was given. */
@Command(
    name = "release",
    description =
        "Release a container with all its downloads, or one download. Nothing to release is no error.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class ReleaseCommand implements Callable<Integer> {
  @Mixin private final ClientOptions client;

  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "CONTAINER", description = "The container's id.")
  private String container = "";

  @Parameters(index = "1", arity = "0..1", paramLabel = "NAME", description = "Only this download.")
  private @Nullable String name;

  ReleaseCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    String path = path();
    try (AgentClient agent = client.connect(ClientOptions.USUAL_WAIT)) {
      agent.send("DELETE", path, null);
    }
    if (client.json()) client.out().println(Json.encode(released()));
    else
      client
          .out()
          .println(
              "released "
                  + Terminal.printable(name == null ? container : name + " of " + container));
    return ExitCode.OK;
  }

  private JsonObject released() {
    var fields = new LinkedHashMap<String, @Nullable Object>();
    fields.put("container", container);
    fields.put("name", name);
    return Json.of(Map.of("released", Json.of(fields)));
  }

  private String path() {
    try {
      return UrlPath.container(container, name);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }
}
