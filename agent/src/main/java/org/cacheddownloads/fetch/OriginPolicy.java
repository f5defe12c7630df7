package org.cacheddownloads.fetch;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.cacheddownloads.config.Cidr;
import org.cacheddownloads.config.Config.Origins;
import org.cacheddownloads.content.SourceUrl;
import org.cacheddownloads.failure.CacheException.OriginNotAllowed;

/**
 * Which origins may be asked: by scheme and host before a name is resolved, by address after. Pure.
 */
final class OriginPolicy {
  private static final Cidr NAT64 = Cidr.parse("64:ff9b::/96");
  private static final Cidr SIX_TO_FOUR = Cidr.parse("2002::/16");

  private OriginPolicy() {}

  /**
   * @throws OriginNotAllowed if scheme or host is not in the policy
   */
  static void checkUrl(Origins policy, SourceUrl url) {
    if (!policy.schemes().contains(url.scheme()) || url.host().isEmpty()) {
      throw new OriginNotAllowed(
          "the scheme '"
              + url.scheme()
              + "' is not allowed; origins.schemes has "
              + policy.schemes());
    }
    if (policy.allow().stream().noneMatch(pattern -> matches(pattern, url))) {
      throw new OriginNotAllowed(
          "the host '" + url.host() + "' is not allowed; origins.allow has no pattern for it");
    }
  }

  /**
   * {@code *} any host, {@code *.example.com} every host below it, {@code host} or {@code
   * host:port} that one.
   */
  private static boolean matches(String pattern, SourceUrl url) {
    String lower = pattern.toLowerCase(Locale.ROOT);
    if (lower.equals("*")
        || lower.equals(url.host())
        || lower.equals(url.host() + ":" + url.port())) {
      return true;
    }
    return lower.startsWith("*.") && url.host().endsWith(lower.substring(1));
  }

  /**
   * The addresses that may be connected to, in the order given.
   *
   * @throws OriginNotAllowed if that leaves none
   */
  static List<InetAddress> allowed(Origins policy, SourceUrl url, List<InetAddress> addresses) {
    List<InetAddress> allowed =
        addresses.stream().filter(address -> isAllowed(policy, address)).toList();
    if (allowed.isEmpty()) {
      throw new OriginNotAllowed(
          "the address of '"
              + url.host()
              + "' is not allowed; see origins.denyAddresses and origins.allowAddresses");
    }
    return allowed;
  }

  /**
   * What can be judged where a proxy resolves the name: a host that is an address, in whatever
   * notation a resolver takes for one ({@code 0xA9FEA9FE}, {@code 0251.0376.0251.0376}).
   *
   * @throws OriginNotAllowed if that may not be connected to
   */
  static void checkLiteral(Origins policy, SourceUrl url) {
    String host = url.host();
    String bare = host.endsWith(".") ? host.substring(0, host.length() - 1) : host;
    List<InetAddress> readings =
        Stream.of(literal(bare), posixLiteral(bare)).flatMap(Optional::stream).toList();
    for (InetAddress reading : readings) {
      List<InetAddress> _ = allowed(policy, url, List.of(reading));
    }
  }

  /** The address that a host is, if it is one; IPv6 with or without brackets. */
  static Optional<InetAddress> literal(String host) {
    try {
      return Optional.of(
          InetAddress.ofLiteral(
              host.startsWith("[") && host.endsWith("]")
                  ? host.substring(1, host.length() - 1)
                  : host));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static Optional<InetAddress> posixLiteral(String host) {
    try {
      return Optional.of(Inet4Address.ofPosixLiteral(host));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static boolean isAllowed(Origins policy, InetAddress address) {
    List<InetAddress> meant =
        Stream.concat(Stream.of(address), translated(address).stream()).toList();
    return meant.stream().anyMatch(each -> contains(policy.allowAddresses(), each))
        || meant.stream().noneMatch(each -> contains(policy.denyAddresses(), each));
  }

  /**
   * The IPv4 address that an IPv6 address leads to on a network that translates: behind the
   * well-known prefix of NAT64 (RFC 6052 section 2.1), or in 6to4 (RFC 3056 section 2).
   */
  private static Optional<InetAddress> translated(InetAddress address) {
    byte[] bytes = address.getAddress();
    if (NAT64.contains(address)) {
      return Optional.of(ipv4(bytes, 12));
    }
    return SIX_TO_FOUR.contains(address) ? Optional.of(ipv4(bytes, 2)) : Optional.empty();
  }

  private static InetAddress ipv4(byte[] bytes, int from) {
    try {
      return InetAddress.getByAddress(Arrays.copyOfRange(bytes, from, from + 4));
    } catch (UnknownHostException e) {
      throw new IllegalStateException("four bytes are an address", e);
    }
  }

  private static boolean contains(List<Cidr> ranges, InetAddress address) {
    return ranges.stream().anyMatch(range -> range.contains(address));
  }
}
