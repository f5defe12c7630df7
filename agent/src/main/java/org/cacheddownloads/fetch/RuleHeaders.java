package org.cacheddownloads.fetch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.cacheddownloads.config.HeaderValue;
import org.cacheddownloads.config.Rule;
import org.cacheddownloads.config.RuleTls;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.content.SourceUrl;
import org.cacheddownloads.failure.CacheException.OriginUnavailable;

/**
 * The request headers that {@code origins.rules} adds, with the values that their files hold at the
 * moment. Thread-safe.
 */
public final class RuleHeaders {
  private final Supplier<List<Rule>> rules;
  private final Clock clock;
  private final Map<Path, WatchedFile> files = new ConcurrentHashMap<>();

  /**
   * @param rules asked anew each time
   */
  public RuleHeaders(Supplier<List<Rule>> rules, Clock clock) {
    this.rules = rules;
    this.clock = clock;
  }

  /**
   * What goes out to {@code url} besides what the caller sends.
   *
   * @throws OriginUnavailable naming the header and the file, if that has no value in it
   */
  Headers of(SourceUrl url) {
    var fields = new LinkedHashMap<String, String>();
    Rules.find(rules.get(), url)
        .ifPresent(
            rule ->
                rule.headers().forEach((name, value) -> fields.put(name, text(rule, name, value))));
    return Headers.of(fields);
  }

  /**
   * As whom the agent asks, to tell one authority from another: what {@link #of} gives, as far as
   * it can be read (a file without a value is like no other value), and which certificate is shown,
   * by its path, since it names the same client when it is renewed.
   */
  Headers identity(SourceUrl url) {
    Headers sent;
    try {
      sent = of(url);
    } catch (OriginUnavailable e) {
      sent = Headers.of(Map.of("no value", e.getMessage()));
    }
    Optional<RuleTls> tls = Rules.find(rules.get(), url).map(Rule::tls);
    return url.isTls() && tls.isPresent() && tls.get().certificate() != null
        ? sent.with("client certificate", String.valueOf(tls.get().certificate()))
        : sent;
  }

  private String text(Rule rule, String name, HeaderValue value) {
    return switch (value) {
      case HeaderValue.Text text -> text.value();
      case HeaderValue.InFile(Path file) -> inFile(rule, name, file);
    };
  }

  private String inFile(Rule rule, String name, Path path) {
    try {
      WatchedFile file = files.computeIfAbsent(path, _ -> new WatchedFile(path, clock));
      String text = new String(file.content().bytes(), StandardCharsets.UTF_8).strip();
      if (!HeaderValue.isValid(text)) {
        throw new IOException(
            text.isEmpty()
                ? "it is empty"
                : "it holds something else than one line of visible ASCII");
      }
      return text;
    } catch (IOException e) {
      throw OriginUnavailable.lasting(
          "headers."
              + name
              + " of the rule for "
              + rule.match()
              + " (origins.rules) has no value: "
              + path
              + ": "
              + e.getMessage());
    }
  }
}
