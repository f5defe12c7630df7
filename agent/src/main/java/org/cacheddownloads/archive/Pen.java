package org.cacheddownloads.archive;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Set;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.store.Hashing;

/** Writes files and hashes them on the way, with one buffer for all of them. One thread's. */
final class Pen {
  private static final int BUFFER_BYTES = 128 * 1024;
  private static final Set<OpenOption> NEW =
      Set.of(
          StandardOpenOption.CREATE_NEW, // O_EXCL: also a dangling symlink is there already
          StandardOpenOption.WRITE,
          LinkOption.NOFOLLOW_LINKS);
  static final FileAttribute<?> READ_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("r--r--r--"));
  static final FileAttribute<?> EXECUTABLE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("r-xr-xr-x"));

  private final byte[] buffer = new byte[BUFFER_BYTES];
  private final MessageDigest sha256 = Hashing.digest("SHA-256");

  /** Told before each piece is written. */
  interface Watch {
    /** A file of {@code sizeBytes} grows by {@code pieceBytes}. */
    void before(long sizeBytes, int pieceBytes);
  }

  /** What was written. */
  record Written(long sizeBytes, Digest digest) {}

  /**
   * Makes a new file of all that {@code data} has.
   *
   * @throws java.nio.file.FileAlreadyExistsException if there is anything of that name; nothing was
   *     read then
   * @throws IOException if the disk refuses; faults of {@code data} are unchecked
   */
  Written write(Path file, boolean executable, Content data, Watch watch) throws IOException {
    try (FileChannel out = FileChannel.open(file, NEW, executable ? EXECUTABLE : READ_ONLY)) {
      sha256.reset(); // of a file that was given up
      long size = 0;
      int count;
      do {
        count = fill(data);
        watch.before(size, count);
        sha256.update(buffer, 0, count);
        ByteBuffer piece = ByteBuffer.wrap(buffer, 0, count);
        while (piece.hasRemaining()) {
          out.write(piece);
        }
        size += count;
      } while (count == buffer.length);
      return new Written(size, new Digest(HexFormat.of().formatHex(sha256.digest())));
    }
  }

  private int fill(Content data) {
    int filled = 0;
    while (filled < buffer.length) {
      int count = data.read(buffer, filled, buffer.length - filled);
      if (count < 0) {
        break;
      }
      filled += count;
    }
    return filled;
  }
}
