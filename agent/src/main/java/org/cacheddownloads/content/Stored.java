package org.cacheddownloads.content;

/** One object of the store: bytes in one form. It is what is linked, counted and evicted. */
public record Stored(Digest digest, Form form) {
  public static Stored file(Digest digest) {
    return new Stored(digest, Form.FILE);
  }

  /** Its file name, in the store and in views. */
  public String fileName() {
    return form == Form.EXECUTABLE ? digest.hex() + ".x" : digest.hex();
  }

  @Override
  public String toString() {
    return form == Form.FILE ? digest.toString() : digest + ".x";
  }
}
