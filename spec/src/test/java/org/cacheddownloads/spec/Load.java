package org.cacheddownloads.spec;

import static org.cacheddownloads.spec.Ledger.NOTHING;
import static org.cacheddownloads.spec.LoadOrigin.Kind.ARCHIVE;
import static org.cacheddownloads.spec.LoadOrigin.Kind.CHUNKED;
import static org.cacheddownloads.spec.LoadOrigin.Kind.CUT;
import static org.cacheddownloads.spec.LoadOrigin.Kind.FRESH;
import static org.cacheddownloads.spec.LoadOrigin.Kind.FRESH_ARCHIVE;
import static org.cacheddownloads.spec.LoadOrigin.Kind.LARGE;
import static org.cacheddownloads.spec.LoadOrigin.Kind.MISSING;
import static org.cacheddownloads.spec.LoadOrigin.Kind.SMALL;
import static org.cacheddownloads.spec.LoadOrigin.Kind.UNCACHED;
import static org.cacheddownloads.spec.LoadOrigin.Kind.UNCACHED_ARCHIVE;
import static org.cacheddownloads.spec.LoadOrigin.Kind.UNSAFE_ARCHIVE;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.cacheddownloads.spec.Ledger.Form;
import org.cacheddownloads.spec.Ledger.Hold;
import org.cacheddownloads.spec.Ledger.Seen;
import org.cacheddownloads.spec.LoadOrigin.Source;
import org.jspecify.annotations.Nullable;

/**
 * Random traffic of all kinds against one agent, from several clients at once, until the agent dies
 * or enough was asked. What is answered goes into the {@link Ledger}, and so does what was under
 * way when the answers ended. Equal seeds ask for the same things; how the clients interleave is
 * the machine's affair.
 *
 * <p>Each container belongs to one client, so that the order of its changes is known; URLs and keys
 * are everybody's.
 */
final class Load {
  private static final int MOST_CLIENTS = 4;
  private static final int CONTAINERS_EACH = 2;
  private static final List<String> NAMES =
      List.of("a", "b", "tool", "deep/one", "deep/two", "x/y/z");
  private static final List<String> CACHE_KEYS = List.of("key one", "key two");
  private static final String PRUNED = "/pruned/";
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  /** How much room the agent has. */
  enum Room {
    /** Evictions all the time. */
    SCARCE(20L * Content.MIB),
    /** Nothing is ever evicted: what is acknowledged stays. */
    AMPLE(4096L * Content.MIB);

    private final long quotaBytes;

    Room(long quotaBytes) {
      this.quotaBytes = quotaBytes;
    }

    /** Configuration of an agent that this load is meant for, as {@link AgentProcess} takes it. */
    Object[] config() {
      return new Object[] {
        "quota.bytes",
        quotaBytes,
        "quota.minFreeBytes",
        0,
        "quota.waitForSpace",
        "300ms",
        "fetch.attempts",
        2,
        "fetch.negativeTtl",
        "100ms",
        "durability.flushInterval",
        "150ms"
      };
    }
  }

  private final AgentProcess agent;
  private final LoadOrigin origin;
  private final Ledger ledger;
  private final Room room;
  private final List<Source> sources = new ArrayList<>();
  private final Source probe;
  private final Source cut;
  private final Source toBeDamaged;
  private final Source treeToBeDamaged;

