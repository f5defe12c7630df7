package org.cacheddownloads.cli;

import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Prints what a shell needs to complete commands and options. */
@Command(
    name = "completion",
    description =
        "Print the completion of commands and options for a shell, as in 'source <(cached-downloads completion bash)'.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class CompletionCommand implements Callable<Integer> {
  private final Terminal terminal;
  private final Supplier<CommandLine> whole;

  enum Shell {
    bash,
    zsh
  }

  @Parameters(paramLabel = "SHELL", description = "${COMPLETION-CANDIDATES}.")
  private Shell shell = Shell.bash;

  /**
   * @param whole the command line with everything in it
   */
  CompletionCommand(Terminal terminal, Supplier<CommandLine> whole) {
    this.terminal = terminal;
    this.whole = whole;
  }

  @Override
  public Integer call() {
    String script = AutoComplete.bash(Cli.NAME, whole.get());
    terminal.out().print(shell == Shell.zsh ? forZsh(script) : script);
    terminal.out().flush();
    return ExitCode.OK;
  }

  /**
   * The same by zsh's emulation of bash. As a file of {@code $fpath} it is run at the first
   * completion, which it then has to answer itself.
   */
  private static String forZsh(String script) {
    String function = "_complete_" + Cli.NAME;
    return "#compdef "
        + Cli.NAME
        + "\n"
        + script
        + "\nif [ \"${funcstack[1]-}\" = _"
        + Cli.NAME
        + " ]; then _bash_complete -o default -F "
        + function
        + "; fi\n";
  }
}
