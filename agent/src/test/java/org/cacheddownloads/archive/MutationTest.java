package org.cacheddownloads.archive;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.cacheddownloads.failure.CacheException.UnsafeArchive;
import org.cacheddownloads.failure.CacheException.UnsupportedArchive;
import org.cacheddownloads.store.Removal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Archives with something changed at random, always the same: each becomes a tree or is refused,
 * and nothing else happens.
 */
class MutationTest {
  private static final int ROUNDS = Integer.getInteger("mutation.rounds", 250);
  private static final long SEED = Long.getLong("mutation.seed", 1);
  private static final Limits LIMITS = new Limits(200, 5_000_000L, 200, 16, 2048);
  private static final byte[] TELLING = {
    0, 1, '/', '.', '7', -1, 127, '0', '5', '2', 'L', 'x', 'S'
  };
  private @TempDir Path directory;
  private Workshop workshop;

  @BeforeEach
  void open() {
    workshop = new Workshop(directory.resolve("workshop"));
  }

  @AfterEach
  void close() throws IOException {
    workshop.close();
  }

  private static byte[] tar() {
    return new Tar()
        .directory("d")
        .executable("d/f", "some text")
        .hardLink("d/h", "d/f")
        .symlink("d/l", "../..")
        .longName("d/" + "n".repeat(150))
        .file("short", "x".repeat(700))
        .longLink("t".repeat(150))
        .symlink("l", "short")
        .pax("path", "p/" + "q".repeat(150), "mtime", "1.5", "size", "3")
        .file("short", "abc")
        .file("l", "in place of the symlink")
        .end();
  }

  private static byte[] zip() {
    return new Zip()
        .directory("d/")
        .file("d/f", "some text, some text, some text")
        .add(
            Zip.deflated("g", "x".repeat(700)),
            e -> e.describedLater(Zip.descriptor(e, true, false)))
        .add(
            Zip.stored("s", "stored".getBytes(UTF_8)),
            e -> e.extra = Zip.field(0x5455, new byte[5]))
        .symlink("d/l", "../..")
        .zip64()
        .comment("comment".getBytes(UTF_8))
        .end();
  }

  static Stream<String> packings() {
    return Stream.concat(
        Workshop.packings().stream(), Stream.of("zip", "headers", "gzip of headers"));
  }

  @ParameterizedTest
  @MethodSource("packings")
  void whateverIsChangedIsUnpackedOrRefused(String packing) {
    var random = new Random(SEED);
    byte[] sound =
        switch (packing) {
          case "zip" -> zip();
          case "headers", "gzip of headers" -> tar();
          default -> Workshop.pack(packing, tar());
        };
    int refused = 0;
    for (int i = 0; i < ROUNDS; i++) {
      byte[] changed =
          switch (packing) {
            case "headers" -> changedHeaders(sound, random);
            case "gzip of headers" -> Workshop.pack("gzip", changedHeaders(sound, random));
            default -> changed(sound, random);
          };
      refused += isRefused(changed, packing + ", seed " + SEED + ", round " + i) ? 1 : 0;
    }
    assertTrue(refused > ROUNDS / 20 && refused <= ROUNDS, refused + " of " + ROUNDS);
  }

  /** Some bytes changed, left out, doubled or moved. */
  private static byte[] changed(byte[] sound, Random random) {
    byte[] changed = sound.clone();
    for (int n = 1 + random.nextInt(3); n > 0; n--) {
      int at = random.nextInt(changed.length);
      int length = Math.min(changed.length - at, 1 + random.nextInt(40));
      int to = random.nextInt(changed.length);
      switch (random.nextInt(6)) {
        case 0 -> changed[at] = TELLING[random.nextInt(TELLING.length)];
        case 1 -> changed[at] = (byte) random.nextInt(256);
        case 2 -> changed = without(changed, at, length);
        case 3 ->
            changed =
                Workshop.concat(
                    Arrays.copyOf(changed, at + length),
                    Arrays.copyOfRange(changed, at, changed.length));
        case 4 ->
            System.arraycopy(
                sound,
                Math.min(at, sound.length - 1),
                changed,
                to,
                Math.min(
                    length,
                    Math.min(changed.length - to, sound.length - Math.min(at, sound.length - 1))));
        default -> changed = Arrays.copyOf(changed, Math.max(1, at));
      }
    }
    return changed;
  }

  private static byte[] without(byte[] bytes, int at, int length) {
    byte[] less =
        Workshop.concat(
            Arrays.copyOf(bytes, at), Arrays.copyOfRange(bytes, at + length, bytes.length));
    return less.length == 0 ? new byte[1] : less;
  }

  /** Blocks of a tar changed, the sums of those that had one mended: deeper than the first look. */
  private static byte[] changedHeaders(byte[] tar, Random random) {
    byte[] changed = tar.clone();
    for (int n = 1 + random.nextInt(3); n > 0; n--) {
      int block = 512 * random.nextInt(changed.length / 512);
      int at = block + random.nextInt(random.nextBoolean() ? 512 : 160);
      boolean isHeader = new String(changed, block + 257, 5, UTF_8).equals("ustar");
      changed[at] = TELLING[random.nextInt(TELLING.length)];
      if (random.nextInt(8) == 0) {
        int from = 512 * random.nextInt(changed.length / 512);
        System.arraycopy(tar, from, changed, block, 512);
      }
      if (isHeader) {
        Tar.sum(changed, block);
      }
    }
    return changed;
  }

  private boolean isRefused(byte[] changed, String which) {
    Path archive = workshop.archive(changed);
    Path tree = workshop.emptyDirectory();
    Map<String, String> before = workshop.around();
    return assertTimeoutPreemptively(
        Duration.ofSeconds(30),
        () -> {
          try {
            Unpacked unpacked = new Unpacker(LIMITS).unpack(archive, tree, (_, _) -> {}, () -> {});
            Trees.verify(
                tree.resolve(Unpacker.MANIFEST),
                tree.resolve(Unpacker.CONTENT),
                unpacked.treeDigest(),
                () -> {});
            Removal.delete(tree.resolve(Unpacker.CONTENT));
            Removal.delete(tree.resolve(Unpacker.MANIFEST));
            return false;
          } catch (UnsafeArchive | UnsupportedArchive e) {
            return true;
          } catch (RuntimeException | Error e) {
            throw new AssertionError(which, e);
          } finally {
            assertEquals(before, workshop.around(), which);
            Removal.delete(tree);
          }
        });
  }
}
