package org.cacheddownloads.archive;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/**
 * A zip made field by field, so that each byte of it can be wrong, in one place and not another.
 */
final class Zip {
  static final int UNIX = 3 << 8 | 20;
  static final int FAT = 20;
  static final int DESCRIBED_LATER = 1 << 3;
  static final int UTF8 = 1 << 11;

  /** One entry, before it is written; {@code local…} are the fields of its local header. */
  static final class Entry {
    byte[] name;
    byte[] localName;
    int madeBy = UNIX;
    int flags = UTF8;
    int localFlags = UTF8;
    int method = 8;
    int localMethod = 8;
    int time = 0;
    int date = 0x21; // 1980-01-01
    long crc;
    long localCrc;
    byte[] packed;
    long packedBytes;
    long localPackedBytes;
    long size;
    long localSize;
    byte[] extra = {};
    byte[] localExtra = {};
    byte[] descriptor = {};
    int mode = 0100644;
    int part = 0;
    long offset = -1;
    boolean hasLocal = true;

    /** Leaves sizes and checksum to a descriptor behind the data. */
    Entry describedLater(byte[] after) {
      flags |= DESCRIBED_LATER;
      localFlags |= DESCRIBED_LATER;
      localCrc = 0;
      localPackedBytes = 0;
      localSize = 0;
      descriptor = after;
      return this;
    }

    Entry renamed(String newName) {
      name = newName.getBytes(UTF_8);
      localName = name;
      return this;
    }
  }

  private final List<Entry> entries = new ArrayList<>();
  private byte[] prefix = {};
  private byte[] behindEntries = {};
  private byte[] comment = {};
  private boolean zip64;
  private int countOff;
  private int startOff;
  private int partOfDirectory;

  static Entry stored(String name, byte[] data) {
    Entry entry = deflated(name, data);
    entry.method = 0;
    entry.localMethod = 0;
    entry.packed = data;
    entry.packedBytes = data.length;
    entry.localPackedBytes = data.length;
    return entry;
  }

  static Entry deflated(String name, byte[] data) {
    var entry = new Entry();
    entry.renamed(name);
    var deflater = new Deflater(9, true);
    deflater.setInput(data);
    deflater.finish();
    var packed = new ByteArrayOutputStream();
    byte[] buffer = new byte[64 * 1024];
    while (!deflater.finished()) {
      packed.write(buffer, 0, deflater.deflate(buffer));
    }
    deflater.end();
    var crc = new CRC32();
    crc.update(data);
    entry.crc = crc.getValue();
    entry.localCrc = entry.crc;
    entry.packed = packed.toByteArray();
    entry.packedBytes = entry.packed.length;
    entry.localPackedBytes = entry.packed.length;
    entry.size = data.length;
    entry.localSize = data.length;
    return entry;
  }

  static Entry deflated(String name, String text) {
    return deflated(name, text.getBytes(UTF_8));
  }

  Zip add(Entry entry) {
    entries.add(entry);
    return this;
  }

  Zip add(Entry entry, Consumer<Entry> change) {
    change.accept(entry);
    return add(entry);
  }

  Zip file(String name, String text) {
    return add(deflated(name, text));
  }

  Zip directory(String name) {
    return add(stored(name, new byte[0]), e -> e.mode = 040755);
  }

  Zip symlink(String name, String target) {
    return add(stored(name, target.getBytes(UTF_8)), e -> e.mode = 0120777);
  }

  Zip prefix(byte[] bytes) {
    prefix = bytes;
    return this;
  }

  Zip behindEntries(byte[] bytes) {
    behindEntries = bytes;
    return this;
  }

  Zip comment(byte[] bytes) {
    comment = bytes;
    return this;
  }

  Zip zip64() {
    zip64 = true;
    return this;
  }

  Zip countOff(int by) {
    countOff = by;
    return this;
  }

  Zip startOff(int by) {
    startOff = by;
    return this;
  }

  Zip partOfDirectory(int part) {
    partOfDirectory = part;
    return this;
  }

