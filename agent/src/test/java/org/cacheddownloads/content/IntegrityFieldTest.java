package org.cacheddownloads.content;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IntegrityFieldTest {
  /** Of the text {@code {"hello": "world"}} and a line feed, as in appendix B.1 of RFC 9530. */
  private static final String SHA256 = "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=";

  private static final String SHA256_HEX =
      "44aff4ab2d7c3250525675a08f0cfa9591168cffe51791c5f5bbc417c15a6c38";
  private static final String SHA512 =
      "YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==";

  private static List<Checksum> of(String value) {
    return IntegrityField.of(Headers.of(Map.of("Repr-Digest", value)), IntegrityField.WHOLE);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "sha-256=:256:",
        "  sha-256=:256: ",
        "md5=:AAAA:, sha-256=:256:",
        "sha-256=:256:;a=1",
        "unixsum=1, sha-256=:256:, x",
      })
  void aSumIsReadAmongOthers(String value) {
    assertEquals(
        List.of(Checksum.parse("sha256:" + SHA256_HEX)),
        of(value.replace(":256:", ":" + SHA256 + ":")));
  }

  @Test
  void allThatCanBeComputedAreRead() {
    List<Checksum> found = of("sha-512=:" + SHA512 + ":, sha-256=:" + SHA256 + ":");
    assertEquals(
        List.of(Checksum.Algorithm.SHA512, Checksum.Algorithm.SHA256),
        found.stream().map(Checksum::algorithm).toList());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''",
        "sha-256",
        "sha-256=256",
        "sha-256=:AAAA:",
        "sha-256=:****:",
        "sha-256=:=:",
        "xsha-256=:256:",
        "SHA-256=:256:",
        "md5=:AAAA:"
      })
  void whatCannotBeReadSaysNothing(String value) {
    assertEquals(List.of(), of(value.replace(":256:", ":" + SHA256 + ":")));
    assertEquals(List.of(), IntegrityField.of(Headers.NONE, IntegrityField.WHOLE));
  }
}
