package org.cacheddownloads.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.cacheddownloads.cli.AgentClient.Reply;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of every command that asks the agent, and how its replies are written. */
final class ClientOptions {
  static final Path DEFAULT_SOCKET = Path.of("/run/cached-downloads/agent.sock");

  /** For what the agent answers at once. */
  static final Duration USUAL_WAIT = Duration.ofSeconds(30);

  private static final String SOCKET_VARIABLE = "CACHED_DOWNLOADS_SOCKET";

  private final Terminal terminal;

  @Option(
      names = "--socket",
      paramLabel = "PATH",
      description =
          "The agent's Unix socket (default: $CACHED_DOWNLOADS_SOCKET, else /run/cached-downloads/agent.sock).")
  private @Nullable Path socket;

  @Option(names = "--json", description = "Print the agent's reply as it is.")
  private boolean json;

  @Option(
      names = "--timeout",
      paramLabel = "DURATION",
      description = "How long to wait for the agent, such as 30s or 5m.")
  private @Nullable Duration timeout;

  ClientOptions(Terminal terminal) {
    this.terminal = terminal;
  }

  Terminal terminal() {
    return terminal;
  }

  /** The terminal, but none with {@code --json}: that goes one line below the other there too. */
  Terminal lineByLine() {
    return json
        ? new Terminal(terminal.out(), terminal.err(), false, false, terminal.environment())
        : terminal;
  }

  PrintWriter out() {
    return terminal.out();
  }

  boolean json() {
    return json;
  }

  /** As given; null: the command's own. */
  @Nullable Duration timeout() {
    return timeout;
  }

  /** The option, else the environment, else the default. */
  Path socket() {
    if (socket != null) return socket;
    String named = terminal.environment().getOrDefault(SOCKET_VARIABLE, "");
    return named.isEmpty() ? DEFAULT_SOCKET : Path.of(named);
  }

  /** A client that waits as long as {@code --timeout} says, else {@code usual}. */
  AgentClient connect(Duration usual) {
    return connect(usual, Duration.ZERO);
  }

  /**
   * The same where the agent keeps the deadline itself and this side waits a little longer to hear
   * of it.
   */
  AgentClient connect(Duration usual, Duration grace) {
    return AgentClient.open(socket(), timeout == null ? usual : timeout.plus(grace));
  }

  /** Writes a reply: as it is with {@code --json}, else as these lines. */
  void show(Reply reply, Supplier<List<String>> lines) {
    if (json) out().println(reply.text().strip());
    else lines.get().forEach(out()::println);
  }

  /** Writes the lines of a table's page, the header in bold. */
  void print(List<String> lines, boolean withHeader) {
    for (int i = 0; i < lines.size(); i++)
      out().println(withHeader && i == 0 ? terminal.bold(lines.get(i)) : lines.get(i));
  }
}
