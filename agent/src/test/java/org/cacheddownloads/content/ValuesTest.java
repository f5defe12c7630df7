package org.cacheddownloads.content;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The small values: what each accepts and refuses. */
class ValuesTest {
  private static final String HEX = "0123456789abcdef".repeat(4);

  // ---- ContainerId ----

  @ParameterizedTest
  @ValueSource(strings = {"a", "A1", "0", "c_1.x-y", "a..b", "a-", "7f3c.d"})
  void containerIdsAreAccepted(String text) {
    assertEquals(text, new ContainerId(text).toString());
    assertTrue(ContainerId.isValid("a".repeat(128)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", ".a", "-a", "_a", "a/b", "a b", "ä", "a\n", "a\0"})
  void otherContainerIdsAreRefused(String text) {
    assertEquals(
        "container", assertThrows(InvalidRequest.class, () -> new ContainerId(text)).field());
    assertFalse(ContainerId.isValid("a".repeat(129)));
  }

  // ---- Digest ----

  @Test
  void aDigestIsReadAndWritten() {
    assertEquals("sha256:" + HEX, Digest.parse("sha256:" + HEX).toString());
    assertEquals(new Digest(HEX), Digest.parse("sha256:" + HEX));
    assertTrue(Digest.isHex(HEX));
    assertTrue(new Digest("0".repeat(64)).compareTo(new Digest(HEX)) < 0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "sha256:", "SHA256:", "md5:", "sha256", "sha256: ", "sha256::"})
  void otherDigestsAreRefused(String prefix) {
    if (!prefix.equals("sha256:")) {
      assertThrows(InvalidRequest.class, () -> Digest.parse(prefix + HEX));
    }
    assertThrows(InvalidRequest.class, () -> Digest.parse(prefix + HEX.substring(1)));
    assertThrows(InvalidRequest.class, () -> Digest.parse(prefix + HEX + "0"));
    assertThrows(InvalidRequest.class, () -> Digest.parse(prefix + HEX.replace('a', 'A')));
    assertThrows(InvalidRequest.class, () -> Digest.parse(prefix + HEX.replace('a', 'g')));
  }

  // ---- Checksum ----

  @ParameterizedTest
  @CsvSource({"md5, 32", "sha1, 40", "sha256, 64", "sha512, 128", "MD5, 32", "Sha512, 128"})
  void checksumsAreReadInEitherCase(String label, int digits) {
    Checksum checksum = Checksum.parse(label + ":" + "aB".repeat(digits / 2));
    assertEquals("ab".repeat(digits / 2), checksum.hex());
    assertEquals(label.toLowerCase(java.util.Locale.ROOT), checksum.algorithm().label());
    assertEquals(
        label.equals("sha256") ? Optional.of(new Digest("ab".repeat(32))) : Optional.empty(),
        checksum.asDigest());
  }

  @ParameterizedTest
  @CsvSource({"md5, 31", "md5, 33", "sha1, 64", "sha256, 40", "sha512, 64", "sha384, 96", "'', 32"})
  void otherChecksumsAreRefused(String label, int digits) {
    assertThrows(InvalidRequest.class, () -> Checksum.parse(label + ":" + "a".repeat(digits)));
    assertThrows(InvalidRequest.class, () -> Checksum.parse("a".repeat(digits)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"g", " ", "٣", "１", "-"})
  void onlyHexDigitsAreHexDigits(String odd) {
    assertThrows(InvalidRequest.class, () -> Checksum.parse("md5:" + "a".repeat(31) + odd));
  }

  // ---- CacheKey ----

  @ParameterizedTest
  @ValueSource(strings = {"a", " ", "http://h/a?q=0", "ü☃", "a/b/../c"})
  void keysAreAccepted(String text) {
    assertEquals(text, new CacheKey(text).text());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\n", "a\tb", "\u007f", "\0", "\u0085", "\ud800"})
  void otherKeysAreRefused(String text) {
    assertThrows(InvalidRequest.class, () -> new CacheKey(text));
  }

  @Test
  void aKeyHasALimitInBytes() {
    assertEquals(1024, new CacheKey("ü".repeat(1024)).text().length());
    assertThrows(InvalidRequest.class, () -> new CacheKey("ü".repeat(1024) + "a"));
  }

  @Test
  void withoutAKeyTheUrlIsTheKey() {
    assertEquals(
        new CacheKey("http://h/a?q=" + Sha256.hexOf("b").substring(0, 16)),
        CacheKey.of(SourceUrl.parse("http://u:p@h/a?b#c")));
  }

  // ---- Percent ----

  @ParameterizedTest
  @CsvSource({
    "a, a",
    "a+b, a+b",
    "%41, A",
    "%2f%2F, //",
    "%25, %",
    "%C3%BC, ü",
    "ü%41, üA",
    "%F0%9F%98%80, 😀"
  })
  void escapesAreDecoded(String text, String decoded) {
    assertEquals(decoded, Percent.decode(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"%", "a%", "%4", "%4g", "%g4", "%%", "%-1", "%ff", "%C3", "%C3%28", "%ED%A0%80"})
  void whatIsNoEscapeIsRefused(String text) {
    assertThrows(InvalidRequest.class, () -> Percent.decode(text));
  }

  // ---- Headers ----

  @Test
  void headersAreFoundInAnyCaseAndShownByNameOnly() {
    Headers headers =
        Headers.of(
            List.of(
                Map.entry("X-A", "one"), Map.entry("x-a", "two"), Map.entry("Secret", "s3cret")));
    assertEquals(Optional.of("one"), headers.first("x-A"));
    assertEquals(Optional.of("one, two"), headers.joined("X-a"));
    assertEquals(Optional.empty(), headers.first("y"));
    assertEquals(Optional.empty(), headers.joined("y"));
    assertEquals(
        Map.of("x-a", List.of("one", "two"), "secret", List.of("s3cret")), headers.sorted());
    assertFalse(headers.toString().contains("s3cret"));
    assertFalse(headers.isEmpty());
    assertTrue(Headers.NONE.isEmpty());
  }

  // ---- Variant ----

  private static Variant variant(String vary, Map<String, String> sent) {
    return Variant.of(
        Headers.of(Map.of("Vary", vary)), Headers.of(sent), text -> "h(" + text + ")");
  }

  private static boolean matches(Variant variant, Map<String, String> sent) {
    return variant.matches(Headers.of(sent), text -> "h(" + text + ")");
  }

  @Test
  void aResponseThatDoesNotVaryMatchesAll() {
    assertEquals(
        Variant.NONE, Variant.of(Headers.NONE, Headers.of(Map.of("Accept", "x")), text -> text));
    assertEquals(Variant.NONE, variant(" , ", Map.of()));
    assertEquals(Variant.NONE, variant("Accept-Encoding", Map.of("Accept-Encoding", "gzip")));
    assertTrue(matches(Variant.NONE, Map.of("Accept", "anything")));
  }

  @Test
  void aStarMatchesNothing() {
    assertFalse(matches(variant("*", Map.of()), Map.of()));
    assertFalse(matches(variant("Accept, *", Map.of()), Map.of()));
  }

  @Test
  void theNamedHeadersMustBeTheSame() {
    Variant variant = variant("Accept, accept-LANGUAGE", Map.of("Accept", "x"));
    assertEquals("accept,accept-language", variant.names());
    assertTrue(matches(variant, Map.of("ACCEPT", "x", "Other", "y")));
    assertFalse(matches(variant, Map.of("Accept", "y")));
    assertFalse(matches(variant, Map.of()));
    assertFalse(matches(variant, Map.of("Accept", "x", "Accept-Language", "de")));
    assertEquals(variant, variant("accept-language,ACCEPT", Map.of("accept", "x")));
  }

  // ---- Form, Stored, Outcome ----

  @ParameterizedTest
  @EnumSource(Form.class)
  void formsAreReadBackFromTheirCode(Form form) {
    assertEquals(form, Form.ofCode(form.code()));
    assertThrows(IllegalArgumentException.class, () -> Form.ofCode(99));
  }

  @Test
  void codesOfFormsNeverChange() {
    assertEquals(0, Form.FILE.code());
    assertEquals(1, Form.EXECUTABLE.code());
  }

  @ParameterizedTest
  @EnumSource(Outcome.class)
  void outcomesAreReadBackFromTheirLabel(Outcome outcome) {
    assertEquals(outcome, Outcome.ofLabel(outcome.label()));
    assertEquals(
        List.of("hit", "revalidated", "coalesced", "stale").contains(outcome.label()),
        outcome.saved());
  }
}
