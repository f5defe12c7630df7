package org.cacheddownloads.spec;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.cacheddownloads.spec.Ledger.Form;

/**
 * A state directory as one walk finds it: blobs, trees, views, and what does not belong there.
 * Knows the layout that README draws, and nothing of the agent. Exact only while nobody writes.
 */
final class StateOnDisk {
  private static final String LINKS = ".cached-downloads";
  private static final String MOUNTS = LINKS + "/mounts";
  private static final Pattern STORED = Pattern.compile("[0-9a-f]{64}(\\.x)?");
  private static final Pattern TREE = Pattern.compile("[0-9a-f]{64}(\\.[0-9]+)?");
  private static final Pattern COPY = Pattern.compile("[0-9a-f]{64}\\.d");
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

  /** A tree in the store, or a view's copy of one: what is in it by path, itself as the empty. */
  record Tree(String path, Map<String, Item> items) {
    private static final String CONTENT = "content";

    Optional<Item> manifest() {
      return Optional.ofNullable(items.get("manifest"));
    }

    String name() {
      return path.substring(path.lastIndexOf('/') + 1);
    }

    /** What the archive holds, by path below it; empty where only the manifest is linked. */
    Map<String, Item> content() {
      var content = new TreeMap<String, Item>();
      items.forEach(
          (name, item) -> {
            if (name.equals(CONTENT) || name.startsWith(CONTENT + "/")) {
              content.put(name.substring(CONTENT.length()).replaceFirst("^/", ""), item);
            }
          });
      return content;
    }
  }

  /**
   * A container's directory: its hard links by name of file, its copies of trees by name, where its
   * symlinks lead to, its directories, and by name what is or was mounted there.
   */
  record View(
      Map<String, Item> links,
      Map<String, Tree> copies,
      Map<String, String> symlinks,
      Set<String> directories,
      Map<String, Map<Integer, String>> mounts) {
    /** What each name shows, as {@link Form#of} has it. */
    Map<String, String> shown() {
      var shown = new TreeMap<String, String>();
      symlinks.forEach((name, target) -> shown.put(name, shownBy(target)));
      mounts.forEach(
          (name, notes) -> {
            if (directories.contains(name)) {
              shown.put(name, mounted(notes.get(notes.size())));
            }
          });
      return shown;
    }
  }

  private static String shownBy(String target) {
    String[] path = target.split("/", -1);
    return path[path.length - 1].equals(Tree.CONTENT)
        ? path[path.length - 2]
        : path[path.length - 1];
  }

  private static String mounted(String note) {
    return note.replaceFirst("\\.d$", Form.MOUNTED.suffix());
  }

  private final Map<String, Item> blobs = new TreeMap<>();
  private final Map<String, Tree> trees = new TreeMap<>();
  private final Map<String, View> views = new TreeMap<>();
  private final List<Item> quarantine = new ArrayList<>();
  private final Map<String, Set<String>> ingests = new TreeMap<>();
  private final List<String> faults = new ArrayList<>();
  private final List<String> leftovers = new ArrayList<>();
  private final Map<String, Integer> names = new HashMap<>();
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

  /** The directory of a digest's tree in the store. */
  static Path tree(Path state, String digest) {
    String hex = digest.substring("sha256:".length());
    return state.resolve("trees/sha256").resolve(hex.substring(0, 2)).resolve(hex);
  }

