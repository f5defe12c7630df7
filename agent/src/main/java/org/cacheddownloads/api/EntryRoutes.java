package org.cacheddownloads.api;

import java.time.Clock;
import java.time.Instant;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.Catalog.EntryFilter;
import org.cacheddownloads.catalog.Catalog.EvictionRank;
import org.cacheddownloads.catalog.EntryRow;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Entry;
import org.cacheddownloads.content.Percent;
import org.cacheddownloads.content.SourceUrl;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.cacheddownloads.failure.CacheException.NotFound;
import org.cacheddownloads.fetch.Explainer;
import org.cacheddownloads.fetch.Explainer.Explanation;
import org.cacheddownloads.space.Evictor;
import org.cacheddownloads.space.Evictor.Prune;
import org.cacheddownloads.space.Evictor.Pruned;
import org.cacheddownloads.space.Verifier;
import org.cacheddownloads.view.Views;
import org.jspecify.annotations.Nullable;

/** Entries, and what operators do to the cache as a whole. */
final class EntryRoutes {
  /** Containers named in an explanation: enough to see who it is. */
  private static final int MOST_HOLDERS = 100;

  private final Catalog catalog;
  private final Evictor evictor;
  private final Verifier verifier;
  private final Views views;
  private final Explainer explainer;
  private final Clock clock;

  EntryRoutes(
      Catalog catalog,
      Evictor evictor,
      Verifier verifier,
      Views views,
      Explainer explainer,
      Clock clock) {
    this.catalog = catalog;
    this.evictor = evictor;
    this.verifier = verifier;
    this.views = views;
    this.explainer = explainer;
    this.clock = clock;
  }

  void addTo(Routes routes) {
    routes
        .add("GET", "v1/explain", this::explain)
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

  // ---- what would happen ----

  private Answer explain(ApiRequest request) {
    request.allowing("url", "key");
    Optional<String> url = request.parameter("url");
    Optional<String> key = request.parameter("key");
    if (url.isPresent() == key.isPresent()) {
      throw new InvalidRequest("url", "one of url and key is needed, and not both");
    }
    return Answer.Json.ok(
        body(
            url.isPresent()
                ? explainer.explain(url(url.get()))
                : explainer.explain(key(key.orElseThrow()))));
  }

  private Map<String, @Nullable Object> body(Explanation explanation) {
    var body = new LinkedHashMap<String, @Nullable Object>();
    EntryRow row = explanation.entry().orElse(null);
    Entry entry = row == null ? null : row.entry();
    body.put("key", explanation.key().text());
    body.put("url", entry == null ? null : entry.url());
    body.put("decision", explanation.decision().label());
    body.put("reason", explanation.reason());
    body.put("entry", row == null ? null : reply(row));
    body.put("freshUntil", entry == null ? null : Json.time(entry.freshUntil()));
    body.put("mustRevalidate", explanation.mustRevalidate());
    body.put("validator", entry == null ? null : validator(entry));
    body.put("heldBy", entry == null ? List.of() : holders(entry.digest()));
    body.put("evictionRank", row == null ? null : rank(row));
    body.put("policy", policy(explanation.policy()));
    return body;
  }

  private static @Nullable Map<String, @Nullable Object> validator(Entry entry) {
    if (!entry.validator().isPresent()) {
      return null;
    }
    var validator = new LinkedHashMap<String, @Nullable Object>();
    validator.put("etag", entry.validator().etag());
    validator.put("lastModified", Json.time(entry.validator().lastModifiedAt()));
    return validator;
  }

  private List<Map<String, String>> holders(Digest digest) {
    return views.holders(digest, MOST_HOLDERS).stream()
        .map(
            holder ->
                Map.of("container", holder.container().text(), "name", holder.name().toString()))
        .toList();
  }

  /** Of the form that would go first. */
  private @Nullable Map<String, Long> rank(EntryRow row) {
    Digest digest = row.entry().digest();
    return Stream.of(Stored.file(digest), Stored.tree(digest))
        .flatMap(stored -> evictor.evictionRank(stored).stream())
        .min(Comparator.comparingLong(EvictionRank::position))
        .map(rank -> Map.of("position", rank.position(), "of", rank.of()))
        .orElse(null);
  }

  private static @Nullable Map<String, @Nullable Object> policy(Explainer.@Nullable Policy policy) {
    if (policy == null) {
      return null;
    }
    var body = new LinkedHashMap<String, @Nullable Object>();
    body.put("allowed", policy.refusal() == null);
    body.put("reason", policy.refusal());
    body.put("rule", policy.rule());
    body.put("proxy", policy.proxy());
    body.put("concurrency", policy.concurrency());
    return body;
  }

  private static CacheKey key(String text) {
    try {
      return new CacheKey(text);
    } catch (InvalidRequest e) {
      throw e.in("key");
    }
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
