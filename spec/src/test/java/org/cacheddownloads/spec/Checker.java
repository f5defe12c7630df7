package org.cacheddownloads.spec;

import static org.cacheddownloads.spec.Eventually.eventually;
import static org.cacheddownloads.spec.Ledger.NOTHING;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.core.ConditionTimeoutException;
import org.cacheddownloads.spec.Ledger.Form;
import org.cacheddownloads.spec.Ledger.Hold;
import org.cacheddownloads.spec.Ledger.Seen;

/**
 * Compares an agent, such as one that was started again, its state directory, and what the {@link
 * Ledger} says that must be there. Nobody may use the agent meanwhile.
 *
 * <p>References must be whole as soon as the agent lets requests in. Figures, entries and orphans
 * get as long as the background work needs: the comparison of store and catalog after a start, and
 * the sync that corrects the blocks of files.
 */
final class Checker {
  private final AgentProcess agent;
  private final Ledger ledger;
  private final Load load;
  private final LoadOrigin origin;

  Checker(AgentProcess agent, Ledger ledger, Load load, LoadOrigin origin) {
    this.agent = agent;
    this.ledger = ledger;
    this.load = load;
    this.origin = origin;
  }

  /**
   * Looks at everything. What is found broken is in the ledger's faults afterwards; what was in
   * doubt is settled.
   *
   * @throws RuntimeException if the agent dies meanwhile
   */
  void check() {
    references().forEach(ledger::fault);
    if (ledger.faults().isEmpty()) {
      awaitNone(this::settled);
      bytes().forEach(ledger::fault);
      Set<String> catalog = new CatalogFile(agent.state()).faults();
      if (!catalog.equals(Set.of("ok"))) {
        ledger.fault("the catalog is damaged: " + catalog);
      }
    }
    if (ledger.faults().isEmpty()) {
      settle();
    }
  }

  /** From here on what was found is what is known. */
  private void settle() {
    Map<String, Seen> told =
        containers().stream()
            .collect(
                Collectors.toMap(container -> container.path("container").asText(), Checker::seen));
    long before = ledger.now();
    ledger
        .containers()
        .forEach((id, held) -> held.settle(told.getOrDefault(id, Seen.ABSENT), before));
    Map<String, String> entries =
        agent.entries().stream()
            .collect(
                Collectors.toMap(
                    entry -> entry.path("key").asText(), entry -> entry.path("digest").asText()));
    long now = ledger.now();
    ledger.keys().forEach((key, known) -> known.settle(entries.getOrDefault(key, NOTHING), now));
  }

  /** Waits until nothing is broken any more; what still is after that is a fault. */
  private void awaitNone(Supplier<List<String>> look) {
    var last = new ArrayList<String>();
    try {
      eventually()
          .until(
              () -> {
                last.clear();
                last.addAll(look.get());
                return last.isEmpty() || !agent.isAlive();
              });
    } catch (ConditionTimeoutException e) {
      last.forEach(ledger::fault);
    }
    if (!agent.isAlive()) {
      throw new IllegalStateException("the agent has died");
    }
  }

  // ---- references, from the first moment on

  private List<String> references() {
    JsonNode stats = agent.stats(); // before the disk, which tidying up can only make emptier
    StateOnDisk disk = StateOnDisk.read(agent.state());
    var faults = new ArrayList<>(disk.faults());
    Map<String, Seen> told = new TreeMap<>();
    for (JsonNode container : containers()) {
      told.put(container.path("container").asText(), seen(container));
      mounts(container, disk, faults);
    }
    var all = new TreeSet<>(ledger.containers().keySet());
    all.addAll(told.keySet());
    all.addAll(disk.views().keySet());
    for (String id : all) {
      Seen seen = told.getOrDefault(id, Seen.ABSENT);
      if (!ledger.container(id).allows(seen)) {
        faults.add("LOST OR WRONG: " + seen + ", but " + ledger.container(id));
      }
      Map<String, String> shown =
          disk.views().containsKey(id) ? disk.shown(id) : Map.<String, String>of();
      if (disk.views().containsKey(id) != seen.exists() || !shown.equals(seen.names())) {
        faults.add("the agent tells of " + id + " " + seen + ", the disk shows " + shown);
      }
    }
    expect(faults, "cache.containers", stats.at("/cache/containers"), disk.views().size());
    expect(faults, "cache.references", stats.at("/cache/references"), disk.references().count());
    long used = DiskUsage.of(agent.state());
    if (stats.at("/disk/usedBytes").asLong() < used) {
      // "leaves nothing behind that is not counted" (invariant 5), not even for a moment
      faults.add(used + " bytes are used, counted are " + stats.path("disk"));
    }
    return faults;
  }

