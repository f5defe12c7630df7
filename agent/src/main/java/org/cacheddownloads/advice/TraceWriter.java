package org.cacheddownloads.advice;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Appends requests to a trace file, until the file has as many bytes as it may have. {@link
 * #record} throws nothing and never waits for the disk: lines gather in memory, at most {@value
 * #MOST_WAITING_BYTES} bytes of them, and a thread writes them at least once a second. What comes
 * while they are too many is lost and counted. Nothing is synced: a kill of the machine may cost
 * the last lines, and one of the process the last second; a line that was torn is cut off at the
 * next opening. Thread-safe.
 */
public final class TraceWriter implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(TraceWriter.class);
  private static final byte[] HEADER = (TraceLine.HEADER + "\n").getBytes(US_ASCII);
  private static final int MOST_WAITING_BYTES = 1 << 20;
  private static final int WORTH_WRITING_BYTES = 1 << 16;
  private static final long AT_LEAST_EVERY_MILLIS = 1_000;

  /** How it stands with a writer. */
  public enum State {
    /** Lines are taken. */
    WRITING,
    /** The file has as many bytes as it may have. */
    FULL,
    /** The file could not be written; the log says why. */
    FAILED,
    CLOSED;

    /** As people read it. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private final Path file;
  private final FileChannel channel;
  private final long maxBytes;
  private final Thread thread;

  @GuardedBy("this")
  private final ByteArrayOutputStream waiting = new ByteArrayOutputStream();

  /** Of the file, with what waits. */
  @GuardedBy("this")
  private long bytes;

  @GuardedBy("this")
  private State state = State.WRITING;

  @GuardedBy("this")
  private long lost;

  private TraceWriter(Path file, FileChannel channel, long bytes, long maxBytes) {
    this.file = file;
    this.channel = channel;
    this.bytes = bytes;
    this.maxBytes = maxBytes;
    thread = Thread.ofVirtual().name("trace").unstarted(this::writeUntilClosed);
  }

  /**
   * Opens a file, or makes it.
   *
   * @throws IOException if that fails, or if the file begins otherwise than a trace of this version
   */
  public static TraceWriter open(Path file, long maxBytes) throws IOException {
    var channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      return start(file, channel, beginOrGoOn(file, channel), maxBytes);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Goes on behind so many bytes of what is open already. */
  static TraceWriter start(Path file, FileChannel channel, long bytes, long maxBytes)
      throws IOException {
    channel.position(bytes);
    var writer = new TraceWriter(file, channel, bytes, maxBytes);
    writer.thread.start();
    return writer;
  }

  /** Takes a request, if there is room for it. */
  public synchronized void record(TraceLine line) {
    if (state != State.WRITING) return;
    byte[] text = (line.text() + "\n").getBytes(UTF_8);
    if (bytes + text.length > maxBytes) {
      state = State.FULL;
      log.warn("the trace is full, nothing more is recorded file={} bytes={}", file, bytes);
      notifyAll();
      return;
    }
    if (waiting.size() + text.length > MOST_WAITING_BYTES) {
      lost++;
      return;
    }
    bytes += text.length;
    waiting.writeBytes(text);
    if (waiting.size() >= WORTH_WRITING_BYTES) notifyAll();
  }

  public synchronized State state() {
    return state;
  }

  /** Bytes of the file, with those that are about to be written. */
  public synchronized long bytes() {
    return bytes;
  }

  /** Requests that came faster than they could be written. */
  public synchronized long lost() {
    return lost;
  }

  /** Writes what waits, and takes no more. */
  @Override
  public void close() {
    synchronized (this) {
      if (state != State.FAILED) state = State.CLOSED;
      notifyAll();
    }
    boolean interrupted = false;
    while (true) {
      try {
        thread.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) Thread.currentThread().interrupt();
  }

  /**
   * The length of a file that is fit to be appended to: its header is there, and no torn line. What
   * was nothing but the beginning of a header was torn as well.
   */
  private static long beginOrGoOn(Path file, FileChannel channel) throws IOException {
    var found = ByteBuffer.allocate(HEADER.length);
    while (found.hasRemaining() && channel.read(found, found.position()) >= 0) {}
    int length = found.position();
    long end = length < HEADER.length ? HEADER.length : endOfLastLine(channel);
    if (end == 0 || !Arrays.equals(found.array(), 0, length, HEADER, 0, length))
      throw new IOException(
          file + " is no trace of this version; move it away or record to another file");
    if (length < HEADER.length) channel.write(ByteBuffer.wrap(HEADER), 0);
    else channel.truncate(end);
    return end;
  }

  /** 0 if the last lines are longer than any of ours. */
  private static long endOfLastLine(FileChannel channel) throws IOException {
    var tail = ByteBuffer.allocate(TraceReader.MOST_LINE_BYTES);
    long start = Math.max(0, channel.size() - tail.capacity());
    while (tail.hasRemaining() && channel.read(tail, start + tail.position()) >= 0) {}
    for (int i = tail.position() - 1; i >= 0; i--) {
      if (tail.get(i) == '\n') return start + i + 1;
    }
    return 0;
  }

  private static void write(FileChannel channel, byte[] text) throws IOException {
    var rest = ByteBuffer.wrap(text);
    while (rest.hasRemaining()) channel.write(rest);
  }

  private void writeUntilClosed() {
    try (channel) {
      while (true) {
        byte[] lines;
        boolean last;
        synchronized (this) {
          if (state == State.WRITING && waiting.size() < WORTH_WRITING_BYTES)
            wait(AT_LEAST_EVERY_MILLIS);
          lines = waiting.toByteArray();
          waiting.reset();
          last = state != State.WRITING;
        }
        write(channel, lines);
        if (last) return;
      }
    } catch (IOException | InterruptedException e) {
      fail(e);
    }
  }

  private synchronized void fail(Exception e) {
    state = State.FAILED;
    log.warn(
        "the trace cannot be written, nothing more is recorded file={} cause={}",
        file,
        e.toString());
  }
}
