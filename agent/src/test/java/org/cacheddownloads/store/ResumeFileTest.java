package org.cacheddownloads.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.content.ResumeNote;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResumeFileTest {
  private static final ResumeNote NOTE =
      new ResumeNote(
          "http://origin/a?q=00112233",
          "9e1d",
          "\"v 1: é\"",
          Headers.of(Map.of("etag", "\"v 1: é\"", "vary", "accept: b, c")),
          1_073_741_824);

  @TempDir Path directory;
  private Path file;

  @BeforeEach
  void setUp() {
    file = directory.resolve(ResumeFile.NAME);
  }

  private void write(int... windows) throws IOException {
    try (FileChannel channel = ResumeFile.create(file, NOTE, "boot")) {
      for (int crc : windows) {
        ResumeFile.addWindow(channel, crc);
      }
    }
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    write(5, -5);
    ResumeFile.Content content = ResumeFile.read(file).orElseThrow();
    assertEquals("boot", content.boot());
    assertEquals(List.of(5, -5), content.windows());
    assertEquals(2L * ResumeFile.WINDOW_BYTES, content.coveredBytes());
    assertEquals(NOTE.source(), content.note().source());
    assertEquals(NOTE.sent(), content.note().sent());
    assertEquals(NOTE.strong(), content.note().strong());
    assertEquals(NOTE.totalBytes(), content.note().totalBytes());
    assertEquals(NOTE.headers().sorted(), content.note().headers().sorted());
  }

  @Test
  void sizeForIsTheSizeAtTheEnd() throws IOException {
    write(1, 2, 3);
    long forTwoWindowsAndABit = ResumeFile.sizeFor(NOTE, "boot", 2L * ResumeFile.WINDOW_BYTES + 1);
    assertEquals(Files.size(file), forTwoWindowsAndABit);
  }

  @Test
  void reopeningGoesOnAfterTheWindowsThatAreKept() throws IOException {
    write(1, 2, 3);
    try (FileChannel channel = ResumeFile.reopen(file, NOTE, "boot", 1)) {
      ResumeFile.addWindow(channel, 9);
    }
    assertEquals(List.of(1, 9), ResumeFile.read(file).orElseThrow().windows());
  }

  @Test
  void aMissingFileIsNone() throws IOException {
    assertEquals(Optional.empty(), ResumeFile.read(file));
  }

  @Test
  void noBitOfTheHeadCanFlipUnseen() throws IOException {
    write();
    byte[] good = Files.readAllBytes(file);
    for (int bit = 0; bit < good.length * 8; bit++) {
      byte[] bad = good.clone();
      bad[bit / 8] ^= (byte) (1 << bit % 8);
      Files.write(file, bad);
      int flipped = bit;
      assertTrue(ResumeFile.read(file).isEmpty(), () -> "bit " + flipped + " flipped unseen");
    }
  }

  @Test
  void aFileThatWasCutIsNoneOrEndsAtAWholeLine() throws IOException {
    write(1, 2);
    byte[] whole = Files.readAllBytes(file);
    int head = whole.length - 18;
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, java.util.Arrays.copyOf(whole, length));
      Optional<ResumeFile.Content> content = ResumeFile.read(file);
      int lines = (length - head) / 9;
      assertEquals(
          length < head ? -1 : lines, content.map(found -> found.windows().size()).orElse(-1));
    }
  }
}