  private List<JsonNode> containers() {
    return agent.pages("/v1/containers?limit=100", "containers");
  }

  /** What an answer says of a container. */
  static Seen seen(Reply reply) {
    return reply.status() == 404 ? Seen.ABSENT : seen(reply.json());
  }

  private static Seen seen(JsonNode container) {
    var names = new TreeMap<String, String>();
    // Not compared is what only describes a name (url, outcome, validators): "collected in memory
    // and written in batches, off the path; after a kill the file system tells what the last second
    // lost" (the architecture's words on durability).
    container
        .path("downloads")
        .forEach(
            download ->
                names.put(
                    download.path("name").asText(),
                    form(download).of(download.path("digest").asText())));
    return new Seen(true, names, container.path("expiresAt").asText(NOTHING));
  }

  private static Form form(JsonNode download) {
    if (download.path("as").asText().equals("directory")) {
      return download.path("deliver").asText().equals("mount") ? Form.MOUNTED : Form.LINKED;
    }
    return download.path("executable").asBoolean() ? Form.EXECUTABLE : Form.FILE;
  }

  /**
   * What a reply tells to mount is there, each tree at its mount point, and is the one that the
   * view holds.
   */
  private void mounts(JsonNode container, StateOnDisk disk, List<String> faults) {
    String id = container.path("container").asText();
    StateOnDisk.View view = disk.views().get(id);
    var told = new TreeMap<String, String>();
    container
        .path("mounts")
        .forEach(
            mount -> told.put(mount.path("destination").asText(), mount.path("source").asText()));
    var held = new TreeMap<String, String>();
    if (view != null) {
      view.shown()
          .forEach(
              (name, shown) -> {
                if (shown.endsWith(Form.MOUNTED.suffix())) {
                  held.put("/cached-downloads/" + name, source(disk, view, shown));
                }
              });
    }
    if (!told.equals(held)) {
      faults.add("LOST OR WRONG: " + id + " is told to mount " + told + ", and holds " + held);
    }
  }

  /** The content of the tree in the store whose manifest a view holds. */
  private String source(StateOnDisk disk, StateOnDisk.View view, String shown) {
    String copy = Ledger.Form.LINKED.of(Ledger.digest(shown));
    return Optional.ofNullable(view.copies().get(copy))
        .flatMap(StateOnDisk.Tree::manifest)
        .flatMap(held -> treeOf(disk, held))
        .map(tree -> agent.state().resolve(tree.path()).resolve("content").toString())
        .orElse("nothing");
  }

  private static Optional<StateOnDisk.Tree> treeOf(StateOnDisk disk, StateOnDisk.Item manifest) {
    return disk.trees().values().stream()
        .filter(tree -> tree.manifest().stream().anyMatch(m -> m.inode().equals(manifest.inode())))
        .findFirst();
  }

  // ---- everything else, once the background work is done

  private List<String> settled() {
    var faults = new ArrayList<String>();
    log(faults);
    List<JsonNode> entries = agent.entries();
    StateOnDisk disk = StateOnDisk.read(agent.state());
    faults.addAll(disk.faults());
    faults.addAll(disk.leftovers());
    links(disk, faults);
    trees(disk, faults);
    entries(entries, disk, faults);
    orphans(entries, disk, faults);
    figures(entries, disk, faults);
    return faults;
  }

  /** What the agent says of its own background work. */
  private void log(List<String> faults) {
    List<String> lines = agent.logOfThisStart().lines().toList();
    List<String> reconciled =
        lines.stream().filter(line -> line.contains("Reconciler reconciled ")).toList();
    if (reconciled.isEmpty()) {
      faults.add("the comparison of store and catalog does not end:\n" + String.join("\n", lines));
    }
    // A file without a row was not counted until it was found: "leaves nothing behind that is not
    // counted" (invariant 5) must hold from the first request on. A row without a file may be left.
    reconciled.stream()
        .filter(line -> !line.contains(" filesWithoutRow=0 unknownFiles=0"))
        .forEach(faults::add);
    lines.stream()
        .filter(line -> line.contains(" ERROR ") && !line.contains("damaged"))
        .forEach(faults::add);
  }

