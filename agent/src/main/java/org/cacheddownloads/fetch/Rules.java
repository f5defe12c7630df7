package org.cacheddownloads.fetch;

import java.util.List;
import java.util.Optional;
import org.cacheddownloads.config.Rule;
import org.cacheddownloads.content.SourceUrl;

/** Which rule of {@code origins.rules} a URL is asked for by. Pure. */
final class Rules {
  private Rules() {}

  /** The first one that matches, whatever those behind it say. */
  static Optional<Rule> find(List<Rule> rules, SourceUrl url) {
    return rules.stream().filter(rule -> rule.match().matches(url)).findFirst();
  }
}
