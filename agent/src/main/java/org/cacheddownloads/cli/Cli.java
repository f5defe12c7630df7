package org.cacheddownloads.cli;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.cacheddownloads.config.InvalidConfig;
import org.cacheddownloads.content.Durations;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command {@code cached-downloads}: reads the command line, runs one subcommand and turns what
 * happened into an exit code.
 */
@Command(
    name = Cli.NAME,
    description =
        "Downloads for containers: fetched once, validated with their origin, kept by content, shown read-only.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done",
      "1:the agent refused, or 'serve' could not start",
      "2:wrong command line, configuration or file",
      "3:no agent, or no answer in time",
      "4:'serve' was stopped and cut running requests short",
      "5:'verify' found damage"
    })
public final class Cli implements Runnable {
  static final String NAME = "cached-downloads";

  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  /** How a command is made, and the commands below it. */
  private record Node(Supplier<Object> make, Map<String, Node> below) {}

  private Cli() {}

  /**
   * Runs one command to its end.
   *
   * @param serve what the command {@code serve} does
   * @return the exit code: 0 done, 1 refused, 2 wrong command line or configuration, 3 the agent
   *     cannot be reached
   */
  public static int run(String[] args, ServeAction serve) {
    return run(args, serve, Terminal.ofProcess());
  }

  static int run(String[] args, ServeAction serve, Terminal terminal) {
    var line = new CommandLine(new Cli());
    add(line, commands(serve, terminal), List.of(args));
    boolean json = List.of(args).contains("--json");
    line.registerConverter(Duration.class, Cli::duration)
        .setOut(terminal.out())
        .setErr(terminal.err())
        .setColorScheme(
            Help.defaultColorScheme(terminal.outInColour() ? Help.Ansi.ON : Help.Ansi.OFF))
        .setParameterExceptionHandler((e, _) -> misused(e, json, terminal))
        .setExecutionExceptionHandler((e, _, _) -> failed(e, json, terminal));
    return line.execute(args);
  }

  /** The command line with every command in it. */
  static CommandLine whole(Terminal terminal) {
    var line = new CommandLine(new Cli());
    add(line, commands(_ -> ExitCode.OK, terminal), List.of());
    return line;
  }

  /**
   * Adds the commands that {@code words} begin with, or all if they begin with none: picocli takes
   * 10 to 20 ms to look at each, and a call needs one.
   */
  private static void add(CommandLine line, Map<String, Node> commands, List<String> words) {
    String word = words.isEmpty() ? "" : words.getFirst();
    commands.forEach(
        (name, command) -> {
          if (commands.containsKey(word) && !name.equals(word)) return;
          var sub = new CommandLine(command.make().get());
          add(sub, command.below(), name.equals(word) ? words.subList(1, words.size()) : List.of());
          line.addSubcommand(name, sub);
        });
  }

  private static Map<String, Node> commands(ServeAction serve, Terminal terminal) {
    var commands = new LinkedHashMap<String, Node>(); // the order of the help
    commands.put("serve", leaf(() -> new ServeCommand(serve)));
    commands.put("fetch", leaf(() -> new FetchCommand(client(terminal))));
    var container = new LinkedHashMap<String, Node>();
    container.put("ls", leaf(() -> new ContainerLsCommand(client(terminal))));
    container.put("show", leaf(() -> new ContainerShowCommand(client(terminal))));
    container.put("release", leaf(() -> new ReleaseCommand(client(terminal))));
    container.put("renew", leaf(() -> new ContainerRenewCommand(client(terminal))));
    commands.put("container", group("Show, release and renew what containers have.", container));
    var entries = new LinkedHashMap<String, Node>();
    entries.put("ls", leaf(() -> new EntriesLsCommand(client(terminal))));
    entries.put("show", leaf(() -> new EntriesShowCommand(client(terminal))));
    entries.put("rm", leaf(() -> new EntriesRmCommand(client(terminal))));
    commands.put("entries", group("List, show and drop what the cache holds.", entries));
    commands.put("ls", leaf(() -> new LsCommand(client(terminal))));
    commands.put("release", leaf(() -> new ReleaseCommand(client(terminal))));
    commands.put("stats", leaf(() -> new StatsCommand(client(terminal))));
    commands.put("top", leaf(() -> new TopCommand(client(terminal))));
    commands.put("explain", leaf(() -> new ExplainCommand(client(terminal))));
    commands.put("requests", leaf(() -> new RequestsCommand(client(terminal))));
    commands.put("events", leaf(() -> new EventsCommand(client(terminal))));
    commands.put("prune", leaf(() -> new PruneCommand(client(terminal))));
    commands.put("verify", leaf(() -> new VerifyCommand(client(terminal))));
    var config = new LinkedHashMap<String, Node>();
    config.put("check", leaf(() -> new ConfigCheckCommand(terminal)));
    config.put("show", leaf(() -> new ConfigShowCommand(client(terminal))));
    config.put("reload", leaf(() -> new ConfigReloadCommand(client(terminal))));
    commands.put("config", group("Check, show and reload the configuration.", config));
    commands.put("advise", leaf(() -> new AdviseCommand(client(terminal))));
    commands.put("simulate", leaf(() -> new SimulateCommand(terminal)));
    commands.put("completion", leaf(() -> new CompletionCommand(terminal, () -> whole(terminal))));
    commands.put("version", leaf(() -> new VersionCommand(terminal)));
    return commands;
  }

