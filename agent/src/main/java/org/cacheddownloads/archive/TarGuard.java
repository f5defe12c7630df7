package org.cacheddownloads.archive;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.archivers.tar.TarUtils;
import org.cacheddownloads.failure.CacheException.UnsafeArchive;
import org.cacheddownloads.failure.CacheException.UnsupportedArchive;

/**
 * Stands between a stream and the reader of tar from Commons Compress, and refuses what that would
 * pass over: a header whose checksum is wrong, also one of a long name; names and extended headers
 * of any length, kept in memory; absolute names, which it strips; two long names of one entry; maps
 * of sparse files; an archive that ends in the middle, or without its end.
 *
 * <p>It knows blocks, types and sizes of headers and nothing more. The reader takes one block at a
 * time; after a header of an entry the caller says with {@link #expect} how much data follows.
 */
final class TarGuard extends InputStream {
  static final int BLOCK_BYTES = TarConstants.DEFAULT_RCDSIZE;
  private static final int RECORD_BYTES = TarConstants.DEFAULT_BLKSIZE;
  private static final int LONGEST_HEADER = 1 << 20;

  /** 900,000 bytes in which every five may stand for 259: a run is four bytes and a count. */
  private static final int LARGEST_BLOCK_OF_BZIP2 = 900_000 / 5 * 259;

  /** Long name, long link, extended header, global header; some writers repeat one. */
  private static final int MOST_HEADERS = 8;

  private static final int SIZE_OFFSET = 124;
  private static final int TYPE_OFFSET = 156;

  private final InputStream in;
  private final long mostOverhead;
  private byte[] pending = {};
  private int next;
  private State state = State.HEADER;
  private Source name = Source.HEADER;
  private Source target = Source.HEADER;
  private long dataLeft;
  private int headersOfEntry;
  private long position;
  private long overhead;

  /** Where a name of an entry is written. */
  private enum Source {
    /** In the header itself. */
    HEADER,
    /** As bytes, in an entry before. */
    BYTES,
    /** As UTF-8, in an extended header before. */
    TEXT
  }

  private enum State {
    /** A header is next. */
    HEADER,
    /** The header of an entry was given out; nothing more until {@link #expect}. */
    ENTRY,
    /** The data of an entry, filled up to whole blocks. */
    DATA,
    /** The first block of the end was given out, and nothing more is. */
    END
  }

  /**
   * @param mostOverhead most bytes beside the data of entries
   */
  TarGuard(InputStream in, long mostOverhead) {
    this.in = in;
    this.mostOverhead = mostOverhead;
  }

