package org.cacheddownloads.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.Sha256;
import org.cacheddownloads.content.Stored;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StoreLayoutTest {
  private static final Digest DIGEST = new Digest(Sha256.hexOf("x"));
  private @TempDir Path parent;

  @Test
  void aNewDirectoryGetsItsVersionAndPlaces() throws IOException {
    Path state = parent.resolve("a/b/state");
    try (StoreLayout layout = StoreLayout.open(state)) {
      assertEquals("1\n", Files.readString(state.resolve("VERSION")));
      assertTrue(Files.isDirectory(layout.ingests()));
      assertTrue(Files.isDirectory(layout.views()));
      assertTrue(Files.isDirectory(layout.quarantine()));
      layout.makeShelves();
      assertTrue(Files.isDirectory(state.resolve("blobs/sha256/00")));
      assertTrue(Files.isDirectory(state.resolve("trees/sha256/ff")));
      assertEquals(state.resolve("catalog.db"), layout.catalog());
    }
  }

  @Test
  void aDirectoryCanBeOpenedAgain() throws IOException {
    Stored stored = Stored.file(DIGEST);
    try (StoreLayout layout = StoreLayout.open(parent)) {
      Files.writeString(layout.placeFor(stored), "kept");
    }
    try (StoreLayout layout = StoreLayout.open(parent)) {
      layout.makeShelves();
      assertEquals("kept", Files.readString(layout.placeFor(stored)));
    }
  }

  @Test
  void theSecondToOpenADirectoryIsRefused() throws IOException {
    try (StoreLayout _ = StoreLayout.open(parent)) {
      var refusal = assertThrows(IOException.class, () -> StoreLayout.open(parent));
      assertTrue(
          refusal.getMessage().contains("in use")
              && refusal.getMessage().contains(parent.toString()),
          refusal.getMessage());
    }
    StoreLayout.open(parent).close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"2", "0", "1.0", "one", "2\n", "11"})
  void anUnknownVersionStopsTheStartWithASentenceAndChangesNothing(String version)
      throws IOException {
    Path file = parent.resolve("VERSION");
    Files.writeString(file, version);
    var refusal = assertThrows(IOException.class, () -> StoreLayout.open(parent));
    assertTrue(
        refusal.getMessage().contains("'" + version.strip() + "'")
            && refusal.getMessage().contains("version 1")
            && refusal.getMessage().contains(parent.toString()),
        refusal.getMessage());
    assertEquals(version, Files.readString(file));
    try (var left = Files.list(parent)) {
      assertEquals(1, left.count(), "no other file was made");
    }
  }

  @Test
  void whiteSpaceAroundTheVersionDoesNotMatter() throws IOException {
    Files.writeString(parent.resolve("VERSION"), " 1\r\n");
    StoreLayout.open(parent).close();
  }

  /** A kill may come between the making of the file and the writing of it. */
  @Test
  void anEmptyVersionIsWritten() throws IOException {
    Files.writeString(parent.resolve("VERSION"), "");
    StoreLayout.open(parent).close();
    assertEquals("1\n", Files.readString(parent.resolve("VERSION")));
  }

  @Test
  void aFileInPlaceOfTheDirectoryIsRefused() throws IOException {
    Path file = Files.writeString(parent.resolve("file"), "");
    assertThrows(IOException.class, () -> StoreLayout.open(file));
  }

  @Test
  void formsOfOneDigestLieSideBySide() throws IOException {
    String hex = DIGEST.hex();
    try (StoreLayout layout = StoreLayout.open(parent)) {
      Path fanOut = parent.resolve("blobs/sha256").resolve(hex.substring(0, 2));
      assertEquals(fanOut.resolve(hex), layout.blob(Stored.file(DIGEST)));
      assertEquals(fanOut.resolve(hex + ".x"), layout.blob(new Stored(DIGEST, Form.EXECUTABLE)));
      var container = new ContainerId("c1");
      assertEquals(parent.resolve("containers/c1"), layout.view(container));
      assertEquals(parent.resolve("containers/c1/.cached-downloads"), layout.links(container));
      assertEquals(
          parent.resolve("containers/c1/a/b"), layout.name(container, DownloadName.parse("a/b")));
    }
  }

  @ParameterizedTest
  @CsvSource({"a, ''", "a/b, ../", "a/b/c, ../../"})
  void symlinksLeadUpToTheLinksOfTheView(String name, String up) {
    assertEquals(
        up + ".cached-downloads/" + DIGEST.hex(),
        StoreLayout.symlinkTarget(DownloadName.parse(name), Stored.file(DIGEST)).toString());
  }

  @Test
  void fileNamesAreReadBack() {
    for (Form form : Form.values()) {
      var stored = new Stored(DIGEST, form);
      assertEquals(stored, StoreLayout.storedNamed(stored.fileName()));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".x", "data", "abc", ".switch-1", "0123.x"})
  void otherFileNamesAreNotOurs(String name) {
    assertNull(StoreLayout.storedNamed(name));
    assertNull(StoreLayout.storedNamed(DIGEST.hex() + name + "y"));
    assertNull(StoreLayout.storedNamed(DIGEST.hex().toUpperCase(java.util.Locale.ROOT)));
    assertNull(StoreLayout.storedNamed(DIGEST.hex() + ".x.x"));
  }
}
