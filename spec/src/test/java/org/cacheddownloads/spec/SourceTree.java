package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A directory made by a shell script, and the archives that Debian's tools make of it. */
final class SourceTree implements AutoCloseable {
  /** Things of all kinds that every format keeps, with times in whole seconds. */
  static final String ORDINARY =
      """
      mkdir -p bin lib/empty 'deep/er/and er'
      printf '%s\\n' '#!/bin/sh' 'exec cat "${0%/*}/../lib/greeting"' > bin/hello
      printf 'hello from a tree' > lib/greeting
      : > lib/nothing
      printf private > lib/private
      head -c 300000 /dev/urandom > lib/noise
      seq 100000 > lib/text
      printf small > 'deep/er/and er/größe'
      ln -s hello bin/relative
      ln -s ..//lib/./greeting bin/odd
      ln -s nowhere dangling
      ln -s / root
      chmod 755 bin/hello
      chmod 600 lib/private
      find . -exec touch -h -d @1600000000 {} +
      touch -h -d @1500000000 bin/relative
      touch -d @1400000001 lib/greeting lib/empty
      touch -d @1300000000 lib
      """;

  private final Path directory = Project.temporaryDirectory();
  private int archives;

  /** Runs the script in an empty directory. */
  static SourceTree madeBy(String script) {
    var tree = new SourceTree();
    try {
      Files.createDirectory(tree.root());
      tree.run(script, tree.root(), tree.directory);
      return tree;
    } catch (IOException e) {
      tree.close();
      throw new UncheckedIOException(e);
    } catch (RuntimeException | Error e) {
      tree.close();
      throw e;
    }
  }

  Path root() {
    return directory.resolve("source");
  }

  /**
   * Packs it: the commands run inside, and make the archive {@code $1}, which is not there yet.
   * What else they make may have that path with more behind it.
   *
   * @return what they made
   */
  byte[] pack(String script) {
    // With a suffix, since zip adds its own to names without one.
    Path archive = directory.resolve("archive" + archives++ + ".packed");
    run(script, root(), archive);
    try {
      return Files.readAllBytes(archive);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What {@code tar -x} makes of an archive, as {@link Listing#asDelivered} has it. */
  Listing extracted(byte[] archive, String script) {
    try {
      Path file = Files.write(directory.resolve("archive" + archives++), archive);
      Path target = Files.createDirectory(directory.resolve("extracted" + archives++));
      run(script, target, file);
      return Listing.of(target).asDelivered();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void run(String script, Path in, Path argument) {
    for (String tool : List.of("tar", "gzip", "bzip2", "xz", "zstd", "zip")) {
      Project.tool(tool, tool.equals("xz") ? "xz-utils" : tool);
    }
    Child.Outcome outcome =
        Child.run(
            List.of(
                "bash",
                "-eo",
                "pipefail",
                "-c",
                "export LC_ALL=C.UTF-8; umask 022; cd \"$0\"; " + script,
                in.toString(),
                argument.toString()));
    assertThat(outcome.exit())
        .as("%s said %s%s", script, outcome.output(), outcome.errors())
        .isZero();
  }

  @Override
  public void close() {
    Project.delete(directory);
  }
}
