package org.cacheddownloads.archive;

import java.io.IOException;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.UnsafeArchive;
import org.jspecify.annotations.Nullable;

/** Runs what decodes the bytes of archives, and says what is wrong with them. */
final class Damage {
  private Damage() {}

  /** Something that reads an archive; an {@link IOException} means the archive and not the disk. */
  interface Reading<T extends @Nullable Object> {
    T read() throws IOException;
  }

  /**
   * Reads.
   *
   * @throws UnsafeArchive for whatever a decoder makes of damaged bytes; some decoders trip over
   *     them with unchecked exceptions
   */
  static <T extends @Nullable Object> T in(Reading<T> reading) {
    try {
      return reading.read();
    } catch (CacheException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw of(e);
    }
  }

  /** Something that looks at an archive. */
  interface Looking {
    void look() throws IOException;
  }

  /** Looks, as {@link #in} reads. */
  static void when(Looking looking) {
    in(
        () -> {
          looking.look();
          return true;
        });
  }

  static UnsafeArchive of(Exception fault) {
    String what = fault.getMessage();
    return UnsafeArchive.damaged(
        "the archive is damaged or cut"
            + (what == null || what.isBlank() ? "" : " (" + Quote.of(what) + ")"),
        fault);
  }
}