  /** The link count is the reference count. */
  private void links(StateOnDisk disk, List<String> faults) {
    Map<String, Long> held =
        disk.links().collect(Collectors.groupingBy(StateOnDisk.Item::inode, Collectors.counting()));
    disk.blobs()
        .values()
        .forEach(
            blob -> {
              long links = held.getOrDefault(blob.inode(), 0L);
              if (blob.links() - 1 != links) {
                faults.add(blob + " is held by " + links + " links of views");
              }
            });
    disk.links()
        .filter(
            link ->
                !disk.blobs().containsKey(link.name())
                    || !disk.blobs().get(link.name()).inode().equals(link.inode()))
        .filter(link -> !ledger.isDamaged(Ledger.digest(link.name())))
        .forEach(link -> faults.add("the store has lost what a view holds: " + link));
    disk.quarantine().stream()
        .filter(item -> !ledger.isDamaged("sha256:" + item.name().substring(0, 64)))
        .forEach(item -> faults.add("in quarantine without a reason: " + item));
  }

  /** A tree is held by the links of its manifest, and its files by those of the copies. */
  private void trees(StateOnDisk disk, List<String> faults) {
    for (StateOnDisk.Tree tree : disk.trees().values()) {
      if (tree.manifest().isEmpty()) {
        faults.add("a tree without a manifest: " + tree.path());
      }
      if (!tree.name().matches("[0-9a-f]{64}") && !ledger.isDamaged(digest(tree))) {
        faults.add("set aside without a reason: " + tree.path());
      }
      long held =
          disk.copies()
              .flatMap(copy -> copy.manifest().stream())
              .filter(
                  link -> tree.manifest().stream().anyMatch(m -> m.inode().equals(link.inode())))
              .count();
      if (tree.manifest().stream().anyMatch(manifest -> manifest.links() - 1 != held)) {
        faults.add(tree.path() + " is held by " + held + " views, and has " + tree.manifest());
      }
      tree.items().values().stream()
          .filter(item -> item.type() == 'f' && item.links() != disk.names(item))
          .forEach(item -> faults.add("links that are nowhere: " + item));
    }
    disk.copies().forEach(copy -> copy(copy, disk, faults));
  }

  private static String digest(StateOnDisk.Tree tree) {
    return Ledger.digest(tree.name());
  }

  /** What a view has of a tree is the tree's own: the same paths, the same inodes. */
  private static void copy(StateOnDisk.Tree copy, StateOnDisk disk, List<String> faults) {
    Map<String, String> own = paths(copy);
    Optional<StateOnDisk.Tree> tree = copy.manifest().flatMap(held -> treeOf(disk, held));
    if (tree.isEmpty()) {
      faults.add("the store has lost what a view holds: " + copy.path());
    } else if (!own.isEmpty() && !own.equals(paths(tree.get()))) {
      faults.add("a view's copy is not the tree: " + copy.path() + " has " + own);
    }
  }

  private static Map<String, String> paths(StateOnDisk.Tree tree) {
    var paths = new TreeMap<String, String>();
    tree.content()
        .forEach(
            (path, item) ->
                paths.put(
                    path,
                    switch (item.type()) {
                      case 'd' -> "d " + item.mode();
                      case 'l' -> "l " + item.target();
                      default -> item.type() + " " + item.inode();
                    }));
    return paths;
  }

  private void entries(List<JsonNode> entries, StateOnDisk disk, List<String> faults) {
    Map<String, JsonNode> found =
        entries.stream()
            .collect(Collectors.toMap(entry -> entry.path("key").asText(), Function.identity()));
    Map<String, Long> references =
        disk.references().collect(Collectors.groupingBy(Ledger::digest, Collectors.counting()));
    List<Hold> holds =
        ledger.containers().values().stream().flatMap(held -> held.holds().stream()).toList();
    var keys = new TreeSet<>(found.keySet());
    keys.addAll(ledger.keys().keySet());
    for (String key : keys) {
      Set<String> possible = ledger.key(key).possible();
      JsonNode entry = found.get(key);
      String digest = entry == null ? NOTHING : entry.path("digest").asText();
      if (!possible.contains(digest) && !(entry == null && mayBeGone(key, possible, holds))) {
        faults.add(
            "ENTRY LOST OR WRONG: %s has %s (%s), but %s"
                .formatted(key, digest, origin.describe(digest), ledger.key(key)));
      }
      if (entry != null) {
        expect(
            faults,
            "references of " + digest,
            entry.path("references"),
            references.getOrDefault(digest, 0L));
      }
    }
  }

  /**
   * "Eviction takes the least recently used blob or tree that nobody holds. In use = never a
   * victim" (invariant 4), and "prune: never what is in use" (contract): an entry may have gone
   * unless a reference has held its bytes ever since it was there.
   */
  private boolean mayBeGone(String key, Set<String> possible, List<Hold> holds) {
    return load.mayBeEvicted(key)
        && possible.stream().anyMatch(digest -> !ledger.key(key).isKept(digest, holds));
  }

