package org.cacheddownloads.archive;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import org.cacheddownloads.store.StorageFault;

/**
 * Part of a blob as a stream. Faults of the disk come out as {@code CacheException}s: what a
 * decoder says with an {@link IOException} is then about the bytes. Reads by position, so several
 * may read one channel. One thread's.
 */
final class BlobInput extends InputStream {
  private static final int BUFFER_BYTES = 64 * 1024;

  private final FileChannel channel;
  private long end;
  private long position;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private int next;
  private int limit;

  BlobInput(FileChannel channel, long start, long end) {
    this.channel = channel;
    this.position = start;
    this.end = end;
  }

  /** All of it. */
  BlobInput(FileChannel channel) throws IOException {
    this(channel, 0, channel.size());
  }

  /** Goes on elsewhere. */
  void seek(long newStart, long newEnd) {
    position = newStart;
    end = newEnd;
    next = 0;
    limit = 0;
  }

  /** The {@code count} bytes from {@code start} on, in the order of bytes that zip has. */
  static ByteBuffer bytes(FileChannel channel, long start, int count) throws IOException {
    byte[] bytes = new byte[count];
    new BlobInput(channel, start, start + count).readFully(bytes);
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Fills {@code bytes}. */
  void readFully(byte[] bytes) throws IOException {
    if (readNBytes(bytes, 0, bytes.length) < bytes.length) {
      throw new EOFException("it ends before its end");
    }
  }

  /** How many bytes are left, if the blob has them all. */
  long left() {
    return end - position + limit - next;
  }

  @Override
  public int read() {
    return next < limit || fill() ? buffer[next++] & 0xff : -1;
  }

  @Override
  public int read(byte[] target, int offset, int length) {
    if (length == 0) {
      return 0;
    }
    if (next == limit) {
      if (length >= BUFFER_BYTES) {
        return readChannel(target, offset, length);
      }
      if (!fill()) {
        return -1;
      }
    }
    int count = Math.min(length, limit - next);
    System.arraycopy(buffer, next, target, offset, count);
    next += count;
    return count;
  }

  private boolean fill() {
    int count = readChannel(buffer, 0, BUFFER_BYTES);
    next = 0;
    limit = Math.max(0, count);
    return count > 0;
  }

  private int readChannel(byte[] target, int offset, int length) {
    int wanted = (int) Math.min(length, end - position);
    if (wanted <= 0) {
      return -1;
    }
    try {
      int count = channel.read(ByteBuffer.wrap(target, offset, wanted), position);
      position += Math.max(0, count);
      return count;
    } catch (IOException e) {
      throw StorageFault.of("read the archive", e);
    }
  }
}
