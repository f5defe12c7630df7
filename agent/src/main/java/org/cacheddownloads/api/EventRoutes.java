package org.cacheddownloads.api;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.cacheddownloads.fetch.Flights;
import org.cacheddownloads.trace.Events;
import org.cacheddownloads.trace.Events.Event;
import org.cacheddownloads.trace.Events.Kind;
import org.cacheddownloads.trace.Phase;
import org.cacheddownloads.trace.RequestLog;
import org.cacheddownloads.trace.RequestLog.Served;
import org.jspecify.annotations.Nullable;

/**
 * What happens and happened: fetches under way, the last requests with where their time went, and
 * events as they come.
 */
final class EventRoutes {
  /** So often a reader that hears of nothing is shown that the agent is there. */
  private static final Duration HEARTBEAT = Duration.ofSeconds(15);

  /** Readers are tools, of which a cell has a few; each has a thread and a connection. */
  private static final int MOST_READERS = 64;

  private static final Set<String> KINDS =
      Stream.of(Kind.values()).map(Kind::label).collect(Collectors.toUnmodifiableSet());

  private final Flights flights;
  private final RequestLog requests;
  private final Events events;
  private final Semaphore readers = new Semaphore(MOST_READERS);

  EventRoutes(Flights flights, RequestLog requests, Events events) {
    this.flights = flights;
    this.requests = requests;
    this.events = events;
  }

  void addTo(Routes routes) {
    routes
        .add("GET", "v1/fetches", this::fetches)
        .add("GET", "v1/requests", this::requests)
        .add("GET", "v1/events", this::events);
  }

  private Answer fetches(ApiRequest request) {
    request.allowing();
    return Answer.Json.ok(
        Map.of("fetches", flights.running().stream().map(EventRoutes::body).toList()));
  }

  private static Map<String, @Nullable Object> body(Flights.Running running) {
    var body = new LinkedHashMap<String, @Nullable Object>();
    body.put("key", running.key().text());
    body.put("url", running.url());
    body.put("phase", running.phase() == null ? null : running.phase().label());
    body.put("bytes", running.receivedBytes());
    body.put("total", running.totalBytes() < 0 ? null : running.totalBytes());
    body.put("waiters", running.waiters());
    body.put("startedAt", Json.time(running.startedAt()));
    return body;
  }

  private Answer requests(ApiRequest request) {
    boolean slow = flag(request.allowing("slow"), "slow", false);
    List<Served> served = slow ? requests.slow() : requests.last();
    return Answer.Json.ok(Map.of("requests", served.stream().map(EventRoutes::body).toList()));
  }

  private static boolean flag(ApiRequest request, String name, boolean usual) {
    return switch (request.parameter(name).orElse(usual ? "1" : "0")) {
      case "1", "true" -> true;
      case "0", "false" -> false;
      default -> throw new InvalidRequest(name, name + " is 1 or 0");
    };
  }

  private static Map<String, @Nullable Object> body(Served served) {
    var body = new LinkedHashMap<String, @Nullable Object>();
    body.put("instance", "urn:uuid:" + served.id());
    body.put("at", Json.time(served.at()));
    body.put("container", served.container());
    body.put("name", served.name());
    body.put("key", served.key());
    body.put("url", served.url());
    body.put("outcome", served.outcome());
    body.put("code", served.code());
    body.put("bytes", served.bytes());
    body.put("durationMillis", served.took().toMillis());
    Phase waitedFor = served.waitedFor();
    body.put("waitedFor", waitedFor == null ? null : waitedFor.label());
    body.put(
        "phases",
        served.phases().entrySet().stream()
            .map(
                phase ->
                    Map.of("phase", phase.getKey().label(), "millis", millis(phase.getValue())))
            .toList());
    return body;
  }

  /** To the microsecond: most phases of a hit are below a millisecond. */
  private static double millis(Duration duration) {
    return TimeUnit.NANOSECONDS.toMicros(duration.toNanos()) / 1e3;
  }

  // ---- events ----

  private Answer events(ApiRequest request) {
    request.allowing("since", "follow", "kind");
    boolean follow = flag(request, "follow", true);
    Set<String> kinds = request.parameter("kind").map(EventRoutes::kinds).orElse(KINDS);
    long since =
        request
            .parameter("since")
            .map(EventRoutes::number)
            .orElseGet(follow ? events::last : () -> 0L);
    if (!follow) {
      List<Event> kept = events.after(since);
      return new Answer.Lines(
          line ->
              kept.stream().filter(event -> isOf(event, kinds)).forEach(e -> line.accept(body(e))));
    }
    if (!readers.tryAcquire()) {
      throw new Busy(MOST_READERS + " readers follow the events already; end one of them", null);
    }
    return new Answer.Lines(line -> follow(since, kinds, line), readers::release);
  }

  private static Set<String> kinds(String list) {
    Set<String> kinds = Set.copyOf(List.of(list.split(",", -1)));
    if (!KINDS.containsAll(kinds)) {
      throw new InvalidRequest(
          "kind", "kind is a list, by commas, of " + KINDS.stream().sorted().toList());
    }
    return kinds;
  }

  private static long number(String text) {
    try {
      long number = Long.parseLong(text);
      if (number >= 0) {
        return number;
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw new InvalidRequest("since", "since is the id of an event, or 0");
  }

  private static boolean isOf(Event event, Set<String> kinds) {
    return kinds.contains(event.kind().label());
  }

  private void follow(long since, Set<String> kinds, Consumer<Object> line) {
    long seen = since;
    try {
      while (!events.hasEnded()) {
        if (!events.await(seen, HEARTBEAT)) {
          line.accept(Map.of("event", "alive", "id", seen));
          continue;
        }
        for (Event event : events.after(seen)) {
          if (event.id() > seen + 1) {
            line.accept(
                Map.of("event", "missed", "id", event.id() - 1, "count", event.id() - 1 - seen));
          }
          seen = event.id();
          if (isOf(event, kinds)) {
            line.accept(body(event));
          }
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the reader hung up
    }
  }

  private static Map<String, @Nullable Object> body(Event event) {
    var body = new LinkedHashMap<String, @Nullable Object>();
    body.put("id", event.id());
    body.put("at", Json.time(event.at()));
    body.put("event", event.kind().label());
    body.putAll(event.facts());
    return body;
  }
}
