package org.cacheddownloads.api;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.cacheddownloads.catalog.DownloadRow;
import org.cacheddownloads.config.Config;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Percent;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.cacheddownloads.failure.CacheException.NotFound;
import org.cacheddownloads.fetch.DownloadRequest;
import org.cacheddownloads.fetch.Progress;
import org.cacheddownloads.metrics.Meters;
import org.cacheddownloads.view.ContainerState;
import org.cacheddownloads.view.Views;
import org.cacheddownloads.view.Views.Declared;
import org.jspecify.annotations.Nullable;

/** Downloads and containers: what executors use. */
final class ContainerRoutes {
  private final Supplier<Config> config;
  private final Downloads downloads;
  private final Views views;
  private final Meters meters;

  ContainerRoutes(Supplier<Config> config, Downloads downloads, Views views, Meters meters) {
    this.config = config;
    this.downloads = downloads;
    this.views = views;
    this.meters = meters;
  }

  void addTo(Routes routes) {
    routes
        .add("PUT", "v1/containers/*/downloads/**", this::putDownload)
        .add("DELETE", "v1/containers/*/downloads/**", this::deleteDownload)
        .add("GET", "v1/containers", this::list)
        .add("GET", "v1/containers/*", this::get)
        .add("PUT", "v1/containers/*", this::putContainer)
        .add("DELETE", "v1/containers/*", this::deleteContainer)
        .add("POST", "v1/containers/*/renew", this::renew)
        .add("POST", "v1/reconcile", this::reconcile)
        .add("POST", "v1/prefetch", this::prefetch);
  }

  private static ContainerId container(ApiRequest request) {
    return new ContainerId(decoded("container", request.segments().get(2)));
  }

  private static String decoded(String field, String raw) {
    try {
      return Percent.decode(raw);
    } catch (InvalidRequest e) {
      throw e.in(field);
    }
  }

  private static DownloadName name(ApiRequest request) {
    List<String> segments = request.segments();
    return DownloadName.parseEncoded(String.join("/", segments.subList(4, segments.size())));
  }

  private Answer putDownload(ApiRequest request) {
    ContainerId container = container(request.allowing());
    DownloadName name = name(request);
    DownloadRequest download = download(Json.object(request.body()));
    if (request.wantsLines()) {
      return lines(progress -> reply(downloads.provide(container, name, download, progress).row()));
    }
    Downloads.Shown shown = downloads.provide(container, name, download, Progress.NONE);
    return Answer.Json.of(shown.isNew() ? 201 : 200, reply(shown.row()));
  }

  private Answer prefetch(ApiRequest request) {
    DownloadRequest download = download(Json.object(request.allowing().body()));
    if (request.wantsLines()) {
      return lines(progress -> DownloadReply.ofNobody(downloads.prefetch(download, progress)));
    }
    return Answer.Json.ok(DownloadReply.ofNobody(downloads.prefetch(download, Progress.NONE)));
  }

  private DownloadRequest download(Fields fields) {
    DownloadRequest download = DownloadBody.read(fields, config.get().fetch());
    fields.end();
    return download;
  }

  /** Progress as lines, then how it ended. */
  private Answer lines(Function<Progress, DownloadReply> work) {
    return new Answer.Lines(
        line -> {
          try {
            DownloadReply reply = work.apply(progressTo(line));
            line.accept(event("done", "download", reply));
          } catch (CacheException failure) {
            meters.problem(failure.code());
            var problem = Problems.body(failure, Problems.statusOf(failure), Instances.current());
            line.accept(event("failed", "problem", problem));
          }
        });
  }

  private static Map<String, Object> event(String event, String field, Object value) {
    var line = new LinkedHashMap<String, Object>();
    line.put("event", event);
    line.put(field, value);
    return line;
  }

  private static Progress progressTo(Consumer<Object> line) {
    return (received, total) -> {
      var event = new LinkedHashMap<String, @Nullable Object>();
      event.put("event", "progress");
      event.put("bytes", received);
      event.put("total", total < 0 ? null : total);
      line.accept(event);
    };
  }

  private DownloadReply reply(DownloadRow row) {
    return DownloadReply.of(
        row, config.get().mountPath(), views.hostPath(row.container(), row.name()));
  }