  Load(AgentProcess agent, LoadOrigin origin, Ledger ledger, Room room) {
    this.agent = agent;
    this.origin = origin;
    this.ledger = ledger;
    this.room = room;
    IntStream.range(0, 12).forEach(i -> add("/small/" + i, SMALL));
    IntStream.range(0, 4).forEach(i -> add(PRUNED + i, SMALL));
    IntStream.range(0, 4).forEach(i -> add("/fresh/" + i, FRESH));
    IntStream.range(0, 6).forEach(i -> add("/large/" + i, LARGE));
    IntStream.range(0, 2).forEach(i -> add("/chunked/" + i, CHUNKED));
    IntStream.range(0, 3).forEach(i -> add("/uncached/" + i, UNCACHED));
    IntStream.range(0, 2).forEach(i -> add("/cut/" + i, CUT));
    IntStream.range(0, 6).forEach(i -> add("/archive/" + i, ARCHIVE));
    IntStream.range(0, 2).forEach(i -> add(PRUNED + "archive/" + i, ARCHIVE));
    IntStream.range(0, 2).forEach(i -> add("/archive/fresh/" + i, FRESH_ARCHIVE));
    add("/archive/uncached", UNCACHED_ARCHIVE);
    add("/archive/unsafe", UNSAFE_ARCHIVE);
    add("/missing", MISSING);
    this.cut = sources.stream().filter(source -> source.kind() == CUT).findFirst().orElseThrow();
    sources.add(origin.add("/twin/1", SMALL, "twin"));
    sources.add(origin.add("/twin/2", SMALL, "twin"));
    this.probe = origin.add("/probe", SMALL);
    this.toBeDamaged = origin.add("/damaged", SMALL);
    this.treeToBeDamaged = origin.add("/damaged/archive", ARCHIVE);
  }

  private void add(String path, LoadOrigin.Kind kind) {
    sources.add(origin.add(path, kind));
  }

  /** Whether entries of this key may go without a request that names them. */
  boolean mayBeEvicted(String key) {
    return room == Room.SCARCE || key.startsWith(origin.url(PRUNED));
  }

  private static List<String> containersOf(int client) {
    return IntStream.range(0, CONTAINERS_EACH).mapToObj(i -> "c" + client + "-" + i).toList();
  }

  private static Stream<String> allContainers() {
    return Stream.concat(
        Stream.of("probe", "damaged"),
        IntStream.range(0, MOST_CLIENTS).boxed().flatMap(client -> containersOf(client).stream()));
  }

  /** Traffic that goes on. */
  final class Traffic {
    private final int most;
    private final AtomicInteger answers = new AtomicInteger();
    private final CountDownLatch ends;
    private volatile boolean ended;

    private Traffic(int most, int clients) {
      this.most = most;
      this.ends = new CountDownLatch(clients);
    }

    private boolean goesOn() {
      return !ended && answers.get() < most;
    }

    int answers() {
      return answers.get();
    }

    /** Waits until all clients are done: the agent has died, or enough was asked. */
    void awaitEnd() {
      if (!awaitEnd(PATIENCE)) {
        throw new AssertionError(
            "a client of the load has not ended; of the agent: " + agent.lastWords());
      }
    }

