package org.cacheddownloads.spec;

import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A real container: runc, busybox, and a root file system that is read-only. The agent's {@code
 * mount} is pasted into {@code config.json} as it is. The container lives until {@link #close};
 * {@link #exec} runs commands in it.
 */
final class RuncContainer implements AutoCloseable {
  private final Path directory = Project.temporaryDirectory();
  private final String runc;
  private final Child container;

  private RuncContainer(List<JsonNode> mounts, String main) throws IOException {
    Project.requireRoot();
    runc = Project.tool("runc", "runc");
    buildRootFileSystem(mounts.getFirst().path("destination").asText());
    Files.writeString(directory.resolve("config.json"), configuration(mounts, main).toString());
    container = Child.start(directory, directory.resolve("log"), runc("run", id()));
    eventually().until(() -> exec("true").exit() == 0);
  }

  /**
   * Starts a container with the agent's mount. {@code main} is what its first process does, as a
   * shell command, before it waits for the end.
   */
  static RuncContainer start(JsonNode mount, String main) {
    return start(List.of(mount), main);
  }

  /** The same with all mounts of a container as the agent tells it, in their order. */
  static RuncContainer startWhole(JsonNode container, String main) {
    var mounts = new ArrayList<>(List.of(container.path("mount")));
    container.path("mounts").forEach(mounts::add);
    return start(mounts, main);
  }

  private static RuncContainer start(List<JsonNode> mounts, String main) {
    try {
      return new RuncContainer(mounts, main);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs a shell command in the container and returns its output and exit code. */
  Child.Outcome exec(String shell) {
    return Child.run(runc("exec", id(), "/bin/sh", "-c", shell));
  }

  private String id() {
    return directory.getFileName().toString();
  }

  private List<String> runc(String... arguments) {
    var command = new ArrayList<>(List.of(runc, "--root", directory.resolve("run").toString()));
    command.addAll(List.of(arguments));
    return command;
  }

  private void buildRootFileSystem(String mountPoint) throws IOException {
    Path root = directory.resolve("rootfs");
    for (String path : List.of("/bin", "/proc", "/dev", "/sys", "/tmp", mountPoint)) {
      Files.createDirectories(root.resolve(path.substring(1)));
    }
    Files.copy(Path.of(Project.tool("busybox", "busybox-static")), root.resolve("bin/busybox"));
    for (String applet :
        List.of("sh", "cat", "ls", "sleep", "touch", "rm", "readlink", "find", "true")) {
      Files.createSymbolicLink(root.resolve("bin").resolve(applet), Path.of("busybox"));
    }
  }

  /**
   * The least that runc needs: namespaces of mounts and processes; no cgroup limits, the host's
   * network.
   */
  private static ObjectNode configuration(List<JsonNode> agents, String main) {
    ObjectNode config =
        Json.object(
            "ociVersion", "1.0.2",
            "process",
                Map.of(
                    "terminal",
                    false,
                    "user",
                    Map.of("uid", 0, "gid", 0),
                    "args",
                    List.of("/bin/sh", "-c", main + "; exec sleep 600"),
                    "env",
                    List.of("PATH=/bin"),
                    "cwd",
                    "/",
                    "noNewPrivileges",
                    true),
            "root", Map.of("path", "rootfs", "readonly", true),
            "linux", Map.of("namespaces", List.of(Map.of("type", "mount"), Map.of("type", "pid"))));
    ArrayNode mounts = config.putArray("mounts");
    mounts.add(Json.object("destination", "/proc", "type", "proc", "source", "proc"));
    agents.forEach(mounts::add);
    return config;
  }

  @Override
  public void close() {
    Child.run(runc("delete", "--force", id()));
    container.close();
    Project.delete(directory);
  }
}
