package org.cacheddownloads.archive;

import java.io.IOException;

/** A tree on disk is not what its manifest says, or the manifest is not one. */
public final class DamagedTree extends IOException {
  private static final long serialVersionUID = 1L;

  DamagedTree(String message) {
    super(message);
  }

  DamagedTree(String message, Throwable cause) {
    super(message, cause);
  }
}
