package org.cacheddownloads.cli;

import org.jspecify.annotations.Nullable;

/** Hears how far a download is. */
@FunctionalInterface
interface ProgressListener {
  /** {@code totalBytes} is null where the origin did not say. */
  void progress(long bytes, @Nullable Long totalBytes);
}
