package org.cacheddownloads.advice;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * The file that lets advice go on after a restart.
 *
 * <p>It is a row of blocks: kind and length (32 bits each, big-endian), that many bytes, and the
 * CRC-32C of all three.
 *
 * <pre>
 * HEAD    magic number, version
 * SLOTS   key, units, minute of keys in the order of their use; one that comes again was used again
 * BUCKET  minutes of the span, step, coarseness, two marks, the counters, then requests, bytes, smallest, largest
 *         distance of each bin
 * END     times, keys dropped, number of all blocks
 * </pre>
 *
 * <p>A file that has anything else, or ends elsewhere, is not used at all. While it is read nothing
 * is believed: no block is longer than {@link #MOST_BLOCK_BYTES}, and the stack that is made of it
 * has its own bound.
 */
final class Snapshot {
  static final int VERSION = 1;
  static final int MOST_BLOCK_BYTES = 64 * 1024;

  private static final long MAGIC = 0x6361_6368_6564_4144L;
  private static final int HEAD = 1;
  private static final int SLOTS = 2;
  private static final int BUCKET = 3;
  private static final int END = 4;

  private static final int SLOT_BYTES = 16;
  private static final int BIN_BYTES = 32;

  /** More cannot come of a stack that is copied while it is in use, unless the copy never ends. */
  private static final long MOST_SLOTS = 8L * LruStack.MOST_KEYS;

  private Snapshot() {}

  /** Where the stack comes from, piece by piece; with the last one comes all else. */
  interface Source {
    Optional<State.Rest> next(Slots into);
  }

  /** Writes a new file beside the old one, and puts it in its place when it is on the disk. */
  static void write(Path file, Source source) throws IOException {
    Path fresh = file.resolveSibling(file.getFileName() + ".new");
    Files.deleteIfExists(fresh);
    try {
      try (var channel =
          FileChannel.open(
              fresh,
              Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
        new Writer(channel).all(source);
        channel.force(true);
      }
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      Files.deleteIfExists(fresh);
      throw e;
    }
    try (var directory = FileChannel.open(file.toAbsolutePath().getParent())) {
      directory.force(true);
    }
  }

  private static final class Writer {
    private final FileChannel channel;
    private final ByteBuffer block = ByteBuffer.allocate(3 * Integer.BYTES + MOST_BLOCK_BYTES);
    private long blocks;

    Writer(FileChannel channel) {
      this.channel = channel;
    }

    void all(Source source) throws IOException {
      begin(HEAD);
      block.putLong(MAGIC).putInt(VERSION);
      end();
      var slots = new Slots();
      Optional<State.Rest> rest = Optional.empty();
      while (rest.isEmpty()) {
        slots.clear();
        rest = source.next(slots);
        slots(slots);
      }
      for (Map.Entry<Span, List<Bucket>> window : rest.get().buckets().entrySet()) {
        for (Bucket bucket : window.getValue()) {
          bucket(window.getKey(), bucket);
        }
      }
      State.Times times = rest.get().times();
      begin(END);
      block.putLong(times.since()).putLong(times.now()).putLong(times.clock());
      block.putLong(rest.get().dropped()).putLong(blocks + 1);
      end();
    }

    private void slots(Slots slots) throws IOException {
      begin(SLOTS);
      for (int i = 0; i < slots.size; i++) {
        block.putLong(slots.keys[i]).putInt(slots.units[i]).putInt(slots.minutes[i]);
      }
      end();
    }

    private void bucket(Span span, Bucket bucket) throws IOException {
      begin(BUCKET);
      block
          .putInt((int) span.length().toMinutes())
          .putLong(bucket.step)
          .putInt(bucket.distances.coarseness());
      block.putLong(bucket.exactBelow()).putLong(bucket.largest());
      for (Counter counter : Counter.values()) {
        block.putLong(bucket.count(counter));
      }
      bucket.distances.forEach(
          (requests, bytes, smallest, largest) ->
              block.putLong(requests).putLong(bytes).putLong(smallest).putLong(largest));
      end();
    }

    private void begin(int kind) {
      block.clear().putInt(kind).putInt(0);
    }

    private void end() throws IOException {
      block.putInt(Integer.BYTES, block.position() - 2 * Integer.BYTES);
      block.putInt(crcOf(block.array(), block.position())).flip();
      while (block.hasRemaining()) {
        channel.write(block);
      }
      blocks++;
    }
  }

  /**
   * Reads a file.
   *
   * @throws java.nio.file.NoSuchFileException if there is none
   * @throws UnusableSnapshot if it is damaged, cut short, or of another version
   */
  static State read(Path file, int maxKeys) throws IOException {
    try (var in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      return new Reader(in, new State(maxKeys)).all();
    } catch (EOFException e) {
      throw new UnusableSnapshot("it is cut short");
    }
  }

  private static final class Reader {
    private final DataInputStream in;
    private final State state;
    private final byte[] block = new byte[2 * Integer.BYTES + MOST_BLOCK_BYTES];
    private long blocks;
    private long slots;

    Reader(DataInputStream in, State state) {
      this.in = in;
      this.state = state;
    }

    State all() throws IOException {
      if (in.readInt() != HEAD) {
        throw new UnusableSnapshot("it is no file of advice");
      }
      head(next(HEAD));
      while (true) {
        int kind = in.readInt();
        ByteBuffer content = next(kind);
        switch (kind) {
          case SLOTS -> slots(content);
          case BUCKET -> bucket(content);
          case END -> {
            end(content);
            return state;
          }
          default -> throw damaged("a block of unknown kind " + kind);
        }
        if (content.hasRemaining()) {
          throw damaged("a block that is too long");
        }
      }
    }

    /** The content of a block; its sum is right. */
    private ByteBuffer next(int kind) throws IOException {
      int length = in.readInt();
      if (length < 0 || length > MOST_BLOCK_BYTES) {
        throw damaged("a block of " + length + " bytes");
      }
      ByteBuffer content = ByteBuffer.wrap(block).putInt(kind).putInt(length);
      in.readFully(block, content.position(), length);
      if (in.readInt() != crcOf(block, content.position() + length)) {
        throw damaged("a wrong checksum");
      }
      blocks++;
      return content.limit(content.position() + length);
    }

    private static void head(ByteBuffer content) throws IOException {
      need(content, Long.BYTES + Integer.BYTES);
      if (content.getLong() != MAGIC) {
        throw new UnusableSnapshot("it is no file of advice");
      }
      int version = content.getInt();
      if (version != VERSION) {
        throw new UnusableSnapshot("it has version " + version + ", and not " + VERSION);
      }
    }

    private void slots(ByteBuffer content) throws IOException {
      while (content.remaining() >= SLOT_BYTES) {
        long key = content.getLong();
        int units = content.getInt();
        int minute = content.getInt();
        if (units < 1 || ++slots > MOST_SLOTS) {
          throw damaged("a slot that cannot be");
        }
        state.stack.access(key, units, minute);
      }
    }

    private void bucket(ByteBuffer content) throws IOException {
      need(content, 2 * Integer.BYTES + (3 + Counter.values().length) * Long.BYTES);
      int minutes = content.getInt();
      Window window =
          Arrays.stream(Span.values())
              .filter(span -> span.length().toMinutes() == minutes)
              .findFirst()
              .map(state::window)
              .orElseThrow(() -> damaged("a bucket of an unknown span"));
      long step = content.getLong();
      int coarseness = content.getInt();
      if (coarseness < 0 || coarseness > DistanceHistogram.MOST_COARSENESS) {
        throw damaged("a bucket that cannot be");
      }
      Bucket bucket = Bucket.ofCoarseness(step, coarseness);
      bucket.noteBound(content.getLong());
      bucket.noteUnits(content.getLong());
      for (Counter counter : Counter.values()) {
        bucket.add(counter, content.getLong());
      }
      while (content.remaining() >= BIN_BYTES) {
        bin(content, bucket.distances);
      }
      if (!window.follows(bucket)) {
        throw damaged("buckets out of order");
      }
      window.put(bucket);
    }

    private static void bin(ByteBuffer content, DistanceHistogram distances) throws IOException {
      long requests = content.getLong();
      long bytes = content.getLong();
      long smallest = content.getLong();
      long largest = content.getLong();
      if (requests < 1
          || bytes < 0
          || smallest < 1
          || smallest > largest
          || !distances.inOneBin(smallest, largest)) {
        throw damaged("a bin that cannot be");
      }
      distances.add(requests, bytes, smallest, largest);
    }

    private void end(ByteBuffer content) throws IOException {
      need(content, 5 * Long.BYTES);
      var times = new State.Times(content.getLong(), content.getLong(), content.getLong());
      state.stack.addDropped(content.getLong());
      if (content.getLong() != blocks || content.hasRemaining() || in.read() != -1) {
        throw damaged("blocks missing or too many");
      }
      if (!state.startAt(times)) {
        throw damaged("times that cannot be");
      }
    }

    private static void need(ByteBuffer content, int bytes) throws IOException {
      if (content.remaining() < bytes) {
        throw damaged("a block that is too short");
      }
    }

    private static UnusableSnapshot damaged(String how) {
      return new UnusableSnapshot("it is damaged: it has " + how);
    }
  }

  private static int crcOf(byte[] bytes, int length) {
    var crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }
}
