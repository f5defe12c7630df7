package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.cacheddownloads.cli.AgentClient.Reply;
import org.cacheddownloads.content.Sizes;

/** Containers and entries as tables; with {@code --json} the agent's pages, one a line. */
final class Lists {
  private static final String PAGE_ROWS = "500";

  private final ClientOptions client;
  private final AgentClient agent;
  private final Instant now = Instant.now();

  Lists(ClientOptions client, AgentClient agent) {
    this.client = client;
    this.agent = agent;
  }

  /** Every container with its downloads. */
  void containers() {
    var table = new Table("CONTAINER", "NAME", "SIZE>", "DIGEST", "EXPIRES");
    pages(
        UrlPath.of("v1", "containers"),
        Map.of(),
        "containers",
        table,
        container -> containerRows(container, now));
  }

  /** The entries to which all of these parameters apply; an empty one does not count. */
  void entries(Map<String, String> parameters) {
    var table = new Table("KEY", "SIZE>", "DIGEST", "REFERENCES>", "FETCHED", "LAST USED");
    pages(
        UrlPath.of("v1", "entries"),
        parameters,
        "entries",
        table,
        entry -> List.of(entryRow(entry, now)));
  }

  /**
   * One container.
   *
   * @throws IllegalArgumentException if the id can be none
   */
  void container(String id) {
    Reply reply = agent.send("GET", UrlPath.container(id, null), null);
    client.show(reply, () -> containerLines(reply.json(), now));
  }

  /**
   * Follows the cursors and writes page by page, so that a list of any length needs the memory of
   * one page.
   */
  private void pages(
      String path,
      Map<String, String> conditions,
      String field,
      Table table,
      Function<JsonObject, List<List<String>>> rows) {
    String cursor = "";
    boolean first = true;
    do {
      var parameters = new LinkedHashMap<>(Map.of("limit", PAGE_ROWS));
      parameters.put("cursor", cursor);
      parameters.putAll(conditions);
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
    for (JsonObject more : Json.objects(container, "mounts"))
      lines.add(
          "and mount  " + Json.text(more, "source") + " at " + Json.text(more, "destination"));
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
}
