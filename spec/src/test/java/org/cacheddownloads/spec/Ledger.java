package org.cacheddownloads.spec;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;

/**
 * What the agent has acknowledged, and so must still know after a kill; and what is in doubt,
 * because the kill fell before the answer. The law of the load tests: replies write it, the {@link
 * Checker} reads it.
 *
 * <p>Of a container it keeps every way in which it may be found; an acknowledged change leaves one.
 * A container is changed by one client at a time. Of a key, which many clients use at once, it
 * keeps what may have been the last thing to happen: of two events that overlapped either may be
 * the later one. Thread-safe in that sense.
 */
final class Ledger {
  /** In place of a digest or of a stored name: there is none. */
  static final String NOTHING = "nothing";

  /** In place of an expiry: one that the answer would have told. */
  static final String SOME_TIME = "some time";

  private static final int REMEMBERED = 12;

  private final AtomicLong clock = new AtomicLong();
  private final Map<String, Holding> containers = new ConcurrentSkipListMap<>();
  private final Map<String, Key> keys = new ConcurrentSkipListMap<>();
  private final Set<String> damaged = ConcurrentHashMap.newKeySet();
  private final Collection<String> faults = new ConcurrentLinkedQueue<>();

  /** An instant: everything that is told later is later. */
  long now() {
    return clock.incrementAndGet();
  }

  /** A promise was seen broken. */
  void fault(String sentence) {
    faults.add(sentence);
  }

  List<String> faults() {
    return List.copyOf(faults);
  }

  Holding container(String id) {
    return containers.computeIfAbsent(id, _ -> new Holding(id));
  }

  /** All containers that were ever asked for, by id. */
  Map<String, Holding> containers() {
    return new TreeMap<>(containers);
  }

  Key key(String key) {
    return keys.computeIfAbsent(key, _ -> new Key());
  }

  Map<String, Key> keys() {
    return new TreeMap<>(keys);
  }

  /** The test itself has damaged the bytes of this digest. */
  void damage(String digest) {
    damaged.add(digest);
  }

  boolean isDamaged(String digest) {
    return damaged.contains(digest);
  }

  // ---- containers

  /**
   * A container as it is found.
   *
   * @param names to what they show, as {@link Form#of} has it
   */
  record Seen(boolean exists, Map<String, String> names, String expiresAt) {
    static final Seen ABSENT = new Seen(false, Map.of(), NOTHING);
  }

  /** One way in which a container may be found; of each name it knows what that may show. */
  private record Way(boolean exists, Map<String, Set<String>> names, Set<String> expiries) {
    static final Way ABSENT = new Way(false, Map.of(), Set.of(NOTHING));

    static Way of(Seen seen) {
      var names = new TreeMap<String, Set<String>>();
      seen.names().forEach((name, stored) -> names.put(name, Set.of(stored)));
      return new Way(seen.exists(), names, Set.of(seen.expiresAt()));
    }

    static Way empty() {
      return new Way(true, Map.of(), Set.of(NOTHING));
    }

    Set<String> at(String name) {
      return names.getOrDefault(name, Set.of(NOTHING));
    }

    Way with(String name, Set<String> stored) {
      var all = new TreeMap<>(names);
      all.put(name, stored);
      return new Way(true, all, expiries);
    }

    Way expiring(Set<String> at) {
      return new Way(exists, names, at);
    }

    boolean allows(Seen seen) {
      var all = new TreeSet<>(names.keySet());
      all.addAll(seen.names().keySet());
      return exists == seen.exists()
          && (expiries.contains(SOME_TIME) || expiries.contains(seen.expiresAt()))
          && all.stream()
              .allMatch(name -> at(name).contains(seen.names().getOrDefault(name, NOTHING)));
    }
  }

  /**
   * A reference that is certain: its bytes have been held without a gap since {@code since}.
   *
   * @param request the one that gave it, by the instant at which it began
   */
  record Hold(String digest, long request, long since) {}

  /** What is known of one container. */
  static final class Holding {
    private final String id;
    private List<Way> ways = List.of(Way.ABSENT);
    private final Map<String, Hold> holds = new HashMap<>();
    private final ArrayDeque<String> journal = new ArrayDeque<>();

