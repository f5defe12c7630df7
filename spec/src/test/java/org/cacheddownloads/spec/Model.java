package org.cacheddownloads.spec;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
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

/**
 * What the agent promises, without disk, network and clock: the answer to each command and every
 * figure after it. Requests come one after another; bodies have a known length.
 */
final class Model {
  /** Sizes of the contents. */
  static final List<Integer> SIZES = List.of(0, 1, 4096, 5000, 10_000, 20_000, 30_000, 60_000);

  private static final int BLOCK = 4096;

  private final long quota;
  private final long directoryBytes;
  private final Map<Integer, Change> origin = new HashMap<>();
  private final Map<String, Entry> entries = new TreeMap<>();

  /** Least recently used first. */
  private final Set<Blob> blobs = new LinkedHashSet<>();

  private final Map<Integer, Map<String, Blob>> views = new TreeMap<>();
  private final Map<String, Long> counters = new HashMap<>();

  /** What the last command handed out. */
  private final Set<Integer> handedOut = new HashSet<>();

  /** What the request under way holds. */
  private final Set<Blob> pinned = new HashSet<>();

  record Blob(int content, boolean executable) {
    long bytes() {
      return (long) (SIZES.get(content) + BLOCK - 1) / BLOCK * BLOCK;
    }

    /** The other form of the same content. */
    Blob other() {
      return new Blob(content, !executable);
    }

    @Override
    public String toString() {
      return content + (executable ? "x" : "");
    }
  }

  private record Entry(int url, int content, boolean fresh) {}

  private record Provided(String outcome, Blob blob) {}

  private static final class Refused extends RuntimeException {
    Refused(String answer) {
      super(answer);
    }
  }

  /**
   * @param directoryBytes what the file system allocates for a directory
   */
  Model(long quota, long directoryBytes) {
    this.quota = quota;
    this.directoryBytes = directoryBytes;
  }

  /** The answer to a command, as status and what matters of the body. */
  String answer(Command command) {
    handedOut.clear();
    try {
      return switch (command) {
        case Put put -> put(put);
        case PutSet set -> putSet(set);
        case Prefetch prefetch -> prefetch(prefetch.want());
        case Show show -> show(show.container());
        case Release release -> done(() -> views.remove(release.container()));
        case ReleaseName release -> done(() -> view(release.container()).remove(release.name()));
        case Forget forget -> done(() -> entries.remove(forget.key()));
        case Prune prune -> prune(prune);
        case Reconcile reconcile -> reconcile(reconcile.live());
        case Change change -> done(() -> origin.put(change.url(), change));
        case Restart restart -> restart(restart.signal());
      };
    } catch (Refused e) {
      return String.valueOf(e.getMessage());
    } finally {
      pinned.clear();
      dropUnlisted();
    }
  }

  private static String done(Runnable change) {
    change.run();
    return "204";
  }

  // ---- downloads

  private String put(Put put) {
    try {
      Provided provided = provide(put.want());
      boolean isNew = !view(put.container()).containsKey(put.name());
      show(put.container(), Map.of(put.name(), provided.blob()), Set.of());
      count(provided, true);
      return (isNew ? "201 " : "200 ") + provided.outcome() + " " + provided.blob();
    } catch (Refused e) {
      count("requests.failed", 1);
      throw e;
    }
  }

  private String prefetch(Want want) {
    try {
      Provided provided = provide(want);
      count(provided, false);
      return "200 " + provided.outcome() + " " + provided.blob();
    } catch (Refused e) {
      count("requests.failed", 1);
      throw e;
    }
  }

  private String putSet(PutSet set) {
    var provided = new LinkedHashMap<String, Provided>();
    Refused first = null;
    for (var want : set.wants().entrySet()) {
      try {
        provided.put(want.getKey(), provide(want.getValue()));
      } catch (Refused e) {
        count("requests.failed", 1);
        first = first == null ? e : first;
      }
    }
    boolean isNew = !views.containsKey(set.container());
    try {
      if (first != null) {
        throw first;
      }
      var shown = new TreeMap<String, Blob>();
      provided.forEach((name, one) -> shown.put(name, one.blob()));
      show(set.container(), shown, view(set.container()).keySet());
      provided.values().forEach(one -> count(one, true));
      return (isNew ? "201 " : "200 ") + shown;
    } catch (Refused e) {
      provided.values().forEach(one -> count(one, false));
      throw e;
    }
  }

  private Provided provide(Want want) {
    var kept = new HashSet<>(pinned);
    Provided found = find(want);
    kept.add(found.blob());
    pinned.retainAll(kept);
    dropUnlisted();
    handedOut.add(use(found.blob()).content());
    return want.executable()
        ? new Provided(found.outcome(), use(form(found.blob().content(), true)))
        : found;
  }

