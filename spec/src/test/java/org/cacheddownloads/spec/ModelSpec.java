package org.cacheddownloads.spec;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.Tuple;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.AfterProperty;
import org.cacheddownloads.spec.Command.Change;
import org.cacheddownloads.spec.Command.Forget;
import org.cacheddownloads.spec.Command.Policy;
import org.cacheddownloads.spec.Command.Prefetch;
import org.cacheddownloads.spec.Command.Prune;
import org.cacheddownloads.spec.Command.Put;
import org.cacheddownloads.spec.Command.PutSet;
import org.cacheddownloads.spec.Command.Reconcile;
import org.cacheddownloads.spec.Command.Release;
import org.cacheddownloads.spec.Command.ReleaseName;
import org.cacheddownloads.spec.Command.Restart;
import org.cacheddownloads.spec.Command.Show;
import org.cacheddownloads.spec.Command.Signal;
import org.cacheddownloads.spec.Command.Want;
import org.jspecify.annotations.Nullable;

/**
 * Whatever is asked in whatever order, the agent answers and counts as the {@link Model} does:
 * random sequences of the API, shrunk to a short one when they differ.
 *
 * <p>One agent serves all sequences of a property and is emptied over its own API between them; if
 * that fails, which is what a fault may leave behind, the next sequence gets a new agent, or the
 * shrinking would be misled. {@code @Property(seed = "…")} with the seed that a failure prints runs
 * the same sequences again.
 */
class ModelSpec {
  private static final int QUOTA = 200 * 1024;
  private static final int URLS = 4;
  private static final int CACHE_KEYS = 2;
  private static final int CONTAINERS = 3;
  private static final List<String> NAMES = List.of("a", "b", "d/e", "d/f");
  private static final int LONGEST = 60;

  private static final long DIRECTORY_BYTES = directoryBytes();
  private static final RawOrigin origin = RawOrigin.start();

  private @Nullable AgentProcess agent;
  private String logOfFailure = "";

  /** jqwik lets the thread run on that was shrinking for too long. */
  private boolean isOver;

  // ---- the promises

  @Property(tries = 150, edgeCases = EdgeCasesMode.NONE)
  void theAgentDoesWhatTheModelDoes(@ForAll("sequences") Sequence sequence) {
    run(sequence);
  }

  @Property(tries = 10, edgeCases = EdgeCasesMode.NONE)
  void nothingIsLostOrFoundByARestart(@ForAll("sequencesWithRestarts") Sequence sequence) {
    run(sequence);
  }

  // ---- sequences

  /** Commands in their order; printed one a line. */
  record Sequence(List<Command> commands) {
    @Override
    public String toString() {
      return commands.stream()
          .map(Command::toString)
          .collect(Collectors.joining("\n    ", "\n    ", ""));
    }
  }

  @Provide
  Arbitrary<Sequence> sequences() {
    return sequencesOf(commands());
  }

  @Provide
  Arbitrary<Sequence> sequencesWithRestarts() {
    Arbitrary<Command> restart = Arbitraries.of(Signal.class).map(Restart::new);
    return sequencesOf(Arbitraries.frequencyOf(Tuple.of(25, commands()), Tuple.of(1, restart)));
  }

  private static Arbitrary<Sequence> sequencesOf(Arbitrary<Command> commands) {
    return commands
        .list()
        .ofMaxSize(LONGEST)
        .withSizeDistribution(RandomDistribution.uniform())
        .map(Sequence::new);
  }

  private static Arbitrary<Command> commands() {
    Arbitrary<Integer> container = number(CONTAINERS);
    Arbitrary<Integer> url = number(URLS);
    Arbitrary<String> name = Arbitraries.of(NAMES);
    Arbitrary<Want> want = wants();
    Arbitrary<Map<String, Want>> set =
        Arbitraries.maps(name, want).ofMaxSize(NAMES.size()).map(TreeMap::new);
    Arbitrary<String> key =
        Arbitraries.oneOf(url.map(u -> "u" + u), number(CACHE_KEYS).map(k -> "k" + k));
    Arbitrary<@Nullable String> prefix = Arbitraries.of("u", "k").injectNull(0.5);
    Arbitrary<Integer> target = Arbitraries.of(0, 20_000, 100_000, 150_000);
    return Arbitraries.frequencyOf(
        Tuple.of(10, Combinators.combine(container, name, want).as(Put::new)),
        Tuple.of(3, Combinators.combine(container, set).as(PutSet::new)),
        Tuple.of(4, want.map(Prefetch::new)),
        Tuple.of(
            6,
            Combinators.combine(url, number(Model.SIZES.size()), Arbitraries.of(Policy.class))
                .as(Change::new)),
        Tuple.of(2, container.map(Release::new)),
        Tuple.of(2, Combinators.combine(container, name).as(ReleaseName::new)),
        Tuple.of(1, container.map(Show::new)),
        Tuple.of(1, key.map(Forget::new)),
        Tuple.of(1, container.set().map(Reconcile::new)),
        Tuple.of(
            1, Combinators.combine(target, prefix, Arbitraries.of(true, false)).as(Prune::new)));
  }

