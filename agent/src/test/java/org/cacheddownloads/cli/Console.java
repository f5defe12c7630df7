package org.cacheddownloads.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Runs commands and keeps what they say. */
final class Console {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final Map<String, String> environment = new HashMap<>();
  private boolean isTerminal;

  /** The commands ask this socket. */
  static Console of(Path socket) {
    return new Console().with("CACHED_DOWNLOADS_SOCKET", socket.toString());
  }

  Console with(String variable, String value) {
    environment.put(variable, value);
    return this;
  }

  Console onTerminal() {
    isTerminal = true;
    return this;
  }

  int run(String... arguments) {
    return Cli.run(arguments, _ -> 0, terminal());
  }

  Terminal terminal() {
    return new Terminal(
        new PrintWriter(out, true),
        new PrintWriter(err, true),
        isTerminal,
        isTerminal,
        environment);
  }

  String out() {
    return out.toString();
  }

  String err() {
    return err.toString();
  }
}
