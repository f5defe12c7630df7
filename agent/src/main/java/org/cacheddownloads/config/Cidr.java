package org.cacheddownloads.config;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.regex.Pattern;

/**
 * A range of IP addresses, {@code 10.0.0.0/8} or {@code fe80::/10}. An IPv4-mapped IPv6 address
 * ({@code ::ffff:10.0.0.1}) counts as the IPv4 address in it, on both sides, so that a range cannot
 * be dodged by writing an address differently. Bits behind the prefix are cleared.
 *
 * @param network the lowest address of the range
 * @param prefixBits 0 to 32, or to 128 for IPv6
 */
public record Cidr(InetAddress network, int prefixBits) {
  private static final Pattern IPV4 = Pattern.compile("[0-9]{1,3}(?:\\.[0-9]{1,3}){3}");
  private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");
  private static final Pattern BITS = Pattern.compile("[0-9]{1,3}");
  private static final int MAPPED_PREFIX_BITS = 96;
  private static final int GROUPS = 8;

  public Cidr {
    byte[] address = unmapped(network);
    if (prefixBits < 0 || prefixBits > address.length * Byte.SIZE)
      throw new IllegalArgumentException(
          "a prefix of this address has 0 to "
              + address.length * Byte.SIZE
              + " bits, not "
              + prefixBits);
    network = of(masked(address, prefixBits));
  }

  /**
   * Reads {@code address/bits}, or an address alone, which is a range of one.
   *
   * @throws IllegalArgumentException with a sentence for whoever wrote the text
   */
  public static Cidr parse(String text) {
    int slash = text.indexOf('/');
    String literal = slash < 0 ? text : text.substring(0, slash);
    boolean v4 = IPV4.matcher(literal).matches();
    if (!v4 && !IPV6.matcher(literal).matches()) throw notARange(text);
    InetAddress address;
    try {
      address = v4 ? Inet4Address.ofLiteral(literal) : Inet6Address.ofLiteral(literal);
    } catch (IllegalArgumentException e) {
      throw notARange(text);
    }
    int width = v4 ? Integer.SIZE : 128;
    if (slash >= 0 && !BITS.matcher(text.substring(slash + 1)).matches()) throw notARange(text);
    int bits = slash < 0 ? width : Integer.parseInt(text.substring(slash + 1));
    if (bits > width) throw notARange(text);
    boolean mapped = !v4 && address instanceof Inet4Address; // Java unmaps such literals itself
    if (mapped && bits < MAPPED_PREFIX_BITS) throw notARange(text);
    return new Cidr(address, mapped ? bits - MAPPED_PREFIX_BITS : bits);
  }

  /**
   * Whether the address lies in this range. IPv4 ranges hold no IPv6 addresses but mapped ones, and
   * the other way round.
   */
  public boolean contains(InetAddress address) {
    byte[] bytes = unmapped(address);
    byte[] lowest = network.getAddress();
    return bytes.length == lowest.length && Arrays.equals(masked(bytes, prefixBits), lowest);
  }

  @Override
  public String toString() {
    return (network instanceof Inet6Address
            ? shortest(network.getAddress())
            : network.getHostAddress())
        + "/"
        + prefixBits;
  }

  /**
   * The text form of RFC 5952 section 4: the first longest run of two or more zero groups becomes
   * "::".
   */
  private static String shortest(byte[] address) {
    int longestAt = -1;
    int longest = 1;
    int run = 0;
    for (int group = 0; group < GROUPS; group++) {
      run = group(address, group) == 0 ? run + 1 : 0;
      if (run > longest) {
        longest = run;
        longestAt = group - run + 1;
      }
    }
    var text = new StringBuilder();
    for (int group = 0; group < GROUPS; group++) {
      if (group == longestAt) {
        text.append("::");
        group += longest - 1;
        continue;
      }
      boolean first = text.isEmpty() || text.charAt(text.length() - 1) == ':';
      text.append(first ? "" : ":").append(Integer.toHexString(group(address, group)));
    }
    return text.toString();
  }

  private static int group(byte[] address, int number) {
    return Byte.toUnsignedInt(address[2 * number]) << Byte.SIZE
        | Byte.toUnsignedInt(address[2 * number + 1]);
  }

  private static byte[] unmapped(InetAddress address) {
    byte[] bytes = address.getAddress();
    boolean mapped = bytes.length == 16 && bytes[10] == -1 && bytes[11] == -1;
    for (int i = 0; mapped && i < 10; i++) mapped = bytes[i] == 0;
    return mapped ? Arrays.copyOfRange(bytes, 12, 16) : bytes;
  }

  private static byte[] masked(byte[] address, int prefixBits) {
    byte[] masked = address.clone();
    for (int i = 0; i < masked.length; i++) {
      int kept = Math.clamp(prefixBits - i * (long) Byte.SIZE, 0, Byte.SIZE);
      masked[i] &= (byte) (0xFF << (Byte.SIZE - kept));
    }
    return masked;
  }

  private static InetAddress of(byte[] address) {
    try {
      return InetAddress.getByAddress(address);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("neither 4 nor 16 bytes: " + address.length, e);
    }
  }

  private static IllegalArgumentException notARange(String text) {
    return new IllegalArgumentException(
        "not a range of addresses: \"" + text + "\"; write 10.0.0.0/8 or fe80::/10");
  }
}
