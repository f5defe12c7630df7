package org.cacheddownloads.view;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.cacheddownloads.catalog.DownloadRow;
import org.cacheddownloads.content.ContainerId;
import org.jspecify.annotations.Nullable;

/** A container at one instant: the directory to mount, and its downloads by name. */
public record ContainerState(
    ContainerId container,
    Path directory,
    List<DownloadRow> downloads,
    Instant createdAt,
    @Nullable Instant expiresAt) {}
