package org.cacheddownloads.content;

/** How a container gets a directory. */
public enum Deliver {
  /** A copy of the tree in the view, its files hard links: one bind mount shows all. */
  LINK(0),
  /** An empty directory in the view, on which the tree itself is to be mounted. */
  MOUNT(1);

  private final int code;

  Deliver(int code) {
    this.code = code;
  }

  /** The number that the catalog keeps; never changed. */
  public int code() {
    return code;
  }

  public static Deliver ofCode(int code) {
    for (Deliver deliver : values()) {
      if (deliver.code == code) {
        return deliver;
      }
    }
    throw new IllegalArgumentException("no delivery has the code " + code);
  }
}
