package org.cacheddownloads.fetch;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.EntryRow;
import org.cacheddownloads.catalog.Known;
import org.cacheddownloads.config.Config;
import org.cacheddownloads.config.Rule;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Entry;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.content.SourceUrl;
import org.cacheddownloads.content.Validator;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.OriginNotAllowed;
import org.cacheddownloads.fetch.Flights.Question;
import org.jspecify.annotations.Nullable;

/**
 * Says what a request without headers, checksum and {@code maxAge} would lead to now, and why.
 * Reads what is known; asks no origin, resolves no name, changes nothing. Thread-safe.
 */
public final class Explainer {
  private final Supplier<Config> config;
  private final Catalog catalog;
  private final Authority authority;
  private final Breakers breakers;
  private final Refusals refusals;
  private final Proxies proxies;
  private final Clock clock;

  Explainer(
      Supplier<Config> config,
      Catalog catalog,
      Authority authority,
      Breakers breakers,
      Refusals refusals,
      Proxies proxies,
      Clock clock) {
    this.config = config;
    this.catalog = catalog;
    this.authority = authority;
    this.breakers = breakers;
    this.refusals = refusals;
    this.proxies = proxies;
    this.clock = clock;
  }

  /** What would happen. */
  public enum Decision {
    /** Handed out at once. */
    HIT,
    /** The origin is asked whether what is here is still right. */
    REVALIDATE,
    /** The whole body is fetched. */
    FETCH,
    /** A problem. */
    REFUSE;

    /** As in replies. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * What the configuration says of a URL.
   *
   * @param refusal why it is not allowed, or null if it is
   * @param rule the pattern of the rule that it is asked by, or null
   * @param proxy what it is asked through, or null
   * @param concurrency how many requests at once its origin gets
   */
  public record Policy(
      @Nullable String refusal, @Nullable String rule, @Nullable String proxy, int concurrency) {}

  /**
   * The answer.
   *
   * @param reason a sentence for people
   * @param entry what is under the key, if there is anything
   * @param mustRevalidate whether the origin wants to be asked each time
   * @param policy null without a URL
   */
  public record Explanation(
      CacheKey key,
      Decision decision,
      String reason,
      Optional<EntryRow> entry,
      boolean mustRevalidate,
      @Nullable Policy policy) {}

  /** For who asks for a URL. */
  public Explanation explain(SourceUrl url) {
    CacheKey key = CacheKey.of(url);
    Source source = new Source(url, Headers.NONE);
    Policy policy = policy(url);
    if (policy.refusal() != null) {
      return answer(key, Decision.REFUSE, policy.refusal(), policy);
    }
    var sources = List.of(source);
    var question = new Question(key, Optional.empty(), authority.question(sources));
    Optional<Known> known = catalog.find(key, authority.credentials(sources));
    Explanation planned =
        planned(key, known.orElse(null), Set.of(source.identity()), source.headers(), policy);
    if (planned.decision() == Decision.HIT) {
      return planned;
    }
    Optional<CacheException> refused = refusals.recall(question);
    if (refused.isPresent()) {
      return answer(
          key,
          Decision.REFUSE,
          "the origin said a moment ago that there is no such thing, which is remembered for"
              + " fetch.negativeTtl",
          policy);
    }
    return breakers.isDown(url.origin()) ? resting(planned) : planned;
  }

  private static Explanation resting(Explanation planned) {
    return new Explanation(
        planned.key(),
        planned.decision(),
        planned.reason()
            + "; but this origin did not answer lately and is given a rest (fetch.breakerPause), so that a request"
            + " fails at once unless it accepts a stale entry",
        planned.entry(),
        planned.mustRevalidate(),
        planned.policy());
  }

  /** For who asks with a key of its own for the URL that the entry came from. */
  public Explanation explain(CacheKey key) {
    Optional<Known> known = catalog.find(key, authority.credentials(List.of()));
    Set<String> sources = known.map(found -> Set.of(found.entry().source())).orElse(Set.of());
    return planned(key, known.orElse(null), sources, Headers.NONE, null);
  }

  private Explanation planned(
      CacheKey key,
      @Nullable Known known,
      Set<String> sources,
      Headers headers,
      @Nullable Policy policy) {
    if (known == null) {
      return answer(key, Decision.FETCH, "nothing is known under this key", policy);
    }
    Entry entry = known.entry();
    boolean alwaysAsk = config.get().fetch().freshness() == Config.Freshness.ALWAYS;
    var ask =
        new Plan.Ask(
            sources,
            Optional.empty(),
            false,
            known.granted(),
            entry.variant().matches(headers, authority),
            Duration.ZERO,
            alwaysAsk);
    return switch (Plan.of(Optional.of(entry), ask, clock.instant())) {
      case Plan.Serve _ ->
          answer(
              key,
              Decision.HIT,
              "it is fresh until " + entry.freshUntil() + " by what the origin said",
              policy);
      case Plan.Revalidate(_, Validator validator) ->
          answer(
              key,
              Decision.REVALIDATE,
              notFresh(entry, ask) + "; the origin is asked with " + words(validator),
              policy);
      case Plan.Download _ ->
          answer(
              key,
              Decision.FETCH,
              sources.contains(entry.source())
                  ? notFresh(entry, ask) + "; there is nothing to ask with"
                  : "what is under this key came from another URL",
              policy);
    };
  }

  private String notFresh(Entry entry, Plan.Ask ask) {
    Instant now = clock.instant();
    if (ask.alwaysAsk()) {
      return "fetch.freshness is 'always'";
    }
    if (!ask.granted() && entry.isFreshAt(now)) {
      return "it was fetched with credentials, and this request has none";
    }
    if (!ask.sameVariant()) {
      return "it was chosen by headers that this request does not have (Vary)";
    }
    if (entry.directives().contains(Entry.Directive.NO_CACHE)) {
      return "the origin wants to be asked each time (no-cache)";
    }
    Instant until = entry.freshUntil();
    return until == null
        ? "the origin did not say how long it is fresh"
        : "it is stale since " + until;
  }

  private static String words(Validator validator) {
    return validator.etag() != null
        ? "its ETag " + validator.etag()
        : "its Last-Modified " + validator.lastModified();
  }

  private Explanation answer(
      CacheKey key, Decision decision, String reason, @Nullable Policy policy) {
    Optional<EntryRow> entry = catalog.entry(key);
    boolean must =
        entry
            .map(row -> row.entry().directives())
            .filter(
                directives ->
                    directives.contains(Entry.Directive.NO_CACHE)
                        || directives.contains(Entry.Directive.MUST_REVALIDATE))
            .isPresent();
    return new Explanation(key, decision, reason, entry, must, policy);
  }

  private Policy policy(SourceUrl url) {
    Config.Origins origins = config.get().origins();
    String refusal = null;
    try {
      OriginPolicy.checkUrl(origins, url);
      OriginPolicy.checkLiteral(origins, url);
    } catch (OriginNotAllowed e) {
      refusal = e.getMessage();
    }
    Optional<Rule> rule = Rules.find(origins.rules(), url);
    Integer own = rule.map(Rule::concurrency).orElse(null);
    return new Policy(
        refusal,
        rule.map(found -> found.match().toString()).orElse(null),
        proxies.find(origins.rules(), url).map(Object::toString).orElse(null),
        own == null ? config.get().fetch().perOrigin() : own);
  }
}
