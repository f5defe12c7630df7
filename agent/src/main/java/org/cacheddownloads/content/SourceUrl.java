package org.cacheddownloads.content;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.jspecify.annotations.Nullable;

/**
 * A URL that bytes come from. User info and query may be secrets: {@link #toString} and {@link
 * #redacted} leave both out, {@link #identity} replaces the query by a hash, and only {@link
 * #requestTarget} and {@link #basicAuthorization} give them away, to the HTTP client.
 */
public final class SourceUrl {
  private static final int MAX_LENGTH = 8192;
  private static final Pattern AUTHORITY =
      Pattern.compile(
          "(?:([^@]*)@)?(\\[[0-9A-Fa-f:.]+(?:%[^\\]]+)?]|[^:@\\[\\]]+)(?::([0-9]{1,5})?)?");

  private final String scheme;
  private final @Nullable String userInfo;
  private final String host;
  private final int port;
  private final String authority;
  private final String path;
  private final @Nullable String query;

  private SourceUrl(
      String scheme,
      @Nullable String userInfo,
      String host,
      int port,
      String authority,
      String path,
      @Nullable String query) {
    this.scheme = scheme;
    this.userInfo = userInfo;
    this.host = host;
    this.port = port;
    this.authority = authority;
    this.path = path;
    this.query = query;
  }

  /**
   * Reads an absolute URL with a host (RFC 3986 section 3; host names may contain underscores, as
   * people's do).
   *
   * @throws InvalidRequest without repeating the text, which may hold a secret
   */
  public static SourceUrl parse(String text) {
    if (text.length() > MAX_LENGTH) {
      throw new InvalidRequest("a URL has at most " + MAX_LENGTH + " characters");
    }
    if (!StandardCharsets.US_ASCII.newEncoder().canEncode(text)) {
      throw new InvalidRequest("a URL is ASCII; percent-encode other characters as UTF-8");
    }
    URI uri;
    try {
      uri = new URI(text);
    } catch (URISyntaxException e) {
      throw new InvalidRequest(
          "not a URL: "
              + e.getReason()
              + " at index "
              + e.getIndex()
              + "; percent-encode what a URL may not contain");
    }
    if (uri.getScheme() == null) {
      throw new InvalidRequest(
          "not an absolute URL: it has no scheme; expected something like https://host/path");
    }
    if (uri.isOpaque() || uri.getRawAuthority() == null) {
      if (uri.getScheme().toLowerCase(Locale.ROOT).startsWith("http")) {
        throw new InvalidRequest(
            "not a URL with a host: expected something like https://host/path");
      }
      // The scheme decides first what the caller is told: file:/x is outside the policy, not
      // malformed.
      return new SourceUrl(uri.getScheme().toLowerCase(Locale.ROOT), null, "", -1, "", "", null);
    }
    Matcher authority = AUTHORITY.matcher(uri.getRawAuthority());
    if (!authority.matches()) {
      throw new InvalidRequest(
          "not a URL with a host: expected something like https://host:port/path");
    }
    String port = authority.group(3);
    int portNumber = port == null ? -1 : Integer.parseInt(port);
    if (portNumber == 0 || portNumber > 65_535) {
      throw new InvalidRequest("the port of a URL is 1 to 65535");
    }
    String withoutUser =
        uri.getRawAuthority()
            .substring(authority.group(1) == null ? 0 : authority.group(1).length() + 1);
    return new SourceUrl(
        uri.getScheme(),
        authority.group(1),
        authority.group(2).toLowerCase(Locale.ROOT),
        portNumber,
        withoutUser,
        uri.getRawPath() == null ? "" : uri.getRawPath(),
        uri.getRawQuery());
  }

  /**
   * The target of a redirect that this URL answered with; user info is not inherited across
   * origins, a fragment is dropped.
   */
  public SourceUrl resolve(String location) {
    try {
      URI base =
          new URI(
              scheme
                  + "://"
                  + authority
                  + (path.isEmpty() ? "/" : path)
                  + (query == null ? "" : "?" + query));
      // RFC 3986 section 5.2: java.net.URI resolves an empty path with a query wrongly, so that
      // form is handled here.
      if (location.startsWith("?")) {
        return parse(scheme + "://" + authority + path + location);
      }
      return parse(base.resolve(new URI(location)).toString());
    } catch (URISyntaxException | IllegalArgumentException e) {
      throw new InvalidRequest("the redirect does not lead to a URL");
    }
  }

  public String scheme() {
    return scheme.toLowerCase(Locale.ROOT);
  }

  /**
   * In lower case; an IPv6 address is in brackets. Empty for a URL without authority, which no
   * policy lets pass.
   */
  public String host() {
    return host;
  }

  public int port() {
    return port > 0 ? port : isTls() ? 443 : 80;
  }

  public boolean isTls() {
    return scheme().equals("https");
  }

  /** Scheme, host and port: what {@code RFC 6454} calls the origin. */
  public String origin() {
    return scheme() + "://" + host + ":" + port();
  }

  /** As it goes on the request line, at least {@code /}; without the query. */
  public String path() {
    return path.isEmpty() ? "/" : path;
  }

  /** Path and query as they go on the request line. */
  public String requestTarget() {
    return path() + (query == null ? "" : "?" + query);
  }

  /** The {@code Authorization} value that the user info stands for (RFC 7617). */
  public Optional<String> basicAuthorization() {
    if (userInfo == null || userInfo.isEmpty()) {
      return Optional.empty();
    }
    String pair = userInfo.indexOf(':') < 0 ? userInfo + ":" : userInfo;
    byte[] decoded = Percent.decode(pair).getBytes(StandardCharsets.UTF_8);
    return Optional.of("Basic " + Base64.getEncoder().encodeToString(decoded));
  }

  /** The URL without user info, query and fragment: what replies and logs show. */
  public String redacted() {
    return scheme + "://" + authority + path;
  }

  /**
   * The redacted URL, with {@code ?q=} and the first 16 hex digits of the query's SHA-256 where it
   * has a query.
   */
  public String identity() {
    return query == null ? redacted() : redacted() + "?q=" + Sha256.hexOf(query).substring(0, 16);
  }

  public boolean hasQuery() {
    return query != null;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof SourceUrl that
        && scheme.equals(that.scheme)
        && authority.equals(that.authority)
        && path.equals(that.path)
        && java.util.Objects.equals(userInfo, that.userInfo)
        && java.util.Objects.equals(query, that.query);
  }

  @Override
  public int hashCode() {
    return java.util.Objects.hash(scheme, authority, path, userInfo, query);
  }

  @Override
  public String toString() {
    return redacted();
  }
}
