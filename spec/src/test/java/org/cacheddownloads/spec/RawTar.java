package org.cacheddownloads.spec;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;

/** A tar made block by block: small ones for tests of other things, and such as no tool makes. */
final class RawTar {
  /** When all entries were modified, in seconds. */
  static final long MODIFIED = 1_700_000_000;

  private static final int BLOCK = 512;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  RawTar file(String name, String text) {
    return file(name, text.getBytes(UTF_8));
  }

  RawTar file(String name, byte[] bytes) {
    return entry('0', 0644, name, "", bytes);
  }

  RawTar executable(String name, String text) {
    return executable(name, text.getBytes(UTF_8));
  }

  RawTar executable(String name, byte[] bytes) {
    return entry('0', 0755, name, "", bytes);
  }

  RawTar directory(String name) {
    return entry('5', 0755, name, "", new byte[0]);
  }

  RawTar symlink(String name, String target) {
    return entry('2', 0777, name, target, new byte[0]);
  }

  RawTar hardLink(String name, String target) {
    return entry('1', 0644, name, target, new byte[0]);
  }

  /** An entry of another type, without data. */
  RawTar typed(char type, String name) {
    return entry(type, 0644, name, "", new byte[0]);
  }

  /** The long name of the next entry, as GNU tar writes it. */
  RawTar longName(String name) {
    return entry('L', 0644, "././@LongLink", "", (name + '\0').getBytes(UTF_8));
  }

  /** A record of an extended header of the next entry. */
  RawTar pax(String key, String value) {
    String record = " " + key + "=" + value + "\n";
    int bytes = record.getBytes(UTF_8).length;
    int length = bytes + String.valueOf(bytes).length();
    length = bytes + String.valueOf(length).length();
    return entry('x', 0644, "PaxHeader", "", (length + record).getBytes(UTF_8));
  }

  RawTar entry(char type, int mode, String name, String target, byte[] data) {
    byte[] head = new byte[BLOCK];
    put(head, 0, name, 100);
    put(head, 100, "%07o".formatted(mode), 8);
    put(head, 108, "0000000", 8);
    put(head, 116, "0000000", 8);
    put(head, 124, "%011o".formatted(data.length), 12);
    put(head, 136, "%011o".formatted(MODIFIED), 12);
    put(head, 148, "        ", 8);
    head[156] = (byte) type;
    put(head, 157, target, 100);
    put(head, 257, "ustar\00000", 8);
    int sum = 0;
    for (byte b : head) {
      sum += b & 0xff;
    }
    put(head, 148, "%06o\0 ".formatted(sum), 8);
    return raw(head).raw(Arrays.copyOf(data, (data.length + BLOCK - 1) / BLOCK * BLOCK));
  }

  private static void put(byte[] head, int at, String text, int most) {
    byte[] bytes = text.getBytes(UTF_8);
    System.arraycopy(bytes, 0, head, at, Math.min(bytes.length, most));
  }

  RawTar raw(byte[] bytes) {
    out.writeBytes(bytes);
    return this;
  }

  /** The archive with its end. */
  byte[] end() {
    raw(new byte[2 * BLOCK]);
    return out.toByteArray();
  }

  /** The archive without its end. */
  byte[] unended() {
    return out.toByteArray();
  }

  /** The archive with its end, packed. */
  byte[] gzip() {
    return gzip(end());
  }

  static byte[] gzip(byte[] bytes) {
    var packed = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(packed)) {
      gzip.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return packed.toByteArray();
  }

  /** The text of {@code bin/hello} in a {@link #program}. */
  static final String HELLO = "#!/bin/sh\nexec cat \"${0%/*}/../version\"\n";

  /** A small program with what it needs: prints {@code version}. */
  static byte[] program(String version) {
    return new RawTar().withProgram(version).gzip();
  }

  RawTar withProgram(String version) {
    return directory("bin/")
        .executable("bin/hello", HELLO)
        .symlink("bin/relative", "hello")
        .file("version", version);
  }
}
