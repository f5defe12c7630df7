package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.cacheddownloads.cli.AgentClient.Reply;
import org.cacheddownloads.content.Durations;
import org.cacheddownloads.content.Sizes;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Asks the agent for a URL: for a container, or only into the cache. */
@Command(
    name = "fetch",
    description =
        "Fetch a URL: into a container's view with --container, else only into the cache.",
    footer =
        "%nArguments may be read from a file, as in 'fetch @FILE', which keeps headers out of the list of processes.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class FetchCommand implements Callable<Integer> {
  /**
   * Longer than the agent's own default deadline by far: the agent decides, this only bounds the
   * wait.
   */
  private static final Duration LONGEST_FETCH = Duration.ofHours(1);

  /** What the agent needs to say that its deadline has passed. */
  private static final Duration GRACE = Duration.ofSeconds(10);

  @Mixin private final ClientOptions client;

  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Parameters(paramLabel = "URL", description = "What to fetch, http or https.")
  private String url = "";

  @Option(
      names = "--container",
      paramLabel = "ID",
      description = "The container to give the download to.")
  private @Nullable String container;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "Its name in the container (default: the last segment of the URL's path).")
  private @Nullable String name;

  @Option(names = "--key", paramLabel = "KEY", description = "The cache key (default: the URL).")
  private @Nullable String key;

  @Option(
      names = "--checksum",
      paramLabel = "ALG:HEX",
      description = "What the bytes must be: md5, sha1, sha256 or sha512.")
  private @Nullable String checksum;

  @Option(names = "--executable", description = "Hand the file out as executable.")
  private boolean executable;

  @Option(names = "--directory", description = "Unpack the archive and hand out a directory.")
  private boolean directory;

  @Option(
      names = "--mount",
      description = "With --directory: an empty directory to mount the tree on, instead of links.")
  private boolean mount;

  @Option(
      names = {"-H", "--header"},
      paramLabel = "'NAME: VALUE'",
      description = "A header for the origin; may be repeated.")
  private List<String> headers = new ArrayList<>();

  @Option(
      names = "--mirror",
      paramLabel = "URL",
      description = "Where else to try, in order; may be repeated.")
  private List<String> mirrors = new ArrayList<>();

  @Option(
      names = "--max-age",
      paramLabel = "DURATION",
      description = "Take an entry of at most this age without asking the origin.")
  private @Nullable Duration maxAge;

  @Option(
      names = "--max-stale",
      paramLabel = "DURATION",
      description = "If the origin fails, take an entry at most this stale.")
  private @Nullable Duration maxStale;

  FetchCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    String label = container == null ? lastSegment(url) : downloadName();
    String method = container == null ? "POST" : "PUT";
    String path = path();
    JsonObject body = body();
    Reply reply;
    try (AgentClient agent = client.connect(LONGEST_FETCH, GRACE)) {
      reply = ask(agent, method, path, body, label.isEmpty() ? "fetching" : label);
    }
    if (client.json()) client.out().println(reply.text().strip());
    else lines(reply.json()).forEach(client.out()::println);
    return ExitCode.OK;
  }

  private Reply ask(AgentClient agent, String method, String path, JsonObject body, String label) {
    Terminal terminal = client.terminal();
    if (client.json() || !terminal.errIsTerminal()) return agent.send(method, path, body);
    try (var bar =
        new ProgressBar(
            terminal.err(),
            terminal.size().columns(),
            Terminal.printable(label),
            System::nanoTime)) {
      return agent.sendWithProgress(method, path, body, bar);
    }
  }

  private String path() {
    if (container == null) return UrlPath.of("v1", "prefetch");
    try {
      return UrlPath.container(container, downloadName());
    } catch (IllegalArgumentException e) {
      throw misuse(String.valueOf(e.getMessage()));
    }
  }

  private String downloadName() {
    if (name != null) return name;
    String last = lastSegment(url);
    if (last.isEmpty() || last.indexOf('/') >= 0)
      throw misuse("the URL ends in no name; give one with --name");
    return last;
  }

  /** What the request says; only what was given, so that the agent's defaults hold. */
  private JsonObject body() {
    if (container == null && (name != null || executable))
      throw misuse("--name and --executable need --container");
    if (mount && (!directory || container == null))
      throw misuse("--mount needs --directory and --container");
    if (directory && executable)
      throw misuse("--executable is for files; in a directory the archive says what is executable");
    var fields = new LinkedHashMap<String, @Nullable Object>();
    fields.put("url", url);
    fields.put("cacheKey", key);
    fields.put("checksum", checksum);
    fields.put("executable", executable ? true : null);
    fields.put("as", directory ? "directory" : null);
    fields.put("deliver", mount ? "mount" : null);
    fields.put("headers", headers.isEmpty() ? null : Json.of(headerFields()));
    fields.put("mirrors", mirrors.isEmpty() ? null : mirrors);
    fields.put("maxAge", text(maxAge));
    fields.put("maxStale", text(maxStale));
    fields.put("timeout", text(client.timeout()));
    return Json.of(fields);
  }

  private Map<String, String> headerFields() {
    var fields = new LinkedHashMap<String, String>();
    for (String header : headers) {
      int colon = header.indexOf(':');
      if (colon < 1) throw misuse("-H takes 'Name: value'"); // the text itself may be a secret
      String field = header.substring(0, colon).strip();
      boolean twice = fields.keySet().stream().anyMatch(field::equalsIgnoreCase);
      if (twice)
        throw misuse("the header " + field + " is there twice; join its values with commas");
      fields.put(field, header.substring(colon + 1).strip());
    }
    return fields;
  }

  private ParameterException misuse(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private static @Nullable String text(@Nullable Duration duration) {
    return duration == null ? null : Durations.format(duration);
  }

  /** Decoded; empty where the path ends in a slash or the URL cannot be read. */
  static String lastSegment(String url) {
    try {
      String path = new URI(url).getRawPath();
      if (path == null) return "";
      String last = path.substring(path.lastIndexOf('/') + 1);
      return last.isEmpty() ? "" : String.valueOf(new URI("/" + last).getPath()).substring(1);
    } catch (URISyntaxException e) {
      return "";
    }
  }

  /** A download as lines of words and values. */
  static List<String> lines(JsonObject download) {
    var lines = new ArrayList<String>();
    if (download.getValue("name") != null) lines.add(line("name", Json.text(download, "name")));
    lines.add(line("outcome", Json.text(download, "outcome")));
    lines.add(line("size", Sizes.format(Json.number(download, "size")) + effort(download)));
    lines.add(line("digest", Json.text(download, "digest")));
    if (download.getValue("treeDigest") != null) lines.add(line("tree", tree(download)));
    if (download.getValue("cacheKey") != null)
      lines.add(line("key", Json.text(download, "cacheKey")));
    if (download.getValue("path") != null) lines.add(line("path", Json.text(download, "path")));
    if (download.getValue("hostPath") != null)
      lines.add(line("host path", Json.text(download, "hostPath")));
    return lines;
  }

  private static String tree(JsonObject download) {
    return String.format(
        Locale.ROOT,
        "%,d files, %s, %s",
        Json.number(download, "files"),
        Sizes.format(Json.number(download, "treeBytes")),
        Json.text(download, "treeDigest"));
  }

  private static String effort(JsonObject download) {
    String time = Times.span(Duration.ofMillis(Json.number(download, "durationMillis")));
    long fetched = Json.number(download, "bytesFetched");
    return fetched == 0
        ? ", nothing fetched, in " + time
        : ", fetched " + Sizes.format(fetched) + " in " + time;
  }

  private static String line(String word, String value) {
    return String.format(Locale.ROOT, "%-10s %s", word, value);
  }
}
