package org.cacheddownloads.content;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.time.temporal.TemporalAccessor;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.cacheddownloads.content.Entry.Directive;
import org.jspecify.annotations.Nullable;

/**
 * What a response says about its own storing and lifetime (RFC 9111 sections 3, 4.2 and 5.2.2).
 * There is no heuristic freshness: without an explicit lifetime a response is stale at once and
 * needs a validator to be of use. {@code immutable} (RFC 8246) needs nothing here: what is fresh is
 * not asked for anyway.
 *
 * @param storable false for {@code no-store}
 * @param personal true for {@code private}: for one user only
 * @param freshUntil null where there is no explicit lifetime
 */
public record Freshness(
    boolean storable, boolean personal, @Nullable Instant freshUntil, Set<Directive> directives) {
  /**
   * Lifetimes are cut to this, so that adding them to a time cannot overflow (RFC 9111 section
   * 1.2.2 allows any large value).
   */
  private static final long MAX_SECONDS = Duration.ofDays(3650).toSeconds();

  private static final List<DateTimeFormatter> DATE_FORMS =
      List.of(
          DateTimeFormatter.RFC_1123_DATE_TIME,
          rfc850(),
          DateTimeFormatter.ofPattern("EEE MMM ppd HH:mm:ss yyyy", Locale.ENGLISH));

  /**
   * Two digits of a year mean 1980 to 2079: no such date is more than about 50 years ahead, as RFC
   * 9110 section 5.6.7 wants it.
   */
  private static DateTimeFormatter rfc850() {
    return new DateTimeFormatterBuilder()
        .appendPattern("EEEE, dd-MMM-")
        .appendValueReduced(ChronoField.YEAR, 2, 2, 1980)
        .appendPattern(" HH:mm:ss 'GMT'")
        .toFormatter(Locale.ENGLISH);
  }

  public Freshness {
    directives = Set.copyOf(directives);
  }

  /**
   * Reads the headers of a response that was asked for at {@code requested} and whose head came at
   * {@code received}.
   */
  public static Freshness of(Headers response, Instant requested, Instant received) {
    Map<String, String> control = directives(response.joined("cache-control").orElse(""));
    var directives = EnumSet.noneOf(Directive.class);
    if (control.containsKey("no-cache") || (control.isEmpty() && isPragmaNoCache(response))) {
      directives.add(Directive.NO_CACHE);
    }
    if (control.containsKey("must-revalidate")
        || control.containsKey("proxy-revalidate")
        || control.containsKey("s-maxage")) {
      directives.add(Directive.MUST_REVALIDATE);
    }
    Instant freshUntil =
        lifetime(control, response, received)
            .map(lifetime -> received.plus(lifetime).minus(age(response, requested, received)))
            .orElse(null);
    return new Freshness(
        !control.containsKey("no-store"), control.containsKey("private"), freshUntil, directives);
  }

  static boolean isPragmaNoCache(Headers response) {
    return response.joined("pragma").orElse("").toLowerCase(Locale.ROOT).contains("no-cache");
  }

  /**
   * RFC 9111 section 4.2.1; the cache is a shared one, since it serves many containers, so {@code
   * s-maxage} comes first.
   */
  private static Optional<Duration> lifetime(
      Map<String, String> control, Headers response, Instant received) {
    String shared = control.get("s-maxage");
    String maxAge = shared != null ? shared : control.get("max-age");
    if (maxAge != null) {
      return Optional.of(
          seconds(maxAge).orElse(Duration.ZERO)); // unreadable counts as stale (section 4.2.1)
    }
    Optional<String> expires = response.first("expires");
    if (expires.isEmpty()) {
      return Optional.empty();
    }
    Instant date = response.first("date").flatMap(Freshness::date).orElse(received);
    Duration lifetime =
        expires
            .flatMap(Freshness::date)
            .map(at -> Duration.between(date, at))
            .orElse(Duration.ZERO);
    return Optional.of(lifetime.isNegative() ? Duration.ZERO : lifetime);
  }

  /** The corrected initial age of RFC 9111 section 4.2.3. */
  private static Duration age(Headers response, Instant requested, Instant received) {
    // A clock that was set back must not make a response younger than it says.
    Duration delay = max(Duration.between(requested, received), Duration.ZERO);
    Duration stated =
        response.first("age").flatMap(Freshness::seconds).orElse(Duration.ZERO).plus(delay);
    Duration apparent =
        response
            .first("date")
            .flatMap(Freshness::date)
            .map(date -> Duration.between(date, received))
            // A Date has whole seconds: what is left below one second is rounding, not age.
            .map(since -> since.minusSeconds(1))
            .orElse(Duration.ZERO);
    return max(max(stated, apparent), Duration.ZERO);
  }

  private static Duration max(Duration a, Duration b) {
    return a.compareTo(b) >= 0 ? a : b;
  }

  static Optional<Duration> seconds(String text) {
    String digits = text.strip();
    if (digits.isEmpty() || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return Optional.empty();
    }
    return Optional.of(
        Duration.ofSeconds(
            digits.length() > 10 ? MAX_SECONDS : Math.min(MAX_SECONDS, Long.parseLong(digits))));
  }

  /** An HTTP date in one of the three forms of RFC 9110 section 5.6.7; empty for anything else. */
  public static Optional<Instant> date(String text) {
    return DATE_FORMS.stream().flatMap(form -> parsed(text.strip(), form).stream()).findFirst();
  }

  private static Optional<Instant> parsed(String text, DateTimeFormatter form) {
    try {
      TemporalAccessor read = form.parse(text);
      return Optional.of(
          read.isSupported(ChronoField.OFFSET_SECONDS)
              ? OffsetDateTime.from(read).toInstant() // only GMT is allowed, others were seen
              : LocalDateTime.from(read).toInstant(ZoneOffset.UTC));
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }

  /**
   * The directives of a {@code Cache-Control} value: name in lower case to argument, quotes
   * removed, "" without one. The first of a name counts.
   */
  static Map<String, String> directives(String value) {
    var found = new HashMap<String, String>();
    int at = 0;
    while (at < value.length()) {
      int end = endOfElement(value, at);
      String element = value.substring(at, end);
      int equals = element.indexOf('=');
      String name =
          (equals < 0 ? element : element.substring(0, equals)).strip().toLowerCase(Locale.ROOT);
      String argument = equals < 0 ? "" : element.substring(equals + 1).strip();
      if (!name.isEmpty()) {
        found.putIfAbsent(
            name,
            argument.length() > 1 && argument.startsWith("\"")
                ? argument.substring(1, argument.length() - 1)
                : argument);
      }
      at = end + 1;
    }
    return found;
  }

  /**
   * The index of the comma that ends the element at {@code from}; commas in quoted strings do not.
   */
  private static int endOfElement(String value, int from) {
    boolean quoted = false;
    for (int i = from; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '"') {
        quoted = !quoted;
      } else if (c == '\\' && quoted) {
        i++;
      } else if (c == ',' && !quoted) {
        return i;
      }
    }
    return value.length();
  }
}
