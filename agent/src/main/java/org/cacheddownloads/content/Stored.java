package org.cacheddownloads.content;

/** One object of the store: a digest in one form. It is what is linked, counted and evicted. */
public record Stored(Digest digest, Form form) {
  public static Stored file(Digest digest) {
    return new Stored(digest, Form.FILE);
  }

  public static Stored tree(Digest archive) {
    return new Stored(archive, Form.TREE);
  }

  public boolean isTree() {
    return form == Form.TREE;
  }

  /** Its name in views, and for files in the store too. */
  public String fileName() {
    return digest.hex() + suffix();
  }

  private String suffix() {
    return switch (form) {
      case FILE -> "";
      case EXECUTABLE -> ".x";
      case TREE -> ".d";
    };
  }

  @Override
  public String toString() {
    return digest + suffix();
  }
}
