package org.cacheddownloads.advice;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Reads a trace from the first line to the last, in memory for one line. Not thread-safe.
 *
 * <p>The first line names the columns, of which {@code time} (milliseconds), {@code key} and {@code
 * size} have to be there, in any order and among others; without {@code allocated} an object takes
 * its size. A key of 16 hex digits is a hash already, any other text becomes one. A last line
 * without its end was torn by a kill, and is left out. Fields have no quotes.
 */
public final class TraceReader implements AutoCloseable {
  /** No line is longer, in bytes. */
  static final int MOST_LINE_BYTES = 4096;

  private static final int BUFFER_BYTES = 1 << 16;
  private static final int HASH_DIGITS = 16;
  private static final byte COMMA = ',';

  private final InputStream in;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private int from;
  private int to;

  private final byte[] line = new byte[MOST_LINE_BYTES];
  private int length;
  private long number;
  private boolean torn;

  /** Where the fields of the line end; the next one begins behind the comma. */
  private int[] ends = new int[0];

  private int time;
  private int key;
  private int size;
  private int allocated;
  private int outcome;
  private int duration;

  private TraceReader(InputStream in) {
    this.in = in;
  }

  /**
   * Begins to read, and closes {@code in} at last.
   *
   * @throws InvalidTrace if the first line does not name the columns
   */
  public static TraceReader of(InputStream in) throws IOException {
    var reader = new TraceReader(in);
    reader.header();
    return reader;
  }

  /**
   * The next request, or null after the last.
   *
   * @throws InvalidTrace if the line is not one
   */
  public @Nullable TraceLine next() throws IOException {
    if (!readLine()) return null;
    split();
    long bytes = count(size, "size");
    return new TraceLine(
        count(time, "time"),
        hash(),
        bytes,
        allocated < 0 ? bytes : count(allocated, "allocated"),
        outcome < 0 ? "" : text(outcome),
        duration < 0 ? 0 : count(duration, "duration"));
  }

  /** Whether the last line was torn and left out; to be asked at the end. */
  public boolean torn() {
    return torn;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }

  private void header() throws IOException {
    String wanted = "the first line has to name the columns, such as " + TraceLine.HEADER;
    if (!readLine()) throw new InvalidTrace(1, torn ? wanted : "the file is empty; " + wanted);
    String text = new String(line, 0, length, StandardCharsets.UTF_8);
    List<String> names =
        Arrays.stream(text.split(",", -1))
            .map(name -> name.strip().toLowerCase(Locale.ROOT))
            .toList();
    time = names.indexOf("time");
    key = names.indexOf("key");
    size = names.indexOf("size");
    allocated = names.indexOf("allocated");
    outcome = names.indexOf("outcome");
    duration = names.indexOf("duration");
    for (String needed : List.of("time", "key", "size")) {
      if (!names.contains(needed)) throw new InvalidTrace(1, "no column " + needed + "; " + wanted);
    }
    ends = new int[names.size()];
  }

  /** Whether there was one; without its end. */
  private boolean readLine() throws IOException {
    length = 0;
    while (true) {
      if (from == to) {
        from = 0;
        to = in.read(buffer);
        if (to < 0) {
          to = 0;
          torn = length > 0;
          return false;
        }
      }
      int end = from;
      while (end < to && buffer[end] != '\n') end++;
      if (length + end - from > MOST_LINE_BYTES)
        throw new InvalidTrace(number + 1, "longer than " + MOST_LINE_BYTES + " bytes");
      System.arraycopy(buffer, from, line, length, end - from);
      length += end - from;
      from = end;
      if (end == to) continue;
      from++;
      number++;
      if (length > 0 && line[length - 1] == '\r') length--;
      return true;
    }
  }

  private void split() throws InvalidTrace {
    int fields = 0;
    for (int i = 0; i <= length; i++) {
      if (i < length && line[i] != COMMA) continue;
      if (fields < ends.length) ends[fields] = i;
      fields++;
    }
    if (fields != ends.length)
      throw new InvalidTrace(
          number, fields + " fields, and the first line names " + ends.length + " columns");
  }

  private int start(int field) {
    return field == 0 ? 0 : ends[field - 1] + 1;
  }

  private String text(int field) {
    return new String(line, start(field), ends[field] - start(field), StandardCharsets.UTF_8);
  }

  private long count(int field, String name) throws InvalidTrace {
    int start = start(field);
    int end = ends[field];
    long value = 0;
    for (int i = start; i < end; i++) {
      int digit = line[i] - '0';
      if (digit < 0 || digit > 9 || value > (Long.MAX_VALUE - digit) / 10)
        throw notACount(field, name);
      value = value * 10 + digit;
    }
    if (start == end) throw notACount(field, name);
    return value;
  }

  private InvalidTrace notACount(int field, String name) {
    String text = text(field);
    String shown = text.length() <= 40 ? text : text.substring(0, 40) + "…";
    return new InvalidTrace(
        number, name + " must be a whole number from 0 on, not \"" + shown + "\"");
  }

  private long hash() {
    int start = start(key);
    int end = ends[key];
    if (end - start != HASH_DIGITS || !allHex(start, end)) return hashed(start, end);
    long value = 0;
    for (int i = start; i < end; i++) value = value << 4 | HexFormat.fromHexDigit(line[i]);
    return value;
  }

  private boolean allHex(int start, int end) {
    for (int i = start; i < end; i++) {
      if (!HexFormat.isHexDigit(line[i])) return false;
    }
    return true;
  }

  /** FNV-1a of 64 bits: of a trace from elsewhere, whose keys nobody has chosen to collide. */
  private long hashed(int start, int end) {
    long hash = 0xcbf29ce484222325L;
    for (int i = start; i < end; i++) hash = (hash ^ (line[i] & 0xff)) * 0x100000001b3L;
    return Workload.mixed(hash);
  }
}
