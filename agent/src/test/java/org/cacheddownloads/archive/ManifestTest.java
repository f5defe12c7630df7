package org.cacheddownloads.archive;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.cacheddownloads.content.Digest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ManifestTest {
  private static final String FIRST = "cached-downloads-tree 1\n";
  private @TempDir Path directory;

  private Manifest open(String text) throws IOException {
    return Manifest.open(Files.writeString(directory.resolve("manifest"), text));
  }

  private static final List<Node> NODES =
      List.of(
          new Node.Directory("", Instant.EPOCH),
          new Node.File(
              "a b/%25\n\u007fü",
              Instant.ofEpochSecond(1, 5), true, Long.MAX_VALUE, new Digest("ab".repeat(32)), 0),
          new Node.File("c", Instant.ofEpochSecond(-1), false, 0, new Digest("0".repeat(64)), 12),
          new Node.Symlink("d", Instant.ofEpochSecond(7), "%41 \t../\u2028"));

  @Test
  void whatIsWrittenIsReadAgain() throws IOException {
    var text = new StringBuilder(FIRST);
    NODES.forEach(node -> text.append(Manifest.line(node)).append('\n'));
    try (Manifest manifest = open(text.append("end 4\n").toString())) {
      for (Node node : NODES) {
        assertEquals(node, manifest.next());
      }
      assertNull(manifest.next());
      assertNull(manifest.next());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "cached-downloads-tree 2\nend 0\n",
        "something else\n",
        FIRST,
        FIRST + "d 0555 0 .\n",
        FIRST + "d 0555 0 .\nend 2\n",
        FIRST + "d 0555 0 .\nend 1\nd 0555 0 a\n",
        FIRST + "d 0755 0 .\nend 1\n",
        FIRST + "d 0555 00 .\nend 1\n",
        FIRST + "d 0555 0.5 .\nend 1\n",
        FIRST + "d 0555 x .\nend 1\n",
        FIRST + "d 0555\nend 1\n",
        FIRST + "x 0555 0 .\nend 1\n",
        FIRST + "f 0444 0 1 abc - a\nend 1\n",
        FIRST + "l 0777 0 a%4 b\nend 1\n",
        FIRST + "l 0777 0 a%41 b\nend 1\n",
        FIRST + "\nend 1\n",
      })
  void whatIsNoManifestIsDamaged(String text) {
    assertThrows(
        DamagedTree.class,
        () -> {
          try (Manifest manifest = open(text)) {
            while (manifest.next() != null) {
              assertEquals(1, 1);
            }
          }
        });
  }

  @Test
  void bytesThatAreNoTextAreDamaged() throws IOException {
    Path file =
        Files.write(
            directory.resolve("manifest"),
            (FIRST + "d 0555 0 \u00fc\nend 1\n").getBytes(StandardCharsets.ISO_8859_1));
    assertThrows(
        DamagedTree.class,
        () -> {
          try (Manifest manifest = Manifest.open(file)) {
            manifest.next();
          }
        });
  }
}
