package org.cacheddownloads.view;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.cacheddownloads.catalog.DownloadRow;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.DownloadName;
import org.jspecify.annotations.Nullable;

/**
 * A container at one instant: the directory to mount, its downloads by name, and the trees to be
 * mounted inside, by name as well.
 */
public record ContainerState(
    ContainerId container,
    Path directory,
    List<DownloadRow> downloads,
    List<TreeMount> mounts,
    Instant createdAt,
    @Nullable Instant expiresAt) {
  /** A tree on the host, and the name that it is to be mounted at. */
  public record TreeMount(DownloadName name, Path source) {}
}
