package org.cacheddownloads.archive;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;

/**
 * The rows of a tree: taken in any order, given back sorted, as often as wanted. What is more than
 * {@code memoryBytes} waits in sorted files, so that a tree of a million files needs no more memory
 * than one of a thousand. {@link #add} is thread-safe; reading begins when adding has ended.
 */
final class Ledger implements AutoCloseable {
  static final String FILE_PREFIX = ".rows-";
  private static final int MEMORY_BYTES = 8 << 20;
  private static final int OBJECT_BYTES = 24; // an array's head and its place in the list
  private static final int BUFFER_BYTES = 16 * 1024;

  private final Path directory;
  private final int memoryBytes;

  @GuardedBy("this")
  private final List<byte[]> rows = new ArrayList<>();

  @GuardedBy("this")
  private final List<Path> runs = new ArrayList<>();

  @GuardedBy("this")
  private long heldBytes;

  Ledger(Path directory) {
    this(directory, MEMORY_BYTES);
  }

  Ledger(Path directory, int memoryBytes) {
    this.directory = directory;
    this.memoryBytes = memoryBytes;
  }

  /** Takes a row. */
  synchronized void add(Row row) throws IOException {
    byte[] encoded = row.encoded();
    rows.add(encoded);
    heldBytes += encoded.length + OBJECT_BYTES;
    if (heldBytes > memoryBytes) {
      spill();
    }
  }

  @GuardedBy("this")
  private void spill() throws IOException {
    rows.sort(Row::compare);
    Path run = directory.resolve(FILE_PREFIX + runs.size());
    runs.add(run);
    try (var out =
        new DataOutputStream(
            new BufferedOutputStream(
                Files.newOutputStream(run, StandardOpenOption.CREATE_NEW), BUFFER_BYTES))) {
      for (byte[] row : rows) {
        out.writeInt(row.length);
        out.write(row);
      }
    }
    rows.clear();
    heldBytes = 0;
  }

  /** What is done with each row. */
  interface Reader {
    void row(Row row) throws IOException;
  }

  /** Gives all rows to {@code reader}, by path and number. */
  synchronized void read(Reader reader) throws IOException {
    rows.sort(Row::compare);
    var open = new ArrayList<Source>();
    try {
      for (Path run : runs) {
        open.add(new FileSource(run));
      }
      open.add(new ListSource(rows));
      merge(open, reader);
    } finally {
      for (Source source : open) {
        source.close();
      }
    }
  }

  private static void merge(List<Source> open, Reader reader) throws IOException {
    var waiting = new PriorityQueue<Source>((a, b) -> Row.compare(a.head, b.head));
    for (Source source : open) {
      if (source.advance()) {
        waiting.add(source);
      }
    }
    while (!waiting.isEmpty()) {
      Source first = waiting.remove();
      Row row = Row.decode(first.head);
      if (first.advance()) {
        waiting.add(first);
      }
      reader.row(row);
    }
  }

  /** Sorted rows, of which the first is looked at. */
  private abstract static class Source {
    byte[] head = {};

    /** Whether there is one more, in {@link #head}. */
    abstract boolean advance() throws IOException;

    void close() throws IOException {}
  }

  private static final class ListSource extends Source {
    private final List<byte[]> rows;
    private int next;

    ListSource(List<byte[]> rows) {
      this.rows = rows;
    }

    @Override
    boolean advance() {
      if (next == rows.size()) {
        return false;
      }
      head = rows.get(next++);
      return true;
    }
  }

  private static final class FileSource extends Source {
    private final DataInputStream in;
    private long leftBytes;

    FileSource(Path run) throws IOException {
      leftBytes = Files.size(run);
      in = new DataInputStream(new BufferedInputStream(Files.newInputStream(run), BUFFER_BYTES));
    }

    @Override
    boolean advance() throws IOException {
      if (leftBytes == 0) {
        return false;
      }
      head = new byte[in.readInt()];
      in.readFully(head);
      leftBytes -= 4 + head.length;
      return true;
    }

    @Override
    void close() throws IOException {
      in.close();
    }
  }

  /** Deletes the files. */
  @Override
  public synchronized void close() throws IOException {
    for (Path run : runs) {
      Files.deleteIfExists(run);
    }
    runs.clear();
    rows.clear();
  }
}
