package org.cacheddownloads.fetch;

import java.time.Instant;
import java.util.Optional;
import org.cacheddownloads.content.SourceUrl;
import org.cacheddownloads.content.Validator;

/**
 * Where bytes come from. Blocking; every wait ends at the deadline or at one of the limits of
 * {@code fetch}.
 */
public interface Origin extends AutoCloseable {
  /**
   * Sends a GET, conditional if {@code validator} has anything, follows redirects, and returns when
   * the head of the final response is there.
   *
   * @param part the rest to ask for, if a part is here already (RFC 9110 sections 13.1.5 and 14.2)
   * @param hops told of each redirect to another origin before that is asked
   * @param attempt counts from 0; on a repetition the address of a host that served last comes last
   * @throws org.cacheddownloads.failure.CacheException.OriginNotAllowed if a hop is outside the
   *     policy
   * @throws org.cacheddownloads.failure.CacheException.OriginUnavailable if the origin cannot be
   *     reached
   * @throws org.cacheddownloads.failure.CacheException.TimedOut if it stays silent
   */
  OriginResponse get(
      Source source,
      Validator validator,
      Optional<Part> part,
      Hops hops,
      int attempt,
      Instant deadline);

  /** Hears where a request is led. */
  @FunctionalInterface
  interface Hops {
    /** The next request goes to another origin than the one before, at {@code url}. */
    void leadTo(SourceUrl url);
  }

  /**
   * The rest of a representation.
   *
   * @param from the first byte that is wanted, above 0
   * @param ifRange a strong validator of the part that is here
   */
  record Part(long from, String ifRange) {}

  @Override
  void close();
}
