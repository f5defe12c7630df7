package org.cacheddownloads.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PosixTest {
  private @TempDir Path directory;

  private static Object unix(Path path, String attribute) throws IOException {
    return Files.getAttribute(path, "unix:" + attribute, LinkOption.NOFOLLOW_LINKS);
  }

  @Test
  void theStatusOfAFileIsWhatTheJdkSays() throws IOException {
    Path file = Files.write(directory.resolve("fü"), new byte[5000]);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r-xr-x--x"));
    Files.createLink(directory.resolve("second"), file);
    Posix.Stat stat = Posix.lstat(file);
    assertEquals(unix(file, "ino"), stat.inode());
    assertEquals(2, stat.links());
    assertEquals(5000, stat.sizeBytes());
    assertEquals(0551, stat.mode());
    assertEquals(
        Files.getLastModifiedTime(file).toInstant().getEpochSecond(), stat.modifiedEpochSeconds());
    assertTrue(stat.isFile());
    assertFalse(stat.isDirectory());
    assertFalse(stat.isSymlink());
  }

  @Test
  void allocatedBytesAreBlocksAndNotTheSize() throws IOException {
    Path full = Files.write(directory.resolve("full"), new byte[1]);
    Path sparse = directory.resolve("sparse");
    try (var channel =
        Files.newByteChannel(
            sparse,
            java.nio.file.StandardOpenOption.CREATE_NEW,
            java.nio.file.StandardOpenOption.SPARSE,
            java.nio.file.StandardOpenOption.WRITE)) {
      channel.position(10_000_000).write(java.nio.ByteBuffer.wrap(new byte[] {1}));
    }
    assertEquals(4096, Posix.lstat(full).allocatedBytes());
    assertEquals(10_000_001, Posix.lstat(sparse).sizeBytes());
    assertTrue(Posix.lstat(sparse).allocatedBytes() < 100_000);
    assertEquals(0, Posix.lstat(Files.createFile(directory.resolve("empty"))).allocatedBytes());
  }

  @Test
  void symlinksAreNotFollowed() throws IOException {
    Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of("nowhere"));
    assertTrue(Posix.lstat(link).isSymlink());
    assertFalse(Posix.lstat(link).isFile());
    assertTrue(Posix.lstat(directory).isDirectory());
  }

  @Test
  void whatIsMissingIsSaid() {
    Path missing = directory.resolve("missing");
    var failure = assertThrows(NoSuchFileException.class, () -> Posix.lstat(missing));
    assertEquals(missing.toString(), failure.getFile());
    assertThrows(NoSuchFileException.class, () -> Posix.link(missing, directory.resolve("link")));
  }

  @Test
  void aLinkIsAnotherNameOfTheInode() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "x");
    Path link = directory.resolve("link");
    Posix.link(file, link);
    assertEquals(Posix.lstat(file), Posix.lstat(link));
    assertEquals(2, Posix.lstat(link).links());
  }

  @Test
  void aLinkReplacesNothing() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "x");
    Path other = Files.writeString(directory.resolve("other"), "y");
    assertThrows(FileAlreadyExistsException.class, () -> Posix.link(file, other));
    assertEquals("y", Files.readString(other));
  }

  /** {@code Files.createSymbolicLink} would write {@code ../a/b}. */
  @Test
  void theTextOfASymlinkIsKeptToTheByte() throws IOException {
    Path link = directory.resolve("link");
    Posix.symlink("..//ä/./b/", link);
    assertEquals("..//ä/./b/", Files.readSymbolicLink(link).toString());
    assertEquals("..//ä/./b/", Posix.readSymlink(link));
    assertThrows(FileAlreadyExistsException.class, () -> Posix.symlink("other", link));
  }

  @Test
  void theTextOfASymlinkMayBeAsLongAsAPath() throws IOException {
    Path link = directory.resolve("link");
    Posix.symlink("t".repeat(4095), link);
    assertEquals("t".repeat(4095), Posix.readSymlink(link));
    Path file = Files.writeString(directory.resolve("file"), "x");
    assertThrows(FileSystemException.class, () -> Posix.readSymlink(file));
    assertThrows(NoSuchFileException.class, () -> Posix.readSymlink(directory.resolve("no")));
  }

  @Test
  void theTimeOfAFileIsSetToTheNanosecond() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "x");
    Instant read = Instant.parse("2020-02-02T02:02:02Z");
    Files.setAttribute(file, "lastAccessTime", FileTime.from(read));
    Instant time = Instant.parse("2001-09-09T01:46:40.123456789Z");
    Posix.setModified(file, time);
    assertEquals(time, Files.getLastModifiedTime(file).toInstant());
    assertEquals(FileTime.from(read), Files.getAttribute(file, "lastAccessTime"));
  }

  @Test
  void theTimeOfASymlinkIsItsOwn() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "x");
    FileTime before = Files.getLastModifiedTime(file);
    Path link = directory.resolve("link");
    Posix.symlink("file", link);
    Posix.setModified(link, Instant.EPOCH);
    assertEquals(
        FileTime.from(Instant.EPOCH), Files.getLastModifiedTime(link, LinkOption.NOFOLLOW_LINKS));
    assertEquals(before, Files.getLastModifiedTime(file));
    assertThrows(
        NoSuchFileException.class,
        () -> Posix.setModified(directory.resolve("missing"), Instant.EPOCH));
  }

  @Test
  void aDatagramToNobodyIsRefusedWithTheAddress() {
    Path nobody = directory.resolve("nobody");
    var refused =
        assertThrows(
            NoSuchFileException.class, () -> Posix.sendDatagram(nobody.toString(), new byte[1]));
    assertEquals(nobody.toString(), refused.getFile());
    assertThrows(FileSystemException.class, () -> Posix.sendDatagram("", new byte[1]));
    assertThrows(
        FileSystemException.class, () -> Posix.sendDatagram("/" + "x".repeat(108), new byte[1]));
  }

  @Test
  void otherRefusalsKeepTheirReason() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "x");
    assertThrows(FileSystemException.class, () -> Posix.link(file, file.resolve("below a file")));
  }

  @Test
  void aThreadThatGivesWayIsAloneInThat() throws Exception {
    var seen = new String[2];
    Thread thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  seen[0] = nice();
                  Posix.giveWay(7);
                  seen[1] = nice();
                });
    thread.join();
    assertEquals(nice(), seen[0]);
    assertEquals("7", seen[1]);
  }

  /** Field 19 of proc_pid_stat(5), counted behind the name, which may have blanks. */
  private static String nice() {
    try {
      String stat = Files.readString(Path.of("/proc/thread-self/stat"));
      return stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[16];
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The error number is the calling thread's own, also where threads share a carrier. */
  @Test
  void errorsOfThreadsDoNotMix() throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "x");
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var running = new ArrayList<Future<?>>();
      for (int i = 0; i < 20; i++) {
        boolean missing = i % 2 == 0;
        running.add(
            threads.submit(
                () -> {
                  for (int round = 0; round < 200; round++) {
                    if (missing) {
                      assertThrows(
                          NoSuchFileException.class, () -> Posix.lstat(directory.resolve("no")));
                    } else {
                      assertThrows(FileAlreadyExistsException.class, () -> Posix.link(file, file));
                    }
                  }
                }));
      }
      for (Future<?> one : running) {
        one.get(50, TimeUnit.SECONDS);
      }
    }
  }
}
