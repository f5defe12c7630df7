package org.cacheddownloads.config;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Optional;
import org.cacheddownloads.content.Percent;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.jspecify.annotations.Nullable;

/**
 * How to get to an origin: straight, or through a proxy. User and password are secrets: {@code
 * toString} shows neither.
 */
public sealed interface Proxy {
  /** The word for {@link Direct} in the configuration. */
  String NONE = "none";

  /** No proxy, whatever the environment says. */
  record Direct() implements Proxy {
    @Override
    public String toString() {
      return NONE;
    }
  }

  /**
   * A proxy.
   *
   * @param host a name, or a literal address without brackets
   * @param login null if it asks for none
   */
  record Via(Kind kind, String host, int port, @Nullable Login login) implements Proxy {
    @Override
    public String toString() {
      return kind.scheme() + "://" + (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
    }
  }

  /** What a proxy speaks. */
  enum Kind {
    /** RFC 9110: absolute targets for http, {@code CONNECT} for https. */
    HTTP,
    /** RFC 1928; names are resolved by the proxy. */
    SOCKS5;

    String scheme() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Decoded; the password may be empty. */
  record Login(String user, String password) {
    @Override
    public String toString() {
      return "redacted";
    }
  }

  /**
   * Reads {@code http://[user:password@]host:port}, {@code socks5://…} (also {@code socks5h://}) or
   * {@code none}.
   *
   * @throws IllegalArgumentException with a sentence that never quotes the text, since user info is
   *     a secret
   */
  static Proxy parse(String text) {
    if (text.equals(NONE)) return new Direct();
    return via(text)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "not a proxy; write none, http://host:port or socks5://host:port, with user:password@ if it"
                        + " asks for them"));
  }

  private static Optional<Via> via(String text) {
    try {
      URI uri = new URI(text);
      Optional<Kind> kind =
          switch (String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT)) {
            case "http" -> Optional.of(Kind.HTTP);
            case "socks5", "socks5h" -> Optional.of(Kind.SOCKS5);
            default -> Optional.empty();
          };
      boolean plain =
          (uri.getRawPath() == null || uri.getRawPath().isEmpty() || uri.getRawPath().equals("/"))
              && uri.getRawQuery() == null
              && uri.getRawFragment() == null;
      if (kind.isEmpty() || !plain || uri.getHost() == null || uri.getPort() < 1) {
        return Optional.empty();
      }
      String host = uri.getHost();
      String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
      return Optional.of(
          new Via(kind.get(), bare, Values.port(uri.getPort()), login(uri.getRawUserInfo())));
    } catch (URISyntaxException | IllegalArgumentException | InvalidRequest e) {
      return Optional.empty();
    }
  }

  private static @Nullable Login login(@Nullable String userInfo) {
    if (userInfo == null || userInfo.isEmpty()) return null;
    int colon = userInfo.indexOf(':');
    return colon < 0
        ? new Login(Percent.decode(userInfo), "")
        : new Login(
            Percent.decode(userInfo.substring(0, colon)),
            Percent.decode(userInfo.substring(colon + 1)));
  }
}
