package org.cacheddownloads.archive;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.cacheddownloads.failure.CacheException.UnsafeArchive;
import org.cacheddownloads.failure.CacheException.UnsupportedArchive;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whatever the bytes are, they become a tree or are refused, and nothing else happens. Coverage
 * leads the search. What it finds is written to {@code target/fuzz}; put into the resources of the
 * tests as {@code UnpackerFuzzInputs/bytesBecomeATreeOrAreRefused/<name>}, it is tried first from
 * then on.
 */
@Tag("fuzz")
class UnpackerFuzz {
  private static final Limits LIMITS = new Limits(100, 1_000_000L, 200, 8, 512);

  /** The first byte of an input whose other bytes are an archive as they are. */
  private static final byte AS_IT_IS = 'a';

  /** The same of a tar that is to get right sums, which no search would find. */
  private static final byte WITH_SUMS = 's';

  private static Path base;

  @BeforeAll
  static void open() throws IOException {
    Path memory = Path.of("/dev/shm"); // several times as many tries as on a disk
    base =
        Files.isWritable(memory)
            ? Files.createTempDirectory(memory, "fuzz")
            : Files.createTempDirectory("fuzz");
  }

  @AfterAll
  static void close() throws IOException {
    Files.delete(base);
  }

  static Stream<byte[]> seeds() {
    byte[] tar = tar();
    return Stream.concat(
        Stream.of(input(WITH_SUMS, tar), input(AS_IT_IS, zip()), input(AS_IT_IS, zip64())),
        Workshop.packings().stream().map(packing -> input(AS_IT_IS, Workshop.pack(packing, tar))));
  }

  private static byte[] tar() {
    byte[] end = new byte[1024];
    return new Tar()
        .directory("d")
        .executable("d/f", "text")
        .symlink("l", "d/f")
        .hardLink("h", "d/f")
        .longName("n".repeat(120))
        .file("n", "long")
        .longLink("t".repeat(120))
        .symlink("k", "t")
        .pax("path", "ü/p", "mtime", "1.5", "size", "3")
        .file("p", "pax")
        .raw(end)
        .unended();
  }

  private static byte[] zip() {
    return new Zip().directory("d/").file("d/f", "text").symlink("l", "d/f").end();
  }

  private static byte[] zip64() {
    Zip.Entry entry = Zip.deflated("f", "described");
    return new Zip()
        .zip64()
        .add(entry.describedLater(Zip.descriptor(entry, true, false)))
        .comment(new byte[] {'c'})
        .end();
  }

  private static byte[] input(byte kind, byte[] archive) {
    return Workshop.concat(new byte[] {kind}, archive);
  }

  @MethodSource("seeds")
  @FuzzTest(maxDuration = "20s")
  void bytesBecomeATreeOrAreRefused(byte[] input) throws IOException {
    if (input.length == 0) {
      return;
    }
    byte[] bytes = Arrays.copyOfRange(input, 1, input.length);
    if (input[0] == WITH_SUMS) {
      for (int block = 0; block + 512 <= bytes.length; block += 512) {
        if (bytes[block + Tar.SUM] != 0) {
          Tar.sum(bytes, block);
        }
      }
    }
    try (var workshop = new Workshop(Files.createTempDirectory(base, "try"))) {
      Path archive = workshop.archive(bytes);
      Map<String, String> before = workshop.around();
      try {
        Workshop.Tree tree = workshop.unpack(archive, LIMITS);
        assertEquals(List.of("content", "manifest"), namesIn(tree.directory()));
      } catch (UnsafeArchive | UnsupportedArchive e) {
        Map<String, String> after = workshop.around();
        after.remove("trees/tree0");
        assertEquals(withoutTime(before), withoutTime(after));
      }
    }
  }

  private static List<String> namesIn(Path directory) throws IOException {
    try (Stream<Path> names = Files.list(directory)) {
      return names.map(name -> name.getFileName().toString()).sorted().toList();
    }
  }

  /** Making a directory for the tree changes the time of the one above. */
  private static Map<String, String> withoutTime(Map<String, String> listed) {
    listed.computeIfPresent("trees", (_, what) -> what.replaceAll(" [^ ]*Z$", ""));
    return listed;
  }
}
