package org.cacheddownloads.archive;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.file.attribute.FileTime;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.zip.CRC32;
import org.apache.commons.compress.archivers.zip.ExtraFieldUtils;
import org.apache.commons.compress.archivers.zip.UnicodePathExtraField;
import org.apache.commons.compress.archivers.zip.X000A_NTFS;
import org.apache.commons.compress.archivers.zip.X5455_ExtendedTimestamp;
import org.apache.commons.compress.archivers.zip.Zip64ExtendedInformationExtraField;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry.ExtraFieldParsingMode;
import org.apache.commons.compress.archivers.zip.ZipExtraField;
import org.cacheddownloads.failure.CacheException.UnsafeArchive;
import org.cacheddownloads.failure.CacheException.UnsupportedArchive;
import org.jspecify.annotations.Nullable;

/**
 * A record of the central directory of a zip, checked by itself.
 *
 * @param rawName as the local header has to repeat it
 * @param flags general purpose bits, as the local header has to repeat most of them
 * @param method 0 or 8, as the local header has to repeat it
 * @param offset of the local header
 */
record ZipRecord(
    Kind kind,
    EntryPath path,
    ByteBuffer rawName,
    int flags,
    int method,
    boolean executable,
    Instant modified,
    long crc,
    long packedBytes,
    long sizeBytes,
    long offset) {
  static final int HEAD_BYTES = 46;
  static final long LONG_IN_ZIP64 = 0xffff_ffffL;
  private static final int SIGNATURE = 0x02014b50;
  private static final int IN_ZIP64 = 0xffff;

  private static final int UTF8 = 1 << 11;
  private static final int ENCRYPTED = 1 | 1 << 6 | 1 << 13;
  private static final int PATCH = 1 << 5;
  private static final int STORED = 0;
  private static final int DEFLATED = 8;

  private static final int UNIX = 3;
  private static final int MAC = 19;
  private static final int TYPE = 0170000;
  private static final int DIRECTORY = 0040000;
  private static final int REGULAR = 0100000;
  private static final int SYMLINK = 0120000;
  private static final int EXECUTE = 0111;

  /** Deflate cannot do better: 258 bytes for two bits. */
  private static final long MOST_DEFLATED = 1032;

  private static final int LONGEST_TARGET = 4095;

  /** What APPNOTE 4.4.4 says names are in, unless a flag or a field says more. */
  private static final String CP437 = "IBM437";

  private static final Instant FIRST_DOS_TIME = Instant.parse("1980-01-01T00:00:00Z");

  /** What it makes. */
  enum Kind {
    FILE,
    DIRECTORY,
    SYMLINK
  }

  /**
   * Reads a record.
   *
   * @param head the fixed part
   * @throws IOException if it is none
   */
  static ZipRecord of(ByteBuffer head, byte[] name, byte[] extra, Limits limits)
      throws IOException {
    if (head.getInt(0) != SIGNATURE) {
      throw new IOException("its central directory is damaged");
    }
    int host = unsigned(head.getShort(4)) >> 8;
    boolean isUnix = host == UNIX || host == MAC;
    int flags = unsigned(head.getShort(8));
    int method = unsigned(head.getShort(10));
    int mode = isUnix ? head.getInt(38) >>> 16 : 0;
    var fields = new Fields(extra, false);
    String spelled = spelled(name, flags, isUnix, fields);
    checkUsable(spelled, flags, method);
    long packed = Integer.toUnsignedLong(head.getInt(20));
    long size = Integer.toUnsignedLong(head.getInt(24));
    long offset = Integer.toUnsignedLong(head.getInt(42));
    int part = unsigned(head.getShort(34));
    var zip64 = fields.zip64(size, packed, offset, part);
    if (zip64 != null) {
      size = zip64.size(size);
      packed = zip64.packed(packed);
      offset = zip64.offset(offset);
      part = zip64.part(part);
    }
    if (part != 0) {
      throw new UnsupportedArchive("the archive is one of several parts of a zip");
    }
    Kind kind = kind(spelled, mode, size);
    var entry =
        new ZipRecord(
            kind,
            EntryPath.of(spelled, kind == Kind.DIRECTORY, limits),
            ByteBuffer.wrap(name),
            flags,
            method,
            (mode & EXECUTE) != 0,
            modified(head, fields),
            Integer.toUnsignedLong(head.getInt(16)),
            packed,
            size,
            offset);
    entry.checkSizes();
    return entry;
  }

  static int unsigned(short field) {
    return Short.toUnsignedInt(field);
  }

  private static void checkUsable(String spelled, int flags, int method) {
    if ((flags & (ENCRYPTED | PATCH)) != 0) {
      throw new UnsupportedArchive(
          "the entry '"
              + Quote.of(spelled)
              + ((flags & PATCH) != 0 ? "' is a patch" : "' is encrypted"));
    }
    if (method != STORED && method != DEFLATED) {
      throw new UnsupportedArchive(
          "the entry '"
              + Quote.of(spelled)
              + "' is packed with method "
              + method
              + " of zip; only stored (0) and deflated (8) are supported");
    }
  }

  /** Whether it is deflated and not stored; some writers say so of nothing at all. */
  boolean isDeflated() {
    return method == DEFLATED && packedBytes > 0;
  }

  private void checkSizes() throws IOException {
    boolean possible =
        isDeflated() ? sizeBytes / MOST_DEFLATED <= packedBytes : sizeBytes == packedBytes;
    if (sizeBytes < 0 || packedBytes < 0 || offset < 0 || !possible) {
      throw new IOException("the entry '" + path + "' has sizes that cannot be");
    }
    if (kind == Kind.SYMLINK && sizeBytes > LONGEST_TARGET) {
      throw UnsafeArchive.of(
          "the symlink '" + path + "' has a target of more than " + LONGEST_TARGET + " bytes");
    }
  }

  /** Of the type in the mode, where one is told, and the slash that ends names of directories. */
  private static Kind kind(String spelled, int mode, long size) {
    boolean hasSlash = spelled.endsWith("/");
    Kind kind =
        switch (mode & TYPE) {
          case 0, REGULAR -> hasSlash ? Kind.DIRECTORY : Kind.FILE;
          case DIRECTORY -> Kind.DIRECTORY;
          case SYMLINK -> Kind.SYMLINK;
          default ->
              throw UnsafeArchive.of(
                  "the entry '" + Quote.of(spelled) + "' is a device, a named pipe or a socket");
        };
    if ((kind == Kind.DIRECTORY && size != 0) || (kind == Kind.SYMLINK && hasSlash)) {
      throw UnsafeArchive.of(
          "the entry '" + Quote.of(spelled) + "' is a directory and otherwise at once");
    }
    return kind;
  }

  // ---- names ----

  /**
   * Of the flag, then of a field with the name in UTF-8 that is still of this name, then of the
   * system: Unix tools write what they find on disk, which is UTF-8 here, all others code page 437.
   */
  private static String spelled(byte[] name, int flags, boolean isUnix, Fields fields) {
    if ((flags & UTF8) != 0) {
      return Utf8.of(name);
    }
    byte[] unicode = fields.unicodeName(name);
    if (unicode != null) {
      return Utf8.of(unicode);
    }
    if (isUnix || isAscii(name)) {
      return Utf8.of(name);
    }
    if (!Charset.isSupported(CP437)) {
      throw new UnsupportedArchive("the archive has names in code page 437, unknown to this Java");
    }
    return new String(name, Charset.forName(CP437));
  }

  private static boolean isAscii(byte[] name) {
    for (byte b : name) {
      if (b < 0) {
        return false;
      }
    }
    return true;
  }

  // ---- times ----

  /** In UTC where the archive does not tell: the same everywhere, whatever the time zone here. */
  private static Instant modified(ByteBuffer head, Fields fields) {
    Instant exact = fields.modified();
    if (exact != null) {
      return exact;
    }
    int time = unsigned(head.getShort(12));
    int date = unsigned(head.getShort(14));
    try {
      return LocalDateTime.of(
              1980 + (date >> 9),
              date >> 5 & 15,
              date & 31,
              time >> 11,
              time >> 5 & 63,
              2 * (time & 31))
          .toInstant(ZoneOffset.UTC);
    } catch (DateTimeException e) { // all zeros, for one
      return FIRST_DOS_TIME;
    }
  }

  /** The extra fields of a record or of a local header. */
  static final class Fields {
    private final ZipExtraField[] fields;

    Fields(byte[] extra, boolean local) throws IOException {
      fields =
          extra.length == 0
              ? new ZipExtraField[0]
              : ExtraFieldUtils.parse(extra, local, ExtraFieldParsingMode.BEST_EFFORT);
    }

    private <T extends ZipExtraField> @Nullable T find(Class<T> type) {
      for (ZipExtraField field : fields) {
        if (type.isInstance(field)) {
          return type.cast(field);
        }
      }
      return null;
    }

    private @Nullable Instant modified() {
      var timestamp = find(X5455_ExtendedTimestamp.class);
      FileTime time = timestamp == null ? null : timestamp.getModifyFileTime();
      if (time == null) {
        var ntfs = find(X000A_NTFS.class);
        time = ntfs == null ? null : ntfs.getModifyFileTime();
      }
      return time == null ? null : time.toInstant();
    }

    private byte @Nullable [] unicodeName(byte[] name) {
      var field = find(UnicodePathExtraField.class);
      if (field == null) {
        return null;
      }
      var crc = new CRC32();
      crc.update(name);
      return crc.getValue() == field.getNameCRC32() ? field.getUnicodeName() : null;
    }

    /** The long fields, where short ones of a record point to them. */
    private @Nullable Zip64 zip64(long size, long packed, long offset, int part)
        throws IOException {
      boolean[] pointers = {
        size == LONG_IN_ZIP64, packed == LONG_IN_ZIP64, offset == LONG_IN_ZIP64, part == IN_ZIP64
      };
      if (!pointers[0] && !pointers[1] && !pointers[2] && !pointers[3]) {
        return null;
      }
      var field = local64();
      field.reparseCentralDirectoryData(pointers[0], pointers[1], pointers[2], pointers[3]);
      return new Zip64(field);
    }

    /** The long fields of a local header that points to them. */
    Zip64ExtendedInformationExtraField local64() throws IOException {
      var field = find(Zip64ExtendedInformationExtraField.class);
      if (field == null) {
        throw new IOException("the archive lacks a field of zip64");
      }
      return field;
    }
  }

  /** Long fields; each is there only if the short one points to it. */
  private record Zip64(Zip64ExtendedInformationExtraField field) {
    long size(long small) {
      return small == LONG_IN_ZIP64 ? field.getSize().getLongValue() : small;
    }

    long packed(long small) {
      return small == LONG_IN_ZIP64 ? field.getCompressedSize().getLongValue() : small;
    }

    long offset(long small) {
      return small == LONG_IN_ZIP64 ? field.getRelativeHeaderOffset().getLongValue() : small;
    }

    int part(int small) {
      return small == IN_ZIP64 ? (int) field.getDiskStartNumber().getValue() : small;
    }
  }
}
