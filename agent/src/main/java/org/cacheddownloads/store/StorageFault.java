package org.cacheddownloads.store;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.util.Locale;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.InsufficientSpace;
import org.cacheddownloads.failure.CacheException.NotReady;

/**
 * Translates what the disk refuses into what a caller is told. The only place that reads the text
 * of an {@link IOException}.
 */
public final class StorageFault {
  private StorageFault() {}

  /**
   * What a caller is told of {@code fault}.
   *
   * @param doing what was under way, as in "cannot write the download"
   */
  public static CacheException of(String doing, IOException fault) {
    if (fault instanceof ClosedByInterruptException) {
      return new Busy("the request was given up", fault); // by its caller: the disk is well
    }
    String text = String.valueOf(fault.getMessage());
    String lower = text.toLowerCase(Locale.ROOT);
    if (lower.contains("no space left") || lower.contains("quota exceeded")) {
      return new InsufficientSpace(
          "cannot "
              + doing
              + ": the file system of the state directory has no blocks or no inodes left ("
              + text
              + "); free some, or lower quota.bytes or quota.files",
          0,
          0,
          0);
    }
    if (lower.contains("too many open files")) {
      return new Busy(
          "cannot " + doing + ": too many open files; raise the limit of open files of the agent",
          fault);
    }
    return NotReady.ofStorage("cannot " + doing + ": the storage failed (" + text + ")", fault);
  }
}
