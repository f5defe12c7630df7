package org.cacheddownloads.archive;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.cacheddownloads.failure.CacheException.Busy;
import org.jspecify.annotations.Nullable;

/**
 * A stream that another thread reads ahead of us: one core decompresses while another writes. At
 * most {@link #AHEAD} pieces wait, so memory is bounded. Closing ends the thread and waits for it,
 * so that nothing reads the source afterwards; it does not close the source.
 *
 * <p>A platform thread, because decoders compute for long and would keep a carrier from all others.
 */
final class ReadAhead extends InputStream {
  private static final int AHEAD = 4;
  private static final int PIECE_BYTES = 128 * 1024;

  private final InputStream source;
  private final BlockingQueue<Piece> pieces = new ArrayBlockingQueue<>(AHEAD);
  private final Thread reader;
  private @Nullable Piece piece;

  /**
   * Bytes of the source; none at its end.
   *
   * @param failure thrown by the source in place of bytes
   */
  private record Piece(ByteBuffer bytes, @Nullable Throwable failure) {
    boolean isLast() {
      return bytes.limit() == 0;
    }
  }

  ReadAhead(InputStream source) {
    this.source = source;
    this.reader = Thread.ofPlatform().daemon().name("unpack-read").start(this::readAll);
  }

  private void readAll() {
    try {
      Piece read;
      do {
        read = readPiece();
        pieces.put(read);
      } while (!read.isLast());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // closed: nobody wants more
    }
  }

  /** The whole piece or what is left, so that pieces are few. */
  private Piece readPiece() {
    byte[] bytes = new byte[PIECE_BYTES];
    int filled = 0;
    try {
      while (filled < bytes.length) {
        int count = source.read(bytes, filled, bytes.length - filled);
        if (count < 0) {
          break;
        }
        filled += count;
      }
      return new Piece(ByteBuffer.wrap(bytes, 0, filled), null);
    } catch (Throwable e) { // the top of this thread: told to the one who reads
      return new Piece(ByteBuffer.allocate(0), e);
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    Piece from = piece;
    if (from == null || (!from.bytes().hasRemaining() && !from.isLast())) {
      from = take();
      piece = from;
    }
    rethrow(from.failure());
    if (from.isLast()) {
      return -1;
    }
    int count = Math.min(length, from.bytes().remaining());
    from.bytes().get(target, offset, count);
    return count;
  }

  private static void rethrow(@Nullable Throwable failure) throws IOException {
    switch (failure) {
      case null -> {}
      case IOException e -> throw e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException(failure);
    }
  }

  private Piece take() {
    try {
      return pieces.take();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Busy("the request was given up", e);
    }
  }

  @Override
  public void close() {
    reader.interrupt();
    boolean interrupted = false;
    while (reader.isAlive()) {
      pieces.clear();
      try {
        reader.join();
      } catch (InterruptedException e) {
        interrupted = true; // the wait is as short as the decoding of one piece
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
