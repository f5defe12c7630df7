import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Measures the agent as its users meet it: over its socket, in a process of its own, beside what
 * they would use instead. Started by {@code scripts/bench}; compiled from source by the launcher.
 *
 * <p>Each scenario interleaves the runs of its candidates, so that a change of the machine's mood
 * hits all of them. A slow figure is no failure; a wrong one is.
 */
final class Bench {
  /** How much is measured. Durations are in seconds, sizes in bytes. */
  record Scale(
      int runs,
      int loadSeconds,
      int warmupSeconds,
      long fileBytes,
      List<Integer> delays,
      int archiveFiles,
      List<Integer> entries) {
    static final Scale FULL =
        new Scale(5, 3, 10, 1L << 30, List.of(2, 60), 5_000, List.of(1_000, 100_000, 1_000_000));
    static final Scale SHORT = new Scale(3, 1, 3, 256L << 20, List.of(2), 1_000, List.of(1_000, 20_000));
  }

  private Bench() {}

  public static void main(String[] arguments) throws Exception {
    Path root = Path.of(arguments[0]);
    List<String> options = List.of(arguments).subList(1, arguments.length);
    Scale scale = options.contains("--short") ? Scale.SHORT : Scale.FULL;
    List<Scenario> scenarios = chosen(options);

    Path work = root.resolve("var/bench");
    boolean sound;
    try (var children = new Children(work);
        var agent = AgentProcess.start(children, root, work);
        var nginx = Nginx.start(children, work)) {
      var report = new Report(agent.version(), scale);
      var setting = new Scenario.Setting(scale, root, work, children, agent, nginx, report);
      for (Scenario scenario : scenarios) scenario.run(setting);
      System.out.print(options.contains("--json") ? report.json() : report.text());
      sound = report.faults().isEmpty();
    }
    System.exit(sound ? 0 : 1);
  }

  private static List<Scenario> chosen(List<String> options) {
    var chosen = new ArrayList<Scenario>();
    if (options.contains("burst")) chosen.add(new Burst());
    if (options.contains("hits")) chosen.add(new Hits());
    if (options.contains("cold")) chosen.add(new ColdDownload());
    if (options.contains("archives")) chosen.add(new Archives());
    if (options.contains("troubles")) chosen.add(new Troubles());
    if (options.contains("scale")) chosen.add(new ManyEntries());
    return chosen.isEmpty()
        ? List.of(new Burst(), new Hits(), new ColdDownload(), new Archives(), new Troubles(), new ManyEntries())
        : chosen;
  }

  /** Says on the terminal what is going on; the report alone goes to standard output. */
  static void progress(String text) {
    System.err.println("… " + text);
  }

  /** Empties a directory, or makes it. */
  static void renew(Path directory) throws IOException {
    delete(directory);
    Files.createDirectories(directory);
  }

  static void delete(Path path) throws IOException {
    if (Files.isDirectory(path, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
      try (var inside = Files.list(path)) {
        for (Path child : inside.toList()) delete(child);
      }
    }
    Files.deleteIfExists(path);
  }
}
