package org.cacheddownloads.fetch;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Entry;
import org.cacheddownloads.content.Validator;

/**
 * What to do for a request. Same inputs, same plan (RFC 9111 section 4): the clock is an argument,
 * so a table of cases tests it.
 */
sealed interface Plan {
  /** Hand out what is here, asking nobody. */
  record Serve(Entry entry) implements Plan {}

  /** Ask the source of the entry whether it is still right. */
  record Revalidate(Entry entry, Validator validator) implements Plan {}

  /** Fetch the whole body. */
  record Download() implements Plan {}

  /**
   * What the request brings to the decision.
   *
   * @param sources identities of its URL and mirrors
   * @param wanted the digest that the bytes must have, if that is known
   * @param wantsOther whether a checksum is wanted that the entry is not known to have
   * @param granted whether the asker may have the entry on an authority that was accepted before
   * @param sameVariant whether the request's headers select the representation of the entry
   * @param maxAge accept an entry validated this long ago
   * @param alwaysAsk whether freshness given by origins is ignored
   */
  record Ask(
      Set<String> sources,
      Optional<Digest> wanted,
      boolean wantsOther,
      boolean granted,
      boolean sameVariant,
      Duration maxAge,
      boolean alwaysAsk) {}

  static Plan of(Optional<Entry> known, Ask ask, Instant now) {
    if (known.isEmpty()) {
      return new Download();
    }
    Entry entry = known.get();
    boolean rightBytes = !ask.wantsOther() && ask.wanted().map(entry.digest()::equals).orElse(true);
    if (!ask.sources().contains(entry.source()) || !rightBytes) {
      return new Download();
    }
    boolean current =
        (!ask.alwaysAsk() && entry.isFreshAt(now)) || entry.isYoungerThan(ask.maxAge(), now);
    if (current && ask.granted() && ask.sameVariant()) {
      return new Serve(entry);
    }
    Validator validator =
        ask.sameVariant()
            ? entry.validator()
            // Only an entity tag tells representations of one URL apart (RFC 9110 section 8.8.3).
            : new Validator(entry.validator().etag(), null);
    return validator.isPresent() ? new Revalidate(entry, validator) : new Download();
  }
}
