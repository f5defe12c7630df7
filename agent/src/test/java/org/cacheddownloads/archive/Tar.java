package org.cacheddownloads.archive;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.function.Consumer;

/** A tar made block by block, so that each byte of it can be wrong. */
final class Tar {
  static final int MODE = 100;
  static final int SIZE = 124;
  static final int TIME = 136;
  static final int SUM = 148;
  static final int TYPE = 156;
  static final int PREFIX = 345;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  Tar file(String name, String text) {
    return entry('0', name, "", text.getBytes(UTF_8), _ -> {});
  }

  Tar executable(String name, String text) {
    return entry('0', name, "", text.getBytes(UTF_8), head -> octal(head, MODE, 8, 0755));
  }

  Tar directory(String name) {
    return entry('5', name, "", new byte[0], _ -> {});
  }

  Tar symlink(String name, String target) {
    return entry('2', name, target, new byte[0], _ -> {});
  }

  Tar hardLink(String name, String target) {
    return entry('1', name, target, new byte[0], _ -> {});
  }

  /** An entry that nothing follows, of any type. */
  Tar typed(char type, String name) {
    return entry(type, name, "", new byte[0], _ -> {});
  }

  /** The long name of the next entry, as GNU tar writes it. */
  Tar longName(String name) {
    return entry('L', "././@LongLink", "", (name + '\0').getBytes(UTF_8), _ -> {});
  }

  Tar longLink(String target) {
    return entry('K', "././@LongLink", "", (target + '\0').getBytes(UTF_8), _ -> {});
  }

  /** Extended headers of the next entry; keys and values in turn. */
  Tar pax(String... keysAndValues) {
    return pax('x', keysAndValues);
  }

  Tar pax(char type, String... keysAndValues) {
    var text = new StringBuilder();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      text.append(record(keysAndValues[i] + '=' + keysAndValues[i + 1] + '\n'));
    }
    return entry(type, "PaxHeader", "", text.toString().getBytes(UTF_8), _ -> {});
  }

  private static String record(String line) {
    int length = line.getBytes(UTF_8).length + 2;
    while (String.valueOf(length).length() + 1 + line.getBytes(UTF_8).length != length) {
      length++;
    }
    return length + " " + line;
  }

  /**
   * @param change what is wrong with the header; its checksum is right afterwards
   */
  Tar entry(char type, String name, String target, byte[] data, Consumer<byte[]> change) {
    return entry(type, name.getBytes(UTF_8), target.getBytes(UTF_8), data, change);
  }

  Tar entry(char type, byte[] name, byte[] target, byte[] data, Consumer<byte[]> change) {
    byte[] head = new byte[512];
    System.arraycopy(name, 0, head, 0, Math.min(100, name.length));
    octal(head, MODE, 8, 0644);
    octal(head, 108, 8, 0);
    octal(head, 116, 8, 0);
    octal(head, SIZE, 12, data.length);
    octal(head, TIME, 12, 1_700_000_000);
    head[TYPE] = (byte) type;
    System.arraycopy(target, 0, head, 157, Math.min(100, target.length));
    System.arraycopy("ustar\00000".getBytes(US_ASCII), 0, head, 257, 8);
    change.accept(head);
    sum(head, 0);
    return raw(head).padded(data);
  }

  /** Makes the sum of the header at {@code start} right. */
  static void sum(byte[] bytes, int start) {
    java.util.Arrays.fill(bytes, start + SUM, start + SUM + 8, (byte) ' ');
    int sum = 0;
    for (int i = start; i < start + 512; i++) {
      sum += bytes[i] & 0xff;
    }
    octal(bytes, start + SUM, 7, sum);
  }

  static void octal(byte[] head, int at, int length, long value) {
    String digits = String.format("%0" + (length - 1) + "o", value);
    System.arraycopy(digits.getBytes(US_ASCII), 0, head, at, length - 1);
    head[at + length - 1] = 0;
  }

  Tar raw(byte[] bytes) {
    out.writeBytes(bytes);
    return this;
  }

  /** Data filled up to whole blocks. */
  Tar padded(byte[] data) {
    out.writeBytes(data);
    out.writeBytes(new byte[(512 - data.length % 512) % 512]);
    return this;
  }

  /** The archive with its end, filled up to a whole record. */
  byte[] end() {
    out.writeBytes(new byte[1024]);
    out.writeBytes(new byte[(10240 - out.size() % 10240) % 10240]);
    return out.toByteArray();
  }

  /** The archive as it is now. */
  byte[] unended() {
    return out.toByteArray();
  }
}