    /** The same, for this long at most. @return whether they are done */
    boolean awaitEnd(Duration time) {
      try {
        return ends.await(time.toNanos(), TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
  }

  /** Starts one client or several; they end by themselves after {@code most} answers. */
  Traffic start(long seed, int most) {
    var random = new SplittableRandom(seed);
    int clients = 1 + random.nextInt(MOST_CLIENTS);
    var traffic = new Traffic(most, clients);
    for (int i = 0; i < clients; i++) {
      Thread.ofVirtual().start(new Client(traffic, containersOf(i), random.split()));
    }
    return traffic;
  }

  /** A client for a few requests that are made one after another. */
  private Client alone(String container) {
    return new Client(new Traffic(1, 1), List.of(container), new SplittableRandom(0));
  }

  /** A miss, a hit and a release, as any agent serves them; alone with the agent. */
  void serveOnce() {
    var client = alone("probe");
    origin.change(probe);
    var wish = new Wish(probe, Form.FILE, null, null);
    Optional<JsonNode> miss = client.provide("probe", "a", wish);
    if (miss.isEmpty() && room == Room.SCARCE) { // all the rest may well be in use
      allContainers().forEach(client::release);
      miss = client.provide("probe", "a", wish);
    }
    String first = miss.map(download -> download.path("outcome").asText()).orElse("nothing");
    if (!first.equals("miss") && !first.equals("updated")) {
      ledger.fault("new bytes of the origin were answered as " + first);
    }
    client
        .provide("probe", "b/c", new Wish(probe, Form.EXECUTABLE, null, null))
        .filter(
            hit ->
                hit.path("outcome").asText().equals("revalidated")
                    && hit.path("bytesFetched").asLong() == 0)
        .ifPresentOrElse(_ -> {}, () -> ledger.fault("what was just fetched is not revalidated"));
    client.release("probe");
    if (Files.exists(agent.view("probe"))) {
      ledger.fault("a container that was released is still there");
    }
  }

  /** Asks for something that breaks off until it is here; alone with the agent. */
  void cut() {
    var client = alone("probe");
    for (int i = 0; i < 6 && !client.cutOff; i++) {
      if (client.prefetch(new Wish(cut, Form.FILE, null, null)).isPresent()) {
        origin.change(cut); // it is here: another one
      }
    }
  }

  /**
   * Damages bytes that the agent has, and lets it find that.
   *
   * @param form {@code FILE}, or of a directory
   * @param inUse whether a container holds them
   */
  void damage(Form form, boolean inUse) {
    var client = alone("damaged");
    client.release("damaged");
    Source source = form.isDirectory() ? treeToBeDamaged : toBeDamaged;
    origin.change(source);
    var wish = new Wish(source, form, null, null);
    Optional<JsonNode> download =
        inUse ? client.provide("damaged", "a", wish) : client.prefetch(wish);
    if (download.isEmpty()) {
      return; // no room for it
    }
    String digest = download.get().path("digest").asText();
    try {
      Files.writeString(
          form.isDirectory()
              ? StateOnDisk.tree(agent.state(), digest).resolve("content/bin/first")
              : agent.blob(digest),
          "damaged",
          StandardOpenOption.WRITE,
          StandardOpenOption.TRUNCATE_EXISTING);
    } catch (IOException e) {
      return; // evicted at this moment
    }
    ledger.damage(digest);
    long start = ledger.now();
    Request verify = Request.post("/v1/verify", Json.object("digest", digest));
    if (client.ask(verify, 200, 404).isPresent() && !form.isDirectory()) {
      // "the entries of a corrupt blob are dropped" (contract, detail 11)
      ledger.key(wish.key()).had(NOTHING, start, ledger.now());
    } else { // of a tree the blob is sound, if it is here
      ledger.key(wish.key()).perhapsHad(Set.of(NOTHING), start, ledger.now());
    }
  }

  /** One download as it is asked for. */
  private final class Wish {
    final Source source;
    final Form form;
    final @Nullable String checksum;
    final @Nullable String cacheKey;

    Wish(Source source, Form form, @Nullable String checksum, @Nullable String cacheKey) {
      this.source = source;
      this.form = form;
      this.checksum = checksum;
      this.cacheKey = cacheKey;
    }

    String key() {
      return cacheKey == null ? origin.url(source) : cacheKey;
    }

    ObjectNode body() {
      ObjectNode body = Json.download(origin.url(source));
      switch (form) {
        case FILE -> {}
        case EXECUTABLE -> body.put("executable", true);
        case LINKED -> body.put("as", "directory");
        case MOUNTED -> body.put("as", "directory").put("deliver", "mount");
      }
      if (checksum != null) {
        body.put("checksum", checksum);
      }
      if (cacheKey != null) {
        body.put("cacheKey", cacheKey);
      }
      return body;
    }

    /** What this may show. */
    Set<String> possible() {
      var stored = new LinkedHashSet<String>();
      origin.digests(source).forEach(digest -> stored.add(form.of(digest)));
      return stored;
    }

    /** Whether a refusal with this code is what such a request has to expect. */
    boolean mayFailWith(String code) {
      return switch (code) {
        case "checksum-mismatch" -> checksum != null;
        case "origin-rejected" -> source.kind() == MISSING;
        case "bad-response", "origin-unavailable" -> source.kind() == CUT;
        case "insufficient-space" -> room == Room.SCARCE;
        case "unsafe-archive" -> form.isDirectory() && source.kind() == UNSAFE_ARCHIVE;
        case "unsupported-archive" -> form.isDirectory() && isNoArchive();
        default -> false;
      };
    }

    private boolean isNoArchive() {
      return !source.kind().isArchive() && source.kind() != UNSAFE_ARCHIVE;
    }
  }

  /** One client, with containers of its own. */
  private final class Client implements Runnable {
    private final Traffic traffic;
    private final List<String> containers;
    private final SplittableRandom random;
    private final List<Consumer<String>> steps = steps();
    private boolean cutOff;

    Client(Traffic traffic, List<String> containers, SplittableRandom random) {
      this.traffic = traffic;
      this.containers = containers;
      this.random = random;
    }

    @Override
    public void run() {
      try {
        while (traffic.goesOn() && !cutOff) {
          any(steps).accept(any(containers));
        }
      } catch (RuntimeException | AssertionError e) {
        ledger.fault("the load failed: " + e);
      } finally {
        traffic.ended |= cutOff;
        traffic.ends.countDown();
      }
    }

    /** What clients do, each as often as its number says. */
    private List<Consumer<String>> steps() {
      return Stream.of(
              times(40, container -> provide(container, any(NAMES), wish())),
              times(12, this::declare),
              times(10, container -> release(container, any(NAMES))),
              times(6, this::release),
              times(3, this::reconcileAway),
              times(3, this::renew),
              times(8, _ -> prefetch(wish())),
              times(4, _ -> forget(wish())),
              times(2, _ -> prune()),
              times(4, this::look),
              times(8, _ -> origin.change(any(sources))))
          .flatMap(steps -> steps)
          .toList();
    }

    private static Stream<Consumer<String>> times(int count, Consumer<String> step) {
      return Stream.generate(() -> step).limit(count);
    }

    private <T> T any(List<T> some) {
      return some.get(random.nextInt(some.size()));
    }

    private Wish wish() {
      Source source = any(sources);
      Form form = form(source);
      String checksum =
          switch (random.nextInt(20)) {
            case 0, 1 -> origin.digest(source);
            case 2 -> "sha256:" + "0".repeat(64);
            default -> null;
          };
      String cacheKey = random.nextInt(15) == 0 ? any(CACHE_KEYS) : null;
      return new Wish(source, form, checksum, cacheKey);
    }

    private Form form(Source source) {
      boolean isArchive = source.kind().isArchive() || source.kind() == UNSAFE_ARCHIVE;
      if (isArchive ? random.nextInt(4) > 0 : random.nextInt(60) == 0) {
        return random.nextBoolean() ? Form.LINKED : Form.MOUNTED;
      }
      return random.nextInt(4) == 0 ? Form.EXECUTABLE : Form.FILE;
    }

    // ---- asking

    /** The reply, or empty when the agent died before it came. */
    private Optional<Reply> ask(Request request) {
      try {
        Reply reply = agent.send(request);
        traffic.answers.incrementAndGet();
        return Optional.of(reply);
      } catch (RuntimeException e) {
        cutOff = true;
        if (!agent.endsWithin(Duration.ofSeconds(20))) {
          ledger.fault("no answer to " + request + " from an agent that lives: " + e);
        }
        return Optional.empty();
      } catch (AssertionError e) {
        ledger.fault(String.valueOf(e.getMessage()));
        return Optional.empty();
      }
    }

    /** The reply, which must have one of these statuses. */
    private Optional<Reply> ask(Request request, Integer... statuses) {
      Optional<Reply> reply = ask(request);
      if (reply.isPresent() && !List.of(statuses).contains(reply.get().status())) {
        ledger.fault(request + " was answered with " + reply.get());
        return Optional.empty();
      }
      return reply;
    }

    /** A refusal of downloads changes nothing but, perhaps, the entries of those that came. */
    private void refused(Request request, Reply reply, List<Wish> wishes) {
      String code = reply.json().path("code").asText();
      if (wishes.stream().noneMatch(wish -> wish.mayFailWith(code))) {
        ledger.fault(request + " was refused: " + reply);
      }
    }

    // ---- downloads

    Optional<JsonNode> provide(String container, String name, Wish wish) {
      long start = ledger.now();
      Request request = Request.put(Request.downloadPath(container, name), wish.body());
      Optional<Reply> reply = ask(request);
      if (reply.isEmpty()) {
        ledger.container(container).perhapsShown(name, wish.possible());
        perhapsFetched(wish, start);
        return Optional.empty();
      }
      if (reply.get().status() >= 400) {
        refused(request, reply.get(), List.of(wish));
        perhapsFetched(wish, start);
        return Optional.empty();
      }
      JsonNode download = reply.get().json();
      Hold hold = fetched(wish, download, start);
      String stored = wish.form.of(hold.digest());
      ledger.container(container).shown(name, stored, reply.get().status() == 201, hold);
      isShown(download, stored);
      return Optional.of(download);
    }

    private void declare(String container) {
      var set = new TreeMap<String, Wish>();
      for (int i = random.nextInt(4); i > 0; i--) {
        set.put(any(NAMES), wish());
      }
      boolean withExpiry = random.nextInt(3) == 0;
      var items = new ArrayList<ObjectNode>();
      set.forEach((name, wish) -> items.add(wish.body().put("name", name)));
      ObjectNode body = Json.object("downloads", items);
      if (withExpiry) {
        body.put("expiresAfter", (1 + random.nextInt(9)) + "h");
      }
      long start = ledger.now();
      Request request = Request.put(Request.containerPath(container), body);
      Optional<Reply> reply = ask(request);
      List<Wish> wishes = List.copyOf(set.values());
      if (reply.isEmpty()) {
        var possible = new TreeMap<String, Set<String>>();
        set.forEach((name, wish) -> possible.put(name, wish.possible()));
        ledger.container(container).perhapsDeclared(possible, withExpiry);
        wishes.forEach(wish -> perhapsFetched(wish, start));
      } else if (reply.get().status() >= 400) {
        refused(request, reply.get(), wishes);
        wishes.forEach(wish -> perhapsFetched(wish, start));
      } else {
        declared(container, set, reply.get(), start);
      }
    }

    private void declared(String container, Map<String, Wish> set, Reply reply, long start) {
      var names = new TreeMap<String, String>();
      var holds = new HashMap<String, Hold>();
      for (JsonNode download : reply.json().path("downloads")) {
        String name = download.path("name").asText();
        Wish wish = set.get(name);
        if (wish == null) {
          ledger.fault(container + " shows " + name + " beside the set that was declared");
          continue;
        }
        Hold hold = fetched(wish, download, start);
        holds.put(name, hold);
        names.put(name, wish.form.of(hold.digest()));
        isShown(download, names.get(name));
      }
      if (!names.keySet().equals(set.keySet())) {
        ledger.fault(container + " was declared as " + set.keySet() + " and shows " + names);
      }
      String expiresAt = reply.json().path("expiresAt").asText(NOTHING);
      ledger
          .container(container)
          .declared(new Seen(true, names, expiresAt), reply.status() == 201, holds);
    }

    Optional<JsonNode> prefetch(Wish wish) {
      long start = ledger.now();
      Request request =
          Request.post("/v1/prefetch", wish.body().without(List.of("executable", "deliver")));
      Optional<Reply> reply = ask(request);
      if (reply.isEmpty() || reply.get().status() >= 400) {
        reply.ifPresent(refusal -> refused(request, refusal, List.of(wish)));
        perhapsFetched(wish, start);
        return Optional.empty();
      }
      Hold _ = fetched(wish, reply.get().json(), start);
      return Optional.of(reply.get().json());
    }

    /** Books what an answer says of the entry, and returns the hold that it may have given. */
    private Hold fetched(Wish wish, JsonNode download, long start) {
      String digest = download.path("digest").asText();
      if (!origin.digests(wish.source).contains(digest)) {
        ledger.fault(wish.source.path() + " gave " + origin.describe(digest) + ": " + download);
      }
      if (wish.checksum != null && !wish.checksum.equals(digest)) {
        ledger.fault("not the bytes of the checksum that was asked for: " + download);
      }
      long end = ledger.now();
      switch (download.path("outcome").asText()) {
        case "miss", "updated", "revalidated", "stale" ->
            ledger.key(wish.key()).had(digest, start, end);
        // The bytes of a checksum may be those of another key.
        case "hit" -> {
          if (wish.checksum == null) {
            ledger.key(wish.key()).had(digest, start, end);
          }
        }
        // The fetch that was joined may have ended long ago.
        case "coalesced" -> ledger.key(wish.key()).perhapsHad(Set.of(digest), start, end);
        case "uncached" -> {}
        default -> ledger.fault("no such outcome: " + download);
      }
      return new Hold(digest, start, end);
    }

    private void perhapsFetched(Wish wish, long start) {
      if (wish.source.kind().mayBeStored() && wish.source.kind() != MISSING) {
        ledger.key(wish.key()).perhapsHad(origin.digests(wish.source), start, ledger.now());
      }
    }

    private void isShown(JsonNode download, String stored) {
      try {
        String name = download.path("name").asText();
        String path = download.path("hostPath").asText();
        Path view = Path.of(path.substring(0, path.length() - name.length()));
        String shown = StateOnDisk.shownAt(view, name);
        if (!shown.equals(stored)) {
          ledger.fault("the name shows " + shown + " after the answer " + download);
        }
      } catch (IOException e) {
        ledger.fault("the name is not there after the answer " + download + ": " + e);
      }
    }

    // ---- releases

    private void release(String container, String name) {
      Optional<Reply> reply = ask(Request.delete(Request.downloadPath(container, name)), 204);
      if (reply.isPresent()) {
        ledger.container(container).hidden(name);
      } else {
        ledger.container(container).perhapsHidden(name);
      }
    }

    void release(String container) {
      released(container, ask(Request.delete(Request.containerPath(container)), 204));
    }

    /** Releases one container of this client, and none of the others, in the other way. */
    private void reconcileAway(String container) {
      List<String> live = allContainers().filter(other -> !other.equals(container)).toList();
      released(container, ask(Request.post("/v1/reconcile", Json.object("live", live)), 200));
    }

    private void released(String container, Optional<Reply> reply) {
      if (reply.isPresent()) {
        ledger.container(container).released();
      } else {
        ledger.container(container).perhapsReleased();
      }
    }

    private void renew(String container) {
      Request request =
          Request.post(
              Request.containerPath(container) + "/renew",
              Json.object("expiresAfter", (10 + random.nextInt(9)) + "h"));
      Optional<Reply> reply = ask(request, 200, 404);
      if (reply.isEmpty()) {
        ledger.container(container).perhapsRenewed();
      } else if (reply.get().status() == 404) {
        ledger.container(container).unknown();
      } else {
        ledger.container(container).renewed(reply.get().json().path("expiresAt").asText());
      }
    }

    // ---- the cache

    private void forget(Wish wish) {
      long start = ledger.now();
      Optional<Reply> reply = ask(Request.delete(Request.entryPath(wish.key())), 204);
      if (reply.isPresent()) {
        ledger.key(wish.key()).had(NOTHING, start, ledger.now());
      } else {
        ledger.key(wish.key()).perhapsHad(Set.of(NOTHING), start, ledger.now());
      }
    }

    /** Takes nothing that {@link #mayBeEvicted} does not tell. */
    private void prune() {
      ObjectNode body =
          room == Room.SCARCE
              ? Json.object("targetBytes", random.nextLong(room.quotaBytes))
              : Json.object("keyPrefix", origin.url(PRUNED));
      ask(Request.post("/v1/prune", body), 200);
    }

    private void look(String container) {
      Optional<Reply> reply = ask(Request.get(Request.containerPath(container)), 200, 404);
      if (reply.isPresent()) {
        Seen seen = Checker.seen(reply.get());
        if (!ledger.container(container).allows(seen)) {
          ledger.fault(seen + ", but " + ledger.container(container));
        }
      }
    }
  }
}