  byte[] end() {
    var out = new ByteArrayOutputStream();
    out.writeBytes(prefix);
    for (Entry entry : entries) {
      if (entry.offset < 0) {
        entry.offset = out.size();
      }
      if (entry.hasLocal) {
        out.writeBytes(local(entry));
        out.writeBytes(entry.packed);
        out.writeBytes(entry.descriptor);
      }
    }
    out.writeBytes(behindEntries);
    long start = out.size();
    entries.forEach(entry -> out.writeBytes(central(entry)));
    writeEnd(out, start);
    return out.toByteArray();
  }

  private static byte[] local(Entry e) {
    return bytes(30 + e.localName.length + e.localExtra.length)
        .putInt(0x04034b50)
        .putShort((short) 20)
        .putShort((short) e.localFlags)
        .putShort((short) e.localMethod)
        .putShort((short) e.time)
        .putShort((short) e.date)
        .putInt((int) e.localCrc)
        .putInt((int) e.localPackedBytes)
        .putInt((int) e.localSize)
        .putShort((short) e.localName.length)
        .putShort((short) e.localExtra.length)
        .put(e.localName)
        .put(e.localExtra)
        .array();
  }

  private static byte[] central(Entry e) {
    return bytes(46 + e.name.length + e.extra.length)
        .putInt(0x02014b50)
        .putShort((short) e.madeBy)
        .putShort((short) 20)
        .putShort((short) e.flags)
        .putShort((short) e.method)
        .putShort((short) e.time)
        .putShort((short) e.date)
        .putInt((int) e.crc)
        .putInt((int) e.packedBytes)
        .putInt((int) e.size)
        .putShort((short) e.name.length)
        .putShort((short) e.extra.length)
        .putShort((short) 0)
        .putShort((short) e.part)
        .putShort((short) 0)
        .putInt(e.mode << 16)
        .putInt((int) e.offset)
        .put(e.name)
        .put(e.extra)
        .array();
  }

  private void writeEnd(ByteArrayOutputStream out, long start) {
    long here = out.size();
    int count = entries.size() + countOff;
    if (zip64) {
      out.writeBytes(
          bytes(56 + 20)
              .putInt(0x06064b50)
              .putLong(44)
              .putShort((short) 45)
              .putShort((short) 45)
              .putInt(0)
              .putInt(0)
              .putLong(count)
              .putLong(count)
              .putLong(here - start)
              .putLong(start + startOff)
              .putInt(0x07064b50)
              .putInt(0)
              .putLong(here)
              .putInt(1)
              .array());
    }
    out.writeBytes(
        bytes(22 + comment.length)
            .putInt(0x06054b50)
            .putShort((short) 0)
            .putShort((short) partOfDirectory)
            .putShort((short) (zip64 ? -1 : count))
            .putShort((short) (zip64 ? -1 : count))
            .putInt(zip64 ? -1 : (int) (here - start))
            .putInt(zip64 ? -1 : (int) start + startOff)
            .putShort((short) comment.length)
            .put(comment)
            .array());
  }

  /** Little-endian, as all numbers of a zip are. */
  static ByteBuffer bytes(int count) {
    return ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** What follows the data of an entry whose local header does not tell. */
  static byte[] descriptor(Entry entry, boolean signature, boolean wide) {
    ByteBuffer fields =
        bytes((signature ? 4 : 0) + (wide ? 20 : 12))
            .put(signature ? bytes(4).putInt(0x08074b50).array() : new byte[0])
            .putInt((int) entry.crc);
    for (long size : new long[] {entry.packedBytes, entry.size}) {
      if (wide) {
        fields.putLong(size);
      } else {
        fields.putInt((int) size);
      }
    }
    byte[] all = new byte[fields.capacity()];
    fields.get(0, all);
    return all;
  }

  /** An extra field. */
  static byte[] field(int id, byte[] data) {
    return bytes(4 + data.length)
        .putShort((short) id)
        .putShort((short) data.length)
        .put(data)
        .array();
  }
}