  private Answer putContainer(ApiRequest request) {
    ContainerId container = container(request.allowing());
    Fields fields = Json.object(request.body());
    Optional<Duration> expiresAfter = fields.positiveDuration("expiresAfter");
    List<Fields> items =
        fields
            .objects("downloads", "")
            .orElseThrow(
                () -> fields.fault("downloads", "this field is required; [] makes an empty view"));
    fields.end();
    List<Downloads.Named> set = named(items);
    Declared declared = downloads.declare(container, set, expiresAfter.orElse(null));
    return Answer.Json.of(declared.isNew() ? 201 : 200, reply(declared.state()));
  }

  private List<Downloads.Named> named(List<Fields> items) {
    var set = new ArrayList<Downloads.Named>();
    var names = new HashSet<DownloadName>();
    for (Fields item : items) {
      DownloadName name = item.requiredText("name", DownloadName::parse);
      if (!names.add(name)) {
        throw item.fault("name", "'" + name + "' is in the list twice");
      }
      set.add(new Downloads.Named(name, download(item)));
    }
    checkConflicts(names);
    return set;
  }

  private static void checkConflicts(Set<DownloadName> names) {
    for (DownloadName name : names) {
      for (DownloadName other : names) {
        if (name.depth() < other.depth() && name.conflictsWith(other)) {
          throw new CacheException.Conflict(
              "the names '"
                  + name
                  + "' and '"
                  + other
                  + "' cannot both be in one container: one lies below the other");
        }
      }
    }
  }

  private ContainerReply reply(ContainerState state) {
    return ContainerReply.of(state, config.get().mountPath(), views);
  }

  private Answer get(ApiRequest request) {
    ContainerId container = container(request.allowing());
    return Answer.Json.ok(reply(views.find(container).orElseThrow(() -> unknown(container))));
  }

  private static NotFound unknown(ContainerId container) {
    return new NotFound("there is no container '" + container + "'");
  }

  private Answer list(ApiRequest request) {
    int limit = request.allowing("limit", "cursor").limit();
    List<ContainerState> found = views.list(Cursor.decode(request.parameter("cursor")), limit + 1);
    List<ContainerState> page = found.subList(0, Math.min(limit, found.size()));
    var body = new LinkedHashMap<String, @Nullable Object>();
    body.put("containers", page.stream().map(this::reply).toList());
    body.put(
        "next", found.size() > limit ? Cursor.encode(page.getLast().container().text()) : null);
    return Answer.Json.ok(body);
  }

  private Answer deleteContainer(ApiRequest request) {
    views.release(container(request.allowing()));
    return Answer.Empty.NO_CONTENT;
  }

  private Answer deleteDownload(ApiRequest request) {
    views.release(container(request.allowing()), name(request));
    return Answer.Empty.NO_CONTENT;
  }

  private Answer renew(ApiRequest request) {
    ContainerId container = container(request.allowing());
    Fields fields = Json.object(request.body());
    Duration expiresAfter =
        fields
            .positiveDuration("expiresAfter")
            .orElseThrow(() -> fields.fault("expiresAfter", "this field is required"));
    fields.end();
    return Answer.Json.ok(
        reply(views.renew(container, expiresAfter).orElseThrow(() -> unknown(container))));
  }

  private Answer reconcile(ApiRequest request) {
    Fields fields = Json.object(request.allowing().body());
    List<String> live =
        fields
            .textList("live")
            .orElseThrow(
                () -> fields.fault("live", "this field is required; [] releases every container"));
    fields.end();
    Set<ContainerId> containers =
        live.stream()
            .map(
                id -> {
                  if (!ContainerId.isValid(id)) {
                    throw fields.fault("live", "an item is not a container id");
                  }
                  return new ContainerId(id);
                })
            .collect(Collectors.toSet());
    return Answer.Json.ok(
        Map.of("released", views.reconcile(containers).stream().map(ContainerId::text).toList()));
  }

  /** Cursors are opaque to callers: what the last page ended with. */
  static final class Cursor {
    private Cursor() {}

    static String encode(String last) {
      return Base64.getUrlEncoder()
          .withoutPadding()
          .encodeToString(last.getBytes(StandardCharsets.UTF_8));
    }

    static String decode(Optional<String> cursor) {
      try {
        return cursor
            .map(text -> new String(Base64.getUrlDecoder().decode(text), StandardCharsets.UTF_8))
            .orElse("");
      } catch (IllegalArgumentException e) {
        throw new InvalidRequest("cursor", "not a cursor of an earlier reply");
      }
    }
  }
}
