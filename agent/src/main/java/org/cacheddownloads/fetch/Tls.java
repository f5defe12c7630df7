package org.cacheddownloads.fetch;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.ClientSSLOptions;
import io.vertx.core.net.PemKeyCertOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.cacheddownloads.config.Config;
import org.cacheddownloads.config.Rule;
import org.cacheddownloads.config.RuleTls;
import org.cacheddownloads.content.SourceUrl;
import org.cacheddownloads.failure.CacheException.OriginUnavailable;
import org.cacheddownloads.fetch.WatchedFile.Content;
import org.jspecify.annotations.Nullable;

/**
 * Whom the agent trusts and who it says it is, for each rule with its files as they are at the
 * moment. Thread-safe.
 *
 * <p>As long as the files hold the same, the same options come out, by which connections are kept
 * and used again; what is made anew does not get a connection that was made with the old files.
 */
final class Tls {
  private static final Set<String> VERSIONS =
      new LinkedHashSet<>(List.of("TLSv1.3", "TLSv1.2")); // RFC 8996 leaves no other
  private static final RuleTls NOTHING_ELSE = new RuleTls(null, null, null);

  private final Vertx vertx;
  private final Supplier<Config> config;
  private final Clock clock;
  private final Trust trust;
  private final Map<Path, WatchedFile> files = new ConcurrentHashMap<>();
  private final Map<RuleTls, Made> made = new ConcurrentHashMap<>();

  /** Contents are compared by identity, which is equality of their bytes. */
  private record Files(
      @Nullable Content ca, @Nullable Content certificate, @Nullable Content key) {}

  private record Made(Files from, ClientSSLOptions options) {}

  /**
   * Reads the files of {@code origins.trust}, once.
   *
   * @throws IllegalArgumentException naming the file that cannot be used
   */
  Tls(Vertx vertx, Supplier<Config> config, Clock clock) {
    this.vertx = vertx;
    this.config = config;
    this.clock = clock;
    this.trust = Trust.of(config.get().origins().trust());
  }

  /**
   * The options for a connection to {@code url}.
   *
   * @throws OriginUnavailable naming the key whose file cannot be used
   */
  ClientSSLOptions of(SourceUrl url) {
    Rule rule = Rules.find(config.get().origins().rules(), url).orElse(null);
    RuleTls tls = rule == null || rule.tls() == null ? NOTHING_ELSE : rule.tls();
    Files now =
        new Files(
            content(rule, "tls.ca", tls.ca()),
            content(rule, "tls.certificate", tls.certificate()),
            content(rule, "tls.key", tls.key()));
    Made known = made.get(tls);
    if (known == null || !known.from().equals(now)) {
      known = new Made(now, options(rule, tls, now));
      made.put(tls, known); // of two that are made at once the last one stays
    }
    return known.options();
  }

  private ClientSSLOptions options(@Nullable Rule rule, RuleTls tls, Files files) {
    var options =
        new ClientSSLOptions()
            .setHostnameVerificationAlgorithm("HTTPS")
            .setEnabledSecureTransportProtocols(VERSIONS)
            .setTrustOptions(trusting(rule, tls, files));
    if (files.certificate() != null && files.key() != null) {
      var own =
          new PemKeyCertOptions()
              .setCertValue(Buffer.buffer(files.certificate().bytes()))
              .setKeyValue(Buffer.buffer(files.key().bytes()));
      try {
        own.getKeyManagerFactory(vertx);
      } catch (Exception e) { // whatever it says may quote the key
        throw unusable(
            rule,
            "tls.certificate and tls.key",
            tls.certificate() + " and " + tls.key(),
            "they are no certificate and its key in PEM");
      }
      options.setKeyCertOptions(own);
    }
    return options;
  }

  private io.vertx.core.net.TrustOptions trusting(@Nullable Rule rule, RuleTls tls, Files files) {
    try {
      return trust.with(files.ca() == null ? new byte[0] : files.ca().bytes());
    } catch (GeneralSecurityException e) {
      throw unusable(rule, "tls.ca", tls.ca(), "it holds no certificates in PEM");
    }
  }

  private @Nullable Content content(@Nullable Rule rule, String key, @Nullable Path path) {
    if (path == null) {
      return null;
    }
    try {
      return files.computeIfAbsent(path, _ -> new WatchedFile(path, clock)).content();
    } catch (IOException e) {
      throw unusable(rule, key, path, e.getMessage());
    }
  }

  private static OriginUnavailable unusable(
      @Nullable Rule rule, String key, @Nullable Object path, @Nullable String why) {
    return OriginUnavailable.lasting(
        key
            + (rule == null ? "" : " of the rule for " + rule.match())
            + " (origins.rules) cannot be used: "
            + path
            + ": "
            + why);
  }
}