  private Provided find(Want want) {
    Integer wanted = want.checksum();
    if (wanted != null && entries.values().stream().anyMatch(e -> e.content() == wanted)) {
      return new Provided("hit", form(wanted, false));
    }
    Entry known = entries.get(want.key());
    Blob older = known == null ? new Blob(-1, false) : form(known.content(), false);
    boolean right = known != null && known.url() == want.url() && wanted == null;
    if (right && (known.fresh() || want.maxAge())) {
      return new Provided("hit", older);
    }
    Change there = origin.get(want.url());
    if (there.policy() == Policy.STATUS_500) {
      if (right && want.maxStale()) {
        return new Provided("stale", older);
      }
      throw new Refused("502 origin-rejected");
    }
    var entry = new Entry(want.url(), there.content(), there.policy() == Policy.FRESH);
    if (right && there.policy().keeps() && there.content() == known.content()) {
      entries.put(want.key(), entry);
      return new Provided("revalidated", older);
    }
    var blob = new Blob(there.content(), false);
    reserve(blob.bytes());
    count("bytes.fetched", SIZES.get(there.content()));
    if (wanted != null && wanted != there.content()) {
      throw new Refused("502 checksum-mismatch");
    }
    pinned.add(blob);
    if (!there.policy().keeps()) {
      return new Provided("uncached", blob);
    }
    entries.put(want.key(), entry);
    return new Provided(known == null ? "miss" : "updated", blob);
  }

  /** Pins a form of a content; one that is not here is made from the other, which takes room. */
  private Blob form(int content, boolean executable) {
    var blob = new Blob(content, executable);
    pinned.add(blob);
    if (!blobs.contains(blob)) {
      boolean added = pinned.add(blob.other());
      reserve(blob.bytes());
      blobs.add(blob);
      if (added) {
        pinned.remove(blob.other());
      }
    }
    return blob;
  }

  private Blob use(Blob blob) {
    blobs.remove(blob);
    blobs.add(blob);
    return blob;
  }

  private void show(int container, Map<String, Blob> shown, Set<String> hidden) {
    Set<String> missing = directories(shown);
    missing.removeAll(views.containsKey(container) ? directories(view(container)) : Set.of());
    reserve((long) missing.size() * BLOCK);
    var view = views.computeIfAbsent(container, _ -> new TreeMap<>());
    view.keySet().removeAll(Set.copyOf(hidden));
    view.putAll(shown);
  }

  private void count(Provided provided, boolean served) {
    long size = SIZES.get(provided.blob().content());
    count("requests." + provided.outcome(), 1);
    count("bytes.served", served ? size : 0);
    boolean saved = Set.of("hit", "revalidated", "stale").contains(provided.outcome());
    count("bytes.saved", served && saved ? size : 0);
  }

  private void count(String counter, long more) {
    counters.merge(counter, more, Long::sum);
  }

  // ---- space

  /** Evicts what was not used for longest and nobody holds, if that helps. */
  private void reserve(long bytes) {
    long missing = bytes == 0 ? 0 : used() + bytes - quota;
    boolean helps = missing <= idle();
    for (Blob victim : List.copyOf(blobs)) {
      if (missing > 0 && helps && !isHeld(victim) && !pinned.contains(victim)) {
        missing -= victim.bytes();
        evict(victim);
      }
    }
    if (missing > 0) {
      throw new Refused("507 insufficient-space " + inUse());
    }
  }

  private void evict(Blob victim) {
    blobs.remove(victim);
    count("evictions.count", 1);
    count("evictions.bytes", victim.bytes());
    if (!blobs.contains(victim.other())) {
      entries.values().removeIf(entry -> entry.content() == victim.content());
    }
  }

  private void dropUnlisted() {
    blobs.removeIf(
        blob ->
            !isHeld(blob)
                && !pinned.contains(blob)
                && entries.values().stream().noneMatch(e -> e.content() == blob.content()));
  }

  private boolean isHeld(Blob blob) {
    return views.values().stream().anyMatch(view -> view.containsValue(blob));
  }

  private long idle() {
    return blobs.stream().filter(blob -> !isHeld(blob)).mapToLong(Blob::bytes).sum();
  }

  private long inUse() {
    long held = blobs.stream().filter(this::isHeld).mapToLong(Blob::bytes).sum();
    return held
        + views.values().stream().mapToLong(v -> directories(v).size()).sum() * directoryBytes;
  }

  private long used() {
    return idle() + inUse();
  }

  private static Set<String> directories(Map<String, Blob> view) {
    var directories = new TreeSet<>(Set.of("", ".cached-downloads"));
    for (String name : view.keySet()) {
      for (int i = name.indexOf('/'); i >= 0; i = name.indexOf('/', i + 1)) {
        directories.add(name.substring(0, i));
      }
    }
    return directories;
  }

  // ---- the rest of the API

