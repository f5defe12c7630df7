package org.cacheddownloads.fetch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Entry;
import org.cacheddownloads.content.Entry.Directive;
import org.cacheddownloads.content.Lifetime;
import org.cacheddownloads.content.Sha256;
import org.cacheddownloads.content.Validator;
import org.cacheddownloads.content.Variant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlanTest {
  private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
  private static final Digest HERE = new Digest(Sha256.hexOf("here"));
  private static final Digest OTHER = new Digest(Sha256.hexOf("other"));
  private static final String SOURCE = "http://origin/a";

  private static Entry entry(Validator validator, long freshSeconds, Set<Directive> directives) {
    return new Entry(
        new CacheKey("k"),
        HERE,
        4,
        SOURCE,
        SOURCE,
        validator,
        NOW.minusSeconds(100),
        NOW.minusSeconds(50),
        freshSeconds == Long.MIN_VALUE ? null : NOW.plusSeconds(freshSeconds),
        directives,
        Variant.NONE,
        Lifetime.NONE);
  }

  private static Validator validator(String has) {
    return new Validator(
        has.contains("E") ? "\"tag\"" : null,
        has.contains("M") ? "Sun, 01 Mar 2026 11:00:00 GMT" : null);
  }

  private static String name(Plan plan) {
    return switch (plan) {
      case Plan.Serve _ -> "serve";
      case Plan.Download _ -> "download";
      case Plan.Revalidate(Entry _, Validator with) ->
          "revalidate "
              + (with.etag() == null ? "" : "E")
              + (with.lastModified() == null ? "" : "M");
    };
  }

  /**
   * has: E an entity tag, M a date. fresh: seconds left, none. asks: S another source, W other
   * bytes wanted, w these bytes wanted, C a checksum nobody knows, G not granted, V other variant,
   * A always ask. maxAge in seconds; the entry was validated 50 seconds ago.
   */
  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      emptyValue = "",
      value = {
        "fresh is served                          | E  | 10   | ''   | ''  | 0  | serve",
        "fresh without a validator is served      | '' | 10   | ''   | ''  | 0  | serve",
        "stale with a tag is revalidated          | E  | -1   | ''   | ''  | 0  | revalidate E",
        "stale with a date is revalidated         | M  | -1   | ''   | ''  | 0  | revalidate M",
        "stale with both sends both               | EM | -1   | ''   | ''  | 0  | revalidate EM",
        "stale without a validator is downloaded  | '' | -1   | ''   | ''  | 0  | download",
        "fresh until now is stale                 | E  | 0    | ''   | ''  | 0  | revalidate E",
        "no lifetime is stale                     | E  | none | ''   | ''  | 0  | revalidate E",
        "no-cache is never fresh                  | E  | 10   | N    | ''  | 0  | revalidate E",
        "must-revalidate may be fresh             | E  | 10   | M    | ''  | 0  | serve",
        "maxAge accepts what is stale             | E  | -1   | ''   | ''  | 60 | serve",
        "maxAge accepts exactly its age           | E  | -1   | ''   | ''  | 50 | serve",
        "maxAge refuses what is older             | E  | -1   | ''   | ''  | 49 | revalidate E",
        "another source is downloaded             | E  | 10   | ''   | S   | 60 | download",
        "other bytes wanted are downloaded        | E  | 10   | ''   | W   | 60 | download",
        "these bytes wanted are served            | E  | 10   | ''   | w   | 0  | serve",
        "these bytes wanted but stale             | E  | -1   | ''   | w   | 0  | revalidate E",
        "a checksum nobody knows is downloaded    | E  | 10   | ''   | C   | 60 | download",
        "fresh but not granted is revalidated     | E  | 10   | ''   | G   | 60 | revalidate E",
        "not granted without validator            | '' | 10   | ''   | G   | 60 | download",
        "another variant asks with the tag        | EM | 10   | ''   | V   | 60 | revalidate E",
        "another variant with a date only         | M  | 10   | ''   | V   | 60 | download",
        "always ask ignores freshness             | E  | 10   | ''   | A   | 0  | revalidate E",
        "always ask leaves maxAge to the caller   | E  | 10   | ''   | A   | 60 | serve",
        "always ask without validator             | '' | 10   | ''   | A   | 0  | download",
        "not granted and another variant          | EM | 10   | ''   | GV  | 60 | revalidate E"
      })
  void decides(
      String why,
      String has,
      String fresh,
      String directives,
      String asks,
      long maxAge,
      String plan) {
    var demanded = EnumSet.noneOf(Directive.class);
    if (directives.contains("N")) {
      demanded.add(Directive.NO_CACHE);
    }
    if (directives.contains("M")) {
      demanded.add(Directive.MUST_REVALIDATE);
    }
    Entry known =
        entry(
            validator(has),
            fresh.equals("none") ? Long.MIN_VALUE : Long.parseLong(fresh),
            demanded);
    Optional<Digest> wanted =
        asks.contains("W")
            ? Optional.of(OTHER)
            : asks.contains("w") ? Optional.of(HERE) : Optional.empty();
    var ask =
        new Plan.Ask(
            asks.contains("S") ? Set.of("http://origin/b") : Set.of("http://mirror/a", SOURCE),
            wanted,
            asks.contains("C"),
            !asks.contains("G"),
            !asks.contains("V"),
            Duration.ofSeconds(maxAge),
            asks.contains("A"));
    assertEquals(plan, name(Plan.of(Optional.of(known), ask, NOW)), why);
  }

  @Test
  void whatIsNotKnownIsDownloaded() {
    var ask =
        new Plan.Ask(
            Set.of(SOURCE), Optional.empty(), false, true, true, Duration.ofDays(1), false);
    assertEquals(new Plan.Download(), Plan.of(Optional.empty(), ask, NOW));
  }

  @Test
  void aPlanNamesTheEntryAndItsValidator() {
    Entry stale = entry(validator("EM"), -1, Set.of());
    var ask =
        new Plan.Ask(Set.of(SOURCE), Optional.empty(), false, true, true, Duration.ZERO, false);
    assertEquals(
        new Plan.Revalidate(stale, validator("EM")), Plan.of(Optional.of(stale), ask, NOW));
    Entry fresh = entry(validator("EM"), 1, Set.of());
    assertEquals(new Plan.Serve(fresh), Plan.of(Optional.of(fresh), ask, NOW));
  }
}
