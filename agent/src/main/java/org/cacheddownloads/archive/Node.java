package org.cacheddownloads.archive;

import java.time.Instant;
import org.cacheddownloads.content.Digest;

/**
 * One thing in a tree, as its manifest has it. Files have the mode 0444 or 0555, directories 0555.
 */
public sealed interface Node {
  /** Names with a slash between them; empty for the tree itself. */
  String path();

  /** When it was modified, as the archive says. */
  Instant modified();

  /** A directory. */
  record Directory(String path, Instant modified) implements Node {}

  /**
   * A name of a regular file.
   *
   * @param sizeBytes its length
   * @param group names of the same inode have the same number, from 1 on; 0: this is its only name
   */
  record File(
      String path, Instant modified, boolean executable, long sizeBytes, Digest digest, int group)
      implements Node {}

  /** A symlink with the text {@code target}, to the byte. */
  record Symlink(String path, Instant modified, String target) implements Node {}
}
