package org.cacheddownloads.archive;

import org.cacheddownloads.failure.CacheException.InsufficientSpace;

/**
 * Where room comes from. Asked before anything is written, in steps that grow with the tree, always
 * on the thread that called the work; never asked to take back.
 */
@FunctionalInterface
public interface Room {
  /**
   * Promises so much more.
   *
   * @param bytes of allocation; at least 0
   * @param inodes at least 0
   * @throws InsufficientSpace if there is no more: the work ends and leaves nothing
   */
  void reserve(long bytes, long inodes);
}
