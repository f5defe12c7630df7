package org.cacheddownloads.content;

/**
 * In which form bytes are stored. Each form of a digest is a file system object with a link count
 * of its own, and is evicted by itself.
 */
public enum Form {
  /** The bytes as downloaded, mode 0444. */
  FILE(0),
  /** A copy with mode 0555: the executable bit belongs to the inode, so it cannot be a link. */
  EXECUTABLE(1),
  /** What the bytes, an archive, unpack to. Its manifest's link count is that of the tree. */
  TREE(2);

  private final int code;

  Form(int code) {
    this.code = code;
  }

  /** The number that the catalog keeps; never changed. */
  public int code() {
    return code;
  }

  public static Form ofCode(int code) {
    for (Form form : values()) {
      if (form.code == code) {
        return form;
      }
    }
    throw new IllegalArgumentException("no form has the code " + code);
  }
}
