package org.cacheddownloads.content;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.Instant;
import java.util.AbstractMap.SimpleEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.cacheddownloads.content.Entry.Directive;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FreshnessTest {
  private static final Instant RECEIVED = Instant.parse("1994-11-06T08:49:37Z");

  /** Lines {@code name: value} separated by {@code ;;}. */
  private static Headers headers(String lines) {
    var fields = new ArrayList<Map.Entry<String, String>>();
    for (String line : List.of(lines.split(";;"))) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        fields.add(
            new SimpleEntry<>(line.substring(0, colon).strip(), line.substring(colon + 1).strip()));
      }
    }
    return Headers.of(fields);
  }

  private static Freshness of(String lines) {
    return Freshness.of(headers(lines), RECEIVED, RECEIVED);
  }

  /** Seconds from the arrival of the head; none where the response has no explicit lifetime. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      emptyValue = "",
      value = {
        "''                                                            | none",
        "Cache-Control: max-age=60                                     | 60",
        "cache-control: MAX-AGE=60                                     | 60",
        "Cache-Control: max-age=\"60\"                                 | 60",
        "Cache-Control: max-age = 60                                   | 60",
        "Cache-Control: max-age=0                                      | 0",
        "Cache-Control: public, max-age=60                             | 60",
        "Cache-Control: max-age=60, s-maxage=5                         | 5",
        "Cache-Control: s-maxage=5 ;; Cache-Control: max-age=60        | 5",
        "Cache-Control: max-age=60, max-age=5                          | 60",
        "Cache-Control: max-age=60 ;; Cache-Control: max-age=5         | 60",
        "Cache-Control: max-age=soon                                   | 0",
        "Cache-Control: max-age                                        | 0",
        "Cache-Control: max-age=-1                                     | 0",
        "Cache-Control: max-age=1.5                                    | 0",
        "Cache-Control: max-age=٣                                      | 0",
        "Cache-Control: s-maxage=x, max-age=60                         | 0",
        "Cache-Control: max-age=315360000                              | 315360000",
        "Cache-Control: max-age=2147483648                             | 315360000",
        "Cache-Control: max-age=99999999999999999999999999             | 315360000",
        "Cache-Control: x=\"a, max-age=60\"                            | none",
        "Cache-Control: x=\"a, max-age=60\", max-age=5                 | 5",
        "Cache-Control: x=\"a\\\", max-age=60\", max-age=5             | 5",
        "Cache-Control: x=\"never closed, max-age=60                   | none",
        "Cache-Control: , ,, max-age=60,                               | 60",
        "Cache-Control: xmax-age=60                                    | none",
        "Expires: Sun, 06 Nov 1994 08:50:37 GMT                        | 60",
        "Expires: Sun, 06 Nov 1994 08:50:37 GMT ;; Date: Sun, 06 Nov 1994 08:49:37 GMT | 60",
        "Expires: Sun, 06 Nov 1994 08:50:37 GMT ;; Date: Sun, 06 Nov 1994 08:50:07 GMT | 30",
        "Expires: Sun, 06 Nov 1994 08:50:37 GMT ;; Date: never         | 60",
        "Expires: Sun, 06 Nov 1994 08:49:37 GMT                        | 0",
        "Expires: Sun, 06 Nov 1994 07:00:00 GMT                        | 0",
        "Expires: Sun Nov  6 08:50:37 1994                             | 60",
        "Expires: 0                                                    | 0",
        "Expires: -1                                                   | 0",
        "Expires: tomorrow                                             | 0",
        "Expires: Sun, 06 Nov 1994 08:50:37 GMT ;; Cache-Control: max-age=5 | 5",
        "Expires: Sun, 06 Nov 1994 08:50:37 GMT ;; Cache-Control: public | 60",
        "Cache-Control: max-age=60 ;; Age: 20                          | 40",
        "Cache-Control: max-age=60 ;; Age: 90                          | -30",
        "Cache-Control: max-age=60 ;; Age: old                         | 60",
        "Cache-Control: max-age=60 ;; Age: -5                          | 60",
        "Cache-Control: max-age=60 ;; Date: Sun, 06 Nov 1994 08:50:37 GMT | 60",
        "Cache-Control: max-age=60 ;; Date: Sun, 06 Nov 1994 08:49:26 GMT | 50",
        "Cache-Control: max-age=60 ;; Age: 20 ;; Date: Sun, 06 Nov 1994 08:49:26 GMT | 40",
        "Cache-Control: max-age=60 ;; Age: 5 ;; Date: Sun, 06 Nov 1994 08:49:26 GMT | 50",
        "ETag: \"x\" ;; Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT   | none"
      })
  void isFreshUntil(String lines, String seconds) {
    Instant expected =
        seconds.equals("none") ? null : RECEIVED.plusSeconds(Long.parseLong(seconds));
    assertEquals(expected, of(lines).freshUntil());
  }

  @Test
  void theTimeThatTheAnswerTookIsAge() {
    Headers headers = headers("Cache-Control: max-age=60");
    Instant requested = RECEIVED.minusSeconds(7);
    assertEquals(RECEIVED.plusSeconds(53), Freshness.of(headers, requested, RECEIVED).freshUntil());
    Headers aged = headers("Cache-Control: max-age=60 ;; Age: 10");
    assertEquals(RECEIVED.plusSeconds(43), Freshness.of(aged, requested, RECEIVED).freshUntil());
  }

  /** A Date has whole seconds: half a second since is no age. */
  @Test
  void lessThanASecondSinceTheDateIsNoAge() {
    Instant received = RECEIVED.plusMillis(999);
    Headers headers = headers("Cache-Control: max-age=1 ;; Date: Sun, 06 Nov 1994 08:49:37 GMT");
    assertEquals(received.plusSeconds(1), Freshness.of(headers, received, received).freshUntil());
  }

  @Test
  void aClockThatIsSetBackMakesNothingFresher() {
    Headers headers = headers("Cache-Control: max-age=60");
    assertEquals(
        RECEIVED.plusSeconds(60),
        Freshness.of(headers, RECEIVED.plusSeconds(30), RECEIVED).freshUntil());
  }

  /** storable, personal, no-cache, must-revalidate: a letter each. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      emptyValue = "",
      value = {
        "''                                            | s",
        "ETag: \"x\"                                   | s",
        "Cache-Control: max-age=5                      | s",
        "Cache-Control: public                         | s",
        "Expires: 0                                    | s",
        "Cache-Control: no-store                       | ''",
        "Cache-Control: NO-STORE                       | ''",
        "Cache-Control: max-age=5, no-store            | ''",
        "Cache-Control: x=\"no-store\"                 | s",
        "Cache-Control: private                        | s p",
        "Cache-Control: private=\"set-cookie\"         | s p",
        "Cache-Control: no-cache                       | s n",
        "Cache-Control: no-cache=\"a, b\"              | s n",
        "Cache-Control: max-age=5, no-cache            | s n",
        "Cache-Control: must-revalidate                | s m",
        "Cache-Control: proxy-revalidate               | s m",
        "Cache-Control: no-cache, must-revalidate      | s n m",
        "Cache-Control: private, no-store, no-cache    | p n",
        "Pragma: no-cache                              | s n",
        "Pragma: No-Cache, x                           | s n",
        "Pragma: no-cache ;; Cache-Control: max-age=5  | s",
        "Pragma: x                                     | s",
        "Cache-Control: immutable                      | s",
        "Cache-Control: s-maxage=5                     | s m"
      })
  void says(String lines, String letters) {
    Freshness freshness = of(lines);
    var said = new ArrayList<String>();
    if (freshness.storable()) {
      said.add("s");
    }
    if (freshness.personal()) {
      said.add("p");
    }
    if (freshness.directives().contains(Directive.NO_CACHE)) {
      said.add("n");
    }
    if (freshness.directives().contains(Directive.MUST_REVALIDATE)) {
      said.add("m");
    }
    assertEquals(letters, String.join(" ", said));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "  Sun, 06 Nov 1994 08:49:37 GMT  "
      })
  void datesOfHttpAreRead(String text) {
    assertEquals(Optional.of(RECEIVED), Freshness.date(text));
  }

  @ParameterizedTest
  @CsvSource({
    "'Sunday, 06-Nov-94 08:49:37 GMT', 1994-11-06T08:49:37Z",
    "'Sun, 06 Nov 1994 10:49:37 +0200', 1994-11-06T08:49:37Z"
  })
  void datesOfOldAndOfSloppyServersAreRead(String text, Instant time) {
    assertEquals(Optional.of(time), Freshness.date(text));
  }

  @Test
  void aDayOfTwoDigitsInTheOldestFormIsRead() {
    assertEquals(
        Optional.of(Instant.parse("1994-11-16T08:49:37Z")),
        Freshness.date("Wed Nov 16 08:49:37 1994"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "0",
        "1994-11-06T08:49:37Z",
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 06 Nov 1994"
      })
  void otherTextsAreNoDates(String text) {
    assertEquals(Optional.empty(), Freshness.date(text));
  }

  @Test
  void theFirstOfADirectiveCounts() {
    assertEquals(
        Map.of("a", "1", "b", "", "c", "x, y"),
        Freshness.directives("A=1, b, a=2, c=\"x, y\", =z, "));
    assertEquals(Map.of(), Freshness.directives(""));
  }

  @Test
  void theLongestLifetimeCannotOverflow() {
    Freshness freshness = of("Cache-Control: max-age=9999999999 ;; Age: 9999999999");
    assertEquals(RECEIVED, freshness.freshUntil());
    assertEquals(
        RECEIVED.plus(Duration.ofDays(3650)), of("Cache-Control: max-age=9999999999").freshUntil());
  }
}
