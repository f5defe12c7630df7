package org.cacheddownloads.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.cacheddownloads.content.Checksum;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.Stored;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class IngestTest {
  private @TempDir Path state;
  private StoreLayout layout;
  private BlobStore store;

  @BeforeEach
  void open() throws IOException {
    layout = StoreLayout.open(state);
    store = new BlobStore(layout, "boot");
  }

  @AfterEach
  void close() {
    store.close();
    layout.close();
  }

  private static byte[] random(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }

  private static String hex(String algorithm, byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
  }

  private List<Path> ingests() throws IOException {
    try (var paths = Files.list(layout.ingests())) {
      return paths.toList();
    }
  }

  /** Writes all of {@code body} in pieces and commits it. */
  private Stored put(byte[] body, int piece) throws IOException {
    try (Ingest ingest = store.begin(false, null)) {
      for (int at = 0; at < body.length; at += piece) {
        ingest.write(ByteBuffer.wrap(body, at, Math.min(piece, body.length - at)));
      }
      Stored stored = Stored.file(ingest.finish().digest());
      store.commit(ingest, stored);
      return stored;
    }
  }

  /** 256 KiB is the size of a buffer. */
  @ParameterizedTest
  @CsvSource({
    "0, 1",
    "1, 1",
    "4096, 1000",
    "262143, 262143",
    "262144, 262144",
    "262145, 262145",
    "524288, 300000",
    "3145728, 65536",
    "5000001, 1000003",
    "5000001, 5000001"
  })
  void theDigestIsThatOfTheBytesThatLieThere(int size, int piece) throws Exception {
    byte[] body = random(size);
    Stored stored = put(body, piece);
    assertEquals(hex("SHA-256", body), stored.digest().hex());
    assertArrayEquals(body, Files.readAllBytes(layout.blob(stored)));
    assertTrue(store.verify(stored));
    assertEquals(0444, Posix.lstat(layout.blob(stored)).mode());
    assertEquals(1, Posix.lstat(layout.blob(stored)).links());
    assertEquals(List.of(), ingests());
  }

  @ParameterizedTest
  @EnumSource(Checksum.Algorithm.class)
  void aSecondChecksumIsComputedOnTheWay(Checksum.Algorithm algorithm) throws Exception {
    byte[] body = random(700_000);
    try (Ingest ingest = store.begin(false, algorithm)) {
      ingest.write(ByteBuffer.wrap(body));
      assertEquals(body.length, ingest.size());
      Ingest.Sum sum = ingest.finish();
      assertEquals(new Digest(hex("SHA-256", body)), sum.digest());
      assertEquals(body.length, sum.size());
      Optional<Checksum> other =
          algorithm == Checksum.Algorithm.SHA256
              ? Optional.empty() // it is the digest already
              : Optional.of(new Checksum(algorithm, hex(algorithm.jcaName(), body)));
      assertEquals(other, sum.other());
    }
  }

  @Test
  void directBuffersAndPartsOfBuffersAreTakenWhole() throws Exception {
    byte[] body = random(100_000);
    ByteBuffer direct = ByteBuffer.allocateDirect(body.length + 20).position(10);
    direct.put(body).position(10).limit(10 + body.length);
    try (Ingest ingest = store.begin(false, null)) {
      ingest.write(direct);
      assertFalse(direct.hasRemaining());
      assertEquals(hex("SHA-256", body), ingest.finish().digest().hex());
    }
  }

  @Test
  void theFirstOfTwoEqualCommitsStays() throws IOException {
    byte[] body = random(5000);
    Stored stored = put(body, 5000);
    long inode = Posix.lstat(layout.blob(stored)).inode();
    try (Ingest second = store.begin(false, null)) {
      second.write(ByteBuffer.wrap(body));
      assertEquals(stored.digest(), second.finish().digest());
      assertFalse(store.commit(second, stored));
    }
    assertEquals(inode, Posix.lstat(layout.blob(stored)).inode());
    assertEquals(1, Posix.lstat(layout.blob(stored)).links());
    assertEquals(List.of(), ingests());
  }

  /** What a kill would find between a commit and its row. */
  @Test
  void aCommitLeavesItsNameInTheIngestUntilThatCloses() throws IOException {
    try (Ingest ingest = store.begin(false, null)) {
      ingest.write(ByteBuffer.wrap(random(10)));
      Path directory = ingests().getFirst();
      assertEquals(Optional.empty(), BlobStore.committedBy(directory));
      Stored stored = Stored.file(ingest.finish().digest());
      assertTrue(store.commit(ingest, stored));
      assertEquals(Optional.of(stored), BlobStore.committedBy(directory));
      assertEquals(2, Posix.lstat(layout.blob(stored)).links());
    }
  }

  @Test
  void whatIsNotCommittedLeavesNothing() throws IOException {
    Ingest small = store.begin(false, null);
    small.write(ByteBuffer.wrap(random(100)));
    small.close();
    small.close();
    Ingest large = store.begin(false, Checksum.Algorithm.MD5);
    large.write(ByteBuffer.wrap(random(3_000_000)));
    large.close();
    Ingest complete = store.begin(false, null);
    complete.write(ByteBuffer.wrap(random(300_000)));
    Digest digest = complete.finish().digest();
    complete.close();
    assertEquals(List.of(), ingests());
    assertFalse(Files.exists(layout.blob(Stored.file(digest))));
  }

  @Test
  void nothingIsThereUnderTheNameBeforeTheCommit() throws IOException {
    try (Ingest ingest = store.begin(false, null)) {
      ingest.write(ByteBuffer.wrap(random(10)));
      Stored stored = Stored.file(ingest.finish().digest());
      assertEquals(Optional.empty(), store.stat(stored));
      store.commit(ingest, stored);
      assertEquals(10, store.stat(stored).orElseThrow().sizeBytes());
    }
  }

  @Test
  void anExecutableHasItsOwnFileAndMode() throws IOException {
    Stored plain = put(random(10), 10);
    var executable = new Stored(plain.digest(), Form.EXECUTABLE);
    try (Ingest ingest = store.begin(true, null)) {
      store.copyInto(ingest, plain);
      assertEquals(plain.digest(), ingest.finish().digest());
      assertTrue(store.commit(ingest, executable));
    }
    assertEquals(0555, Posix.lstat(store.path(executable)).mode());
    assertEquals(0444, Posix.lstat(store.path(plain)).mode());
    store.delete(plain);
    store.delete(plain);
    assertTrue(store.verify(executable));
    assertThrows(NoSuchFileException.class, () -> store.verify(plain));
  }

  @Test
  void aCopyOfManyBuffersIsWhole() throws Exception {
    byte[] body = random(1_300_000);
    Stored plain = put(body, body.length);
    try (Ingest ingest = store.begin(false, null)) {
      store.copyInto(ingest, plain);
      assertEquals(body.length, ingest.size());
      assertEquals(plain.digest(), ingest.finish().digest());
    }
  }

  @Test
  void aReplacedBlobHasAnotherInodeAndWhoHeldTheFirstKeepsIt() throws IOException {
    Stored stored = put(random(10), 10);
    Path held = state.resolve("held");
    Posix.link(layout.blob(stored), held);
    long before = Posix.lstat(held).inode();
    try (Ingest ingest = store.begin(false, null)) {
      store.copyInto(ingest, stored);
      ingest.finish();
      store.replace(ingest, stored);
    }
    assertTrue(Posix.lstat(layout.blob(stored)).inode() != before);
    assertEquals(before, Posix.lstat(held).inode());
    assertEquals(1, Posix.lstat(held).links());
    assertTrue(store.verify(stored));
    assertEquals(List.of(), ingests());
  }

  @Test
  void quarantineKeepsEveryFileThatComes() throws IOException {
    Stored stored = put(random(10), 10);
    Path first = store.quarantine(layout.blob(stored));
    assertEquals(stored.fileName(), first.getFileName().toString());
    assertEquals(Optional.empty(), store.stat(stored));
    put(random(10), 10);
    Path second = store.quarantine(layout.blob(stored));
    assertEquals(stored.fileName() + ".1", second.getFileName().toString());
    assertTrue(Files.exists(first));
    assertTrue(Files.exists(second));
  }

  @Test
  void hashesAreOfAnyAlgorithm() throws Exception {
    byte[] body = random(300_000);
    Stored stored = put(body, body.length);
    for (Checksum.Algorithm algorithm : Checksum.Algorithm.values()) {
      assertEquals(
          hex(algorithm.jcaName(), body),
          store.hash(stored, algorithm.jcaName()),
          algorithm.label());
    }
  }

  @Test
  void aSyncOfWhatIsGoneFails() throws IOException {
    Stored stored = put(random(10), 10);
    store.sync(stored);
    store.delete(stored);
    assertThrows(NoSuchFileException.class, () -> store.sync(stored));
  }

  @Test
  void ingestsSideBySideDoNotMix() throws Exception {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var running = new ArrayList<Future<Stored>>();
      for (int i = 0; i < 12; i++) {
        int size = 400_000 + i;
        running.add(threads.submit(() -> put(random(size), 30_011)));
      }
      for (int i = 0; i < 12; i++) {
        Stored stored = running.get(i).get(50, TimeUnit.SECONDS);
        assertEquals(hex("SHA-256", random(400_000 + i)), stored.digest().hex());
        assertTrue(store.verify(stored));
      }
    }
  }
}
