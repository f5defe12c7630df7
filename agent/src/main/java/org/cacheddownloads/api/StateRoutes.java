package org.cacheddownloads.api;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.cacheddownloads.config.Config.Changes;
import org.cacheddownloads.config.Settings;
import org.cacheddownloads.failure.CacheException.Draining;
import org.cacheddownloads.failure.CacheException.NotReady;
import org.cacheddownloads.metrics.Meters;
import org.cacheddownloads.store.StorageHealth;
import org.jspecify.annotations.Nullable;

/**
 * What the agent says of itself. Health and metrics are on both listeners and are answered whatever
 * the gate says.
 */
final class StateRoutes {
  private final Supplier<Settings> settings;
  private final Supplier<Map<String, Object>> stats;
  private final Supplier<Changes> reload;
  private final Meters meters;
  private final Gate gate;
  private final StorageHealth storage;

  StateRoutes(
      Supplier<Settings> settings,
      Supplier<Map<String, Object>> stats,
      Supplier<Changes> reload,
      Meters meters,
      Gate gate,
      StorageHealth storage) {
    this.settings = settings;
    this.stats = stats;
    this.reload = reload;
    this.meters = meters;
    this.gate = gate;
    this.storage = storage;
  }

  void addHealthTo(Routes routes) {
    routes
        .add("GET", "livez", _ -> new Answer.Text(200, "ok\n", "text/plain; charset=utf-8"))
        .add("GET", "readyz", _ -> ready())
        .add(
            "GET",
            "metrics",
            _ -> new Answer.Text(200, meters.scrape(), "text/plain; version=0.0.4; charset=utf-8"));
  }

  void addTo(Routes routes) {
    routes
        .add("GET", "v1/stats", request -> Answer.Json.ok(statsFor(request)))
        .add("GET", "v1/config", request -> Answer.Json.ok(treeFor(request)))
        .add("POST", "v1/config/reload", this::reload);
  }

  private Map<String, Object> statsFor(ApiRequest request) {
    request.allowing();
    return stats.get();
  }

  private Map<String, @Nullable Object> treeFor(ApiRequest request) {
    request.allowing();
    return settings.get().tree();
  }

  private Answer ready() {
    var reasons = new ArrayList<>(gate.reasons());
    storage.trouble().ifPresent(reasons::add);
    return reasons.isEmpty()
        ? new Answer.Text(200, "ok\n", "text/plain; charset=utf-8")
        : Problems.notReady(
            gate.isDraining() ? new Draining() : new NotReady(String.join("; ", reasons), null),
            reasons);
  }

  private Answer reload(ApiRequest request) {
    if (request.allowing().body().length > 0) {
      Json.object(request.body()).end();
    }
    Changes changes = reload.get();
    var body = new LinkedHashMap<String, Object>();
    body.put("changed", changes.changed());
    body.put("needsRestart", changes.needsRestart());
    return Answer.Json.ok(body);
  }
}
