package org.cacheddownloads.api;

import java.util.List;
import org.cacheddownloads.view.ContainerState;
import org.cacheddownloads.view.Views;
import org.jspecify.annotations.Nullable;

/**
 * One container as replies show it; {@code mount} and {@code mounts} are entries of {@code mounts}
 * in an OCI runtime's {@code config.json}.
 */
record ContainerReply(
    String container,
    Mount mount,
    List<Mount> mounts,
    List<DownloadReply> downloads,
    @Nullable String createdAt,
    @Nullable String expiresAt) {

  private static final List<String> OPTIONS = List.of("rbind", "ro", "nosuid", "nodev");

  /** A bind mount (OCI runtime specification, section mounts). */
  record Mount(String destination, String type, String source, List<String> options) {}

  static ContainerReply of(ContainerState state, String mountPath, Views views) {
    return new ContainerReply(
        state.container().text(),
        new Mount(mountPath, "bind", state.directory().toString(), OPTIONS),
        state.mounts().stream()
            .map(
                tree ->
                    new Mount(
                        mountPath + "/" + tree.name(), "bind", tree.source().toString(), OPTIONS))
            .toList(),
        state.downloads().stream()
            .map(
                row ->
                    DownloadReply.of(row, mountPath, views.hostPath(row.container(), row.name())))
            .toList(),
        Json.time(state.createdAt()),
        Json.time(state.expiresAt()));
  }
}