  private static Arbitrary<Want> wants() {
    Arbitrary<Boolean> seldom = Arbitraries.of(false, false, false, true);
    return Combinators.combine(
            number(URLS),
            number(CACHE_KEYS).injectNull(0.7),
            number(Model.SIZES.size()).injectNull(0.8),
            seldom,
            seldom,
            seldom)
        .as(Want::new);
  }

  private static Arbitrary<Integer> number(int below) {
    return Arbitraries.integers()
        .between(0, below - 1)
        .withDistribution(RandomDistribution.uniform());
  }

  // ---- running one

  private synchronized void run(Sequence sequence) {
    if (isOver) {
      return;
    }
    AgentProcess running = empty();
    int logBefore = running.log().length();
    try {
      var run = new Run(running);
      sequence.commands().forEach(run::step);
      run.end();
    } catch (RuntimeException | Error e) {
      logOfFailure = running.log().substring(logBefore);
      throw e;
    }
  }

  /** An agent that holds nothing: the one of the sequence before, if it can be emptied. */
  private AgentProcess empty() {
    if (agent != null && !isEmptied(agent)) {
      agent.close();
      agent = null;
    }
    if (agent == null) {
      agent =
          AgentProcess.running(
              "quota.bytes",
              QUOTA,
              "quota.minFreeBytes",
              0,
              "quota.waitForSpace",
              "0s",
              "fetch.attempts",
              1,
              "fetch.negativeTtl",
              "0s",
              "fetch.staleAfter",
              "60s",
              // The sync to disk holds what it syncs, which is then not evicted for a moment.
              "durability.flushInterval",
              "1h");
    }
    return agent;
  }

  private static boolean isEmptied(AgentProcess agent) {
    try {
      agent.post("/v1/reconcile", "live", List.of()).expect(200);
      agent.post("/v1/prune", "targetBytes", 0).expect(200);
      JsonNode stats = agent.stats();
      return Stream.of("/disk/usedBytes", "/disk/reservedBytes", "/cache/entries", "/cache/blobs")
              .allMatch(figure -> stats.at(figure).asLong() == 0)
          && DiskUsage.of(agent.state()) == 0;
    } catch (RuntimeException | AssertionError e) {
      return false; // it does not even run
    }
  }

  @AfterProperty
  synchronized void stop() {
    isOver = true;
    if (agent != null) {
      agent.close();
    }
    if (!logOfFailure.isEmpty()) {
      System.err.println("---- the agent's log of the sequence that failed last\n" + logOfFailure);
    }
  }

  @AfterContainer
  static void stopTheOrigin() {
    origin.close();
  }

  /** What the file system allocates for a directory. */
  private static long directoryBytes() {
    Path probe = Project.temporaryDirectory();
    try {
      Files.createDirectories(probe.resolve("containers/one"));
      return DiskUsage.of(probe);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      Project.delete(probe);
    }
  }

  /** The model and the agent side by side, over one sequence. */
  private static final class Run {
    private final AgentProcess agent;
    private final Model model;
    private final Map<String, Integer> contents;
    private Map<String, Long> countersBefore;

    Run(AgentProcess agent) {
      this.agent = agent;
      this.model = new Model(QUOTA, DIRECTORY_BYTES);
      this.contents =
          IntStream.range(0, Model.SIZES.size())
              .boxed()
              .collect(toMap(i -> Content.checksum("sha256", bytes(i)), i -> i));
      this.countersBefore = counters();
      IntStream.range(0, URLS).forEach(url -> step(new Change(url, url, Policy.VALIDATED)));
    }

    void step(Command generated) {
      Command command = certain(generated);
      String expected = model.answer(command);
      assertThat(answer(command)).as("answer to %s", command).isEqualTo(expected);
      adopt(command);
      assertThat(figures()).as("figures after %s", command).isEqualTo(model.figures());
      assertThat(entries()).as("entries after %s", command).isEqualTo(model.entries());
    }

