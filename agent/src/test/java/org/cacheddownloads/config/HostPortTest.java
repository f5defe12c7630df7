package org.cacheddownloads.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HostPortTest {
  @ParameterizedTest
  @CsvSource({
    "127.0.0.1:9758, 127.0.0.1, 9758",
    "localhost:0, localhost, 0",
    "[::1]:80, ::1, 80",
    "0.0.0.0:65535, 0.0.0.0, 65535"
  })
  void hostAndPortAreReadAndWrittenBack(String text, String host, int port) {
    assertEquals(new HostPort(host, port), HostPort.parse(text));
    assertEquals(text, HostPort.parse(text).toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "9758",
        ":9758",
        "localhost",
        "localhost:",
        "localhost:x",
        "localhost:65536",
        "::1:80",
        "[:::]:80",
        "a b:80",
        "localhost:-1"
      })
  void otherTextIsRefused(String text) {
    assertThrows(IllegalArgumentException.class, () -> HostPort.parse(text));
  }
}