  /** So many bytes of data belong to the entry that was read. */
  void expect(long sizeBytes) {
    dataLeft = (sizeBytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    state = dataLeft == 0 ? State.HEADER : State.DATA;
    headersOfEntry = 0;
    name = Source.HEADER;
    target = Source.HEADER;
  }

  /** Whether the reader has decoded the name of the entry, from UTF-8; else it has bytes of it. */
  boolean isNameText() {
    return name == Source.TEXT;
  }

  /** The same of where a link leads. */
  boolean isTargetText() {
    return target == Source.TEXT;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (next == pending.length) {
      switch (state) {
        case HEADER -> loadHeader();
        case ENTRY -> throw sparse(); // its map is all that the reader takes by itself
        case DATA -> {
          return readData(target, offset, length);
        }
        case END -> {
          return -1;
        }
      }
    }
    int count = Math.min(length, pending.length - next);
    System.arraycopy(pending, next, target, offset, count);
    next += count;
    return count;
  }

  private int readData(byte[] target, int offset, int length) throws IOException {
    int count = in.read(target, offset, (int) Math.min(length, dataLeft));
    if (count < 0) {
      throw cut();
    }
    position += count;
    dataLeft -= count;
    if (dataLeft == 0) {
      state = State.HEADER;
    }
    return count;
  }

  private static EOFException cut() {
    return new EOFException("it ends before its end");
  }

  private void passed(int bytes) {
    position += bytes;
    overhead += bytes;
    if (overhead > mostOverhead) {
      throw UnsafeArchive.over(
          "archives.maxRatio",
          "the archive unpacks to more headers and padding than archives.maxRatio allows");
    }
  }

  // ---- headers ----

  private void loadHeader() throws IOException {
    boolean isFirst = position == 0;
    byte[] block = isFirst ? firstBlock() : readFully(BLOCK_BYTES);
    next = 0;
    pending = block;
    if (isZero(block)) {
      if (headersOfEntry > 0) {
        throw new IOException("it ends after a header that announces another");
      }
      state = State.END;
      return;
    }
    if (!isSumRight(block)) {
      if (isFirst) {
        throw notAnArchive();
      }
      throw new IOException("a header has a wrong checksum");
    }
    checkType(block[TYPE_OFFSET]);
    if ("LKxXg".indexOf(block[TYPE_OFFSET]) < 0) {
      state = State.ENTRY;
      return;
    }
    loadText(block);
  }

  private static boolean isSumRight(byte[] block) {
    try {
      return TarUtils.verifyCheckSum(block);
    } catch (IllegalArgumentException e) {
      return false; // not even a number
    }
  }

  private byte[] firstBlock() throws IOException {
    byte[] block = in.readNBytes(BLOCK_BYTES);
    if (block.length < BLOCK_BYTES) {
      throw notAnArchive();
    }
    passed(BLOCK_BYTES);
    return block;
  }

  /**
   * Reads on first: a decoder may know that the bytes are damaged, but not before the end of a
   * block.
   */
  private UnsupportedArchive notAnArchive() throws IOException {
    long _ = in.skip(LARGEST_BLOCK_OF_BZIP2);
    return new UnsupportedArchive(
        "this is no archive that can be unpacked: neither zip nor tar, nor tar packed with gzip,"
            + " zstd, xz or bzip2");
  }

  private static void checkType(byte type) {
    switch (type) {
      case 0, '0', '1', '2', '5', '7', 'V', 'L', 'K', 'x', 'X', 'g' -> {}
      case '3', '4', '6' -> throw UnsafeArchive.of("the archive has a device or a named pipe");
      case 'S' -> throw sparse();
      default ->
          throw new UnsupportedArchive(
              "the archive has an entry of a type that is not supported: '"
                  + Quote.of(String.valueOf((char) (type & 0xff)))
                  + "'");
    }
  }

  static UnsupportedArchive sparse() {
    return new UnsupportedArchive("the archive has a sparse file, which is not supported");
  }

  /** The text of a long name or of an extended header, to be given out behind its header. */
  private void loadText(byte[] header) throws IOException {
    if (++headersOfEntry > MOST_HEADERS) {
      throw new IOException("an entry has more than " + MOST_HEADERS + " headers");
    }
    long size;
    try {
      size = TarUtils.parseOctalOrBinary(header, SIZE_OFFSET, TarConstants.SIZELEN);
    } catch (IllegalArgumentException e) {
      throw new IOException("a header has no size", e);
    }
    if (size < 0 || size > LONGEST_HEADER) {
      throw UnsafeArchive.of("the archive has a header of more than " + LONGEST_HEADER + " bytes");
    }
    byte[] text = readFully((int) ((size + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES));
    if (size > 0) {
      look(header[TYPE_OFFSET], Arrays.copyOf(text, (int) size));
    }
    pending = Arrays.copyOf(header, BLOCK_BYTES + text.length);
    System.arraycopy(text, 0, pending, BLOCK_BYTES, text.length);
  }

  /** Which of the names of the entry come from where; each from one place only. */
  private void look(byte type, byte[] text) throws IOException {
    switch (type) {
      case 'L' -> {
        name = first(name, Source.BYTES);
        checkRelative(text[0]);
      }
      case 'K' -> target = first(target, Source.BYTES);
      default -> lookAtRecords(type == 'g', text);
    }
  }

  private static Source first(Source before, Source now) throws IOException {
    if (before != Source.HEADER) {
      throw new IOException("an entry has two long names");
    }
    return now;
  }

  /** Records of {@code length key=value newline}, one after another. */
  private void lookAtRecords(boolean isGlobal, byte[] text) throws IOException {
    for (int at = 0; at < text.length; ) {
      int space = indexOf(text, ' ', at);
      int equal = indexOf(text, '=', space);
      int end = at + length(text, at, space);
      if (equal >= end || end > text.length || text[end - 1] != '\n') {
        throw new IOException("a record of an extended header is damaged");
      }
      String key = new String(text, space + 1, equal - space - 1, StandardCharsets.UTF_8);
      boolean isName = key.equals("path");
      if (isName || key.equals("linkpath")) {
        if (isGlobal) {
          throw new IOException("all entries are given one name");
        }
        if (equal + 2 == end) { // the reader would take the header's, which is not of this coding
          throw new IOException("an extended header takes a name away");
        }
        if (isName) {
          name = first(name, Source.TEXT);
          checkRelative(text[equal + 1]);
        } else {
          target = first(target, Source.TEXT);
        }
      }
      at = end;
    }
  }

  private static int indexOf(byte[] text, char wanted, int from) throws IOException {
    for (int i = from; i < text.length; i++) {
      if (text[i] == wanted) {
        return i;
      }
    }
    throw new IOException("a record of an extended header is damaged");
  }

  private static int length(byte[] text, int from, int to) throws IOException {
    try {
      return Integer.parseInt(new String(text, from, to - from, StandardCharsets.ISO_8859_1));
    } catch (NumberFormatException e) {
      throw new IOException("a record of an extended header is damaged", e);
    }
  }

  private static void checkRelative(byte firstByte) {
    if (firstByte == '/') {
      throw UnsafeArchive.of("the archive has an entry with an absolute path");
    }
  }

  private byte[] readFully(int count) throws IOException {
    byte[] bytes = in.readNBytes(count);
    if (bytes.length < count) {
      throw cut();
    }
    passed(count);
    return bytes;
  }

  private static boolean isZero(byte[] block) {
    for (byte b : block) {
      if (b != 0) {
        return false;
      }
    }
    return true;
  }

  // ---- the end ----

  /**
   * Reads what is behind the end, so that the checksum of what it is packed in is looked at too: a
   * second block of zeros, then whatever fills the last record (POSIX, pax, "ustar Interchange
   * Format"), then only zeros.
   */
  void finish() throws IOException {
    long freeFrom = position + BLOCK_BYTES;
    long freeTo = (position + RECORD_BYTES - 1) / RECORD_BYTES * RECORD_BYTES;
    byte[] buffer = new byte[64 * 1024];
    for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
      for (int i = 0; i < count; i++) {
        long at = position + i;
        if (buffer[i] != 0 && (at < freeFrom || at >= freeTo)) {
          throw new IOException("there is more behind its end");
        }
      }
      passed(count);
    }
  }
}