    private Holding(String id) {
      this.id = id;
    }

    private void note(String event) {
      journal.addLast(event);
      if (journal.size() > REMEMBERED) {
        journal.removeFirst();
      }
    }

    private void become(Collection<Way> next) {
      ways = List.copyOf(new LinkedHashSet<>(next));
    }

    private List<Way> each(UnaryOperator<Way> change) {
      return ways.stream().map(change).toList();
    }

    /** Whether the container is there, without a doubt. */
    synchronized boolean certainlyExists() {
      return ways.stream().allMatch(Way::exists);
    }

    /**
     * A PUT of one name was answered.
     *
     * @param isNew whether the answer said that the name was not there before
     */
    synchronized void shown(String name, String stored, boolean isNew, Hold hold) {
      note("acknowledged " + name + " -> " + stored + (isNew ? " as new" : ""));
      List<Way> before =
          ways.stream()
              .filter(
                  way ->
                      isNew
                          ? way.at(name).contains(NOTHING)
                          : way.at(name).stream().anyMatch(one -> !one.equals(NOTHING)))
              .toList();
      if (before.isEmpty()) {
        throw new AssertionError(
            "%s/%s was answered as %s, against what was acknowledged before: %s"
                .formatted(id, name, isNew ? "new" : "known", this));
      }
      become(before.stream().map(way -> way.with(name, Set.of(stored))).toList());
      holds.put(name, hold);
    }

    synchronized void perhapsShown(String name, Set<String> stored) {
      note("in doubt " + name + " -> " + stored.size() + " versions");
      var next = new ArrayList<>(ways);
      for (Way way : ways) {
        next.add(way.with(name, stored));
      }
      become(next);
      holds.remove(name);
    }

    synchronized void hidden(String name) {
      note("acknowledged release of " + name);
      become(each(way -> way.exists() ? way.with(name, Set.of(NOTHING)) : way));
      holds.remove(name);
    }

    synchronized void perhapsHidden(String name) {
      note("in doubt release of " + name);
      become(each(way -> way.exists() ? way.with(name, or(way.at(name), Set.of(NOTHING))) : way));
      holds.remove(name);
    }

    synchronized void released() {
      note("acknowledged release of all");
      become(List.of(Way.ABSENT));
      holds.clear();
    }

    synchronized void perhapsReleased() {
      note("in doubt release of all");
      var next = new ArrayList<>(ways);
      next.add(Way.ABSENT); // "is there whole or not at all": nothing between
      become(next);
      holds.clear();
    }

    /** A PUT of the whole set was answered. */
    synchronized void declared(Seen set, boolean isNew, Map<String, Hold> held) {
      note("acknowledged set " + set + (isNew ? " as new" : ""));
      if (ways.stream().noneMatch(way -> way.exists() != isNew)) {
        throw new AssertionError(
            "%s was answered as %s, against what was acknowledged before: %s"
                .formatted(id, isNew ? "new" : "known", this));
      }
      become(List.of(Way.of(set)));
      holds.clear();
      holds.putAll(held);
    }

    /**
     * "After kill -9 during a set PUT each name is the old or the new one" (contract, detail 6).
     */
    synchronized void perhapsDeclared(Map<String, Set<String>> set, boolean withExpiry) {
      note("in doubt set of " + set.keySet());
      var next = new ArrayList<Way>();
      for (Way way : ways) {
        Way after = way.exists() ? way : Way.empty();
        var names = new TreeSet<>(after.names().keySet());
        names.addAll(set.keySet());
        for (String name : names) {
          after = after.with(name, or(after.at(name), set.getOrDefault(name, Set.of(NOTHING))));
        }
        next.add(withExpiry ? after.expiring(or(after.expiries(), Set.of(SOME_TIME))) : after);
        if (!way.exists()) {
          next.add(way);
        }
      }
      become(next);
      holds.clear();
    }

    synchronized void renewed(String expiresAt) {
      note("acknowledged expiry " + expiresAt);
      become(
          ways.stream().filter(Way::exists).map(way -> way.expiring(Set.of(expiresAt))).toList());
    }

