package org.cacheddownloads.fetch;

/**
 * Hears how far the fetch is that a request waits for; on the request's own thread, at most ten
 * times a second.
 */
@FunctionalInterface
public interface Progress {
  Progress NONE = (_, _) -> {};

  /**
   * Tells how far the fetch is.
   *
   * @param totalBytes the announced length, or -1 while it is not known
   */
  void at(long receivedBytes, long totalBytes);
}
