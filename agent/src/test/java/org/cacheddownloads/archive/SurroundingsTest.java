package org.cacheddownloads.archive;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.cacheddownloads.store.Removal;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The same tree under another user, umask, locale and time zone: in a process of its own, whose
 * classes lie where every user can read them.
 */
class SurroundingsTest {
  private static final List<String> LIBRARIES =
      List.of("commons-", "zstd-jni", "xz-", "Amazon", "jspecify");
  private static final String NOBODY = "65534";
  private static Path base;

  @BeforeAll
  static void copyClasses() throws IOException {
    base = Files.createTempDirectory("surroundings");
    Files.setPosixFilePermissions(base, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path classes = Files.createDirectory(base.resolve("classes"));
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      Path path = Path.of(entry);
      String name = String.valueOf(path.getFileName());
      if (Files.isDirectory(path)) {
        copyAll(path, classes);
      } else if (LIBRARIES.stream().anyMatch(name::startsWith)) {
        Files.copy(path, base.resolve(name));
      }
    }
  }

  private static void copyAll(Path from, Path to) throws IOException {
    Files.walkFileTree(
        from,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Path copy = to.resolve(from.relativize(file).toString());
            Files.createDirectories(copy.getParent());
            Files.copy(file, copy);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  @AfterAll
  static void deleteClasses() throws IOException {
    Removal.delete(base);
  }

  /**
   * Unpacks, copies, compares and deletes in a process that owns nothing else.
   *
   * @return what it said
   */
  private static String outside(byte[] archive, Map<String, String> environment, String umask)
      throws Exception {
    Path file = Files.createTempFile(base, "archive", null);
    Files.write(file, archive);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
    Path work = Files.createTempDirectory(base, "work");
    Files.setPosixFilePermissions(work, PosixFilePermissions.fromString("rwxrwxrwx"));
    var command = new ArrayList<String>();
    if (System.getProperty("user.name").equals("root")) { // any other user has no rights already
      command.addAll(
          List.of("setpriv", "--reuid=" + NOBODY, "--regid=" + NOBODY, "--clear-groups"));
    }
    command.addAll(List.of("sh", "-c", "umask " + umask + "; exec \"$@\"", "sh"));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-Xshare:auto", "-Xmx128m"));
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-Djava.io.tmpdir=" + work));
    command.addAll(List.of("-cp", base.resolve("classes") + ":" + base + "/*"));
    command.addAll(List.of(Outsider.class.getName(), file.toString(), work.toString()));
    Path output = base.resolve("output");
    var builder = new ProcessBuilder(command).directory(base.toFile());
    builder.redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().remove("JDK_JAVA_OPTIONS");
    builder.environment().putAll(environment);
    Process process = builder.start();
    try {
      assertTrue(process.waitFor(120, TimeUnit.SECONDS), "it does not end");
    } finally {
      process.destroyForcibly();
    }
    String said = Files.readString(output).strip();
    assertEquals(0, process.exitValue(), said);
    try (var left = Files.newDirectoryStream(work, "{tree,copy}")) {
      left.forEach(path -> assertEquals("", path.toString(), "is left"));
    }
    return said;
  }

  private static String here(byte[] archive) throws IOException {
    try (var workshop = new Workshop(base.resolve("workshop"))) {
      return workshop.unpack(archive).unpacked().treeDigest().toString();
    }
  }

  private static Tar sample() {
    return new Tar()
        .directory("bin")
        .executable("bin/ruby", "#!/bin/sh\n")
        .hardLink("bin/again", "bin/ruby")
        .file("bin/ruby", "another")
        .symlink("bin/link", "ruby")
        .file("deep/er/file", "text")
        .directory("deep");
  }

  @Test
  void aUserWithoutRightsMayUnpackCopyAndDelete() throws Exception {
    byte[] archive = Workshop.pack("zstd", sample().file("größe", "").end());
    assertEquals(here(archive), outside(archive, Map.of("LC_ALL", "C.UTF-8"), "022"));
  }

  @Test
  void theLocaleTheTimeZoneAndTheUmaskAreOfNoConsequence() throws Exception {
    byte[] zip = new Zip().file("dos-time", "x").directory("d/").symlink("l", "größe").end();
    for (byte[] archive : List.of(sample().end(), zip)) {
      assertEquals(
          here(archive), outside(archive, Map.of("LC_ALL", "C", "TZ", "Pacific/Chatham"), "0077"));
    }
  }

  /** An error, and not a name that only looks like it. */
  @Test
  void aNameThatTheLocaleCannotWriteIsAFaultOfTheAgent() throws Exception {
    String said = outside(sample().file("größe", "").end(), Map.of("LC_ALL", "C"), "022");
    assertTrue(said.startsWith("not-ready: ") && said.contains("LC_ALL=C.UTF-8"), said);
  }
}
