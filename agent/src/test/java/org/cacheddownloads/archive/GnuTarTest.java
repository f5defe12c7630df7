package org.cacheddownloads.archive;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.cacheddownloads.store.Posix;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Archives of GNU tar, beside what {@code tar -x} makes of them. */
class GnuTarTest {
  private @TempDir Path directory;
  private Workshop workshop;
  private Path source;

  @BeforeEach
  void open() throws IOException {
    workshop = new Workshop(directory.resolve("workshop"));
    source = Files.createDirectory(workshop.root.resolve("source"));
    file("bin/ruby", "#!/bin/sh\n", "rwxr-xr-x");
    file("lib/größe", "x".repeat(100_000), "rw-r--r--");
    file("empty", "", "rw-r-----");
    Posix.link(source.resolve("bin/ruby"), source.resolve("bin/again"));
    Posix.symlink("../lib//größe", source.resolve("bin/link"));
    Posix.symlink("nowhere", source.resolve("dangling"));
    Files.createDirectory(source.resolve("void"));
    time(source.resolve("void"), "2001-09-09T01:46:40Z");
  }

  @AfterEach
  void close() throws IOException {
    workshop.close();
  }

  private void file(String name, String text, String mode) throws IOException {
    Path file = source.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    time(file, "2021-02-03T04:05:06Z");
  }

  private static void time(Path path, String time) throws IOException {
    Files.setLastModifiedTime(path, FileTime.from(Instant.parse(time)));
  }

  private void tar(Path in, String... arguments) throws Exception {
    var command = new ArrayList<>(List.of("tar"));
    command.addAll(List.of(arguments));
    Path output = workshop.root.resolve("output");
    var builder = new ProcessBuilder(command).directory(in.toFile());
    builder.redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().put("LC_ALL", "C.UTF-8");
    Process process = builder.start();
    try {
      assertTrue(process.waitFor(60, TimeUnit.SECONDS), "tar does not end");
      assertEquals(0, process.exitValue(), Files.readString(output));
    } finally {
      process.destroyForcibly();
    }
  }

  /** Modes as a tree has them; all else as it is. */
  private static Map<String, String> asTree(Path root) throws IOException {
    Map<String, String> listed = Workshop.list(root);
    listed.replaceAll(
        (_, what) ->
            what.replaceFirst("^directory [^ ]*", "directory r-xr-xr-x")
                .replaceFirst("^file [rwx-]*x[rwx-]* ", "file r-xr-xr-x ")
                .replaceFirst("^file [rw-]{9} ", "file r--r--r-- "));
    return listed;
  }

  @ParameterizedTest
  @ValueSource(strings = {"ustar", "gnu", "oldgnu", "pax"})
  void aTreeIsWhatTarExtracts(String format) throws Exception {
    if (!format.equals("ustar")) {
      file("d".repeat(90) + "/" + "e".repeat(90) + "/" + "n".repeat(200), "long", "rw-rw-rw-");
      Posix.symlink("t".repeat(300), source.resolve("long-link"));
    }
    Path archive = workshop.root.resolve("archive.tar.gz");
    tar(source, "--format=" + format, "-czf", archive.toString(), ".");
    Path extracted = Files.createDirectory(workshop.root.resolve("extracted"));
    tar(extracted, "-xzpf", archive.toString());
    var tree = workshop.unpack(archive, Workshop.ROOMY);
    assertEquals(asTree(extracted), tree.list());
  }

  @Test
  void theOldestFormatIsRead() throws Exception {
    Path archive = workshop.root.resolve("archive.tar");
    tar(source, "--format=v7", "-cf", archive.toString(), "bin", "empty");
    Path extracted = Files.createDirectory(workshop.root.resolve("extracted"));
    tar(extracted, "-xpf", archive.toString());
    var expected = asTree(extracted);
    expected.remove("");
    var tree = workshop.unpack(archive, Workshop.ROOMY).list();
    tree.remove("");
    assertEquals(expected, tree);
  }

  @Test
  void whatWasAppendedWins() throws Exception {
    Path archive = workshop.root.resolve("archive.tar");
    tar(source, "-cf", archive.toString(), "empty", "bin");
    file("empty", "no more", "rw-r--r--");
    tar(source, "-rf", archive.toString(), "empty");
    assertEquals("no more", workshop.unpack(archive, Workshop.ROOMY).text("empty"));
  }

  @Test
  void aFileNamedTwiceIsOne() throws Exception {
    Path archive = workshop.root.resolve("archive.tar");
    tar(source, "-cf", archive.toString(), "empty", "bin/ruby", "bin/ruby");
    var tree = workshop.unpack(archive, Workshop.ROOMY);
    assertEquals(List.of("bin", "bin/ruby", "empty"), Workshop.names(tree));
  }

  @Test
  void sparseFilesAreRefused() throws Exception {
    try (var channel =
        java.nio.channels.FileChannel.open(
            source.resolve("sparse"),
            java.nio.file.StandardOpenOption.CREATE_NEW,
            java.nio.file.StandardOpenOption.WRITE)) {
      channel.write(java.nio.ByteBuffer.wrap(new byte[] {1}), 10_000_000);
    }
    for (String format : new String[] {"gnu", "pax"}) {
      for (String version : new String[] {"0.0", "0.1", "1.0"}) {
        Path archive = workshop.root.resolve("archive.tar");
        tar(
            source,
            "--format=" + format,
            "--sparse",
            "--sparse-version=" + version,
            "-cf",
            archive.toString(),
            "sparse");
        var failure =
            workshop.refused(
                org.cacheddownloads.failure.CacheException.UnsupportedArchive.class,
                Files.readAllBytes(archive));
        assertTrue(failure.getMessage().contains("sparse"), failure::getMessage);
      }
    }
  }
}
