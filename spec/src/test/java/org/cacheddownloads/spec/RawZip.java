package org.cacheddownloads.spec;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** A zip made field by field, such as no tool makes: what its headers say need not be true. */
final class RawZip {
  private static final int UNIX = 3 << 8 | 20;
  private static final int UTF8 = 1 << 11;

  /** An entry before it is written; change what is to be wrong. */
  static final class Entry {
    byte[] name;
    byte[] localName;
    int flags = UTF8;
    int method;
    int mode = 0100644;
    byte[] packed;
    long crc;
    long size;
    long offset = -1;

    private Entry(String name, byte[] data, boolean deflated) {
      this.name = name.getBytes(UTF_8);
      this.localName = this.name;
      this.method = deflated ? 8 : 0;
      this.packed = deflated ? deflate(data) : data;
      this.size = data.length;
      var sum = new CRC32();
      sum.update(data);
      this.crc = sum.getValue();
    }
  }

  private final List<Entry> entries = new ArrayList<>();

  RawZip file(String name, String text) {
    return add(name, text.getBytes(UTF_8), _ -> {});
  }

  RawZip add(String name, byte[] data, Consumer<Entry> change) {
    return add(new Entry(name, data, false), change);
  }

  RawZip deflated(String name, byte[] data, Consumer<Entry> change) {
    return add(new Entry(name, data, true), change);
  }

  RawZip directory(String name) {
    return add(name, new byte[0], entry -> entry.mode = 040755);
  }

  RawZip symlink(String name, String target) {
    return add(name, target.getBytes(UTF_8), entry -> entry.mode = 0120777);
  }

  private RawZip add(Entry entry, Consumer<Entry> change) {
    change.accept(entry);
    entries.add(entry);
    return this;
  }

  private static byte[] deflate(byte[] data) {
    var deflater = new Deflater(9, true);
    deflater.setInput(data);
    deflater.finish();
    var packed = new ByteArrayOutputStream();
    byte[] buffer = new byte[64 * 1024];
    while (!deflater.finished()) {
      packed.write(buffer, 0, deflater.deflate(buffer));
    }
    deflater.end();
    return packed.toByteArray();
  }

  byte[] end() {
    var out = new ByteArrayOutputStream();
    for (Entry entry : entries) {
      if (entry.offset < 0) {
        entry.offset = out.size();
      }
      out.writeBytes(local(entry));
      out.writeBytes(entry.packed);
    }
    int start = out.size();
    entries.forEach(entry -> out.writeBytes(central(entry)));
    int size = out.size() - start;
    out.writeBytes(
        bytes(22)
            .putInt(0x06054b50)
            .putInt(0)
            .putShort((short) entries.size())
            .putShort((short) entries.size())
            .putInt(size)
            .putInt(start)
            .putShort((short) 0)
            .array());
    return out.toByteArray();
  }

  private static byte[] local(Entry entry) {
    ByteBuffer head = bytes(30 + entry.localName.length).putInt(0x04034b50).putShort((short) 20);
    return facts(head, entry)
        .putShort((short) entry.localName.length)
        .putShort((short) 0)
        .put(entry.localName)
        .array();
  }

  private static byte[] central(Entry entry) {
    ByteBuffer head = bytes(46 + entry.name.length).putInt(0x02014b50);
    head.putShort((short) UNIX).putShort((short) 20);
    return facts(head, entry)
        .putShort((short) entry.name.length)
        .putShort((short) 0)
        .putShort((short) 0)
        .putShort((short) 0)
        .putShort((short) 0)
        .putInt(entry.mode << 16)
        .putInt((int) entry.offset)
        .put(entry.name)
        .array();
  }

  /** What both headers have: flags, method, time, checksum, sizes. */
  private static ByteBuffer facts(ByteBuffer head, Entry entry) {
    return head.putShort((short) entry.flags)
        .putShort((short) entry.method)
        .putShort((short) 0)
        .putShort((short) 0x21)
        .putInt((int) entry.crc)
        .putInt(entry.packed.length)
        .putInt((int) entry.size);
  }

  private static ByteBuffer bytes(int count) {
    return ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
  }
}