    void end() {
      assertThat(views()).as("names and their bytes").isEqualTo(model.views());
      assertThat(agent.stat("disk.usedBytes"))
          .as("used bytes, by a walk of the state directory")
          .isEqualTo(DiskUsage.of(agent.state()));
    }

    // ---- what is not certain

    /**
     * A set is fetched side by side: what it evicts depends on who comes first, and so does whether
     * one of equal keys or checksums waits for the other. Such sets are cut to what is certain.
     */
    private Command certain(Command command) {
      if (!(command instanceof PutSet(int container, Map<String, Want> wants))
          || wants.size() < 2) {
        return command;
      }
      var chosen = new TreeMap<String, Want>();
      var keys = new TreeSet<String>();
      wants.forEach(
          (name, want) -> {
            var more = new TreeMap<>(chosen);
            more.put(name, want.plain());
            if (keys.add(want.key()) && model.isCertain(new PutSet(container, more))) {
              chosen.put(name, want.plain());
            }
          });
      return new PutSet(container, chosen);
    }

    /** What only the agent knows: who was first in a set, and what a kill has taken. */
    private void adopt(Command command) {
      if (command instanceof PutSet(int _, Map<String, Want> wants) && wants.size() > 1) {
        List<Integer> contents = contentsByLastUse(agent.entries());
        model.usedInOrder(contents.stream().filter(model::hasHandedOut).toList());
      }
      if (command instanceof Restart(Signal signal)) {
        countersBefore = Map.of();
        if (signal == Signal.SIGKILL) {
          List<JsonNode> entries = agent.entries();
          model.usedInOrder(contentsByLastUse(entries));
          entries.forEach(
              entry ->
                  model.remembersFreshness(
                      keyOf(entry.path("key").asText()), entry.path("freshUntil").isTextual()));
        }
      }
    }

    private List<Integer> contentsByLastUse(List<JsonNode> entries) {
      return entries.stream()
          .sorted(Comparator.comparing(e -> Instant.parse(e.path("lastUsedAt").asText())))
          .map(entry -> contents.get(entry.path("digest").asText()))
          .distinct()
          .toList();
    }

    // ---- what the agent answers

    private String answer(Command command) {
      return switch (command) {
        case Put(int container, String name, Want want) ->
            download(
                agent.send(Request.put(Request.downloadPath("c" + container, name), body(want))));
        case PutSet(int container, Map<String, Want> wants) -> set(container, wants);
        case Prefetch(Want want) -> download(agent.send(Request.post("/v1/prefetch", body(want))));
        case Show(int container) -> shown(agent.get(Request.containerPath("c" + container)));
        case Release(int container) ->
            status(agent.send(Request.delete(Request.containerPath("c" + container))));
        case ReleaseName(int container, String name) ->
            status(agent.send(Request.delete(Request.downloadPath("c" + container, name))));
        case Forget(String key) ->
            status(agent.send(Request.delete(Request.entryPath(keyText(key)))));
        case Prune prune -> prune(prune);
        case Reconcile(Set<Integer> live) -> reconcile(live);
        case Change change -> change(change);
        case Restart(Signal signal) -> restart(signal);
      };
    }

    private ObjectNode body(Want want) {
      ObjectNode body = Json.download(origin.url("/u" + want.url()));
      if (want.cacheKey() != null) {
        body.put("cacheKey", keyText(want.key()));
      }
      if (want.checksum() != null) {
        body.put("checksum", Content.checksum("sha256", bytes(want.checksum())));
      }
      if (want.executable()) {
        body.put("executable", true);
      }
      if (want.maxAge()) {
        body.put("maxAge", "1h");
      }
      if (want.maxStale()) {
        body.put("maxStale", "1h");
      }
      return body;
    }

    private String download(Reply reply) {
      JsonNode json = reply.json();
      return reply.status() < 300
          ? reply.status() + " " + json.path("outcome").asText() + " " + blob(json)
          : problem(reply);
    }

    private static String problem(Reply reply) {
      Problem problem = reply.problem();
      return reply.status()
          + " "
          + problem.code()
          + (reply.status() == 507 ? " " + problem.bytes("inUseBytes") : "");
    }

    private String blob(JsonNode download) {
      return contents.get(download.path("digest").asText())
          + (download.path("executable").asBoolean() ? "x" : "");
    }

    private String set(int container, Map<String, Want> wants) {
      var items = new ArrayList<ObjectNode>();
      wants.forEach(
          (name, want) -> {
            ObjectNode item = Json.object("name", name);
            item.setAll(body(want));
            items.add(item);
          });
      return shown(agent.declare("c" + container, items));
    }

