package org.cacheddownloads.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CidrTest {
  @ParameterizedTest
  @CsvSource({
    "169.254.0.0/16, 169.254.169.254, true",
    "169.254.0.0/16, 169.255.0.0, false",
    "10.0.0.0/8, 10.255.255.255, true",
    "10.1.2.3/32, 10.1.2.3, true",
    "10.1.2.3/32, 10.1.2.2, false",
    "10.1.2.3, 10.1.2.3, true",
    "10.1.2.128/25, 10.1.2.127, false",
    "0.0.0.0/0, 255.255.255.255, true",
    "0.0.0.0/0, ::1, false",
    "fe80::/10, fe80::1, true",
    "fe80::/10, febf::1, true",
    "fe80::/10, fec0::1, false",
    "fd00:ec2::254/128, fd00:ec2::254, true",
    "::/0, 1.2.3.4, false",
    "169.254.0.0/16, ::ffff:169.254.169.254, true",
    "::ffff:169.254.0.0/112, 169.254.169.254, true",
    "::ffff:0:0/96, 1.2.3.4, true"
  })
  void rangesHoldTheirAddresses(String range, String address, boolean held) {
    assertEquals(held, Cidr.parse(range).contains(InetAddress.ofLiteral(address)));
  }

  /** Java keeps such an address as IPv6 when it was made with a scope. */
  @Test
  void mappedAddressIsTheIpv4AddressInIt() throws UnknownHostException {
    byte[] mapped = HexFormat.of().parseHex("00000000000000000000ffffa9fea9fe");
    InetAddress address = Inet6Address.getByAddress(null, mapped, -1);
    assertEquals(16, address.getAddress().length);
    assertTrue(Cidr.parse("169.254.0.0/16").contains(address));
  }

  @ParameterizedTest
  @CsvSource({
    "10.1.2.3/8, 10.0.0.0/8",
    "fe80::1/10, fe80::/10",
    "10.1.2.3, 10.1.2.3/32",
    "::ffff:10.1.2.3/104, 10.0.0.0/8"
  })
  void rangesAreWrittenWithoutBitsBehindThePrefix(String text, String written) {
    assertEquals(written, Cidr.parse(text).toString());
    assertEquals(Cidr.parse(written), Cidr.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/8/8",
        "10.0.0/8",
        "10/8",
        "256.0.0.1/8",
        "localhost/8",
        "fe80::/129",
        "fe80::1%eth0/64",
        "[fe80::]/10",
        ":::/1",
        "::ffff:10.0.0.0/95",
        "0x0a.0.0.0/8",
        " 10.0.0.0/8"
      })
  void otherTextIsRefused(String text) {
    assertThrows(IllegalArgumentException.class, () -> Cidr.parse(text));
  }
}
