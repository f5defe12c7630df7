package org.cacheddownloads.fetch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.stream.Stream;
import org.cacheddownloads.config.Cidr;
import org.cacheddownloads.config.Config.Origins;
import org.cacheddownloads.content.SourceUrl;
import org.cacheddownloads.failure.CacheException.OriginNotAllowed;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OriginPolicyTest {
  private static List<String> words(String text) {
    return Stream.of(text.split(" ")).filter(word -> !word.isEmpty()).toList();
  }

  private static Origins policy(String schemes, String hosts, String allow, String deny) {
    return new Origins(
        words(schemes),
        words(hosts),
        words(allow).stream().map(Cidr::parse).toList(),
        words(deny).stream().map(Cidr::parse).toList(),
        List.of(),
        List.of());
  }

  @ParameterizedTest
  @CsvSource({
    "http https, *, http://any.example/x, true",
    "https, *, http://any.example/x, false",
    "https, *, HTTPS://any.example/x, true",
    "http https, *, ftp://any.example/x, false",
    "http https, *, file:/etc/passwd, false",
    "http, a.example, http://a.example/x, true",
    "http, a.example, http://A.EXAMPLE:8080/x, true",
    "http, a.example, http://b.a.example/x, false",
    "http, a.example, http://a.example.evil/x, false",
    "http, a.example, http://evila.example/x, false",
    "http, a.example, http://a.example@evil/x, false",
    "http, *.example, http://a.example/x, true",
    "http, *.example, http://b.a.example/x, true",
    "http, *.example, http://example/x, false",
    "http, *.example, http://badexample/x, false",
    "http, a.example:8080, http://a.example:8080/x, true",
    "http, a.example:8080, http://a.example/x, false",
    "http, a.example:80, http://a.example/x, true",
    "https, a.example:443, https://a.example/x, true",
    "http, x a.example y, http://a.example/x, true",
    "http, '', http://a.example/x, false",
    "http, [::1]:8080, http://[::1]:8080/x, true",
    "http, 10.0.0.1, http://10.0.0.1/x, true"
  })
  void schemesAndHostsAreJudgedBeforeANameIsResolved(
      String schemes, String hosts, String url, boolean allowed) {
    Origins policy = policy(schemes, hosts, "", "");
    SourceUrl source = SourceUrl.parse(url);
    if (allowed) {
      OriginPolicy.checkUrl(policy, source);
    } else {
      var refusal =
          assertThrows(OriginNotAllowed.class, () -> OriginPolicy.checkUrl(policy, source));
      assertFalse(refusal.getMessage().contains("@"), refusal.getMessage());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'', 169.254.0.0/16, 169.254.169.254, false",
    "'', 169.254.0.0/16, 169.253.255.255, true",
    "'', 169.254.0.0/16, ::ffff:169.254.169.254, false",
    "'', 169.254.0.0/16, 64:ff9b::a9fe:a9fe, false",
    "'', 169.254.0.0/16, 64:ff9b::808:808, true",
    "'', 169.254.0.0/16, 2002:a9fe:a9fe::1, false",
    "'', 169.254.0.0/16, 2002:808:808::a9fe:a9fe, true",
    "10.1.2.3/32, 10.0.0.0/8, 64:ff9b::a01:203, true",
    "'', fe80::/10, fe80::1, false",
    "'', fe80::/10, fec0::1, true",
    "'', fd00:ec2::254/128, fd00:ec2::254, false",
    "'', 0.0.0.0/0, ::1, true",
    "'', 0.0.0.0/0 ::/0, ::1, false",
    "10.1.2.3/32, 10.0.0.0/8, 10.1.2.3, true",
    "10.1.2.3/32, 10.0.0.0/8, 10.1.2.4, false",
    "10.1.0.0/16, 10.1.2.3/32, 10.1.2.3, true",
    "'', '', 127.0.0.1, true"
  })
  void addressesAreJudgedAfterANameIsResolvedAndAllowWins(
      String allow, String deny, String address, boolean allowed) throws UnknownHostException {
    Origins policy = policy("http", "*", allow, deny);
    SourceUrl url = SourceUrl.parse("http://h/x");
    List<InetAddress> addresses = List.of(InetAddress.getByName(address));
    if (allowed) {
      assertEquals(addresses, OriginPolicy.allowed(policy, url, addresses));
    } else {
      assertThrows(OriginNotAllowed.class, () -> OriginPolicy.allowed(policy, url, addresses));
    }
  }

  @Test
  void ofSeveralAddressesTheAllowedStayInTheirOrder() throws UnknownHostException {
    InetAddress bad = InetAddress.getByName("169.254.169.254");
    InetAddress one = InetAddress.getByName("192.0.2.1");
    InetAddress two = InetAddress.getByName("2001:db8::1");
    Origins policy = policy("http", "*", "", "169.254.0.0/16");
    assertEquals(
        List.of(two, one),
        OriginPolicy.allowed(policy, SourceUrl.parse("http://h/x"), List.of(two, bad, one)));
  }

  /** An address as the bytes of a mapped one, which {@code getByName} would have unmapped. */
  @Test
  void aMappedAddressIsTheAddressItMaps() throws UnknownHostException {
    byte[] mapped = new byte[16];
    mapped[10] = (byte) 0xff;
    mapped[11] = (byte) 0xff;
    mapped[12] = (byte) 169;
    mapped[13] = (byte) 254;
    InetAddress raw = java.net.Inet6Address.getByAddress("h", mapped, -1);
    Origins policy = policy("http", "*", "", "169.254.0.0/16");
    assertThrows(
        OriginNotAllowed.class,
        () -> OriginPolicy.allowed(policy, SourceUrl.parse("http://h/x"), List.of(raw)));
  }

  /** Where a proxy resolves names, notations that resolvers take for an address count as one. */
  @ParameterizedTest
  @CsvSource({
    "http://169.254.169.254/x, false",
    "http://169.254.169.254./x, false",
    "http://0xA9FEA9FE/x, false",
    "http://2852039166/x, false",
    "http://0251.0376.0251.0376/x, false",
    "http://169.254.43518/x, false",
    "http://[fe80::1]/x, false",
    "http://[::ffff:169.254.169.254]/x, false",
    "http://10.0.0.1/x, true",
    "http://a.example/x, true",
    "http://1.example/x, true"
  })
  void addressesAreJudgedWhereAProxyResolvesNames(String url, boolean allowed) {
    Origins policy = policy("http", "*", "", "169.254.0.0/16 fe80::/10");
    SourceUrl target = SourceUrl.parse(url);
    if (allowed) {
      OriginPolicy.checkLiteral(policy, target);
    } else {
      assertThrows(OriginNotAllowed.class, () -> OriginPolicy.checkLiteral(policy, target));
    }
  }
}
