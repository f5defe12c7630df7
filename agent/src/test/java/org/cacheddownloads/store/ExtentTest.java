package org.cacheddownloads.store;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExtentTest {
  private @TempDir Path directory;
  private long blocks;
  private long ofDirectory;

  @BeforeEach
  void makeOneFileWithTwoNames() throws IOException {
    Path tree = Files.createDirectory(directory.resolve("tree"));
    Path file = Files.write(tree.resolve("file"), new byte[5000]);
    Posix.link(file, tree.resolve("same"));
    Posix.symlink("x".repeat(200), tree.resolve("link"));
    blocks = Posix.lstat(file).allocatedBytes();
    ofDirectory = Posix.lstat(tree).allocatedBytes();
  }

  @Test
  void aFileWithSeveralNamesIsCountedOnce() throws IOException {
    assertEquals(new Extent(blocks, 2), Extent.of(directory.resolve("tree")));
  }

  @Test
  void aTreeIsCountedWithItsDirectories() throws IOException {
    assertEquals(new Extent(blocks + ofDirectory, 3), Extent.ofTree(directory.resolve("tree")));
  }

  @Test
  void aCopyIsCountedWithoutTheFilesThatItShares() throws IOException {
    assertEquals(new Extent(ofDirectory, 2), Extent.ofCopy(directory.resolve("tree")));
  }
}
