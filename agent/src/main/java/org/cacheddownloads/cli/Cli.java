package org.cacheddownloads.cli;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.cacheddownloads.config.InvalidConfig;
import org.cacheddownloads.content.Durations;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command {@code cached-downloads}: reads the command line, runs one subcommand and turns what
 * happened into an exit code.
 */
@Command(
    name = "cached-downloads",
    description =
        "Downloads for containers: fetched once, validated with their origin, kept by content, shown read-only.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
public final class Cli implements Runnable {
  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

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
    var commands = commands(serve, terminal);
    var wanted =
        args.length > 0 && commands.containsKey(args[0])
            ? List.of(args[0])
            : List.copyOf(commands.keySet());
    for (String name : wanted) line.addSubcommand(Objects.requireNonNull(commands.get(name)).get());
    line.registerConverter(Duration.class, Cli::duration)
        .setOut(terminal.out())
        .setErr(terminal.err())
        .setColorScheme(
            Help.defaultColorScheme(terminal.outInColour() ? Help.Ansi.ON : Help.Ansi.OFF))
        .setParameterExceptionHandler((e, _) -> misused(e, terminal))
        .setExecutionExceptionHandler((e, _, parsed) -> failed(e, parsed, terminal));
    return line.execute(args);
  }

  /** By name and not yet made: picocli takes 10 to 20 ms to look at each, and a call needs one. */
  private static Map<String, Supplier<Object>> commands(ServeAction serve, Terminal terminal) {
    var commands = new LinkedHashMap<String, Supplier<Object>>(); // the order of the help
    commands.put("serve", () -> new ServeCommand(serve));
    commands.put("fetch", () -> new FetchCommand(client(terminal)));
    commands.put("ls", () -> new LsCommand(client(terminal)));
    commands.put("stats", () -> new StatsCommand(client(terminal)));
    commands.put("release", () -> new ReleaseCommand(client(terminal)));
    commands.put("prune", () -> new PruneCommand(client(terminal)));
    commands.put("version", () -> new VersionCommand(terminal));
    return commands;
  }

  private static ClientOptions client(Terminal terminal) {
    AgentClient.logWithoutLogback();
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

  private static int misused(ParameterException e, Terminal terminal) {
    int exitCode = error(terminal, message(e), ExitCode.USAGE);
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
    return e.getCommandLine().getParent() == null
        ? "no such command"
        : "too many arguments; quote what contains blanks";
  }

  private static int failed(Exception e, ParseResult parsed, Terminal terminal) {
    return switch (e) {
      case AgentRefused refused -> {
        if (wantsJson(parsed)) terminal.out().println(Json.encode(refused.problem()));
        yield error(terminal, refused.line(), ExitCode.REFUSED);
      }
      case AgentUnreachable _ ->
          error(terminal, String.valueOf(e.getMessage()), ExitCode.UNREACHABLE);
      case InvalidConfig _ -> error(terminal, String.valueOf(e.getMessage()), ExitCode.USAGE);
      default -> {
        error(terminal, "this should not have happened:", ExitCode.REFUSED);
        e.printStackTrace(terminal.err());
        yield ExitCode.REFUSED;
      }
    };
  }

  private static boolean wantsJson(ParseResult parsed) {
    ParseResult command = parsed.hasSubcommand() ? parsed.subcommand() : parsed;
    return command.hasMatchedOption("--json");
  }

  private static int error(Terminal terminal, String message, int exitCode) {
    terminal.err().println(terminal.red("error:") + " " + message);
    return exitCode;
  }
}