  private static Node group(String description, Map<String, Node> below) {
    return new Node(() -> new GroupCommand(description), below);
  }

  private static Node leaf(Supplier<Object> make) {
    return new Node(make, Map.of());
  }

  private static ClientOptions client(Terminal terminal) {
    return new ClientOptions(terminal);
  }

  /**
   * The version of this program; {@code development} when it runs from classes instead of its jar.
   */
  static String version() {
    String version = Cli.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing");
  }

  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"cached-downloads " + version()};
    }
  }

  private static Duration duration(String text) {
    try {
      return Durations.parse(text);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(String.valueOf(e.getMessage()));
    }
  }

  private static int misused(ParameterException e, boolean json, Terminal terminal) {
    String message = message(e);
    int exitCode =
        failure(terminal, json, "wrong-command-line", message, List.of(), ExitCode.USAGE);
    UnmatchedArgumentException.printSuggestions(e, terminal.err());
    terminal
        .err()
        .println("See '" + e.getCommandLine().getCommandSpec().qualifiedName() + " --help'.");
    return exitCode;
  }

  /** Surplus arguments are not repeated: an unquoted header would be among them. */
  private static String message(ParameterException e) {
    if (!(e instanceof UnmatchedArgumentException unmatched) || unmatched.isUnknownOption())
      return Terminal.printable(String.valueOf(e.getMessage()));
    return e.getCommandLine().getSubcommands().isEmpty()
        ? "too many arguments; quote what contains blanks"
        : "no such command";
  }

  private static int failed(Exception e, boolean json, Terminal terminal) {
    String message = String.valueOf(e.getMessage());
    return switch (e) {
      case AgentRefused refused -> {
        if (json) terminal.out().println(Json.encode(refused.problem()));
        yield error(terminal, refused.line(), ExitCode.REFUSED);
      }
      case AgentUnreachable _ ->
          failure(terminal, json, "no-agent", message, List.of(), ExitCode.UNREACHABLE);
      case InvalidConfig invalid ->
          failure(terminal, json, "invalid-config", message, invalid.faults(), ExitCode.USAGE);
      case UnreadableConfig _ ->
          failure(terminal, json, "invalid-config", message, List.of(), ExitCode.USAGE);
      case UnusableFile _ ->
          failure(terminal, json, "unusable-file", message, List.of(), ExitCode.USAGE);
      default -> {
        error(terminal, "this should not have happened:", ExitCode.REFUSED);
        e.printStackTrace(terminal.err());
        yield ExitCode.REFUSED;
      }
    };
  }

  /**
   * What went wrong on this side, where programs want JSON in the shape of the agent's problems.
   */
  private static int failure(
      Terminal terminal,
      boolean json,
      String code,
      String message,
      List<InvalidConfig.Fault> faults,
      int exitCode) {
    if (json) {
      var problem = new LinkedHashMap<String, @Nullable Object>();
      problem.put("code", code);
      problem.put("detail", message);
      problem.put("retryable", exitCode == ExitCode.UNREACHABLE);
      problem.put(
          "faults",
          faults.isEmpty() ? null : faults.stream().map(ConfigCheckCommand::json).toList());
      terminal.out().println(Json.encode(Json.of(problem)));
    }
    return error(terminal, message, exitCode);
  }

  private static int error(Terminal terminal, String message, int exitCode) {
    terminal.err().println(terminal.red("error:") + " " + message);
    return exitCode;
  }
}