  /** What one name of a view shows now, as {@link Form#of} has it. */
  static String shownAt(Path view, String name) throws IOException {
    Path path = view.resolve(name);
    if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
      return shownBy(Files.readSymbolicLink(path).toString());
    }
    try (Stream<Path> notes = Files.list(view.resolve(MOUNTS).resolve(name))) {
      int last =
          notes.mapToInt(note -> Integer.parseInt(note.getFileName().toString())).max().orElse(0);
      Path note = view.resolve(MOUNTS).resolve(name).resolve(String.valueOf(last));
      return mounted(Files.readSymbolicLink(note).toString());
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private void sort(Item item) {
    if (item.type() == 'f') {
      names.merge(item.inode(), 1, Integer::sum);
    }
    String[] path = item.path().split("/", -1);
    switch (path[0]) {
      case "blobs" -> blob(item, path);
      case "trees" -> tree(item, path);
      case "containers" -> view(item, path);
      case "ingest" -> ingest(item, path);
      case "quarantine" -> {
        if (path.length == 2) {
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

  private void tree(Item item, String[] path) {
    if (path.length < 4) {
      return; // fan-out directories
    }
    if (!TREE.matcher(path[3]).matches() || !path[3].startsWith(path[2])) {
      faults.add("not a tree: " + item);
      return;
    }
    put(trees, path[3], item, String.join("/", List.of(path).subList(0, 4)));
  }

  private static void put(Map<String, Tree> trees, String name, Item item, String path) {
    trees
        .computeIfAbsent(name, _ -> new Tree(path, new TreeMap<>()))
        .items()
        .put(item.path().substring(path.length()).replaceFirst("^/", ""), item);
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
            path[1],
            _ ->
                new View(
                    new TreeMap<>(),
                    new TreeMap<>(),
                    new TreeMap<>(),
                    new HashSet<>(),
                    new TreeMap<>()));
    String root = "containers/" + path[1];
    String below = item.path().substring(root.length()).replaceFirst("^/", "");
    boolean isLink = below.startsWith(LINKS + "/");
    if (isLink && COPY.matcher(path[3]).matches()) {
      put(view.copies(), path[3], item, root + "/" + LINKS + "/" + path[3]);
    } else if (isLink && path[3].equals("mounts")) {
      note(view, item, below);
    } else if (item.type() == 'd' && !isLink) {
      view.directories().add(below);
    } else if (isLink && item.type() == 'f' && STORED.matcher(item.name()).matches()) {
      view.links().put(item.name(), item);
    } else if (!isLink && item.type() == 'l') {
      view.symlinks().put(below, item.target());
    } else {
      faults.add("not a part of a view: " + item);
    }
  }

  /** One of {@code .cached-downloads/mounts/deep/one/1 -> DIGEST.d}. */
  private void note(View view, Item item, String below) {
    String name = below.substring(MOUNTS.length()).replaceFirst("^/", "");
    if (item.type() == 'l' && COPY.matcher(item.target()).matches()) {
      view.mounts()
          .computeIfAbsent(name.replaceFirst("/[0-9]+$", ""), _ -> new TreeMap<>())
          .put(Integer.valueOf(item.name()), item.target());
    } else if (item.type() != 'd') {
      faults.add("not a note of a mount: " + item);
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
      leftovers.add("an ingest that cannot be resumed: " + id + " with " + files);
    }
  }

  private void checkView(String container, View view) {
    Set<String> used = new HashSet<>();
    view.symlinks()
        .forEach(
            (name, target) -> {
              String up = "../".repeat((int) name.chars().filter(c -> c == '/').count());
              String stored = shownBy(target);
              Tree copy = view.copies().get(stored);
              boolean leads =
                  copy != null
                      ? !copy.content().isEmpty() && target.endsWith("/" + Tree.CONTENT)
                      : view.links().containsKey(stored);
              String expected = up + LINKS + "/" + stored + (copy != null ? "/content" : "");
              if (!leads || !target.equals(expected)) {
                faults.add("a name that leads nowhere: " + container + "/" + name + " " + target);
              }
              used.add(stored);
            });
    view.mounts().forEach((name, notes) -> checkMounts(container + "/" + name, view, name, notes));
    view.mounts().values().forEach(notes -> used.addAll(notes.values()));
    Stream.of(view.links().keySet(), view.copies().keySet())
        .flatMap(Collection::stream)
        .filter(stored -> !used.contains(stored))
        .forEach(stored -> faults.add("a link without a name: " + container + " " + stored));
    view.copies().values().stream()
        .filter(copy -> copy.manifest().isEmpty())
        .forEach(copy -> faults.add("a copy of a tree without a reference: " + copy.path()));
    view.directories().stream()
        .filter(directory -> !directory.isEmpty() && !directory.equals(LINKS))
        .filter(directory -> !view.mounts().containsKey(directory))
        .filter(directory -> view.shown().keySet().stream().noneMatch(isBelow(directory)))
        .forEach(directory -> faults.add("an empty directory: " + container + "/" + directory));
  }

  private static java.util.function.Predicate<String> isBelow(String directory) {
    return name -> name.startsWith(directory + "/");
  }

  private void checkMounts(String path, View view, String name, Map<Integer, String> notes) {
    if (!view.directories().contains(name)) {
      faults.add("notes of mounts without a mount point: " + path + " " + notes);
    }
    if (!List.copyOf(notes.keySet())
        .equals(IntStream.rangeClosed(1, notes.size()).boxed().toList())) {
      faults.add("notes of mounts with gaps: " + path + " " + notes);
    }
    notes.values().stream()
        .filter(stored -> !view.copies().containsKey(stored))
        .forEach(stored -> faults.add("a note of a mount that is not held: " + path + stored));
    Stream.of(view.directories(), view.symlinks().keySet())
        .flatMap(Collection::stream)
        .filter(isBelow(name))
        .forEach(other -> faults.add("a mount point that is not empty: " + path + " " + other));
  }

  /** Bytes in use: the directories of views, and inodes that views hold, each once. */
  private void count(List<Item> items) {
    var inodes = new HashMap<String, Long>();
    views.values().stream()
        .flatMap(view -> view.links().values().stream())
        .forEach(link -> inodes.put(link.inode(), link.bytes()));
    Stream<Tree> copies = views.values().stream().flatMap(view -> view.copies().values().stream());
    Set<String> anchors =
        copies
            .flatMap(copy -> copy.manifest().stream())
            .map(Item::inode)
            .collect(Collectors.toSet());
    Stream.concat(
            trees.values().stream()
                .filter(tree -> tree.manifest().stream().anyMatch(m -> anchors.contains(m.inode())))
                .flatMap(tree -> tree.items().values().stream()),
            views.values().stream()
                .flatMap(view -> view.copies().values().stream())
                .flatMap(copy -> copy.items().values().stream()))
        .filter(item -> item.type() != 'l')
        .forEach(item -> inodes.put(item.inode(), item.bytes()));
    items.stream()
        .filter(item -> item.type() == 'd' && item.path().startsWith("containers/"))
        .forEach(item -> inodes.put(item.inode(), item.bytes()));
    inUseBytes = inodes.values().stream().mapToLong(Long::longValue).sum();
  }

  /** What should not be there; empty when all is as the layout says. */
  List<String> faults() {
    return List.copyOf(faults);
  }

  /**
   * What an agent at rest has not in {@code ingest/}: only what can be gone on with stays there.
   */
  List<String> leftovers() {
    return List.copyOf(leftovers);
  }

  Map<String, Item> blobs() {
    return blobs;
  }

  /** By digest in hex; those that are damaged and held by views with a number behind it. */
  Map<String, Tree> trees() {
    return trees;
  }

  Map<String, View> views() {
    return views;
  }

  /** What is in quarantine, each file or tree once. */
  List<Item> quarantine() {
    return quarantine;
  }

  /** What the names of a container show, as {@link Form#of} has it. */
  Map<String, String> shown(String container) {
    return views.get(container).shown();
  }

  /** What each name of each container shows. */
  Stream<String> references() {
    return views.keySet().stream().flatMap(container -> shown(container).values().stream());
  }

  /** The hard links of all views to blobs. */
  Stream<Item> links() {
    return views.values().stream().flatMap(view -> view.links().values().stream());
  }

  /** What views have of trees. */
  Stream<Tree> copies() {
    return views.values().stream().flatMap(view -> view.copies().values().stream());
  }

  /** How many names of an inode were found. */
  int names(Item item) {
    return names.getOrDefault(item.inode(), 0);
  }

  long inUseBytes() {
    return inUseBytes;
  }
}
