package org.cacheddownloads.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.cacheddownloads.config.ConfigReader;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** The man pages tell of what the program has, of all of it, and of nothing else. */
class ManPageTest {
  private static final Path PAGES = Path.of("src/dist/man");
  private static final Pattern FONT = Pattern.compile("\\\\f.");
  private static final Pattern OPTION = Pattern.compile("(?<![\\w-])--?[a-zA-Z][a-z-]*");
  private static final Set<String> OF_ALL = Set.of("-h", "--help", "-V", "--version");
  private static final Set<String> OF_CLIENTS = Set.of("--socket", "--json", "--timeout");

  @Test
  void everyCommandHasItsSectionAndEverySectionItsCommand() throws IOException {
    assertEquals(commands().keySet(), sections("cached-downloads.1", ".SS ").keySet());
  }

  @Test
  void everyOptionIsInTheSectionOfItsCommandAndNoOther() throws IOException {
    var sections = sections("cached-downloads.1", ".SS ");
    var expected = new TreeMap<String, Set<String>>();
    var found = new TreeMap<String, Set<String>>();
    commands()
        .forEach(
            (name, command) -> {
              expected.put(name, own(command));
              found.put(name, options(tags(String.valueOf(sections.get(name)))));
            });
    assertEquals(expected, found);
  }

  @Test
  void everyParameterIsInTheSectionOfItsCommand() throws IOException {
    var sections = sections("cached-downloads.1", ".SS ");
    commands()
        .forEach(
            (name, command) -> {
              for (PositionalParamSpec parameter : command.getCommandSpec().positionalParameters())
                assertTrue(
                    String.valueOf(sections.get(name)).contains(parameter.paramLabel()),
                    name + " takes " + parameter.paramLabel());
            });
  }

  @Test
  void theOptionsOfAllCommandsAreToldOnce() throws IOException {
    String common = sections("cached-downloads.1", ".SH ").get("COMMON OPTIONS");
    var all = new TreeSet<>(OF_ALL);
    all.addAll(OF_CLIENTS);
    assertEquals(all, options(String.valueOf(common)));
  }

  @Test
  void everyExitCodeIsThere() throws Exception {
    var codes = new TreeSet<String>();
    for (Field field : ExitCode.class.getDeclaredFields()) {
      if (field.getType() == int.class) codes.add(String.valueOf(field.getInt(null)));
    }
    String section = String.valueOf(sections("cached-downloads.1", ".SH ").get("EXIT STATUS"));
    assertEquals(
        codes,
        Pattern.compile("(?m)^\\.B ([0-9]+)$")
            .matcher(section)
            .results()
            .map(match -> match.group(1))
            .collect(Collectors.toCollection(TreeSet::new)));
    assertEquals(
        codes,
        Cli.whole(new Console().terminal()).getCommandSpec().usageMessage().exitCodeList().keySet(),
        "the help names the same");
  }

  /** With its default as {@code config show} prints it, and whether it is live. */
  @Test
  void everyKeyIsThereWithItsDefault() throws IOException {
    var expected = new TreeMap<String, String>();
    ConfigShowCommand.rows(new JsonObject(ConfigReader.defaults().tree()))
        .forEach(row -> expected.put(row.get(0), row.get(1)));
    var found = new TreeMap<String, String>();
    Pattern.compile("(?m)^\\.BR ([a-zA-Z.]+) \" \\((.*?)(, live)?\\)\"$")
        .matcher(String.valueOf(sections("cached-downloads.5", ".SH ").get("KEYS")))
        .results()
        .forEach(match -> found.put(match.group(1), match.group(2).replace("\\(dq", "\"")));
    assertEquals(expected, found);
  }

  /** Those that can be typed, with the words before them: {@code container ls}. */
  private static Map<String, CommandLine> commands() {
    var commands = new TreeMap<String, CommandLine>();
    collect("", Cli.whole(new Console().terminal()), commands);
    return commands;
  }

  private static void collect(String prefix, CommandLine line, Map<String, CommandLine> into) {
    line.getSubcommands()
        .forEach(
            (name, command) -> {
              if (command.getSubcommands().isEmpty()) into.put(prefix + name, command);
              else collect(prefix + name + " ", command, into);
            });
  }

  private static Set<String> own(CommandLine command) {
    return command.getCommandSpec().options().stream()
        .map(OptionSpec::names)
        .flatMap(Stream::of)
        .filter(name -> !OF_ALL.contains(name) && !OF_CLIENTS.contains(name))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** The lines behind {@code .TP}: what is explained, not what is mentioned. */
  private static String tags(String section) {
    return Pattern.compile("(?m)^\\.TP\\n(.*)$")
        .matcher(section)
        .results()
        .map(match -> match.group(1))
        .collect(Collectors.joining("\n"));
  }

  private static Set<String> options(String text) {
    return OPTION
        .matcher(text)
        .results()
        .map(match -> match.group())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** By title, without fonts and with plain hyphens; only those that have this macro. */
  private static Map<String, String> sections(String page, String macro) throws IOException {
    String text = FONT.matcher(Files.readString(PAGES.resolve(page))).replaceAll("");
    var sections = new LinkedHashMap<String, String>();
    for (String part : text.replace("\\-", "-").split("(?m)^(?=\\.S[SH] )", -1)) {
      if (macro.equals(".SH ") && part.startsWith(".SS ")) continue;
      int end = part.indexOf('\n');
      if (part.startsWith(macro)) sections.put(part.substring(4, end), part.substring(end));
    }
    return new TreeMap<>(sections);
  }
}
