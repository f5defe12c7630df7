package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The directory tree of a Debian as it is after its smallest installation: no Java, no systemd, and
 * nothing of this machine but the network, {@code /proc} and {@code /dev}. Made once by mmdebstrap
 * from the archive of Debian, and unpacked anew for each test.
 */
final class DebianRoot implements AutoCloseable {
  private static final String SUITE = "bookworm";
  private static final Duration LONGEST = Duration.ofMinutes(8);

  private final Path directory = Project.temporaryDirectory();

  private DebianRoot() {}

  static DebianRoot fresh() {
    Project.requireRoot();
    Path archive = archive();
    var root = new DebianRoot();
    try {
      succeed("tar", "-xf", archive.toString(), "-C", root.directory.toString());
      Files.writeString(root.path("/etc/hosts"), "127.0.0.1 localhost\n::1 localhost\n");
      return root;
    } catch (IOException e) {
      root.close();
      throw new UncheckedIOException(e);
    } catch (RuntimeException | Error e) {
      root.close();
      throw e;
    }
  }

  /** Where what was unpacked once is kept for later runs of the tests. */
  private static synchronized Path archive() {
    Path archive = Project.ROOT.resolve("var/debian-" + SUITE + ".tar");
    if (!Files.exists(archive)) {
      Path unfinished = Project.ROOT.resolve("var/debian-" + SUITE + ".part.tar");
      try {
        Files.createDirectories(archive.getParent());
        Files.deleteIfExists(unfinished);
        succeed(
            Project.tool("mmdebstrap", "mmdebstrap"),
            "--quiet",
            "--variant=minbase",
            "--include=adduser",
            SUITE,
            unfinished.toString());
        Files.move(unfinished, archive);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return archive;
  }

  private static void succeed(String... command) {
    Child.Outcome outcome = Child.run(List.of(command), LONGEST);
    assertThat(outcome.exit()).as("%s: %s", List.of(command), outcome.errors()).isZero();
  }

  /** What a path of this root is outside. */
  Path path(String inside) {
    return directory.resolve(inside.substring(1));
  }

  /** Puts a file into {@code /tmp} of this root, and returns its path inside. */
  String copyIn(Path file) {
    try {
      String inside = "/tmp/" + file.getFileName();
      Files.copy(file, path(inside));
      return inside;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs a command inside as root. */
  Child.Outcome run(String... command) {
    return Child.run(inside(command), LONGEST);
  }

  /** The same, which must succeed; returns what it printed. */
  String ok(String... command) {
    Child.Outcome outcome = run(command);
    assertThat(outcome.exit())
        .as("%s: %s%s", List.of(command), outcome.output(), outcome.errors())
        .isZero();
    return outcome.output();
  }

  /** Starts a program inside; its process is the one that is signalled. */
  Child start(Path log, String... command) {
    return Child.start(Project.ROOT, log, inside(command));
  }

  private List<String> inside(String... command) {
    String enter =
        "mount --rbind /dev \"$0/dev\" && mount -t proc proc \"$0/proc\""
            + " && exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive"
            + " chroot \"$0\" \"$@\"";
    var all = new ArrayList<String>();
    all.addAll(
        List.of(
            Project.tool("unshare", "util-linux"), "--mount", "sh", "-c", enter, "" + directory));
    Stream.of(command).forEach(all::add);
    return all;
  }

  @Override
  public void close() {
    // Not by hand: the tree has names that Java cannot read in the locale of the tests.
    Child.run(List.of("rm", "-rf", "--one-file-system", directory.toString()));
  }
}
