package org.cacheddownloads.archive;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdIOException;
import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import java.io.BufferedInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.UnsupportedArchive;
import org.tukaani.xz.MemoryLimitException;
import org.tukaani.xz.UnsupportedOptionsException;
import org.tukaani.xz.XZInputStream;

/** How an archive is packed, told by its first bytes and never by a name. */
enum Format {
  ZIP,
  GZIP,
  ZSTD,
  XZ,
  BZIP2,
  /** Also all that is nothing else: its first header tells whether it is one. */
  TAR;

  private static final int HEAD_BYTES = 6;
  private static final int LOOK_EVERY_MILLIS = 200;

  /** What {@code zstd -d} takes without being told to take more; off the heap. */
  private static final int ZSTD_WINDOW_LOG = 27;

  /** Enough for {@code xz -6}, the default, and {@code -7}. */
  private static final int XZ_SMALL_KIB = 20 * 1024;

  /** Enough for {@code xz -9}. */
  private static final int XZ_LARGE_KIB = 80 * 1024;

  /** One large dictionary at a time: two of them would be more than half of the heap. */
  private static final Semaphore XZ_LARGE = new Semaphore(1);

  static Format of(FileChannel blob) {
    byte[] head = new byte[HEAD_BYTES];
    int count = Math.max(0, new BlobInput(blob, 0, HEAD_BYTES).read(head, 0, HEAD_BYTES));
    return count < HEAD_BYTES ? TAR : of(head);
  }

  private static Format of(byte[] head) {
    int first = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getInt();
    if (first == 0x04034b50 || first == 0x06054b50) { // an entry, or the end of an empty one
      return ZIP;
    }
    if (first == 0xfd2fb528 || (first & 0xfffffff0) == 0x184d2a50) { // a frame, or one to skip
      return ZSTD;
    }
    if ((first & 0xffff) == 0x8b1f) {
      return GZIP;
    }
    if (first == 0x587a37fd && head[4] == 'Z' && head[5] == 0) {
      return XZ;
    }
    if ((first & 0xffffff) == 0x685a42) { // BZh
      return BZIP2;
    }
    return TAR;
  }

  /**
   * What a stream of tar is read from; closing it gives back what the decoder holds.
   *
   * @param check called while it waits for its turn; ends that by throwing
   */
  InputStream open(FileChannel blob, Runnable check) throws IOException {
    var packed = new BlobInput(blob);
    return switch (this) {
      case TAR -> packed;
      case GZIP ->
          GzipCompressorInputStream.builder()
              .setInputStream(new ShortHeaders(packed))
              .setDecompressConcatenated(true)
              .get();
      case BZIP2 -> new BZip2CompressorInputStream(packed, true);
      case ZSTD -> zstd(packed);
      case XZ -> xz(blob, check);
      case ZIP -> throw new IllegalStateException("a zip is no stream");
    };
  }

  /**
   * Ends the header of a gzip member that is endless: the decoder would keep all of it in memory.
   * Only headers and trailers are read byte by byte.
   */
  private static final class ShortHeaders extends BufferedInputStream {
    private static final int LONGEST = 64 * 1024;
    private int single;

    ShortHeaders(InputStream in) {
      super(in, 64 * 1024);
    }

    @Override
    public synchronized int read() throws IOException {
      if (++single > LONGEST) {
        throw new IOException("the header of a gzip member is longer than " + LONGEST + " bytes");
      }
      return super.read();
    }

    @Override
    public synchronized int read(byte[] target, int offset, int length) throws IOException {
      single = 0;
      return super.read(target, offset, length);
    }
  }

  private static InputStream zstd(InputStream packed) throws IOException {
    try {
      return new Zstandard(new ZstdInputStreamNoFinalizer(packed).setLongMax(ZSTD_WINDOW_LOG));
    } catch (LinkageError e) {
      throw new UnsupportedArchive(
          "the archive is packed with zstd, and its library does not load here ("
              + Quote.of(String.valueOf(e.getMessage()))
              + "); the directory for temporary files may forbid programs");
    }
  }

  private static final class Zstandard extends FilterInputStream {
    Zstandard(InputStream in) {
      super(in);
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      try {
        return super.read(target, offset, length);
      } catch (ZstdIOException e) {
        long code = e.getErrorCode();
        if (code == Zstd.errFrameParameterWindowTooLarge()) {
          throw new UnsupportedArchive(
              "the archive needs a window of more than 128 MiB to unpack; pack it without"
                  + " --long, or with --long=27");
        }
        if (code == Zstd.errDictionaryWrong()) {
          throw new UnsupportedArchive("the archive was packed with a dictionary");
        }
        throw e;
      }
    }
  }

  private static InputStream xz(FileChannel blob, Runnable check) throws IOException {
    var small = new Xz(blob, XZ_SMALL_KIB, false);
    try {
      small.peek();
      return small;
    } catch (MemoryLimitException e) {
      acquireLarge(check);
    }
    try {
      return new Xz(blob, XZ_LARGE_KIB, true);
    } catch (IOException | RuntimeException e) {
      XZ_LARGE.release();
      throw e;
    }
  }

  private static void acquireLarge(Runnable check) {
    try {
      while (!XZ_LARGE.tryAcquire(LOOK_EVERY_MILLIS, TimeUnit.MILLISECONDS)) {
        check.run();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Busy("the request was given up", e);
    }
  }

  private static final class Xz extends FilterInputStream {
    private boolean large;

    Xz(FileChannel blob, int memoryKib, boolean large) throws IOException {
      super(new PushbackInputStream(new XZInputStream(new BlobInput(blob), memoryKib)));
      this.large = large;
    }

    /** Reads as far as the first dictionary. */
    void peek() throws IOException {
      int first = in.read();
      if (first >= 0) {
        ((PushbackInputStream) in).unread(first);
      }
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      try {
        return super.read(target, offset, length);
      } catch (MemoryLimitException e) {
        throw new UnsupportedArchive(
            "the archive needs "
                + e.getMemoryNeeded() / 1024
                + " MiB of memory to unpack; pack it with xz -9 or less");
      } catch (UnsupportedOptionsException e) {
        throw new UnsupportedArchive("the archive uses options of xz that are not supported here");
      }
    }

    @Override
    public void close() throws IOException {
      if (large) {
        large = false;
        XZ_LARGE.release();
      }
      super.close();
    }
  }
}
