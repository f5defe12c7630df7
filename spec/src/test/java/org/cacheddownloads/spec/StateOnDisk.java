package org.cacheddownloads.spec;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A state directory as one walk finds it: blobs, views, and what does not belong there. Knows the
 * layout that README draws, and nothing of the agent. Exact only while nobody writes.
 */
final class StateOnDisk {
  private static final String LINKS = ".cached-downloads";
  private static final Pattern STORED = Pattern.compile("[0-9a-f]{64}(\\.x)?");
  private static final Pattern CONTAINER = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]*");
  private static final Set<String> RESUMABLE = Set.of("data", "resume");
  private static final int BLOCK = 512;

  /** A file, by its path below the state directory; {@code target} is that of a symlink. */
  record Item(
      char type, String inode, int links, long bytes, String mode, String path, String target) {
    String name() {
      return path.substring(path.lastIndexOf('/') + 1);
    }
  }

  /** A container's directory: its hard links by name of file, and where its names lead to. */
  record View(Map<String, Item> links, Map<String, String> names, Set<String> directories) {}

  private final Map<String, Item> blobs = new TreeMap<>();
  private final Map<String, View> views = new TreeMap<>();
  private final List<Item> quarantine = new ArrayList<>();
  private final Map<String, Set<String>> ingests = new TreeMap<>();
  private final List<String> faults = new ArrayList<>();
  private long inUseBytes;

  private StateOnDisk() {}

  static StateOnDisk read(Path state) {
    var disk = new StateOnDisk();
    var command =
        List.of("find", state.toString(), "-printf", "%y\\t%i\\t%n\\t%b\\t%m\\t%P\\t%l\\n");
    List<Item> items = Child.run(command).output().lines().map(StateOnDisk::item).toList();
    items.forEach(disk::sort);
    disk.ingests.forEach(disk::checkIngest);
    disk.views.forEach(disk::checkView);
    disk.count(items);
    return disk;
  }

  private static Item item(String line) {
    String[] words = line.split("\t", -1);
    return new Item(
        words[0].charAt(0),
        words[1],
        Integer.parseInt(words[2]),
        Long.parseLong(words[3]) * BLOCK,
        words[4],
        words[5],
        words[6]);
  }

  private void sort(Item item) {
    String[] path = item.path().split("/", -1);
    switch (path[0]) {
      case "blobs" -> blob(item, path);
      case "containers" -> view(item, path);
      case "ingest" -> ingest(item, path);
      case "quarantine" -> {
        if (path.length > 1) {
          quarantine.add(item);
        }
      }
      default -> {} // the catalog and its like
    }
  }

  private void blob(Item item, String[] path) {
    if (path.length < 4) {
      return; // fan-out directories
    }
    String name = item.name();
    boolean isOurs =
        item.type() == 'f' && STORED.matcher(name).matches() && name.startsWith(path[2]);
    if (!isOurs) {
      faults.add("not a blob: " + item);
      return;
    }
    blobs.put(name, item);
    if (!item.mode().equals(name.endsWith(".x") ? "555" : "444")) {
      faults.add("a blob with a wrong mode: " + item);
    }
  }

  private void view(Item item, String[] path) {
    if (path.length == 1) {
      return;
    }
    if (!CONTAINER.matcher(path[1]).matches()) {
      if (path.length == 2) {
        faults.add("not a container, or the rest of one: " + item);
      }
      return;
    }
    View view =
        views.computeIfAbsent(
            path[1], _ -> new View(new TreeMap<>(), new TreeMap<>(), new HashSet<>()));
    String below = item.path().substring(("containers/" + path[1]).length()).replaceFirst("^/", "");
    boolean isLink = below.startsWith(LINKS + "/");
    if (item.type() == 'd' && !isLink) {
      view.directories().add(below);
    } else if (isLink && item.type() == 'f' && STORED.matcher(item.name()).matches()) {
      view.links().put(item.name(), item);
    } else if (!isLink && item.type() == 'l') {
      view.names().put(below, item.target());
    } else {
      faults.add("not a part of a view: " + item);
    }
  }

  private void ingest(Item item, String[] path) {
    switch (path.length) {
      case 1 -> {}
      case 2 -> ingests.computeIfAbsent(path[1], _ -> new HashSet<>());
      default -> ingests.computeIfAbsent(path[1], _ -> new HashSet<>()).add(item.name());
    }
  }

  private void checkIngest(String id, Set<String> files) {
    if (!files.equals(RESUMABLE)) {
      faults.add("an ingest that cannot be resumed: " + id + " with " + files);
    }
  }

  private void checkView(String container, View view) {
    Set<String> used = new HashSet<>();
    view.names()
        .forEach(
            (name, target) -> {
              String up = "../".repeat((int) name.chars().filter(c -> c == '/').count());
              String stored = target.substring(target.lastIndexOf('/') + 1);
              if (!target.equals(up + LINKS + "/" + stored) || !view.links().containsKey(stored)) {
                faults.add("a name that leads nowhere: " + container + "/" + name + " " + target);
              }
              used.add(stored);
            });
    view.links().keySet().stream()
        .filter(stored -> !used.contains(stored))
        .forEach(stored -> faults.add("a link without a name: " + container + " " + stored));
    view.directories().stream()
        .filter(directory -> !directory.isEmpty() && !directory.equals(LINKS))
        .filter(
            directory ->
                view.names().keySet().stream().noneMatch(name -> name.startsWith(directory + "/")))
        .forEach(directory -> faults.add("an empty directory: " + container + "/" + directory));
  }

  /** Bytes in use: the directories of views, and inodes that views hold, each once. */
  private void count(List<Item> items) {
    var inodes = new HashMap<String, Long>();
    views.values().stream()
        .flatMap(view -> view.links().values().stream())
        .forEach(link -> inodes.put(link.inode(), link.bytes()));
    inUseBytes =
        inodes.values().stream().mapToLong(Long::longValue).sum()
            + items.stream()
                .filter(item -> item.type() == 'd' && item.path().startsWith("containers/"))
                .mapToLong(Item::bytes)
                .sum();
  }

  /** What should not be there; empty when all is as the layout says. */
  List<String> faults() {
    return List.copyOf(faults);
  }

  Map<String, Item> blobs() {
    return blobs;
  }

  Map<String, View> views() {
    return views;
  }

  List<Item> quarantine() {
    return quarantine;
  }

  /** The names of files that the names of a container lead to. */
  Map<String, String> shown(String container) {
    var shown = new TreeMap<String, String>();
    views
        .get(container)
        .names()
        .forEach((name, target) -> shown.put(name, target.substring(target.lastIndexOf('/') + 1)));
    return shown;
  }

  /** The stored file behind each name of each container. */
  Stream<String> references() {
    return views.keySet().stream().flatMap(container -> shown(container).values().stream());
  }

  /** The hard links of all views. */
  Stream<Item> links() {
    return views.values().stream().flatMap(view -> view.links().values().stream());
  }

  long inUseBytes() {
    return inUseBytes;
  }
}
