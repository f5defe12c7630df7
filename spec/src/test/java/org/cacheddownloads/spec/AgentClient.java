package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Talks to an agent on one of its listeners, a connection for each request. Every request and every
 * reply is held against {@link Contract}. Thread-safe. What a method needs to be true of the reply
 * it asserts itself, so that a test says only what it is about.
 */
class AgentClient {
  private static final long MAX_SECONDS = 120;
  private static final ExecutorService THREADS = Executors.newVirtualThreadPerTaskExecutor();

  private final SocketAddress address;
  private final Contract.Listener listener;

  AgentClient(SocketAddress address, Contract.Listener listener) {
    this.address = address;
    this.listener = listener;
  }

  SocketAddress address() {
    return address;
  }

  // ---- any request

  Reply send(Request request) {
    try {
      return sendAsync(request).join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof AssertionError broken) {
        throw broken;
      }
      throw e;
    }
  }

  /** The request is on its way when this returns; the reply is waited for on a virtual thread. */
  CompletableFuture<Reply> sendAsync(Request request) {
    Exchange exchange = Exchange.open(address, request);
    return CompletableFuture.supplyAsync(exchange::reply, THREADS)
        .orTimeout(MAX_SECONDS, TimeUnit.SECONDS)
        .whenComplete((_, _) -> exchange.close())
        .thenApply(
            reply -> {
              Contract.check(listener, request, reply);
              return reply;
            });
  }

  /** A request whose caller may hang up before the reply: {@link Exchange#close}. */
  Exchange open(Request request) {
    return Exchange.open(address, request);
  }

  Reply get(String target) {
    return send(Request.get(target));
  }

  Reply post(String target, Object... namesAndValues) {
    return send(Request.post(target, Json.object(namesAndValues)));
  }

  // ---- downloads

  /**
   * Gives a container a download; {@code more} are further fields of the request, alternating names
   * and values.
   */
  Download download(String container, String name, String url, Object... more) {
    return downloaded(send(downloadRequest(container, name, url, more)));
  }

  CompletableFuture<Download> downloadAsync(
      String container, String name, String url, Object... more) {
    return sendAsync(downloadRequest(container, name, url, more))
        .thenApply(AgentClient::downloaded);
  }

  /** The same request, where a problem is the promise. */
  Problem refused(String container, String name, String url, Object... more) {
    Reply reply = send(downloadRequest(container, name, url, more));
    assertThat(reply.status())
        .as("a problem was promised, not %s", reply)
        .isGreaterThanOrEqualTo(400);
    return reply.problem();
  }

  static Request downloadRequest(String container, String name, String url, Object... more) {
    return Request.put(Request.downloadPath(container, name), Json.download(url, more));
  }

  /** Fetches into the cache alone. */
  Download prefetch(String url, Object... more) {
    return downloaded(send(prefetchRequest(url, more)));
  }

  CompletableFuture<Download> prefetchAsync(String url, Object... more) {
    return sendAsync(prefetchRequest(url, more)).thenApply(AgentClient::downloaded);
  }

  static Request prefetchRequest(String url, Object... more) {
    return Request.post("/v1/prefetch", Json.download(url, more));
  }

  private static Download downloaded(Reply reply) {
    return new Download(reply.expect(200, 201).status(), reply.json());
  }

  /** Declares the whole set of a container; {@code more} are fields beside {@code downloads}. */
  Reply declare(String container, List<ObjectNode> downloads, Object... more) {
    ObjectNode body = Json.object("downloads", downloads);
    body.setAll(Json.object(more));
    return send(Request.put(Request.containerPath(container), body));
  }

  JsonNode container(String container) {
    return get(Request.containerPath(container)).expect(200).json();
  }

  boolean knows(String container) {
    return get(Request.containerPath(container)).expect(200, 404).status() == 200;
  }

  void release(String container) {
    send(Request.delete(Request.containerPath(container))).expect(204);
  }

  void release(String container, String name) {
    send(Request.delete(Request.downloadPath(container, name))).expect(204);
  }

  // ---- cache

  /** All entries, over as many pages as there are. */
  List<JsonNode> entries() {
    return pages("/v1/entries?limit=100", "entries");
  }

  /** The keys of all entries. */
  List<String> keys() {
    return entries().stream().map(entry -> entry.path("key").asText()).toList();
  }

  JsonNode entry(String key) {
    return get(Request.entryPath(key)).expect(200).json();
  }

  /** All items of a list that comes in pages; {@code first} has a query. */
  List<JsonNode> pages(String first, String field) {
    var items = new ArrayList<JsonNode>();
    JsonNode page = get(first).expect(200).json();
    page.path(field).forEach(items::add);
    while (page.path("next").isTextual()) {
      page =
          get(first + "&cursor=" + Request.encoded(page.path("next").asText())).expect(200).json();
      page.path(field).forEach(items::add);
    }
    return items;
  }

  /** Whether bytes of this digest are in the cache. */
  boolean hasBlob(String digest) {
    return send(Request.of("HEAD", "/v1/blobs/" + digest)).expect(200, 404).status() == 200;
  }

  // ---- figures

  /** One figure of {@code /v1/stats} by its path, {@code disk.usedBytes}. */
  long stat(String path) {
    return stats().at("/" + path.replace('.', '/')).asLong();
  }

  JsonNode stats() {
    return get("/v1/stats").expect(200).json();
  }

  /**
   * The sum of the samples of a metric that have these labels, alternating names and values; 0 when
   * there is none.
   */
  double metric(String name, String... labels) {
    return samples(name, labels)
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  /** The lines of a metric that have these labels. */
  Stream<String> samples(String name, String... labels) {
    return get("/metrics").expect(200).text().lines().filter(line -> isSample(line, name, labels));
  }

  /** Waits until a metric is at least this. */
  void awaitMetric(String name, double atLeast) {
    eventually()
        .untilAsserted(() -> assertThat(metric(name)).as(name).isGreaterThanOrEqualTo(atLeast));
  }

  private static boolean isSample(String line, String name, String... labels) {
    Matcher sample = Pattern.compile("([a-zA-Z0-9_]+)(\\{.*})? \\S+").matcher(line);
    if (!sample.matches() || !sample.group(1).equals(name)) {
      return false;
    }
    String found = sample.group(2) == null ? "" : sample.group(2);
    for (int i = 0; i < labels.length; i += 2) {
      if (!found.contains(labels[i] + "=\"" + labels[i + 1] + "\"")) {
        return false;
      }
    }
    return true;
  }

  /** The value of a call that must be over soon; its failure is thrown as it was. */
  static <T> T result(CompletableFuture<T> call) {
    try {
      return call.get(MAX_SECONDS, TimeUnit.SECONDS);
    } catch (Exception e) {
      return fail("the call failed", e);
    }
  }
}
