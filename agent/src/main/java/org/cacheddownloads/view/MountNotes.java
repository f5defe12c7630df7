package org.cacheddownloads.view;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Removal;
import org.cacheddownloads.store.StoreLayout;

/**
 * What a view says is mounted where, as it lies on disk: one symlink for each tree that was to be
 * mounted at a name, numbered from 1 on. Changes write it, step by step, in {@link ViewChange};
 * here it is read at a start, and what a kill left half done is put right. Used under the view's
 * lock.
 */
final class MountNotes {
  private final StoreLayout layout;
  private final ContainerId container;
  private final Path root;

  MountNotes(StoreLayout layout, ContainerId container) {
    this.layout = layout;
    this.container = container;
    this.root = layout.links(container).resolve(StoreLayout.MOUNTS);
  }

  /**
   * What is or was mounted at each name, the last one now.
   *
   * @param held what the view has references to; notes of anything else go
   */
  Map<DownloadName, List<Stored>> read(Set<Stored> held) throws IOException {
    var found = new HashMap<DownloadName, List<Stored>>();
    if (Files.isDirectory(root, LinkOption.NOFOLLOW_LINKS)) {
      read(root, List.of(), held, found);
    }
    return found;
  }

  private static void read(
      Path directory, List<String> above, Set<Stored> held, Map<DownloadName, List<Stored>> found)
      throws IOException {
    var notes = new TreeMap<Integer, Stored>();
    for (Path path : list(directory)) {
      String segment = String.valueOf(path.getFileName());
      if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        List<String> segments = new ArrayList<>(above);
        segments.add(segment);
        read(path, segments, held, found);
        continue;
      }
      Stored stored =
          Files.isSymbolicLink(path)
              ? StoreLayout.storedNamed(Files.readSymbolicLink(path).toString())
              : null;
      if (stored != null && held.contains(stored) && segment.matches("[0-9]{1,9}")) {
        notes.put(Integer.valueOf(segment), stored);
      } else {
        Files.delete(path); // of a tree that has left the view
      }
    }
    DownloadName name = above.isEmpty() ? null : DownloadName.ifValid(above);
    if (name != null && !notes.isEmpty()) {
      found.put(name, new ArrayList<>(notes.values()));
      renumber(directory, notes);
    }
    Removal.deleteIfEmpty(directory);
  }

  /** From 1 on without a gap, as changes expect it. */
  private static void renumber(Path directory, Map<Integer, Stored> notes) throws IOException {
    int number = 1;
    for (int before : List.copyOf(notes.keySet())) {
      if (before != number) {
        Files.move(
            directory.resolve(Integer.toString(before)),
            directory.resolve(Integer.toString(number)));
      }
      number++;
    }
  }

  /** Forgets what was noted of names without a mount point: a kill came between the two. */
  void forgetAllBut(Map<DownloadName, List<Stored>> read, Set<DownloadName> mounted)
      throws IOException {
    for (DownloadName name : read.keySet()) {
      if (!mounted.contains(name)) {
        BlobStore.discard(layout.mounts(container, name));
      }
    }
    if (Files.isDirectory(root, LinkOption.NOFOLLOW_LINKS)) {
      deleteEmptyBelow(root);
    }
  }

  private static void deleteEmptyBelow(Path directory) throws IOException {
    for (Path path : list(directory)) {
      if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        deleteEmptyBelow(path);
      }
    }
    Removal.deleteIfEmpty(directory);
  }

  private static List<Path> list(Path directory) throws IOException {
    try (var paths = Files.list(directory)) {
      return paths.sorted().toList();
    }
  }
}
