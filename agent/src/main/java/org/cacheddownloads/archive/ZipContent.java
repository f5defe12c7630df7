package org.cacheddownloads.archive;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.apache.commons.compress.archivers.zip.ZipEightByteInteger;
import org.cacheddownloads.failure.CacheException.UnsafeArchive;

/**
 * The bytes of one entry of a zip after another. Before the first of them the local header is
 * compared with the central directory, and the place of the entry with that of the next one; with
 * the last one, checksum and sizes. One thread's; to be closed.
 */
final class ZipContent implements Content, AutoCloseable {
  private static final int SIGNATURE = 0x04034b50;
  private static final int HEAD_BYTES = 30;
  private static final int SIGNATURE_OF_DESCRIPTOR = 0x08074b50;
  private static final int LONGEST_DESCRIPTOR = 24;
  private static final int DESCRIBED_LATER = 1 << 3;

  /** Flags that change what the bytes mean. */
  private static final int MEANING = 1 | 1 << 5 | 1 << 6 | 1 << 11 | 1 << 13;

  private static final int BUFFER_BYTES = 64 * 1024;

  private final long[] starts;
  private final BlobInput in;
  private final Inflater inflater = new Inflater(true);
  private final CRC32 crc = new CRC32();
  private final byte[] packed = new byte[BUFFER_BYTES];
  private ZipRecord record;
  private boolean isDescribedLater;
  private long packedLeft;
  private long sizeBytes;
  private boolean ended;

  /**
   * @param starts where local headers begin, and last the central directory; ascending
   */
  @SuppressWarnings("NullAway.Init") // open() comes before all else
  ZipContent(FileChannel channel, long[] starts) {
    this.starts = starts;
    this.in = new BlobInput(channel, 0, 0);
  }

  /**
   * Goes to the data of {@code next}.
   *
   * @throws UnsafeArchive if it overlaps another, or its local header says something else
   */
  void open(ZipRecord next) {
    record = next;
    inflater.reset();
    crc.reset();
    sizeBytes = 0;
    ended = false;
    packedLeft = next.packedBytes();
    Damage.when(this::openLocal);
  }

  private void openLocal() throws IOException {
    in.seek(record.offset(), startAfter(record.offset()));
    byte[] bytes = new byte[HEAD_BYTES];
    in.readFully(bytes);
    ByteBuffer head = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int flags = ZipRecord.unsigned(head.getShort(6));
    byte[] name = new byte[ZipRecord.unsigned(head.getShort(26))];
    byte[] extra = new byte[ZipRecord.unsigned(head.getShort(28))];
    in.readFully(name);
    in.readFully(extra);
    isDescribedLater = (flags & DESCRIBED_LATER) != 0;
    boolean same =
        head.getInt(0) == SIGNATURE
            && (flags & MEANING) == (record.flags() & MEANING)
            && ZipRecord.unsigned(head.getShort(8)) == record.method()
            && record.rawName().equals(ByteBuffer.wrap(name))
            && sameSizes(head, extra);
    if (!same) {
      throw differs();
    }
    if (in.left() < record.packedBytes()) {
      throw UnsafeArchive.of("the entry '" + record.path() + "' overlaps another");
    }
  }

  private long startAfter(long offset) {
    int at = Arrays.binarySearch(starts, offset);
    return starts[at + 1];
  }

  private boolean sameSizes(ByteBuffer head, byte[] extra) throws IOException {
    long crcThere = Integer.toUnsignedLong(head.getInt(14));
    long packedThere = Integer.toUnsignedLong(head.getInt(18));
    long sizeThere = Integer.toUnsignedLong(head.getInt(22));
    if (isDescribedLater && crcThere == 0 && isUnknown(packedThere) && isUnknown(sizeThere)) {
      return true;
    }
    if (packedThere == ZipRecord.LONG_IN_ZIP64 || sizeThere == ZipRecord.LONG_IN_ZIP64) {
      var field = new ZipRecord.Fields(extra, true).local64();
      packedThere = longer(packedThere, field.getCompressedSize());
      sizeThere = longer(sizeThere, field.getSize());
    }
    return crcThere == record.crc()
        && packedThere == record.packedBytes()
        && sizeThere == record.sizeBytes();
  }