  /** What no entry leads to and nobody holds is not kept. */
  private static void orphans(List<JsonNode> entries, StateOnDisk disk, List<String> faults) {
    Set<String> listed =
        entries.stream().map(entry -> entry.path("digest").asText()).collect(Collectors.toSet());
    disk.blobs()
        .values()
        .forEach(
            blob -> {
              if (blob.links() == 1 && !listed.contains(Ledger.digest(blob.name()))) {
                faults.add("nobody can ask for " + blob);
              }
            });
    disk.trees()
        .values()
        .forEach(
            tree -> {
              if (tree.manifest().stream().allMatch(manifest -> manifest.links() == 1)
                  && !listed.contains(digest(tree))) {
                faults.add("nobody can ask for " + tree.path());
              }
            });
    Set<String> stored =
        Stream.of(disk.blobs().keySet(), disk.trees().keySet())
            .flatMap(Set::stream)
            .map(Ledger::digest)
            .collect(Collectors.toSet());
    entries.stream()
        .filter(entry -> !stored.contains(entry.path("digest").asText()))
        .forEach(entry -> faults.add("an entry without bytes: " + entry));
  }

  private void figures(List<JsonNode> entries, StateOnDisk disk, List<String> faults) {
    JsonNode stats = agent.stats();
    JsonNode space = stats.path("disk");
    Path state = agent.state();
    long used = DiskUsage.of(state);
    long partial = DiskUsage.of(state, "ingest");
    long quarantined = DiskUsage.of(state, "quarantine");
    expect(faults, "cache.entries", stats.at("/cache/entries"), entries.size());
    expect(faults, "cache.blobs", stats.at("/cache/blobs"), disk.blobs().size());
    long trees = disk.trees().keySet().stream().filter(name -> name.length() == 64).count();
    expect(faults, "cache.trees", stats.at("/cache/trees"), trees);
    expect(faults, "disk.usedBytes", space.path("usedBytes"), used);
    expect(faults, "disk.partialBytes", space.path("partialBytes"), partial);
    expect(faults, "disk.quarantineBytes", space.path("quarantineBytes"), quarantined);
    expect(faults, "disk.inUseBytes", space.path("inUseBytes"), disk.inUseBytes());
    expect(
        faults,
        "disk.idleBytes",
        space.path("idleBytes"),
        used - partial - quarantined - disk.inUseBytes());
    expect(faults, "disk.reservedBytes", space.path("reservedBytes"), 0);
    expect(faults, "origin.inFlight", stats.at("/origin/inFlight"), 0);
    expect(faults, "origin.queued", stats.at("/origin/queued"), 0);
    if (space.path("usedBytes").asLong() > space.path("quotaBytes").asLong()) {
      faults.add("over the quota: " + space);
    }
  }

  private static void expect(List<String> faults, String what, JsonNode told, long found) {
    if (told.asLong() != found) {
      faults.add("%s is told as %s, and is %d".formatted(what, told, found));
    }
  }

  // ---- bytes

  /** Behind each name of a view lies an inode of the store, so hashing the store hashes both. */
  private List<String> bytes() {
    var faults = new ArrayList<String>();
    StateOnDisk disk = StateOnDisk.read(agent.state());
    disk.trees().values().stream()
        .filter(tree -> tree.name().length() == 64) // else the test has damaged it
        .forEach(tree -> bytes(tree, faults));
    for (StateOnDisk.Item blob : disk.blobs().values()) {
      try {
        byte[] bytes = Files.readAllBytes(agent.state().resolve(blob.path()));
        if (!Content.checksum("sha256", bytes).equals(Ledger.digest(blob.name()))) {
          faults.add("DAMAGED: " + blob);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return faults;
  }

  /** A tree is what its manifest says, and what the origin knows of its archive. */
  private void bytes(StateOnDisk.Tree tree, List<String> faults) {
    var manifest = ManifestFile.read(agent.state().resolve(tree.path()).resolve("manifest"));
    Map<String, String> found = ManifestFile.describe(agent.state(), tree);
    Map<String, String> expected = origin.tree(digest(tree));
    if (!found.equals(manifest)) {
      faults.add("DAMAGED: " + tree.path() + " has " + found + ", its manifest " + manifest);
    }
    if (!found.equals(expected)) {
      faults.add("DAMAGED: " + tree.path() + " has " + found + ", its archive " + expected);
    }
  }
}
