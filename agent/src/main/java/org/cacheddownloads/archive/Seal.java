package org.cacheddownloads.archive;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.store.Hashing;
import org.cacheddownloads.store.Posix;
import org.jspecify.annotations.Nullable;

/**
 * Ends a tree whose entries are all on disk: writes the manifest in its order, gives directories
 * their times and takes the right to write from them, and counts what there is.
 */
final class Seal {
  static final Set<PosixFilePermission> DIRECTORY = PosixFilePermissions.fromString("r-xr-xr-x");
  private static final Set<PosixFilePermission> MANIFEST =
      PosixFilePermissions.fromString("r--r--r--");

  private final Path root;
  private final Ledger ledger;
  private final TreeWriter.Again again;
  private final Runnable check;
  private final Map<Long, Names> linked = new HashMap<>();
  private final MessageDigest sha256 = Hashing.digest("SHA-256");
  private long nodes;
  private int groups;
  private long files;
  private long bytes;
  private long allocatedBytes;
  private long inodes;

  /** What the names of one inode have in common. */
  private static final class Names {
    @Nullable Row file;
    int count;
    int group;
  }

  /**
   * @param linked inodes that may have several names
   * @param check called before each node; ends the work by throwing
   */
  Seal(Path root, Ledger ledger, TreeWriter.Again again, Set<Long> linked, Runnable check) {
    this.root = root;
    this.ledger = ledger;
    this.again = again;
    this.check = check;
    linked.forEach(inode -> this.linked.put(inode, new Names()));
  }

  /** Writes the manifest. What lies beside it and the tree is not counted. */
  Unpacked write(Path manifest) throws IOException {
    if (!linked.isEmpty()) {
      eachLast(this::notice, row -> names(row).count++);
    }
    try (OutputStream out =
        new BufferedOutputStream(
            Files.newOutputStream(
                manifest, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE))) {
      line(out, Manifest.FIRST_LINE);
      eachLast(_ -> {}, row -> node(out, row));
      line(out, Manifest.LAST_WORD + nodes);
    }
    Files.setPosixFilePermissions(manifest, MANIFEST);
    allocatedBytes += Posix.lstat(manifest).allocatedBytes();
    inodes++;
    var digest = new Digest(HexFormat.of().formatHex(sha256.digest()));
    return new Unpacked(digest, files, bytes, allocatedBytes, inodes);
  }

  /**
   * Reads all rows, and those that hold: of each path the last.
   *
   * @param every also told of those that were replaced
   */
  private void eachLast(Ledger.Reader every, Ledger.Reader last) throws IOException {
    var held = new Row[1];
    ledger.read(
        row -> {
          check.run();
          every.row(row);
          if (held[0] != null && !held[0].path().equals(row.path())) {
            last.row(held[0]);
          } else if (held[0] != null && again == TreeWriter.Again.IS_UNSAFE && !held[0].implied()) {
            throw TreeWriter.twice(Quote.of(row.path()));
          }
          held[0] = row;
        });
    last.row(held[0]); // there is always the tree itself
  }

  /**
   * Keeps what is known of a file with several names. A number of an inode may have been used
   * twice; then only the last file that had it is there still.
   */
  private void notice(Row row) {
    Names names = row.kind() == Row.Kind.FILE ? linked.get(row.inode()) : null;
    if (names != null && (names.file == null || names.file.number() < row.number())) {
      names.file = row;
    }
  }

  private Names names(Row row) {
    Names names = linked.get(row.inode());
    return names == null ? new Names() : names;
  }

  private void node(OutputStream out, Row row) throws IOException {
    Node node =
        switch (row.kind()) {
          case DIRECTORY -> directory(row);
          case SYMLINK -> {
            inodes++;
            yield new Node.Symlink(row.path(), row.modified(), row.target());
          }
          case FILE, HARD_LINK -> file(row, names(row));
        };
    nodes++;
    line(out, Manifest.line(node));
  }

  private Node directory(Row row) throws IOException {
    Path directory = EntryPath.resolve(root, row.path());
    Files.setPosixFilePermissions(directory, DIRECTORY);
    Posix.setModified(directory, row.modified());
    allocatedBytes += Posix.lstat(directory).allocatedBytes();
    inodes++;
    return new Node.Directory(row.path(), row.modified());
  }

  private Node file(Row row, Names names) {
    Row file = names.file == null ? row : names.file;
    if (file.kind() != Row.Kind.FILE) {
      throw new IllegalStateException("a hard link to nothing: " + row.path());
    }
    if (names.group == 0) {
      names.group = names.count > 1 ? ++groups : 0;
      files++;
      bytes += file.sizeBytes();
      allocatedBytes += file.allocatedBytes();
      inodes++;
    }
    return new Node.File(
        row.path(),
        file.modified(),
        file.executable(),
        file.sizeBytes(),
        file.digest(),
        names.group);
  }

  private void line(OutputStream out, String text) throws IOException {
    byte[] line = (text + '\n').getBytes(StandardCharsets.UTF_8);
    sha256.update(line);
    out.write(line);
  }
}
