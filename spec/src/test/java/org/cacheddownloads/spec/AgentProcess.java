package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.awaitility.core.ConditionTimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The built agent as a process, with a state directory of its own, and the client of its Unix
 * socket. As a {@code @RegisterExtension} it serves all tests of a class and prints the end of its
 * log beside a failure; {@link #running} makes one for a single test. {@link #close} ends the
 * process and deletes the state.
 */
final class AgentProcess extends AgentClient
    implements BeforeAllCallback, AfterAllCallback, AfterTestExecutionCallback, AutoCloseable {
  private static final int LOG_LINES = 60;

  private final Path directory;
  private final int tcpPort;
  private final ObjectNode config;
  private List<String> wrapper = List.of();
  private final Map<String, String> environment = new TreeMap<>();
  private @Nullable Child process;

  private AgentProcess(Path directory, Object... overrides) {
    super(UnixDomainSocketAddress.of(directory.resolve("agent.sock")), Contract.Listener.SOCKET);
    this.directory = directory;
    this.tcpPort = Project.freePort();
    this.config = Json.object("state", directory.resolve("state").toString());
    set("socket.path", socket().toString());
    set("metrics.address", "127.0.0.1:" + tcpPort);
    configure(overrides);
  }

  /**
   * An agent that is not started yet. Overrides are alternating dotted keys of the configuration
   * and values.
   */
  static AgentProcess with(Object... overrides) {
    return new AgentProcess(Project.temporaryDirectory(), overrides);
  }

  /** An agent that runs and lets requests in. */
  static AgentProcess running(Object... overrides) {
    AgentProcess agent = with(overrides);
    try {
      agent.start();
      return agent;
    } catch (RuntimeException | Error e) {
      agent.close();
      throw e;
    }
  }

  /**
   * Lets the agent know these hosts alone, alternating names and addresses; whatever else has a
   * name is unknown to it.
   */
  AgentProcess knowingHosts(String... namesAndAddresses) {
    var lines = new StringBuilder();
    for (int i = 0; i < namesAndAddresses.length; i += 2) {
      lines.append(namesAndAddresses[i + 1]).append(' ').append(namesAndAddresses[i]).append('\n');
    }
    Path file = scratch("hosts");
    try {
      Files.writeString(file, lines);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return environment("JAVA_TOOL_OPTIONS", "-Djdk.net.hosts.file=" + file);
  }

  // ---- life

  /**
   * Starts the agent by another program from now on, which must replace itself by the command that
   * follows its arguments, as {@code prlimit --nofile=64} does.
   */
  AgentProcess startedBy(String... program) {
    wrapper = List.of(program);
    return this;
  }

  /** Makes the agent believe from its next start on that the machine was started anew. */
  AgentProcess onBoot(String bootId) {
    Project.requireRoot();
    Path file = scratch("boot_id");
    try {
      Files.writeString(file, bootId + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    // The kernel's own file is hidden in a mount namespace of the agent alone.
    return startedBy(
        Project.tool("unshare", "util-linux"),
        "--mount",
        "sh",
        "-c",
        "mount --bind \"$0\" /proc/sys/kernel/random/boot_id && exec \"$@\"",
        file.toString());
  }

  /** Starts the process and waits until it lets requests in. */
  void start() {
    Child started = launch();
    try {
      eventually()
          .until(
              () -> {
                if (!started.isAlive()) {
                  fail("the agent did not start:\n" + started.output());
                }
                return isReady();
              });
    } catch (ConditionTimeoutException e) {
      started.signal("QUIT"); // a JVM says then what each thread does
      eventually().until(() -> started.output().contains("Heap") || !started.isAlive());
      fail("the agent is not ready:\n" + started.output(), e);
    }
  }

  /**
   * Starts the process and waits until it lets requests in or has ended.
   *
   * @return whether it runs
   */
  boolean startOrEnd() {
    Child started = launch();
    eventually().until(() -> !started.isAlive() || isReady());
    return started.isAlive();
  }

  /** Starts the process and waits for nothing. */
  void begin() {
    launch();
  }

  /**
   * Starts the process with a configuration that it must refuse, waits for its end and returns what
   * it said.
   */
  Child.Outcome startsNot() {
    Child started = launch();
    int exit = started.awaitExit();
    return new Child.Outcome(exit, started.output(), started.output());
  }

  private Child launch() {
    writeConfig();
    var command = new ArrayList<>(wrapper);
    command.addAll(Project.agent("serve", "--config", configFile().toString()));
    Child started = Child.start(Project.ROOT, directory.resolve("agent.log"), command, environment);
    process = started;
    return started;
  }

  /** Loses whatever an agent keeps in memory: {@code kill -9}, then a start on the same state. */
  void restart() {
    kill9();
    start();
  }

  void kill9() {
    child().kill9();
  }

  /** Asks for a graceful end and does not wait for it. */
  void sigterm() {
    child().signal("TERM");
  }

  void sighup() {
    child().signal("HUP");
  }

  /** Whether it lives, and where its threads are, at the end of its log. */
  String lastWords() {
    if (!isAlive()) {
      return "it has died\n" + log();
    }
    long pid = child().pid();
    child().signal("QUIT"); // the JVM prints its threads
    boolean _ = endsWithin(Duration.ofSeconds(2));
    Child.Outcome virtual =
        Child.run(
            List.of(
                ProcessHandle.current().info().command().orElseThrow().replace("/java", "/jcmd"),
                String.valueOf(pid),
                "Thread.dump_to_file",
                "-overwrite",
                scratch("threads").toString()));
    try {
      return "it lives\n" + log() + virtual.errors() + Files.readString(scratch("threads"));
    } catch (IOException e) {
      return "it lives\n" + log() + e;
    }
  }

  int awaitExit() {
    return child().awaitExit();
  }

  boolean isAlive() {
    return child().isAlive();
  }

  /** Whether the process ends within this time; returns as soon as it does. */
  boolean endsWithin(Duration time) {
    return child().endsWithin(time);
  }

  private Child child() {
    if (process == null) {
      return fail("the agent was not started");
    }
    return process;
  }

  /** On TCP where there is that listener: the socket may be closed to us, but must be there. */
  private boolean isReady() {
    if (!Files.exists(socket())) {
      return false;
    }
    try {
      AgentClient client = hasTcp() ? tcp() : this;
      return client.get("/readyz").status() == 200;
    } catch (RuntimeException e) {
      return false; // nobody listens yet
    }
  }

  // ---- what it answers for

  /** Waits until the figures of space agree with each other, and with what is on the disk. */
  void assertUsedIsAllocated() {
    eventually()
        .untilAsserted(
            () -> {
              JsonNode disk = stats().path("disk");
              long parts =
                  Stream.of("inUseBytes", "idleBytes", "partialBytes", "quarantineBytes")
                      .mapToLong(part -> disk.path(part).asLong())
                      .sum();
              assertThat(disk.path("usedBytes").asLong())
                  .isEqualTo(parts)
                  .isEqualTo(DiskUsage.of(state()));
            });
  }

  // ---- places

  /** The client of the TCP listener. */
  AgentClient tcp() {
    return new AgentClient(tcpAddress(), Contract.Listener.TCP);
  }

  boolean listensOnTcp() {
    try (var socket = new Socket()) {
      socket.connect(tcpAddress());
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private boolean hasTcp() {
    return !config.path("metrics").path("address").isNull();
  }

  InetSocketAddress tcpAddress() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), tcpPort);
  }

  Path state() {
    return Path.of(config.path("state").asText());
  }

  long pid() {
    return child().pid();
  }

  /** The view of a container on the host. */
  Path view(String container) {
    return state().resolve("containers").resolve(container);
  }

  /** The file of a digest in the store. */
  Path blob(String digest) {
    String hex = digest.substring("sha256:".length());
    return state().resolve("blobs/sha256").resolve(hex.substring(0, 2)).resolve(hex);
  }

  Path socket() {
    return directory.resolve("agent.sock");
  }

  /** A path beside the state, deleted with it. */
  Path scratch(String name) {
    return directory.resolve(name);
  }

  /** Everything the agent has logged, over all its starts. */
  String log() {
    return child().output();
  }

  /** What it has logged since its last start. */
  String logOfThisStart() {
    return child().ownOutput();
  }

  // ---- configuration

  /** Sets a variable of the environment of the next starts. */
  AgentProcess environment(String name, String value) {
    environment.put(name, value);
    return this;
  }

  AgentProcess withoutEnvironment(String name) {
    environment.remove(name);
    return this;
  }

  Path configFile() {
    return directory.resolve("config.yaml");
  }

  /** Changes what the next {@link #start} or {@link #writeConfig} writes. */
  AgentProcess configure(Object... dottedKeysAndValues) {
    for (int i = 0; i < dottedKeysAndValues.length; i += 2) {
      set((String) dottedKeysAndValues[i], dottedKeysAndValues[i + 1]);
    }
    return this;
  }

  AgentProcess withoutTcp() {
    config.withObjectProperty("metrics").putNull("address");
    return this;
  }

  void writeConfig() {
    try {
      writeConfig(new YAMLMapper().writeValueAsString(config));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void writeConfig(String text) {
    try {
      Files.writeString(configFile(), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void set(String dottedKey, Object value) {
    String[] path = dottedKey.split("\\.", -1);
    ObjectNode section = config;
    for (int i = 0; i < path.length - 1; i++) {
      section = section.withObjectProperty(path[i]);
    }
    JsonNode json = Json.object("value", value).path("value");
    section.set(path[path.length - 1], json);
  }

  // ---- JUnit

  @Override
  public void beforeAll(ExtensionContext context) {
    start();
  }

  @Override
  public void afterTestExecution(ExtensionContext context) {
    if (context.getExecutionException().isPresent()) {
      printLog(context.getDisplayName());
    }
  }

  /** Shows the end of the log beside a failure. */
  void printLog(String failed) {
    if (process != null) {
      var lines = log().lines().toList();
      System.err.println("---- the agent's log at the failure of " + failed);
      lines.stream().skip(Math.max(0, lines.size() - LOG_LINES)).forEach(System.err::println);
    }
  }

  @Override
  public void afterAll(ExtensionContext context) {
    close();
  }

  @Override
  public void close() {
    if (process != null) {
      process.close();
    }
    Project.delete(directory);
  }
}
