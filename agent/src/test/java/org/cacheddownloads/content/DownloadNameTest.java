package org.cacheddownloads.content;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DownloadNameTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "a",
        "a/b",
        "1/2/3/4/5/6/7/8",
        "...",
        ".hidden",
        "-",
        "a b",
        "büro/☃",
        "cached-downloads",
        ".cached",
        "a%2Fb",
        "a\\b"
      })
  void goodNamesAreReadAndWrittenAsTheyAre(String text) {
    assertEquals(text, DownloadName.parse(text).toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/.",
        "a/../b",
        "1/2/3/4/5/6/7/8/9",
        "a\0",
        ".cached-downloads",
        ".cached-downloads-x",
        "a/.cached-downloads",
        "\ud800"
      })
  void badNamesAreRefusedNamingTheField(String text) {
    var refusal = assertThrows(InvalidRequest.class, () -> DownloadName.parse(text));
    assertEquals("name", refusal.field());
  }

  @Test
  void aSegmentHasALimitInBytes() {
    assertEquals(1, DownloadName.parse("a".repeat(255)).depth());
    assertThrows(InvalidRequest.class, () -> DownloadName.parse("a".repeat(256)));
    assertEquals(1, DownloadName.parse("ü".repeat(127)).depth());
    assertThrows(InvalidRequest.class, () -> DownloadName.parse("ü".repeat(128)));
  }

  @ParameterizedTest
  @CsvSource({
    "a/b, a/b",
    "a%20b, a b",
    "b%C3%BCro/%E2%98%83, büro/☃",
    "a+b, a+b",
    "%2e%2e%2e, ...",
    "%25, %"
  })
  void encodedNamesAreDecodedSegmentBySegment(String raw, String name) {
    assertEquals(name, DownloadName.parseEncoded(raw).toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "a%2Fb",
        "a%2fb",
        "%2e",
        "%2E%2e",
        "a/%2e%2e/b",
        "a%00",
        "a%",
        "a%2",
        "a%zz",
        "%ff",
        "a//b",
        "%2Ecached-downloads"
      })
  void whatHidesInEscapesIsRefused(String raw) {
    var refusal = assertThrows(InvalidRequest.class, () -> DownloadName.parseEncoded(raw));
    assertEquals("name", refusal.field());
  }

  @ParameterizedTest
  @CsvSource({
    "a, a, false",
    "a, b, false",
    "a, a/b, true",
    "a, a/b/c, true",
    "a/b, a/c, false",
    "a/b, a/b/c, true",
    "a, ab/c, false",
    "a/b, b/a/b, false"
  })
  void aNameConflictsWithWhatLiesBelowIt(String one, String other, boolean conflicts) {
    assertEquals(conflicts, DownloadName.parse(one).conflictsWith(DownloadName.parse(other)));
    assertEquals(conflicts, DownloadName.parse(other).conflictsWith(DownloadName.parse(one)));
  }

  @Test
  void namesCannotBeChangedFromOutside() {
    var segments = new java.util.ArrayList<>(List.of("a"));
    var name = new DownloadName(segments);
    segments.add("..");
    assertEquals("a", name.toString());
    assertThrows(InvalidRequest.class, () -> new DownloadName(List.of()));
    assertThrows(InvalidRequest.class, () -> new DownloadName(List.of("a/b")));
    assertFalse(name.equals(DownloadName.parse("b")));
  }
}
