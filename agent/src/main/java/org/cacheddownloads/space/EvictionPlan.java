package org.cacheddownloads.space;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.cacheddownloads.catalog.BlobRow;
import org.cacheddownloads.content.Stored;

/** The choice of victims, without I/O. */
final class EvictionPlan {
  private EvictionPlan() {}

  /**
   * The first of {@code idleByLastUse} that nobody holds, until {@code excessBytes} and {@code
   * excessFiles} are met or none is left.
   *
   * @param idleByLastUse least recently used first
   */
  static List<BlobRow> victims(
      List<BlobRow> idleByLastUse, Predicate<Stored> isHeld, long excessBytes, long excessFiles) {
    var victims = new ArrayList<BlobRow>();
    long bytes = 0;
    long files = 0;
    for (BlobRow candidate : idleByLastUse) {
      if (bytes >= excessBytes && files >= excessFiles) {
        break;
      }
      if (!isHeld.test(candidate.stored())) {
        victims.add(candidate);
        bytes += candidate.allocatedBytes();
        files += candidate.inodes();
      }
    }
    return victims;
  }
}
