package org.cacheddownloads.spec;

import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A body that is too long for memory, served in ranges over connections that break where a test
 * says: one block of random bytes again and again, each time with its number in front.
 */
final class LongBody implements RawOrigin.Script {
  private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-");
  private static final int BLOCK = 1 << 20;

  private final int size;
  private final String header;
  private final byte[] block = Content.random(BLOCK, "block");
  private final Deque<Integer> cutsToCome = new ArrayDeque<>();
  private final AtomicInteger cuts = new AtomicInteger();
  private final AtomicLong sent = new AtomicLong();

  /** Of so many bytes, a multiple of a mebibyte. */
  LongBody(int size, String header) {
    this.size = size;
    this.header = header;
  }

  /** One more response ends after so many bytes. */
  synchronized void cutAfter(int bytes) {
    cutsToCome.add(bytes);
  }

  int cuts() {
    return cuts.get();
  }

  long sent() {
    return sent.get();
  }

  long size() {
    return size;
  }

  String digest() {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      for (int number = 0; number < size / BLOCK; number++) {
        sha256.update(block(number));
      }
      return "sha256:" + HexFormat.of().formatHex(sha256.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private byte[] block(int number) {
    byte[] numbered = block.clone();
    for (int i = 0; i < Integer.BYTES; i++) {
      numbered[i] = (byte) (number >> (8 * i));
    }
    return numbered;
  }

  @Override
  public void run(RawOrigin.Connection connection) throws IOException {
    Matcher range = RANGE.matcher(connection.header("range"));
    int from = range.matches() ? Integer.parseInt(range.group(1)) : 0;
    Integer cut;
    synchronized (this) {
      cut = cutsToCome.poll();
    }
    if (from > 0) {
      connection.head(
          "206 Partial Content",
          size - from,
          header,
          "Content-Range: bytes " + from + "-" + (size - 1) + "/" + size);
    } else {
      connection.head("200 OK", size, header);
    }
    int end = cut == null ? size : Math.min(size, from + cut);
    if (end < size) {
      cuts.incrementAndGet();
    }
    for (int at = from; at < end; ) {
      byte[] bytes = block(at / BLOCK);
      int start = at % BLOCK;
      int length = Math.min(BLOCK - start, end - at);
      connection.send(java.util.Arrays.copyOfRange(bytes, start, start + length));
      sent.addAndGet(length);
      at += length;
    }
  }
}
