package org.cacheddownloads.config;

import java.net.Inet6Address;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a TCP listener listens; the name is not resolved here.
 *
 * @param host a name or a literal address, IPv6 without brackets
 * @param port 0 to 65535; 0 lets the kernel choose
 */
public record HostPort(String host, int port) {
  private static final Pattern FORM =
      Pattern.compile("(?:\\[([0-9A-Fa-f:.]+)]|([A-Za-z0-9_.-]+)):([0-9]{1,5})");

  public HostPort {
    if (port < 0 || port > 65_535)
      throw new IllegalArgumentException("a port is between 0 and 65535, not " + port);
  }

  /**
   * Reads {@code host:port} or {@code [ipv6]:port}.
   *
   * @throws IllegalArgumentException with a sentence for whoever wrote the text
   */
  public static HostPort parse(String text) {
    Matcher parts = FORM.matcher(text);
    if (!parts.matches())
      throw new IllegalArgumentException(
          "not an address: \""
              + text
              + "\"; write host:port, such as 127.0.0.1:9758 or [::1]:9758");
    String ipv6 = parts.group(1);
    if (ipv6 == null) return new HostPort(parts.group(2), Integer.parseInt(parts.group(3)));
    Inet6Address.ofLiteral(ipv6);
    return new HostPort(ipv6, Integer.parseInt(parts.group(3)));
  }

  @Override
  public String toString() {
    return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
  }
}
