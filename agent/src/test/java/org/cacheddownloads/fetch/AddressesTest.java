package org.cacheddownloads.fetch;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AddressesTest {
  @ParameterizedTest
  @CsvSource({
    "'',''",
    "1.0.0.1, 1.0.0.1",
    "::1 ::2 1.0.0.1 1.0.0.2, ::1 1.0.0.1 ::2 1.0.0.2",
    "1.0.0.1 1.0.0.2 ::1, 1.0.0.1 ::1 1.0.0.2",
    "::1 1.0.0.1 1.0.0.2 1.0.0.3, ::1 1.0.0.1 1.0.0.2 1.0.0.3",
    "1.0.0.3 1.0.0.1 1.0.0.2, 1.0.0.3 1.0.0.1 1.0.0.2",
    "::1 ::2 ::3 ::4 ::5 ::6 ::7 ::8 ::9 1.0.0.1, ::1 1.0.0.1 ::2 ::3 ::4 ::5 ::6 ::7"
  })
  void familiesTakeTurnsInTheResolversOrder(String resolved, String ordered) {
    assertThat(Addresses.interleaved(addresses(resolved))).isEqualTo(addresses(ordered));
  }

  private static List<InetAddress> addresses(String text) {
    return Stream.of(text.split(" "))
        .filter(one -> !one.isEmpty())
        .map(InetAddress::ofLiteral)
        .toList();
  }
}