    private String shown(Reply reply) {
      if (reply.status() >= 300) {
        return problem(reply);
      }
      var names = new TreeMap<String, String>();
      reply.json().path("downloads").forEach(d -> names.put(d.path("name").asText(), blob(d)));
      return reply.status() + " " + names;
    }

    private static String status(Reply reply) {
      return Integer.toString(reply.status());
    }

    private String prune(Prune prune) {
      ObjectNode body = Json.object("targetBytes", prune.targetBytes(), "dryRun", prune.dryRun());
      if (prune.prefix() != null) {
        body.put("keyPrefix", keyText(prune.prefix()));
      }
      Reply reply = agent.send(Request.post("/v1/prune", body));
      var keys = new TreeSet<String>();
      Json.texts(reply.json().path("entries"), "key").forEach(key -> keys.add(keyOf(key)));
      return reply.status() + " " + keys + " " + reply.json().path("freedBytes").asLong();
    }

    private String reconcile(Set<Integer> live) {
      Reply reply =
          agent.post(
              "/v1/reconcile", "live", live.stream().map(container -> "c" + container).toList());
      return reply.status()
          + " "
          + Json.texts(reply.json().path("released")).stream()
              .map(container -> container.substring(1))
              .toList();
    }

    private static String change(Change change) {
      byte[] bytes = bytes(change.content());
      String etag = "\"" + change.content() + "\"";
      String[] headers =
          switch (change.policy()) {
            case VALIDATED -> new String[] {"ETag: " + etag};
            case FRESH -> new String[] {"ETag: " + etag, "Cache-Control: max-age=86400"};
            case NO_STORE -> new String[] {"ETag: " + etag, "Cache-Control: no-store"};
            case WITHOUT_VALIDATOR, STATUS_500 -> new String[0];
          };
      origin.script(
          "/u" + change.url(),
          connection -> {
            if (change.policy() == Policy.STATUS_500) {
              connection.head("500 Internal Server Error", 0);
            } else if (change.policy().keeps() && connection.header("if-none-match").equals(etag)) {
              connection.head("304 Not Modified", 0, headers);
            } else {
              connection.head("200 OK", bytes.length, headers);
              connection.send(bytes);
            }
          });
      return "204";
    }

    private String restart(Signal signal) {
      if (signal == Signal.SIGTERM) {
        agent.sigterm();
        agent.awaitExit();
        agent.start();
      } else {
        if (signal == Signal.SIGKILL_AT_REST || model.hasExecutables()) {
          // A prune looks at the order of use, so all that is known of it is written first.
          agent.post("/v1/prune", "targetBytes", 0, "dryRun", true).expect(200);
        }
        agent.restart();
      }
      return signal.toString();
    }

    // ---- what can be seen

    private Map<String, Long> figures() {
      JsonNode stats = agent.stats();
      var figures = new TreeMap<String, Long>();
      for (String figure : model.figures().keySet()) {
        long before = countersBefore.getOrDefault(figure, 0L);
        figures.put(figure, stats.at("/" + figure.replace('.', '/')).asLong() - before);
      }
      return figures;
    }

    private Map<String, Long> counters() {
      return Model.COUNTERS.stream().collect(toMap(counter -> counter, agent::stat));
    }

    private Map<String, String> entries() {
      return agent.entries().stream()
          .collect(
              toMap(
                  entry -> keyOf(entry.path("key").asText()),
                  entry ->
                      contents.get(entry.path("digest").asText())
                          + " "
                          + entry.path("references").asLong(),
                  (x, _) -> x,
                  TreeMap::new));
    }

    /** Every name with what is read under it. */
    private Map<Integer, Map<String, String>> views() {
      var views = new TreeMap<Integer, Map<String, String>>();
      for (JsonNode container : agent.pages("/v1/containers?limit=100", "containers")) {
        var names = new TreeMap<String, String>();
        for (JsonNode json : container.path("downloads")) {
          var download = new Download(200, json);
          String digest = Content.checksum("sha256", download.bytes());
          String executable = download.mode().equals("0555") ? "x" : "";
          names.put(download.text("name"), contents.get(digest) + executable);
        }
        views.put(Integer.valueOf(container.path("container").asText().substring(1)), names);
      }
      return views;
    }

    // ---- names

    private static String keyText(String key) {
      return key.startsWith("u") ? origin.url("/" + key) : "key-" + key;
    }

    private static String keyOf(String text) {
      return text.startsWith("key-")
          ? text.substring(4)
          : text.substring(text.lastIndexOf('/') + 1);
    }

    private static byte[] bytes(int content) {
      return Content.random(Model.SIZES.get(content), "content " + content);
    }
  }
}
