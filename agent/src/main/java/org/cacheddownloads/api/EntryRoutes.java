package org.cacheddownloads.api;

import java.time.Clock;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.Catalog.EntryFilter;
import org.cacheddownloads.catalog.EntryRow;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Entry;
import org.cacheddownloads.content.Percent;
import org.cacheddownloads.content.SourceUrl;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.cacheddownloads.failure.CacheException.NotFound;
import org.cacheddownloads.space.Evictor;
import org.cacheddownloads.space.Evictor.Prune;
import org.cacheddownloads.space.Evictor.Pruned;
import org.cacheddownloads.space.Verifier;
import org.cacheddownloads.view.Views;
import org.jspecify.annotations.Nullable;

/** Entries, and what operators do to the cache as a whole. */
final class EntryRoutes {
  private final Catalog catalog;
  private final Evictor evictor;
  private final Verifier verifier;
  private final Views views;
  private final Clock clock;

  EntryRoutes(Catalog catalog, Evictor evictor, Verifier verifier, Views views, Clock clock) {
    this.catalog = catalog;
    this.evictor = evictor;
    this.verifier = verifier;
    this.views = views;
    this.clock = clock;
  }

  void addTo(Routes routes) {
    routes
        .add("GET", "v1/entries", this::list)
        .add("GET", "v1/entries/**", this::get)
        .add("DELETE", "v1/entries/**", this::delete)
        .add("POST", "v1/prune", this::prune)
        .add("POST", "v1/verify", this::verify);
  }

  private Answer list(ApiRequest request) {
    int limit = request.allowing("limit", "cursor", "prefix", "url").limit();
    Optional<SourceUrl> url = request.parameter("url").map(EntryRoutes::url);
    var filter =
        new EntryFilter(
            request.parameter("prefix").orElse(""),
            url.map(SourceUrl::identity).orElse(null),
            url.map(found -> !found.hasQuery()).orElse(false));
    List<EntryRow> found =
        catalog.entries(
            filter, ContainerRoutes.Cursor.decode(request.parameter("cursor")), limit + 1);
    List<EntryRow> page = found.subList(0, Math.min(limit, found.size()));
    var body = new LinkedHashMap<String, @Nullable Object>();
    body.put("entries", page.stream().map(this::reply).toList());
    body.put(
        "next",
        found.size() > limit
            ? ContainerRoutes.Cursor.encode(page.getLast().entry().key().text())
            : null);
    return Answer.Json.ok(body);
  }

  private static SourceUrl url(String text) {
    try {
      return SourceUrl.parse(text);
    } catch (InvalidRequest e) {
      throw e.in("url");
    }
  }

  private Map<String, @Nullable Object> reply(EntryRow row) {
    Map<String, @Nullable Object> reply = reply(row.entry());
    reply.put("forms", forms(row));
    reply.put("references", views.references(row.entry().digest()));
    reply.put("lastUsedAt", Json.time(row.lastUsedAt()));
    return reply;
  }

  private static List<String> forms(EntryRow row) {
    return Stream.of(row.hasFile() ? "file" : "", row.hasTree() ? "directory" : "")
        .filter(form -> !form.isEmpty())
        .toList();
  }

  private static Map<String, @Nullable Object> reply(Entry entry) {
    var reply = new LinkedHashMap<String, @Nullable Object>();
    reply.put("key", entry.key().text());
    reply.put("url", entry.url());
    reply.put("digest", entry.digest().toString());
    reply.put("size", entry.size());
    reply.put("fetchedAt", Json.time(entry.fetchedAt()));
    reply.put("freshUntil", Json.time(entry.freshUntil()));
    reply.put("etag", entry.validator().etag());
    reply.put("lastModified", Json.time(entry.validator().lastModifiedAt()));
    return reply;
  }

  /** A key is one escaped segment; slashes that were not escaped belong to it as well. */
  private static CacheKey key(ApiRequest request) {
    List<String> segments = request.segments();
    try {
      return new CacheKey(Percent.decode(String.join("/", segments.subList(2, segments.size()))));
    } catch (InvalidRequest e) {
      throw e.in("key");
    }
  }

  private Answer get(ApiRequest request) {
    CacheKey key = key(request.allowing());
    return Answer.Json.ok(
        catalog
            .entry(key)
            .map(this::reply)
            .orElseThrow(() -> new NotFound("there is no entry with this key")));
  }

  private Answer delete(ApiRequest request) {
    evictor.deleteEntry(key(request.allowing()));
    return Answer.Empty.NO_CONTENT;
  }

  private Answer prune(ApiRequest request) {
    Fields fields = Json.object(request.allowing().body());
    Instant usedBefore =
        fields.duration("olderThan").map(age -> clock.instant().minus(age)).orElse(null);
    var prune =
        new Prune(
            fields.size("targetBytes").orElse(0L),
            usedBefore,
            fields.text("keyPrefix", text -> text).orElse(null),
            fields.flag("dryRun"));
    fields.end();
    Pruned pruned = evictor.prune(prune);
    var body = new LinkedHashMap<String, Object>();
    body.put("entries", pruned.entries().stream().map(entry -> reply(entry)).toList());
    body.put("freedBytes", pruned.freedBytes());
    return Answer.Json.ok(body);
  }

  private Answer verify(ApiRequest request) {
    Fields fields = Json.object(request.allowing().body());
    Optional<Digest> digest = fields.text("digest", Digest::parse);
    fields.end();
    Verifier.Report report =
        digest.isPresent()
            ? verifier
                .verify(digest.get())
                .orElseThrow(() -> new NotFound("there is no blob " + digest.get()))
            : verifier.verifyAll();
    var body = new LinkedHashMap<String, Object>();
    body.put("checked", report.checked());
    body.put(
        "corrupt",
        report.corrupt().stream()
            .map(corrupt -> Map.of("digest", corrupt.digest().toString(), "inUse", corrupt.inUse()))
            .toList());
    return Answer.Json.ok(body);
  }
}
