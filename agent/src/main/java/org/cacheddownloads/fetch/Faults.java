package org.cacheddownloads.fetch;

import io.netty.handler.proxy.ProxyConnectException;
import java.security.cert.CertificateException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import org.cacheddownloads.config.Proxy.Via;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.OriginUnavailable;
import org.cacheddownloads.failure.CacheException.TimedOut;
import org.jspecify.annotations.Nullable;

/** What went wrong on the way to an origin, in words, and whether repeating may cure it. Pure. */
final class Faults {
  private static final int MOST_CAUSES = 10;

  /**
   * Alerts (RFC 8446 section 6.2) that say what is so and stays so until somebody changes it. The
   * JDK puts the name of an alert, sent or received, before what it says.
   */
  private static final Set<String> LASTING_ALERTS =
      Set.of(
          "access_denied",
          "bad_certificate",
          "certificate_expired",
          "certificate_required",
          "certificate_revoked",
          "certificate_unknown",
          "handshake_failure",
          "insufficient_security",
          "protocol_version",
          "unknown_ca",
          "unrecognized_name",
          "unsupported_certificate");

  /** What CONNECT (RFC 9110 section 9.3.6) and SOCKS5 (RFC 1928, RFC 1929) say deliberately. */
  private static final Pattern LASTING_REFUSALS =
      Pattern.compile(
          "status: (?:4\\d\\d|FORBIDDEN)|authStatus:|unexpected authMethod:",
          Pattern.CASE_INSENSITIVE);

  private static final Pattern ALERT = Pattern.compile("\\(([a-z_]+)\\) .*", Pattern.DOTALL);

  private Faults() {}

  /**
   * A fault of TLS, if there is one among the causes.
   *
   * @param what was tried, such as "could not connect to https://host/path"
   */
  static Optional<OriginUnavailable> tls(String what, @Nullable Throwable fault) {
    List<SSLException> found = all(SSLException.class, fault);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    String told = String.valueOf(found.getLast().getMessage()).lines().findFirst().orElse("");
    String message = what + ": TLS failed (" + told + ")";
    boolean lasts = !all(CertificateException.class, fault).isEmpty() || isLastingAlert(told);
    return Optional.of(
        lasts ? OriginUnavailable.lasting(message) : new OriginUnavailable(message, null));
  }

  /**
   * A proxy that said no, if there is one among the causes.
   *
   * @param what was tried
   */
  static Optional<OriginUnavailable> proxy(String what, @Nullable Throwable fault) {
    List<ProxyConnectException> found = all(ProxyConnectException.class, fault);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    // "protocol, scheme, proxy => target, what it said"
    String text = String.valueOf(found.getFirst().getMessage()).lines().findFirst().orElse("");
    String told = text.substring(text.lastIndexOf(", ") + 1).strip();
    String message = what + ": the proxy refused (" + told + ")";
    return Optional.of(
        LASTING_REFUSALS.matcher(told).lookingAt()
            ? OriginUnavailable.lasting(message)
            : new OriginUnavailable(message, null));
  }

  /** The same failure, which came by way of a proxy. */
  static CacheException through(Via proxy, CacheException failure) {
    String message = failure.getMessage() + " (through the proxy " + proxy + ")";
    return switch (failure) {
      case OriginUnavailable e when !e.retryable() -> OriginUnavailable.lasting(message);
      case OriginUnavailable e -> new OriginUnavailable(message, e.getCause());
      case TimedOut e -> new TimedOut(message, e.getCause());
      default -> failure;
    };
  }

  private static boolean isLastingAlert(String told) {
    Matcher alert = ALERT.matcher(told);
    return alert.matches() && LASTING_ALERTS.contains(alert.group(1));
  }

  private static <T extends Throwable> List<T> all(Class<T> kind, @Nullable Throwable fault) {
    return Stream.iterate(fault, Objects::nonNull, Throwable::getCause)
        .limit(MOST_CAUSES)
        .filter(kind::isInstance)
        .map(kind::cast)
        .toList();
  }
}
