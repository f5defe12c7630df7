package org.cacheddownloads.view;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.cacheddownloads.catalog.ContainerRow;
import org.cacheddownloads.catalog.DownloadRow;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Stored;
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

  /** A hard link in the view: the inode it leads to and what that occupies. */
  record Link(long inode, long bytes) {}

  View(ContainerId container, Instant createdAt) {
    this.container = container;
    this.createdAt = createdAt;
  }

  @GuardedBy("lock")
  ContainerRow row() {
    return new ContainerRow(container, createdAt, expiresAt);
  }
}
