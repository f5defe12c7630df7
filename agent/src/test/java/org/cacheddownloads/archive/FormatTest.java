package org.cacheddownloads.archive;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.ZstdOutputStreamNoFinalizer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.cacheddownloads.failure.CacheException.UnsupportedArchive;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/** What decoders may take of the memory. */
class FormatTest {
  private static final int XZ_9 = 64 << 20;
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

  private static byte[] xz(int dictionaryBytes) throws IOException {
    var options = new LZMA2Options(0);
    options.setDictSize(dictionaryBytes);
    var packed = new ByteArrayOutputStream();
    try (var out = new XZOutputStream(packed, options)) {
      out.write(new Tar().file("f", "x").end());
    }
    return packed.toByteArray();
  }

  /** A head of a stream with a dictionary of 256 MiB is easily written, and never asked for. */
  private static byte[] withDictionaryOf256MiB(byte[] xz) {
    byte[] changed = xz.clone();
    assertEquals(0x21, changed[14], "the filter of LZMA2");
    changed[16] = 32; // 2^28 bytes
    var crc = new java.util.zip.CRC32();
    crc.update(changed, 12, 8);
    for (int i = 0; i < 4; i++) {
      changed[20 + i] = (byte) (crc.getValue() >> (8 * i));
    }
    return changed;
  }

  @Test
  void aDictionaryOfXzAsLargeAsItsHighestLevelHasIsReadOneAtATime() throws Exception {
    Path archive = workshop.archive(xz(XZ_9));
    var unpacker = new Unpacker(Workshop.ROOMY);
    try (var threads = Executors.newFixedThreadPool(6)) { // together more than the heap of tests
      var running = new ArrayList<Future<Unpacked>>();
      for (int i = 0; i < 6; i++) {
        Path tree = workshop.emptyDirectory();
        running.add(threads.submit(() -> unpacker.unpack(archive, tree, (_, _) -> {}, () -> {})));
      }
      for (Future<Unpacked> one : running) {
        assertEquals(1, one.get(60, TimeUnit.SECONDS).files());
      }
    }
  }

  @Test
  void aLargerDictionaryOfXzIsRefused() throws IOException {
    var failure = workshop.refused(UnsupportedArchive.class, withDictionaryOf256MiB(xz(8 << 20)));
    assertTrue(failure.getMessage().contains("MiB of memory"), failure::getMessage);
    workshop.unpack(xz(XZ_9)); // and nobody keeps the place of a large one
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 22, 27})
  void aWindowOfZstdAsItsToolTakesItIsRead(int windowLog) throws IOException {
    assertEquals(1, workshop.unpack(zstd(windowLog)).unpacked().files());
  }

  @Test
  void aLargerWindowOfZstdIsRefused() throws IOException {
    byte[] packed = zstd(27);
    assertEquals((27 - 10) << 3, packed[5] & 0xff, "the window");
    packed[5] = (byte) ((28 - 10) << 3);
    var failure = workshop.refused(UnsupportedArchive.class, packed);
    assertTrue(failure.getMessage().contains("window"), failure::getMessage);
  }

  /** Of a stream whose size nobody knew before: else the window is made as small as that. */
  private static byte[] zstd(int windowLog) throws IOException {
    var packed = new ByteArrayOutputStream();
    try (var out = new ZstdOutputStreamNoFinalizer(packed, 1)) {
      out.setLong(windowLog);
      out.write(new Tar().file("f", "x").end());
    }
    return packed.toByteArray();
  }

  @Test
  void framesOfZstdThatAreToBeSkippedAre() {
    byte[] skipped = Zip.bytes(12).putInt(0x184d2a5a).putInt(4).putInt(99).array();
    byte[] packed = Workshop.pack("zstd", new Tar().file("f", "x").end());
    assertEquals(1, workshop.unpack(Workshop.concat(skipped, packed)).unpacked().files());
  }
}
