package org.cacheddownloads.fetch;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.cacheddownloads.config.Cidr;
import org.cacheddownloads.config.Proxy;
import org.cacheddownloads.config.Proxy.Via;
import org.cacheddownloads.config.Rule;
import org.cacheddownloads.content.SourceUrl;
import org.jspecify.annotations.Nullable;

/**
 * Through which proxy a URL is asked for: what its rule says, or else the environment by the
 * conventions of curl, in lower or upper case: {@code http_proxy}, {@code https_proxy}, {@code
 * all_proxy} for what the other two leave out, and {@code no_proxy}. The environment says nothing
 * about the loopback device, where no proxy elsewhere could reach anything. Pure.
 */
public final class Proxies {
  private static final Pattern HOST_AND_PORT =
      Pattern.compile("(\\[[0-9a-f:.]+]|[^:]+):([0-9]{1,5})");

  private final @Nullable Proxy http;
  private final @Nullable Proxy https;
  private final List<Predicate<SourceUrl>> exceptions;

  private Proxies(
      @Nullable Proxy http, @Nullable Proxy https, List<Predicate<SourceUrl>> exceptions) {
    this.http = http;
    this.https = https;
    this.exceptions = List.copyOf(exceptions);
  }

  /**
   * Reads the environment.
   *
   * @throws IllegalArgumentException naming the variable that cannot be understood, never with its
   *     value
   */
  public static Proxies of(Map<String, String> environment) {
    return new Proxies(
        proxy(environment, "http_proxy", "all_proxy"),
        proxy(environment, "https_proxy", "all_proxy"),
        exceptions(environment));
  }

  private static @Nullable Proxy proxy(Map<String, String> environment, String... names) {
    for (String name : names) {
      String text = value(environment, name);
      if (!text.isEmpty()) {
        try {
          return Proxy.parse(
              text.contains("://") || text.equals(Proxy.NONE) ? text : "http://" + text);
        } catch (IllegalArgumentException e) {
          throw new IllegalArgumentException(name + " (environment): " + e.getMessage(), e);
        }
      }
    }
    return null;
  }

  private static List<Predicate<SourceUrl>> exceptions(Map<String, String> environment) {
    var exceptions = new ArrayList<Predicate<SourceUrl>>();
    for (String text : value(environment, "no_proxy").split("[,\\s]+", -1)) {
      if (!text.isEmpty()) {
        try {
          exceptions.add(exception(text.toLowerCase(Locale.ROOT)));
        } catch (IllegalArgumentException e) {
          throw new IllegalArgumentException("no_proxy (environment): " + e.getMessage(), e);
        }
      }
    }
    return exceptions;
  }

  private static String value(Map<String, String> environment, String name) {
    String lower = environment.getOrDefault(name, "").strip();
    return lower.isEmpty()
        ? environment.getOrDefault(name.toUpperCase(Locale.ROOT), "").strip()
        : lower;
  }

  /**
   * {@code *} for all, {@code 10.0.0.0/8} for the addresses in it, a host (and with a port that
   * port alone) for itself and every host below it, also written {@code .host} or {@code *.host}.
   */
  private static Predicate<SourceUrl> exception(String text) {
    if (text.equals("*")) {
      return _ -> true;
    }
    if (text.indexOf('/') >= 0) {
      Cidr range = Cidr.parse(text);
      return url -> OriginPolicy.literal(url.host()).filter(range::contains).isPresent();
    }
    Matcher parts = HOST_AND_PORT.matcher(text);
    if (parts.matches()) {
      int port = Integer.parseInt(parts.group(2));
      Predicate<SourceUrl> host = hostOrBelow(parts.group(1));
      return url -> url.port() == port && host.test(url);
    }
    return hostOrBelow(text);
  }

  private static Predicate<SourceUrl> hostOrBelow(String text) {
    Optional<InetAddress> address = OriginPolicy.literal(text);
    if (address.isPresent()) {
      return url -> OriginPolicy.literal(url.host()).equals(address);
    }
    String name = withoutLastDot(text.replaceFirst("^\\*?\\.", ""));
    return url -> {
      String host = withoutLastDot(url.host());
      return host.equals(name) || host.endsWith("." + name);
    };
  }

  private static String withoutLastDot(String host) {
    return host.endsWith(".") ? host.substring(0, host.length() - 1) : host;
  }

  private static boolean isLoopback(SourceUrl url) {
    String host = withoutLastDot(url.host());
    return host.equals("localhost")
        || host.endsWith(".localhost")
        || OriginPolicy.literal(host).filter(InetAddress::isLoopbackAddress).isPresent();
  }

  /** The proxy for a URL; empty if its origin is connected to. */
  Optional<Via> find(List<Rule> rules, SourceUrl url) {
    Proxy ruled = Rules.find(rules, url).map(Rule::proxy).orElse(null);
    Proxy proxy = ruled != null ? ruled : fromEnvironment(url);
    return proxy instanceof Via via ? Optional.of(via) : Optional.empty();
  }

  private @Nullable Proxy fromEnvironment(SourceUrl url) {
    Proxy proxy = url.isTls() ? https : http;
    return proxy == null
            || isLoopback(url)
            || exceptions.stream().anyMatch(exception -> exception.test(url))
        ? null
        : proxy;
  }

  /** What the environment says, without user info. */
  @Override
  public String toString() {
    return "http=" + http + " https=" + https + " exceptions=" + exceptions.size();
  }

  /** Whether the environment names a proxy. */
  public boolean isAny() {
    return http != null || https != null;
  }
}
