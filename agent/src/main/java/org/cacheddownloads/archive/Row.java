package org.cacheddownloads.archive;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import org.cacheddownloads.content.Digest;

/**
 * What was written to disk for one entry of an archive, before all of them are put in order. Of
 * several rows of one path the one with the highest number holds.
 *
 * @param number grows with the order in the archive
 * @param implied a directory that the archive does not mention, made for what lies in it
 * @param target text of a symlink, else empty
 * @param inode of a file, and of the file that a hard link leads to, else 0
 * @param sizeBytes of a file, else 0
 * @param allocatedBytes of a file, else 0
 * @param digest of a file, else all zeros
 */
record Row(
    Kind kind,
    String path,
    long number,
    boolean implied,
    boolean executable,
    Instant modified,
    String target,
    long inode,
    long sizeBytes,
    long allocatedBytes,
    Digest digest) {
  private static final int SHA256_BYTES = 32;
  private static final int FIXED_BYTES = 2 + 8 + 3 + 8 + 4 + 3 * 8 + SHA256_BYTES + 2;
  private static final Digest NONE = new Digest("0".repeat(2 * SHA256_BYTES));

  /** What the entry made. */
  enum Kind {
    DIRECTORY('d'),
    FILE('f'),
    SYMLINK('l'),
    HARD_LINK('h');

    private final char letter;

    Kind(char letter) {
      this.letter = letter;
    }

    static Kind of(char letter) {
      return switch (letter) {
        case 'd' -> DIRECTORY;
        case 'f' -> FILE;
        case 'l' -> SYMLINK;
        default -> HARD_LINK;
      };
    }
  }

  static Row directory(String path, long number, boolean implied, Instant modified) {
    return new Row(Kind.DIRECTORY, path, number, implied, false, modified, "", 0, 0, 0, NONE);
  }

  static Row symlink(String path, long number, Instant modified, String target) {
    return new Row(Kind.SYMLINK, path, number, false, false, modified, target, 0, 0, 0, NONE);
  }

  static Row hardLink(String path, long number, long inode) {
    return new Row(
        Kind.HARD_LINK, path, number, false, false, Instant.EPOCH, "", inode, 0, 0, NONE);
  }

  /** As bytes, which sort by {@link #compare}. Paths and targets are far below 64 KiB. */
  byte[] encoded() {
    byte[] key = path.replace('/', '\0').getBytes(StandardCharsets.UTF_8);
    byte[] text = target.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(FIXED_BYTES + key.length + text.length)
        .putShort((short) key.length)
        .put(key)
        .putLong(number)
        .put((byte) kind.letter)
        .put((byte) (implied ? 1 : 0))
        .put((byte) (executable ? 1 : 0))
        .putLong(modified.getEpochSecond())
        .putInt(modified.getNano())
        .putLong(inode)
        .putLong(sizeBytes)
        .putLong(allocatedBytes)
        .put(HexFormat.of().parseHex(digest.hex()))
        .putShort((short) text.length)
        .put(text)
        .array();
  }

  static Row decode(byte[] encoded) {
    ByteBuffer in = ByteBuffer.wrap(encoded);
    String path = text(in).replace('\0', '/');
    long number = in.getLong();
    Kind kind = Kind.of((char) in.get());
    boolean implied = in.get() != 0;
    boolean executable = in.get() != 0;
    Instant modified = Instant.ofEpochSecond(in.getLong(), in.getInt());
    long inode = in.getLong();
    long sizeBytes = in.getLong();
    long allocatedBytes = in.getLong();
    byte[] sha256 = new byte[SHA256_BYTES];
    in.get(sha256);
    return new Row(
        kind,
        path,
        number,
        implied,
        executable,
        modified,
        text(in),
        inode,
        sizeBytes,
        allocatedBytes,
        new Digest(HexFormat.of().formatHex(sha256)));
  }

  private static String text(ByteBuffer in) {
    byte[] text = new byte[Short.toUnsignedInt(in.getShort())];
    in.get(text);
    return new String(text, StandardCharsets.UTF_8);
  }

  /**
   * By path, a directory before what it holds, names in the order of their bytes; then by number.
   * Works since a slash was made a NUL, which is below all that names hold.
   */
  static int compare(byte[] a, byte[] b) {
    int keyOfA = keyEnd(a);
    int keyOfB = keyEnd(b);
    int byPath = Arrays.compareUnsigned(a, 2, keyOfA, b, 2, keyOfB);
    return byPath != 0
        ? byPath
        : Arrays.compareUnsigned(a, keyOfA, keyOfA + 8, b, keyOfB, keyOfB + 8);
  }

  private static int keyEnd(byte[] encoded) {
    return 2 + (((encoded[0] & 0xff) << 8) | (encoded[1] & 0xff));
  }
}
