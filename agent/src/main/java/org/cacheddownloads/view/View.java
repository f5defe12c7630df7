package org.cacheddownloads.view;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.cacheddownloads.catalog.ContainerRow;
import org.cacheddownloads.catalog.DownloadRow;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.store.Posix;
import org.jspecify.annotations.Nullable;

/**
 * One container's view as it lies on disk, in memory. Everything but its identity is guarded by its
 * lock.
 */
final class View {
  final ContainerId container;
  final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  final Map<DownloadName, DownloadRow> names = new TreeMap<>();

  @GuardedBy("lock")
  final Map<Stored, Link> links = new HashMap<>();

  /** Every directory of the view with its allocated bytes. */
  @GuardedBy("lock")
  final Map<Path, Long> directories = new HashMap<>();

  @GuardedBy("lock")
  Instant createdAt;

  @GuardedBy("lock")
  @Nullable Instant expiresAt;

  /** Set when the view is on disk; before that it is only a place to lock. */
  @GuardedBy("lock")
  boolean exists;

  /**
   * Set when it was taken out of the map: whoever waited for the lock looks the container up again.
   */
  @GuardedBy("lock")
  boolean released;

  /** What was mounted at a name since it is there, the last one now; for those who run still. */
  @GuardedBy("lock")
  final Map<DownloadName, List<Stored>> mounted = new HashMap<>();

  /** How many symlinks the view has, but for those in copies of trees. */
  @GuardedBy("lock")
  long symlinks;

  /**
   * A reference in the view.
   *
   * @param inode of the file, or of the tree's manifest
   * @param bytes that the object occupies, all of a tree
   * @param inodes that the object has
   * @param hasContent whether a tree's content is here; true for a file
   * @param copyBytes directories of the view's own copy of a tree
   * @param copyInodes directories and symlinks of that copy
   */
  record Link(
      long inode, long bytes, long inodes, boolean hasContent, long copyBytes, long copyInodes) {
    static Link file(Posix.Stat stat) {
      return new Link(stat.inode(), stat.allocatedBytes(), 1, true, 0, 0);
    }
  }

  View(ContainerId container, Instant createdAt) {
    this.container = container;
    this.createdAt = createdAt;
  }

  @GuardedBy("lock")
  ContainerRow row() {
    return new ContainerRow(container, createdAt, expiresAt);
  }
}