  private static long longer(long small, ZipEightByteInteger large) {
    return small == ZipRecord.LONG_IN_ZIP64 && large != null ? large.getLongValue() : small;
  }

  private static boolean isUnknown(long size) {
    return size == 0 || size == ZipRecord.LONG_IN_ZIP64;
  }

  private UnsafeArchive differs() {
    return UnsafeArchive.damaged(
        "the archive is damaged: its directory and the entry '"
            + record.path()
            + "' say different things",
        null);
  }

  @Override
  public int read(byte[] target, int offset, int length) {
    return Damage.in(
        () -> {
          int count =
              record.isDeflated() ? inflate(target, offset, length) : take(target, offset, length);
          if (count < 0 && !ended) {
            checkEnd();
            ended = true;
          }
          if (count < 0) {
            return -1;
          }
          crc.update(target, offset, count);
          sizeBytes += count;
          if (sizeBytes > record.sizeBytes()) {
            throw differs();
          }
          return count;
        });
  }

  /** The next packed bytes; -1 behind the last. */
  private int take(byte[] target, int offset, int length) throws IOException {
    if (packedLeft == 0) {
      return -1;
    }
    int count = in.read(target, offset, (int) Math.min(length, packedLeft));
    if (count < 0) {
      throw new EOFException("it ends before its end");
    }
    packedLeft -= count;
    return count;
  }

  private int inflate(byte[] target, int offset, int length) throws IOException {
    try {
      while (!inflater.finished()) {
        int count = inflater.inflate(target, offset, length);
        if (count > 0) {
          return count;
        }
        if (inflater.needsDictionary()) {
          throw differs();
        }
        if (inflater.needsInput() && !inflater.finished()) {
          int more = take(packed, 0, packed.length);
          if (more < 0) {
            throw differs();
          }
          inflater.setInput(packed, 0, more);
        }
      }
      return -1;
    } catch (DataFormatException e) {
      throw new IOException("the entry '" + record.path() + "' is damaged", e);
    }
  }

  private void checkEnd() throws IOException {
    boolean isWhole =
        sizeBytes == record.sizeBytes()
            && crc.getValue() == record.crc()
            && packedLeft == 0
            && (!record.isDeflated() || inflater.getRemaining() == 0)
            && (!isDescribedLater || isDescribed());
    if (!isWhole) {
      throw differs();
    }
  }

  /** Whether what follows the data says the same, in one of the four ways to write it. */
  private boolean isDescribed() throws IOException {
    byte[] bytes = in.readNBytes((int) Math.min(LONGEST_DESCRIPTOR, in.left()));
    ByteBuffer after = ByteBuffer.allocate(LONGEST_DESCRIPTOR).order(ByteOrder.LITTLE_ENDIAN);
    after.put(0, bytes);
    return isDescribed(after, 0, bytes.length)
        || (after.getInt(0) == SIGNATURE_OF_DESCRIPTOR && isDescribed(after, 4, bytes.length));
  }

  private boolean isDescribed(ByteBuffer after, int at, int count) {
    if (Integer.toUnsignedLong(after.getInt(at)) != record.crc()) {
      return false;
    }
    boolean isShort =
        at + 12 <= count
            && Integer.toUnsignedLong(after.getInt(at + 4)) == record.packedBytes()
            && Integer.toUnsignedLong(after.getInt(at + 8)) == record.sizeBytes();
    return isShort
        || (at + 20 <= count
            && after.getLong(at + 4) == record.packedBytes()
            && after.getLong(at + 12) == record.sizeBytes());
  }

  @Override
  public void close() {
    inflater.end();
  }
}
