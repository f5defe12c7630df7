package org.cacheddownloads.failure;

import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The steps after which dying must lose nothing. Tests let the process kill itself at one of them;
 * in service nothing is armed and {@link #reached} costs one read of a field. Thread-safe.
 */
public enum CrashPoint {
  /** Room is reserved, nothing is written. */
  RESERVE,
  /** An ingest has its directory and its empty file. */
  OPEN,
  /** A buffer of a body is written. */
  CHUNK,
  /** A cut download was laid aside for the next attempt. */
  KEEP,
  /** A download that was cut goes on where it was. */
  RESUME,
  /** A body is complete and hashed, and lies in its ingest under the name it will have. */
  NAME,
  /** The bytes have their name in the store; no row knows them. */
  COMMIT,
  /** The catalog knows entry and blob; the ingest is still there. */
  PUBLISH,
  /** A tree is complete and sealed in its ingest; no row knows it. */
  UNPACK,
  /** A tree is in its place, and no row knows it. */
  PLANT,
  /** A view's copy of a tree is complete, and not in the view yet. */
  COPY,
  /** A tree, or a view's copy of one, has left its place and is still whole. */
  UPROOT,
  /** A view has its hard link; no name leads to it. */
  LINK,
  /** A new name is shown. */
  SHOW,
  /** The symlink that will replace a name is made beside it. */
  SWITCH,
  /** A name has been switched; the old link is still there. */
  SWITCHED,
  /** A name is taken away; its link is still there. */
  HIDE,
  /** A link that no name uses is gone from the disk and still counted. */
  UNLINK,
  /** A view has left its place and is still whole. */
  RELEASE,
  /** A group of blobs is synced, and still not durable in the catalog. */
  FLUSH,
  /** A victim's file is gone; its row is there. */
  EVICT,
  /** A victim's row is gone too. */
  EVICTED,
  /** Damaged bytes have left the store; their row is there. */
  CONDEMN,
  /** At a start, a view has been read. */
  SCAN,
  /** At a start, an ingest that was cut has been dealt with. */
  SALVAGE,
  /** In the background after a start, a page of rows was compared with the store. */
  RECONCILE;

  private static volatile @Nullable Armed armed;

  private record Armed(CrashPoint point, AtomicInteger left, Runnable death) {}

  /**
   * Arms one point.
   *
   * @param text {@code name} or {@code name:n}, to die when it is reached for the nth time
   * @param death what ends the process, at once
   * @throws IllegalArgumentException if the text names no point
   */
  public static void arm(String text, Runnable death) {
    String[] parts = text.split(":", 2);
    int count = parts.length == 1 ? 1 : Integer.parseInt(parts[1]);
    CrashPoint point =
        Arrays.stream(values())
            .filter(value -> value.label().equals(parts[0]))
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException("no crash point '" + parts[0] + "'"));
    armed = new Armed(point, new AtomicInteger(count), death);
  }

  /** The point as {@link #arm} reads it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The step is done. */
  public void reached() {
    Armed now = armed;
    if (now != null && now.point() == this && now.left().decrementAndGet() == 0) {
      now.death().run();
    }
  }
}
