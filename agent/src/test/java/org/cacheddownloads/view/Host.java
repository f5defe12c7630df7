package org.cacheddownloads.view;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.cacheddownloads.catalog.DownloadRow;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.Deliver;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.Outcome;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.content.Validator;
import org.cacheddownloads.space.Cell;
import org.cacheddownloads.space.TestClock;

/** A cell with views: an agent without its network. Opening one reads the views from the disk. */
final class Host implements AutoCloseable {
  static final ContainerId C1 = new ContainerId("c1");
  static final ContainerId C2 = new ContainerId("c2");

  final Cell cell;
  final Views views;

  private Host(Cell cell) {
    this.cell = cell;
    this.views =
        new Views(
            cell.layout,
            cell.catalog,
            cell.holds,
            cell.budget,
            cell.evictor,
            cell.copies,
            cell.store,
            cell.clock);
  }

  static Host start(Path state) throws IOException {
    return start(state, new TestClock());
  }

  static Host start(Path state, TestClock clock) throws IOException {
    var host = new Host(new Cell(state, clock));
    new ViewScan(
            host.cell.layout,
            host.cell.catalog,
            host.cell.store,
            host.cell.budget,
            host.views,
            host.cell.partials,
            host.cell.recency)
        .run();
    return host;
  }

  Reconciler.Findings reconcile() throws IOException {
    return new Reconciler(
            cell.layout,
            cell.catalog,
            cell.store,
            cell.budget,
            new org.cacheddownloads.space.Recount(
                cell.catalog, cell.store, cell.holds, cell.budget),
            cell.evictor)
        .run();
  }

  static DownloadName name(String text) {
    return DownloadName.parse(text);
  }

  static DownloadRow row(ContainerId container, String name, Stored stored) {
    return new DownloadRow(
        container,
        name(name),
        stored,
        "key of " + name,
        null,
        "http://origin/" + name,
        7,
        Outcome.MISS,
        7,
        Duration.ofMillis(5),
        new Validator("\"e\"", null),
        null,
        Deliver.LINK,
        null);
  }

  boolean provide(ContainerId container, String name, Stored stored) {
    return views.provide(row(container, name, stored), Cell.NEVER);
  }

  Views.Declared declare(ContainerId container, Map<String, Stored> set) {
    List<DownloadRow> rows =
        new TreeMap<>(set)
            .entrySet().stream().map(one -> row(container, one.getKey(), one.getValue())).toList();
    return views.declare(container, rows, null, Cell.NEVER);
  }

  static Stored executable(Stored stored) {
    return new Stored(stored.digest(), Form.EXECUTABLE);
  }

  Path path(ContainerId container, String name) {
    return cell.layout.view(container).resolve(name);
  }

  /** What a container reads under {@code name}. */
  String text(ContainerId container, String name) throws IOException {
    return Files.readString(path(container, name));
  }

  /** Every path of a view with what it is: inode, mode and the target of symlinks. */
  Map<String, String> listing(ContainerId container) throws IOException {
    Path root = cell.layout.view(container);
    var listing = new TreeMap<String, String>();
    if (!Files.exists(root)) {
      return listing;
    }
    try (var paths = Files.walk(root)) {
      for (Path path : paths.toList()) {
        String target = Files.isSymbolicLink(path) ? Files.readSymbolicLink(path).toString() : "";
        Object inode = Files.getAttribute(path, "unix:ino", LinkOption.NOFOLLOW_LINKS);
        Object mode = Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        listing.put(
            root.relativize(path).toString(),
            // a symlink that came back may have another inode: nobody can hold one open
            (target.isEmpty() ? inode : "link") + " " + mode + " " + target);
      }
    }
    return listing;
  }

  /** Names as the views tell them. */
  List<String> names(ContainerId container) {
    return views.find(container).orElseThrow().downloads().stream()
        .map(row -> row.name().toString())
        .toList();
  }

  void assertSumsAreTheDisks() throws IOException {
    cell.assertSumsAreTheDisks();
    assertEquals(
        views.list("", 1000).stream().mapToLong(state -> state.downloads().size()).sum(),
        views.references(),
        "references");
    assertEquals(views.list("", 1000).size(), views.containers(), "containers");
  }

  @Override
  public void close() {
    cell.close();
  }
}
