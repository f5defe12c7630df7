package org.cacheddownloads.view;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.cacheddownloads.catalog.DownloadRow;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.space.Reservation;
import org.cacheddownloads.store.StoreLayout;

/**
 * Space that a change may take: new directories whole, and growth of the ones that are getting
 * full.
 */
record Need(long bytes, long inodes) {
  private static final int ENTRY_BYTES = 96;

  /** The directories that keep what is mounted at a name. */
  private static List<Path> mounts(StoreLayout layout, View view, DownloadName name) {
    var paths = new ArrayList<Path>();
    Path root = layout.links(view.container);
    for (Path path = layout.mounts(view.container, name);
        path != null && !path.equals(root);
        path = path.getParent()) {
      paths.add(path);
    }
    return paths;
  }

  @GuardedBy("view.lock")
  static Need of(StoreLayout layout, View view, Collection<DownloadRow> rows) {
    Path root = layout.view(view.container);
    Set<Path> missing = new HashSet<>(List.of(root, layout.links(view.container)));
    long symlinks = 0;
    for (DownloadRow row : rows) {
      symlinks += view.names.containsKey(row.name()) && !row.isMounted() ? 0 : 1;
      Path directory = root;
      for (String segment : row.name().segments().subList(0, row.name().depth() - 1)) {
        directory = directory.resolve(segment);
        missing.add(directory);
      }
      if (row.isMounted()) {
        missing.add(directory.resolve(row.name().segments().getLast()));
        missing.addAll(mounts(layout, view, row.name()));
      }
    }
    missing.removeAll(view.directories.keySet());
    long entries = view.links.size() + view.names.size() + 2L * rows.size();
    long growth = entries * ENTRY_BYTES > Reservation.BLOCK_BYTES ? 4 * Reservation.BLOCK_BYTES : 0;
    return new Need(missing.size() * Reservation.BLOCK_BYTES + growth, missing.size() + symlinks);
  }
}