  private String show(int container) {
    return views.containsKey(container) ? "200 " + view(container) : "404 not-found";
  }

  private Map<String, Blob> view(int container) {
    return views.getOrDefault(container, new TreeMap<>());
  }

  /** Names the entries of which no form is left. */
  private String prune(Prune prune) {
    String prefix = prune.prefix() == null ? "" : prune.prefix();
    var left = new LinkedHashSet<>(blobs);
    var keys = new TreeSet<String>();
    long freed = 0;
    for (Blob blob : List.copyOf(blobs)) {
      Set<String> of = keysOf(blob.content());
      if (used() > prune.targetBytes() + (prune.dryRun() ? freed : 0)
          && !isHeld(blob)
          && of.stream().allMatch(key -> key.startsWith(prefix))) {
        freed += blob.bytes();
        left.remove(blob);
        if (!left.contains(blob.other())) {
          keys.addAll(of);
        }
        if (!prune.dryRun()) {
          evict(blob);
        }
      }
    }
    return "200 " + keys + " " + freed;
  }

  private Set<String> keysOf(int content) {
    var keys = new TreeSet<>(entries.keySet());
    keys.removeIf(key -> entries.get(key).content() != content);
    return keys;
  }

  private String reconcile(Set<Integer> live) {
    var released = new TreeSet<>(views.keySet());
    released.removeAll(live);
    views.keySet().removeAll(released);
    return "200 " + released;
  }

  private String restart(Signal signal) {
    counters.clear();
    return signal.toString();
  }

  // ---- what is open

  /**
   * Whether a set of several has one outcome, whatever the order in which it is fetched: it fits
   * without evicting, and nobody loses an executable form that another one could have kept.
   */
  boolean isCertain(PutSet set) {
    long bytes = 3L * BLOCK;
    boolean keepsForms = true;
    for (Want want : set.wants().values()) {
      Entry known = entries.get(want.key());
      bytes += new Blob(origin.get(want.url()).content(), false).bytes();
      bytes += known == null ? 0 : new Blob(known.content(), false).bytes();
      keepsForms &= known == null || !blobs.contains(new Blob(known.content(), true));
    }
    return keepsForms && used() + bytes <= quota;
  }

  boolean hasExecutables() {
    return blobs.stream().anyMatch(Blob::executable);
  }

  /** Whether the last command handed a content out. */
  boolean hasHandedOut(int content) {
    return handedOut.contains(content);
  }

  /** These contents were used last, in this order. */
  void usedInOrder(List<Integer> contents) {
    contents.stream().map(content -> new Blob(content, false)).forEach(this::use);
  }

  /** What a kill can take: that the origin called an entry fresh when it was validated. */
  void remembersFreshness(String key, boolean fresh) {
    entries.computeIfPresent(key, (_, e) -> new Entry(e.url(), e.content(), e.fresh() && fresh));
  }

  // ---- what can be seen

  /** Figures of the statistics. Counters are those since the last start. */
  Map<String, Long> figures() {
    var figures = new TreeMap<String, Long>();
    COUNTERS.forEach(counter -> figures.put(counter, counters.getOrDefault(counter, 0L)));
    figures.put("cache.entries", (long) entries.size());
    figures.put("cache.blobs", (long) blobs.size());
    figures.put("cache.containers", (long) views.size());
    figures.put("cache.references", views.values().stream().mapToLong(Map::size).sum());
    figures.put("disk.idleBytes", idle());
    figures.put("disk.inUseBytes", inUse());
    figures.put("disk.usedBytes", used());
    figures.put("disk.partialBytes", 0L);
    figures.put("disk.reservedBytes", 0L);
    figures.put("disk.quarantineBytes", 0L);
    return figures;
  }

  static final List<String> COUNTERS =
      List.of(
          "requests.hit",
          "requests.revalidated",
          "requests.miss",
          "requests.updated",
          "requests.coalesced",
          "requests.stale",
          "requests.uncached",
          "requests.failed",
          "bytes.served",
          "bytes.fetched",
          "bytes.saved",
          "evictions.count",
          "evictions.bytes");

  /** Each key with its content and the names that show it. */
  Map<String, String> entries() {
    var found = new TreeMap<String, String>();
    entries.forEach((key, entry) -> found.put(key, entry.content() + " " + names(entry)));
    return found;
  }

  private long names(Entry entry) {
    return views.values().stream()
        .flatMap(view -> view.values().stream())
        .filter(blob -> blob.content() == entry.content())
        .count();
  }

  /** Every view with its names. */
  Map<Integer, Map<String, String>> views() {
    var found = new TreeMap<Integer, Map<String, String>>();
    views.forEach(
        (container, view) -> {
          var names = new TreeMap<String, String>();
          view.forEach((name, blob) -> names.put(name, blob.toString()));
          found.put(container, names);
        });
    return found;
  }
}
