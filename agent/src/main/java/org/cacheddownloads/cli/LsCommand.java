package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.cacheddownloads.cli.AgentClient.Reply;
import org.cacheddownloads.content.Sizes;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Lists containers with their downloads, or the entries of the cache. */
@Command(
    name = "ls",
    description =
        "List containers with their downloads, one container, or with --entries what the cache holds.",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.Version.class)
final class LsCommand implements Callable<Integer> {
  private static final Duration USUAL_WAIT = Duration.ofSeconds(30);
  private static final String PAGE_ROWS = "500";

  @Mixin private final ClientOptions client;

  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "CONTAINER",
      description = "Only this container, with more about it.")
  private @Nullable String container;

  @Option(names = "--entries", description = "List the entries of the cache.")
  private boolean entries;

  @Option(
      names = "--prefix",
      paramLabel = "P",
      description = "With --entries: those whose key begins with this.")
  private @Nullable String prefix;

  LsCommand(ClientOptions client) {
    this.client = client;
  }

  @Override
  public Integer call() {
    if (entries && container != null) throw misuse("--entries and CONTAINER exclude each other");
    if (!entries && prefix != null) throw misuse("--prefix needs --entries");
    try (AgentClient agent = client.connect(USUAL_WAIT)) {
      if (entries) listEntries(agent);
      else if (container == null) listContainers(agent);
      else showContainer(agent, container);
    }
    return ExitCode.OK;
  }

  private void listContainers(AgentClient agent) {
    Instant now = Instant.now();
    var table = new Table("CONTAINER", "NAME", "SIZE>", "DIGEST", "EXPIRES");
    pages(
        agent,
        UrlPath.of("v1", "containers"),
        "",
        "containers",
        table,
        container -> containerRows(container, now));
  }

  private void listEntries(AgentClient agent) {
    Instant now = Instant.now();
    var table = new Table("KEY", "SIZE>", "DIGEST", "REFERENCES>", "FETCHED", "LAST USED");
    pages(
        agent,
        UrlPath.of("v1", "entries"),
        prefix == null ? "" : prefix,
        "entries",
        table,
        entry -> List.of(entryRow(entry, now)));
  }

  private void showContainer(AgentClient agent, String id) {
    Reply reply;
    try {
      reply = agent.send("GET", UrlPath.container(id, null), null);
    } catch (IllegalArgumentException e) {
      throw misuse(String.valueOf(e.getMessage()));
    }
    if (client.json()) client.out().println(reply.text().strip());
    else containerLines(reply.json(), Instant.now()).forEach(client.out()::println);
  }

  /**
   * Follows the cursors and writes page by page, so that a list of any length needs the memory of
   * one page.
   */
  private void pages(
      AgentClient agent,
      String path,
      String prefix,
      String field,
      Table table,
      Function<JsonObject, List<List<String>>> rows) {
    String cursor = "";
    boolean first = true;
    do {
      var parameters = new LinkedHashMap<>(Map.of("limit", PAGE_ROWS));
      parameters.put("cursor", cursor);
      parameters.put("prefix", prefix);
      Reply reply = agent.send("GET", UrlPath.withQuery(path, parameters), null);
      if (client.json()) client.out().println(reply.text().strip());
      else
        client.print(
            table.page(
                Json.objects(reply.json(), field).stream()
                    .flatMap(item -> rows.apply(item).stream())
                    .toList()),
            first);
      first = false;
      String next = reply.json().getString("next", "");
      cursor = next == null || next.equals(cursor) ? "" : next;
    } while (!cursor.isEmpty());
  }

  static List<List<String>> containerRows(JsonObject container, Instant now) {
    String id = Json.text(container, "container");
    String expires = Times.distance(Json.text(container, "expiresAt"), now);
    var downloads = Json.objects(container, "downloads");
    if (downloads.isEmpty()) return List.of(List.of(id, "-", "-", "-", expires));
    return downloads.stream()
        .map(
            download ->
                List.of(id, Json.text(download, "name"), size(download), digest(download), expires))
        .toList();
  }

  static List<String> entryRow(JsonObject entry, Instant now) {
    return List.of(
        Json.text(entry, "key"),
        size(entry),
        digest(entry),
        Json.text(entry, "references"),
        Times.distance(Json.text(entry, "fetchedAt"), now),
        Times.distance(Json.text(entry, "lastUsedAt"), now));
  }

  static List<String> containerLines(JsonObject container, Instant now) {
    var mount = Json.section(container, "mount");
    var lines = new ArrayList<String>();
    lines.add("container  " + Json.text(container, "container"));
    lines.add(
        "mount      " + Json.text(mount, "source") + " at " + Json.text(mount, "destination"));
    lines.add("created    " + Times.distance(Json.text(container, "createdAt"), now));
    lines.add("expires    " + Times.distance(Json.text(container, "expiresAt"), now));
    var rows =
        Json.objects(container, "downloads").stream()
            .map(
                download ->
                    List.of(
                        Json.text(download, "name"),
                        size(download),
                        digest(download),
                        Json.text(download, "url")))
            .toList();
    lines.add("");
    lines.addAll(new Table("NAME", "SIZE>", "DIGEST", "URL").page(rows));
    return lines;
  }

  private static String size(JsonObject object) {
    return Sizes.format(Json.number(object, "size"));
  }

  /** The algorithm and enough of the digest to tell two apart. */
  private static String digest(JsonObject object) {
    String digest = Json.text(object, "digest");
    return digest.length() > 19 ? digest.substring(0, 19) : digest;
  }

  private ParameterException misuse(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
