package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bytes by their digest: read over the socket, and verified on disk. */
class BlobSpec {
  private static final byte[] BYTES = Content.random(100_000, "blob");
  private static final String DIGEST = Content.checksum("sha256", BYTES);

  @RegisterExtension static final AgentProcess agent = AgentProcess.with("fetch.attempts", 1);

  @RegisterExtension static final Origin origin = Origin.start();

  // ---- reading

  @Test
  void aBlobIsReadByItsDigest() {
    Reply reply = agent.send(blob("GET")).expect(200);

    assertThat(reply.bytes()).isEqualTo(BYTES);
    assertThat(reply.header("ETag")).hasValue("\"" + DIGEST + "\"");
    assertThat(reply.header("Content-Length")).hasValue("100000");
    assertThat(reply.header("Repr-Digest")).hasValue("sha-256=:" + base64(DIGEST) + ":");
  }

  @Test
  void aHeadTellsTheSameWithoutTheBytes() {
    Reply reply = agent.send(blob("HEAD")).expect(200);

    assertThat(reply.bytes()).isEmpty();
    assertThat(reply.header("Content-Length")).hasValue("100000");
    assertThat(reply.header("ETag")).hasValue("\"" + DIGEST + "\"");
  }

  @ParameterizedTest
  @CsvSource({
    "bytes=0-0, 0, 1",
    "bytes=10-19, 10, 20",
    "bytes=99990-, 99990, 100000",
    "bytes=-10, 99990, 100000",
    "bytes=99990-200000, 99990, 100000"
  })
  void aRangeIsReadAlone(String range, int from, int to) {
    Reply reply = agent.send(blob("GET").header("Range", range)).expect(206);

    assertThat(reply.bytes()).isEqualTo(Arrays.copyOfRange(BYTES, from, to));
    assertThat(reply.header("Content-Range"))
        .hasValue("bytes %d-%d/100000".formatted(from, to - 1));
    assertThat(reply.header("Repr-Digest")).hasValue("sha-256=:" + base64(DIGEST) + ":");
  }

  @Test
  void aRangeOutsideTheBlobIsNotSatisfiable() {
    assertThat(agent.send(blob("GET").header("Range", "bytes=100000-")).status()).isEqualTo(416);
  }

  @Test
  void whoHasTheBytesIsToldSo() {
    agent.send(blob("GET").header("If-None-Match", "\"" + DIGEST + "\"")).expect(304);
    agent
        .send(blob("GET").header("If-None-Match", "\"sha256:other\", W/\"" + DIGEST + "\""))
        .expect(304);
    agent.send(blob("GET").header("If-None-Match", "\"other\"")).expect(200);
  }

  private static Request blob(String method) {
    origin.serve("/blob", BYTES, "Cache-Control: max-age=3600");
    agent.prefetch(origin.url("/blob"));
    return Request.of(method, "/v1/blobs/" + DIGEST);
  }

  private static String base64(String digest) {
    return Base64.getEncoder()
        .encodeToString(HexFormat.of().parseHex(digest.substring("sha256:".length())));
  }

  // ---- verifying

  @Test
  void soundBlobsPass() {
    Download sound = prefetched("/sound");

    JsonNode one = agent.post("/v1/verify", "digest", sound.digest()).expect(200).json();
    JsonNode all = agent.post("/v1/verify").expect(200).json();

    assertThat(one.path("checked").asInt()).isEqualTo(1);
    assertThat(one.path("corrupt")).isEmpty();
    assertThat(all.path("checked").asInt()).isEqualTo((int) agent.stat("cache.blobs"));
    assertThat(all.path("corrupt")).isEmpty();
  }

  @Test
  void aFlippedBitIsFoundQuarantinedAndFetchedAgain() throws IOException {
    Download flipped = prefetched("/flipped");
    flipBit(fileOf(flipped.digest()));

    JsonNode verified = agent.post("/v1/verify", "digest", flipped.digest()).expect(200).json();

    assertThat(Json.texts(verified.path("corrupt"), "digest")).containsExactly(flipped.digest());
    assertThat(verified.at("/corrupt/0/inUse").asBoolean()).isFalse();
    assertThat(agent.hasBlob(flipped.digest())).isFalse();
    assertThat(agent.keys()).doesNotContain(origin.url("/flipped"));
    assertThat(agent.stat("disk.quarantineBytes")).isPositive();
    assertThat(agent.prefetch(origin.url("/flipped")).outcome()).isEqualTo("miss");
    assertThat(agent.send(Request.get("/v1/blobs/" + flipped.digest())).expect(200).text())
        .isEqualTo("/flipped");
  }

  @Test
  void aCorruptBlobInUseIsToldAndItsViewsAreLeftAlone() throws IOException {
    origin.serve("/used", "/used", "ETag: \"u\"");
    Download used = agent.download("used", "a", origin.url("/used"));
    flipBit(used.file());

    JsonNode verified = agent.post("/v1/verify").expect(200).json();

    assertThat(Json.texts(verified.path("corrupt"), "digest")).containsExactly(used.digest());
    assertThat(verified.at("/corrupt/0/inUse").asBoolean()).isTrue();
    assertThat(used.hostPath()).exists();
    Download fresh = agent.download("fresh", "a", origin.url("/used"));
    assertThat(fresh.outcome()).isEqualTo("miss");
    assertThat(fresh.content()).isEqualTo("/used");
  }

  private static Download prefetched(String path) {
    origin.serve(path, path, "ETag: \"p\"");
    return agent.prefetch(origin.url(path));
  }

  /** Where the bytes of a digest lie (ARCHITECTURE, On disk). */
  private static Path fileOf(String digest) throws IOException {
    String hex = digest.substring("sha256:".length());
    try (Stream<Path> files = Files.walk(agent.state().resolve("blobs"))) {
      return files
          .filter(file -> file.getFileName().toString().equals(hex))
          .findFirst()
          .orElseThrow();
    }
  }

  private static void flipBit(Path file) throws IOException {
    byte[] before = Files.readAllBytes(file);
    try (var bytes = new RandomAccessFile(file.toFile(), "rw")) {
      bytes.write(before[0] ^ 1);
    }
    assertThat(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1))
        .isNotEqualTo(new String(before, StandardCharsets.ISO_8859_1));
  }
}
