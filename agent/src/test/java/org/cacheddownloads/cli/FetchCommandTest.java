package org.cacheddownloads.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FetchCommandTest {
  @ParameterizedTest
  @CsvSource({
    "http://o/a.zip, a.zip",
    "http://o/dir/a.zip?token=x#f, a.zip",
    "http://o/a%20b.zip, a b.zip",
    "http://u:p@o/a, a",
    "http://o/a;v=1, a;v=1",
    "http://o/a%2Fb, a/b",
    "http://o/a:b, a:b",
    "http://o/, ''",
    "http://o, ''",
    "http://o/a b, ''"
  })
  void theNameIsTheLastSegmentOfTheUrl(String url, String name) {
    assertEquals(name, FetchCommand.lastSegment(url));
  }
}
