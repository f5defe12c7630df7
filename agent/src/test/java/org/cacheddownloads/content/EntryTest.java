package org.cacheddownloads.content;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
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
        new Variant("accept", "hash"));
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

  private static final Freshness SILENT = new Freshness(true, false, true, null, Set.of());

  @Test
  void aSilentConfirmationRenewsTheLifetimeItHad() {
    Entry confirmed =
        freshFor("-40", Directive.MUST_REVALIDATE).confirmed(SILENT, Validator.NONE, NOW);
    assertEquals(NOW.plusSeconds(60), confirmed.freshUntil(), "60 seconds from the validation");
    assertEquals(NOW, confirmed.validatedAt());
    assertEquals(NOW.minusSeconds(200), confirmed.fetchedAt());
    assertEquals(Set.of(Directive.MUST_REVALIDATE), confirmed.directives());
    assertEquals(new Validator("\"one\"", "Sun, 01 Mar 2026 11:00:00 GMT"), confirmed.validator());
    assertEquals(new Variant("accept", "hash"), confirmed.variant());
  }

  @Test
  void aSilentConfirmationGivesNoLifetimeWhereThereWasNone() {
    assertNull(entry(null).confirmed(SILENT, Validator.NONE, NOW).freshUntil());
  }

  @Test
  void whatAConfirmationSaysReplacesWhatWasStored() {
    var says = new Freshness(true, false, false, NOW.plusSeconds(5), Set.of(Directive.NO_CACHE));
    Entry confirmed =
        freshFor("-40", Directive.MUST_REVALIDATE)
            .confirmed(says, new Validator("\"two\"", null), NOW);
    assertEquals(NOW.plusSeconds(5), confirmed.freshUntil());
    assertEquals(Set.of(Directive.NO_CACHE), confirmed.directives());
    assertEquals(new Validator("\"two\"", "Sun, 01 Mar 2026 11:00:00 GMT"), confirmed.validator());
    assertEquals(new Digest(Sha256.hexOf("x")), confirmed.digest());
  }

  @Test
  void aConfirmationMayTakeTheLifetimeAway() {
    var says = new Freshness(true, false, false, null, Set.of());
    assertNull(freshFor("40").confirmed(says, Validator.NONE, NOW).freshUntil());
  }

  @ParameterizedTest
  @CsvSource({
    "a, '', a, '', true",
    "a, '', b, '', false",
    "W/a, '', a, '', true",
    "a, '', W/a, '', true",
    "W/a, '', W/b, '', false",
    "a, '', '', '', true",
    "a, d, '', d, true",
    "'', d, '', d, true",
    "'', d, '', '', true"
  })
  void tagsAreComparedWeakly(
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