    synchronized void perhapsRenewed() {
      note("in doubt expiry");
      become(each(way -> way.exists() ? way.expiring(or(way.expiries(), Set.of(SOME_TIME))) : way));
    }

    /** A renewal was answered with 404. */
    synchronized void unknown() {
      note("answered as unknown");
      become(ways.stream().filter(way -> !way.exists()).toList());
    }

    synchronized boolean allows(Seen seen) {
      return ways.stream().anyMatch(way -> way.allows(seen));
    }

    /** It was looked at while nobody changed it: this is how it is. */
    synchronized void settle(Seen seen, long now) {
      become(List.of(Way.of(seen)));
      holds.keySet().retainAll(seen.names().keySet());
      seen.names()
          .forEach((name, stored) -> holds.putIfAbsent(name, new Hold(digest(stored), now, now)));
    }

    synchronized List<Hold> holds() {
      return List.copyOf(holds.values());
    }

    @Override
    public synchronized String toString() {
      return "%s may be %s; so far: %s"
          .formatted(id, ways.stream().limit(6).toList(), String.join(" | ", journal));
    }
  }

  private static Set<String> or(Set<String> some, Set<String> others) {
    var all = new LinkedHashSet<>(some);
    all.addAll(others);
    return all;
  }

  /** In which form a name shows what a digest stands for. */
  enum Form {
    FILE(""),
    EXECUTABLE(".x"),
    /** A directory, by links. */
    LINKED(".d"),
    /** A directory, to be mounted. */
    MOUNTED(".d mounted");

    private final String suffix;

    Form(String suffix) {
      this.suffix = suffix;
    }

    String suffix() {
      return suffix;
    }

    boolean isDirectory() {
      return this == LINKED || this == MOUNTED;
    }

    /**
     * What a name shows: the name of the file that has the bytes, in the store and in views, or of
     * a view's directory for a tree, and whether that is to be mounted.
     */
    String of(String digest) {
      return digest.substring("sha256:".length()) + suffix;
    }
  }

  /** The digest of what a name shows, or of the name of a stored file. */
  static String digest(String stored) {
    return "sha256:" + stored.substring(0, 64);
  }

  // ---- keys

  /**
   * At an instant between {@code start} and {@code end} the key had one of these digests, or none.
   *
   * @param certain false where it may not have happened at all, or outside of that time
   */
  private record Event(Set<String> values, long start, long end, boolean certain) {}

  /** What is known of one key. */
  static final class Key {
    private List<Event> events = new ArrayList<>(List.of(new Event(Set.of(NOTHING), 0, 0, true)));

    /** An answer says that the key had this digest, or {@link #NOTHING}. */
    synchronized void had(String digest, long start, long end) {
      add(new Event(Set.of(digest), start, end, true));
    }

    synchronized void perhapsHad(Set<String> digests, long start, long end) {
      add(new Event(digests, start, end, false));
    }

    private void add(Event event) {
      events.add(event);
      if (events.size() > 64) {
        events = new ArrayList<>(last());
      }
    }

    /** The events after which nothing else has happened for certain. */
    private List<Event> last() {
      long latest = events.stream().filter(Event::certain).mapToLong(Event::start).max().orElse(0);
      return events.stream().filter(event -> event.end() >= latest).toList();
    }

    /** What the key may have now, evictions aside. */
    synchronized Set<String> possible() {
      var values = new LinkedHashSet<String>();
      last().forEach(event -> values.addAll(event.values()));
      return values;
    }

    /**
     * Whether a reference has kept the bytes of {@code digest} in the store since they were this
     * key's: from then on the entry cannot have been evicted.
     */
    synchronized boolean isKept(String digest, List<Hold> holds) {
      return last().stream()
          .filter(event -> event.certain() && event.values().contains(digest))
          .anyMatch(
              event ->
                  holds.stream()
                      .filter(hold -> hold.digest().equals(digest))
                      .anyMatch(
                          hold -> hold.request() == event.start() || hold.since() < event.start()));
    }

    /** It was looked at while nobody changed it: this is what it has. */
    synchronized void settle(String digest, long now) {
      events = new ArrayList<>(List.of(new Event(Set.of(digest), now, now, true)));
    }

    @Override
    public synchronized String toString() {
      return last().toString();
    }
  }
}
