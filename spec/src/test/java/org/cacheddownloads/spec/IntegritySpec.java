package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import org.cacheddownloads.spec.Origin.Answer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What an origin says that its bytes hash to holds, or they are not taken (RFC 9530): bytes that
 * were damaged on the way have no other witness.
 */
class IntegritySpec {
  private static final int MIB = Content.MIB;
  private static final String ETAG = "ETag: \"v1\"";

  @RegisterExtension static final AgentProcess agent = AgentProcess.with();
  @RegisterExtension static final Origin origin = Origin.start();
  @RegisterExtension static final RawOrigin raw = RawOrigin.start();

  private static String sum(String algorithm, byte[] bytes) {
    String hex = Content.checksum(algorithm.replace("-", ""), bytes).split(":", 2)[1];
    return algorithm
        + "=:"
        + Base64.getEncoder().encodeToString(HexFormat.of().parseHex(hex))
        + ":";
  }

  private static String sum(String algorithm, String text) {
    return sum(algorithm, text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void theSumOfTheWholeIsAskedFor() {
    origin.serve("/wanted", "hello", ETAG);
    agent.prefetch(origin.url("/wanted"));
    assertThat(origin.lastRequest("/wanted").header("Want-Repr-Digest").orElseThrow())
        .contains("sha-256");
  }

  @ParameterizedTest
  @CsvSource({
    "Repr-Digest, sha-256",
    "Repr-Digest, sha-512",
    "Content-Digest, sha-256",
    "Content-Digest, sha-512"
  })
  void bytesWithTheSumThatIsStatedAreTaken(String field, String algorithm) {
    String path = "/right/" + field + "/" + algorithm;
    origin.serve(path, "hello", ETAG, field + ": " + sum(algorithm, "hello"));
    assertThat(agent.download("right", "a", origin.url(path)).content()).isEqualTo("hello");
  }

  @ParameterizedTest
  @CsvSource({
    "Repr-Digest, sha-256",
    "Repr-Digest, sha-512",
    "Content-Digest, sha-256",
    "Content-Digest, sha-512"
  })
  void bytesWithAnotherSumAreRefusedAndAskedForOnce(String field, String algorithm) {
    String path = "/wrong/" + field + "/" + algorithm;
    origin.serve(path, "hello", ETAG, field + ": " + sum(algorithm, "hallo"));

    agent.refused("wrong", "a", origin.url(path)).is(502, "checksum-mismatch");

    assertThat(origin.hits(path)).isEqualTo(1);
    assertThat(agent.entries()).noneMatch(entry -> entry.path("url").asText().endsWith(path));
  }

  @Test
  void oneWrongSumAmongRightOnesIsEnough() {
    origin.serve(
        "/two",
        "hello",
        ETAG,
        "Repr-Digest: " + sum("sha-256", "hello") + ", " + sum("sha-512", "hallo"));
    agent.refused("two", "a", origin.url("/two")).is(502, "checksum-mismatch");
  }

  @ParameterizedTest
  @ValueSource(strings = {"md5=:AAAA:", "sha-256=:AAAA:", "sha-256=nonsense", "x"})
  void whatCannotBeComputedSaysNothing(String value) {
    String path = "/unreadable/" + value.hashCode();
    origin.serve(path, "hello", ETAG, "Repr-Digest: " + value);
    assertThat(agent.download("unreadable", "a", origin.url(path)).content()).isEqualTo("hello");
  }

  @Test
  void aMirrorIsTriedInsteadOfASourceThatContradictsItself() {
    origin.serve("/liar", "hallo", ETAG, "Repr-Digest: " + sum("sha-256", "hello"));
    origin.serve("/honest", "hello", ETAG);

    Download download =
        agent.download("liar", "a", origin.url("/liar"), "mirrors", List.of(origin.url("/honest")));

    assertThat(download.content()).isEqualTo("hello");
    assertThat(origin.hits("/liar")).isEqualTo(1);
  }

  /** The parts fit by all their headers, and yet are not of one whole. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theWholeIsCheckedHoweverManyPartsItCameIn(boolean sound) {
    byte[] before = Content.random(3 * MIB, "before");
    byte[] after = sound ? before : Content.random(3 * MIB, "after");
    String stated = "Repr-Digest: " + sum("sha-256", before);
    var first = new RangedBody(before, ETAG, stated).cutAfter(2 * MIB);
    var second = new RangedBody(after, ETAG);
    raw.script(
        "/parts/" + sound,
        connection -> (first.asked().isEmpty() ? first : second).run(connection));

    if (sound) {
      assertThat(agent.prefetch(raw.url("/parts/true")).digest())
          .isEqualTo(Content.checksum("sha256", before));
    } else {
      agent.refused("parts", "a", raw.url("/parts/false")).is(502, "checksum-mismatch");
    }
    assertThat(second.asked()).containsExactly("bytes=" + 2 * MIB + "-");
  }

  @Test
  void anEntityTagIsNoChecksum() {
    String md5 = Content.checksum("md5", "other".getBytes(StandardCharsets.UTF_8)).substring(4);
    origin.answer("/tagged", Answer.ok("hello", "ETag: \"" + md5 + "\""));
    assertThat(agent.download("tagged", "a", origin.url("/tagged")).content()).isEqualTo("hello");
    agent
        .refused("tagged", "b", origin.url("/tagged"), "checksum", "md5:" + md5)
        .is(502, "checksum-mismatch");
  }
}
