package org.cacheddownloads.content;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.cacheddownloads.content.Entry.Directive;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EntryTest {
  private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");

  /** Validated 100 seconds ago. */
  private static Entry entry(Instant freshUntil, Directive... directives) {
    return new Entry(
        new CacheKey("k"),
        new Digest(Sha256.hexOf("x")),
        1,
        "http://h/a",
        "http://h/a",
        new Validator("\"one\"", "Sun, 01 Mar 2026 11:00:00 GMT"),
        NOW.minusSeconds(200),
        NOW.minusSeconds(100),
        freshUntil,
        Set.of(directives),
        new Variant("accept", "hash"),
        Lifetime.NONE);
  }

  private static Entry freshFor(String seconds, Directive... directives) {
    return entry(
        seconds.equals("none") ? null : NOW.plusSeconds(Long.parseLong(seconds)), directives);
  }

  @ParameterizedTest
  @CsvSource({
    "1, '', true",
    "0, '', false",
    "-1, '', false",
    "none, '', false",
    "1, NO_CACHE, false",
    "1, MUST_REVALIDATE, true"
  })
  void isFreshBeforeItsTimeUnlessItIsAlwaysToBeValidated(
      String seconds, String directive, boolean fresh) {
    Entry entry =
        directive.isEmpty() ? freshFor(seconds) : freshFor(seconds, Directive.valueOf(directive));
    assertEquals(fresh, entry.isFreshAt(NOW));
  }

  @ParameterizedTest
  @CsvSource({"0, false", "1, false", "99, false", "100, true", "101, true", "315360000, true"})
  void isYoungerThanAnAgeThatItHasNotPassed(long seconds, boolean younger) {
    assertEquals(younger, entry(null).isYoungerThan(Duration.ofSeconds(seconds), NOW));
  }

  @Test
  void zeroAcceptsNothingHoweverYoung() {
    assertFalse(entry(null).isYoungerThan(Duration.ZERO, NOW.minusSeconds(100)));
  }

  /** Stale since freshUntil, or without one since the last validation, 100 seconds ago. */
  @ParameterizedTest
  @CsvSource({
    "-10, '', 9, false",
    "-10, '', 10, true",
    "10, '', 1, true",
    "none, '', 99, false",
    "none, '', 100, true",
    "-10, '', 0, false",
    "10, '', 0, false",
    "-10, NO_CACHE, 3600, false",
    "-10, MUST_REVALIDATE, 3600, false"
  })
  void mayStandInForAnOriginThatFails(
      String seconds, String directive, long maxStale, boolean allowed) {
    Entry entry =
        directive.isEmpty() ? freshFor(seconds) : freshFor(seconds, Directive.valueOf(directive));
    assertEquals(allowed, entry.mayBeStale(Duration.ofSeconds(maxStale), NOW));
  }

  /** As it was fetched: validated 100 seconds ago with this in the head of the response. */
  private static Entry said(String cacheControl, String expires) {
    Headers head = headers(cacheControl, expires, null);
    Instant then = NOW.minusSeconds(100);
    Freshness freshness = Freshness.of(head, then, then);
    Entry entry = entry(freshness.freshUntil(), freshness.directives().toArray(Directive[]::new));
    return new Entry(
        entry.key(),
        entry.digest(),
        entry.size(),
        entry.url(),
        entry.source(),
        entry.validator(),
        entry.fetchedAt(),
        entry.validatedAt(),
        entry.freshUntil(),
        entry.directives(),
        entry.variant(),
        Lifetime.of(head));
  }

  private static Headers headers(String cacheControl, String expires, String other) {
    var lines = new LinkedHashMap<String, String>();
    if (cacheControl != null) {
      lines.put("Cache-Control", cacheControl);
    }
    if (expires != null) {
      lines.put("Expires", expires);
    }
    if (other != null) {
      lines.put(other.split(": ", 2)[0], other.split(": ", 2)[1]);
    }
    return Headers.of(lines);
  }

  private static Entry confirmed(Entry entry, Headers response) {
    return entry.confirmed(response, NOW, NOW, Headers.NONE, text -> "hash of " + text);
  }

  private static final String IN_A_MINUTE = "Sun, 01 Mar 2026 12:01:00 GMT";

  /** What a 304 says replaces what was stored, field by field; what it leaves out stays. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      value = {
        // stored                        | in the 304                        | fresh for, must ask
        "max-age=60            | -       | -           | -    | -            | 60   | ''",
        "-                     | -       | -           | -    | -            | none | ''",
        "max-age=60            | -       | max-age=5   | -    | -            | 5    | ''",
        "max-age=60            | -       | public      | -    | -            | none | ''",
        "no-cache              | -       | -           | soon | -            | 60   | NO_CACHE",
        "must-revalidate       | -       | -           | soon | -            | 60   | MUST_REVALIDATE",
        "max-age=5             | -       | -           | soon | -            | 5    | ''",
        "-                     | soon    | max-age=5   | -    | -            | 5    | ''",
        "-                     | soon    | -           | -    | -            | 60   | ''",
        "max-age=60            | -       | no-cache    | -    | -            | none | NO_CACHE",
        "max-age=60            | -       | -           | -    | Age: 20      | 40   | ''",
        "max-age=60            | -       | -           | -    | Pragma: no-cache | 60 | ''",
      })
  void aConfirmationReplacesFieldByField(
      String control,
      String expires,
      String newControl,
      String newExpires,
      String other,
      String fresh,
      String directive) {
    Entry stored = said(control, expires == null ? null : IN_A_MINUTE);
    Entry confirmed =
        confirmed(stored, headers(newControl, newExpires == null ? null : IN_A_MINUTE, other));
    assertEquals(
        fresh.equals("none") ? null : NOW.plusSeconds(Long.parseLong(fresh)),
        confirmed.freshUntil());
    assertEquals(
        directive.isEmpty() ? Set.of() : Set.of(Directive.valueOf(directive)),
        confirmed.directives());
    assertEquals(NOW, confirmed.validatedAt());
    assertEquals(NOW.minusSeconds(200), confirmed.fetchedAt());
    assertEquals(stored.digest(), confirmed.digest());
  }

  @Test
  void whatAConfirmationLeftStandingStandsInTheNextOneToo() {
    Entry once = confirmed(said("max-age=60, stale-if-error=7", null), Headers.NONE);
    assertEquals(NOW.plusSeconds(60), confirmed(once, Headers.NONE).freshUntil());
    assertEquals("max-age=60, stale-if-error=7", once.lifetime().cacheControl());
  }

  @Test
  void aConfirmationRenewsValidatorsAndVariant() {
    Entry stored = said(null, null);
    Entry same = confirmed(stored, Headers.NONE);
    assertEquals(stored.validator(), same.validator());
    assertEquals(stored.variant(), same.variant());
    Entry renewed =
        confirmed(
            stored,
            Headers.of(Map.of("ETag", "\"two\"", "Vary", "Accept-Language", "X-Other", "x")));
    assertEquals(new Validator("\"two\"", stored.validator().lastModified()), renewed.validator());
    assertEquals("accept-language", renewed.variant().names());
  }

  @Test
  void whatMayNotBeKeptIsAlwaysAskedForFromThenOn() {
    Entry once = said("max-age=60, stale-if-error=600", null).confirmedForOne(NOW);
    assertFalse(once.isFreshAt(NOW));
    assertFalse(once.mayStandInForAnError(NOW));
    assertEquals(Set.of(Directive.NO_CACHE), once.directives());
  }

  /** Validated 100 seconds ago, so it stopped being fresh 90 seconds ago. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "max-age=10                                        | false | false",
        "max-age=10, stale-if-error=89                     | false | false",
        "max-age=10, stale-if-error=90                     | true  | false",
        "max-age=10, stale-while-revalidate=90             | false | true",
        "max-age=10, stale-while-revalidate=89             | false | false",
        "max-age=10, stale-while-revalidate=\"90\"       | false | true",
        "max-age=10, stale-if-error=900, must-revalidate   | false | false",
        "max-age=10, stale-while-revalidate=900, no-cache  | false | false",
        "s-maxage=10, stale-if-error=900                   | false | false",
        "stale-if-error=100                                | true  | false",
        "stale-if-error=99                                 | false | false",
        "max-age=10, stale-if-error=x                      | false | false"
      })
  void theOriginMayAllowAStaleEntry(String control, boolean onError, boolean meanwhile) {
    Entry entry = said(control, null);
    assertEquals(onError, entry.mayStandInForAnError(NOW));
    assertEquals(meanwhile, entry.mayBeUsedMeanwhile(NOW));
  }

  @ParameterizedTest
  @CsvSource({
    "a, '', a, '', true",
    "a, '', b, '', false",
    "W/a, '', a, '', true",
    "a, '', W/a, '', true",
    "W/a, '', W/b, '', false",
    "a, '', '', '', false",
    "a, d, '', d, false",
    "a, d, a, e, true",
    "'', d, '', d, true",
    "'', d, '', e, false",
    "'', d, b, d, false",
    "'', d, '', '', true"
  })
  void aConfirmationIsOfTheRepresentationThatWasAskedFor(
      String tag, String date, String answeredTag, String answeredDate, boolean matches) {
    assertEquals(matches, validator(tag, date).matches(validator(answeredTag, answeredDate)));
  }

  private static Validator validator(String tag, String date) {
    return new Validator(tag.isEmpty() ? null : tag, date.isEmpty() ? null : date);
  }

  @Test
  void aDateThatNobodyCanReadIsKeptAndIsNoTime() {
    var validator = new Validator(null, "yesterday");
    assertNull(validator.lastModifiedAt());
    assertEquals("yesterday", validator.lastModified());
    assertTrue(validator.isPresent());
    assertFalse(Validator.NONE.isPresent());
    assertEquals(
        Instant.parse("2026-03-01T11:00:00Z"),
        new Validator(null, "Sun, 01 Mar 2026 11:00:00 GMT").lastModifiedAt());
  }
}
