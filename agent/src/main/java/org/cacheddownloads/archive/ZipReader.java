package org.cacheddownloads.archive;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.UnsafeArchive;
import org.jspecify.annotations.Nullable;

/**
 * Takes the entries of a zip to a tree, as its central directory lists them. That is read twice:
 * once to refuse what can be refused before anything is written, and once to unpack. Directories
 * and symlinks are made in their order by the calling thread; files are inflated, hashed and
 * written by {@link #WRITERS} threads, which no entry can make collide, since no second one has its
 * path.
 */
final class ZipReader {
  /** More would take the processors from all others, for little: the directory is one queue. */
  private static final int WRITERS = 2;

  /** Files that wait for a writer, at most. */
  private static final int AHEAD = 64;

  private final FileChannel channel;
  private final Limits limits;
  private final TreeWriter tree;
  private final Runnable check;
  private final ZipEnd end;
  private final long length;

  /**
   * @param check called before each entry
   */
  ZipReader(FileChannel channel, Limits limits, TreeWriter tree, Runnable check)
      throws IOException {
    this.channel = channel;
    this.limits = limits;
    this.tree = tree;
    this.check = check;
    this.length = channel.size();
    this.end = Damage.in(() -> ZipEnd.of(channel, length));
  }

  /**
   * Takes all of it.
   *
   * @throws IOException if the disk refuses what is written
   */
  void readAll() throws IOException {
    long[] starts = survey();
    try (var writers = new Writers(starts);
        var content = new ZipContent(channel, starts)) {
      eachRecord(record -> unpack(record, content, writers));
      writers.finish();
    }
  }

  private interface Visitor {
    void record(ZipRecord record) throws IOException;
  }

  private void eachRecord(Visitor visitor) throws IOException {
    var in = new BlobInput(channel, end.start(), end.end());
    for (long i = 0; i < end.count(); i++) {
      check.run();
      visitor.record(Damage.in(() -> next(in)));
    }
    if (in.left() != 0) {
      throw Damage.of(new IOException("its central directory has more than it says"));
    }
  }

  private ZipRecord next(BlobInput in) throws IOException {
    byte[] bytes = new byte[ZipRecord.HEAD_BYTES];
    in.readFully(bytes);
    ByteBuffer head = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    byte[] name = new byte[ZipRecord.unsigned(head.getShort(28))];
    byte[] extra = new byte[ZipRecord.unsigned(head.getShort(30))];
    in.readFully(name);
    in.readFully(extra);
    in.skipNBytes(ZipRecord.unsigned(head.getShort(32)));
    return ZipRecord.of(head, name, extra, limits);
  }

  /**
   * Looks at all records, and at where their entries begin.
   *
   * @return these places in their order, and last that of the central directory
   */
  private long[] survey() throws IOException {
    limits.checkCount(end.count() / 2, "entries"); // as many directories as other things
    long[] starts = new long[Math.toIntExact(end.count()) + 1];
    var seen =
        new Object() {
          int count;
          long bytes;
        };
    eachRecord(
        record -> {
          seen.bytes += Math.min(record.sizeBytes(), Long.MAX_VALUE - seen.bytes);
          limits.checkBytes(seen.bytes, length, record.path());
          starts[seen.count++] = record.offset();
        });
    starts[seen.count] = end.start();
    Arrays.sort(starts);
    for (int i = 1; i < starts.length; i++) {
      if (starts[i - 1] == starts[i]) {
        throw UnsafeArchive.of("the archive has entries that overlap");
      }
    }
    if (starts[seen.count] != end.start()) {
      throw UnsafeArchive.of("the archive has entries that overlap its central directory");
    }
    return starts;
  }

  private void unpack(ZipRecord record, ZipContent content, Writers writers) throws IOException {
    switch (record.kind()) {
      case DIRECTORY -> {
        read(record, content);
        tree.directory(record.path(), record.modified());
      }
      case SYMLINK ->
          tree.symlink(record.path(), Utf8.of(read(record, content)), record.modified());
      case FILE -> {
        TreeWriter.Place place =
            tree.file(record.path(), record.executable(), record.modified(), record.sizeBytes());
        tree.pay(0, record.sizeBytes());
        writers.take(place, record);
      }
    }
  }

  /** All of a small entry; of a directory too, for what is checked on the way. */
  private static byte[] read(ZipRecord record, ZipContent content) {
    content.open(record);
    byte[] bytes = new byte[(int) record.sizeBytes() + 1];
    int filled = 0;
    for (int count = 0; count >= 0; count = content.read(bytes, filled, bytes.length - filled)) {
      filled += count;
    }
    return Arrays.copyOf(bytes, filled);
  }

  /** The threads that write files, with what each of them needs. */
  private final class Writers implements AutoCloseable {
    private static final int LOOK_EVERY_MILLIS = 200;

    private final long[] starts;
    private final Semaphore places = new Semaphore(AHEAD);
    private final Queue<Tool> tools = new ConcurrentLinkedQueue<>();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final ExecutorService threads =
        Executors.newFixedThreadPool(
            WRITERS, Thread.ofPlatform().daemon().name("unpack-write-", 0).factory());
    private volatile boolean stopped;

    private record Tool(ZipContent content, Pen pen) {}

    Writers(long[] starts) {
      this.starts = starts;
    }

    /** Hands on a file; waits while too many wait already. */
    void take(TreeWriter.Place place, ZipRecord record) throws IOException {
      acquire(1);
      threads.execute(
          () -> {
            try {
              write(place, record);
            } catch (IOException | RuntimeException | Error e) {
              failure.compareAndSet(null, e);
            } finally {
              places.release();
            }
          });
    }

    private void write(TreeWriter.Place place, ZipRecord record) throws IOException {
      if (stopped || failure.get() != null) {
        return;
      }
      Tool idle = tools.poll();
      Tool tool = idle == null ? new Tool(new ZipContent(channel, starts), new Pen()) : idle;
      try {
        tool.content().open(record);
        tree.write(place, tool.content(), tool.pen(), (_, _) -> checkStopped());
      } finally {
        tools.add(tool);
      }
    }

    private void checkStopped() {
      if (stopped || failure.get() != null) {
        throw new Busy("the unpacking was given up", null);
      }
    }

    /** Waits until all that was handed on is written. */
    void finish() throws IOException {
      acquire(AHEAD);
    }

    private void acquire(int count) throws IOException {
      try {
        while (!places.tryAcquire(count, LOOK_EVERY_MILLIS, TimeUnit.MILLISECONDS)) {
          check.run();
          rethrow();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new Busy("the request was given up", e);
      }
      rethrow();
    }

    private void rethrow() throws IOException {
      switch (failure.get()) {
        case null -> {}
        case IOException e -> throw e;
        case RuntimeException e -> throw e;
        case Error e -> throw e;
        case Throwable e -> throw new IllegalStateException(e);
      }
    }

    /** Waits for the threads, which end at their next piece. */
    @Override
    public void close() {
      stopped = true;
      threads.close();
      tools.forEach(tool -> tool.content().close());
    }
  }
}
