package org.cacheddownloads.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Consumer;

/**
 * Reads files slice by slice, past the page cache where the file system can. Used by one thread.
 */
public final class Slices {
  private static final int ALIGNMENT = 4096;
  private final ByteBuffer buffer;
  private boolean direct = true;

  /** The JDK has the option in a package of its own that the compiler warns of. */
  private static final OpenOption DIRECT = directOption();

  private static OpenOption directOption() {
    try {
      for (Object option :
          Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants()) {
        if (option.toString().equals("DIRECT")) {
          return (OpenOption) option;
        }
      }
    } catch (ClassNotFoundException e) {
      return StandardOpenOption.READ; // another JDK: through the page cache then
    }
    return StandardOpenOption.READ;
  }

  /** Slices of so many bytes, a multiple of 4 KiB. */
  public Slices(int bytes) {
    this.buffer = ByteBuffer.allocateDirect(bytes + ALIGNMENT).alignedSlice(ALIGNMENT);
    buffer.limit(bytes);
  }

  /** Gives one slice to {@code sink}. @return its length, less than a slice at the end */
  public int read(Path file, long offset, Consumer<ByteBuffer> sink) throws IOException {
    int bytes = buffer.limit();
    ByteBuffer slice = buffer.slice(0, bytes);
    try (FileChannel source = open(file)) {
      // One call: past the page cache only whole blocks can be asked for.
      int read = Math.max(0, source.read(slice, offset));
      while (!direct && read < bytes) {
        int more = source.read(slice, offset + read);
        if (more <= 0) {
          break;
        }
        read += more;
      }
      sink.accept(slice.flip());
      return read;
    }
  }

  private FileChannel open(Path file) throws IOException {
    if (direct) {
      try {
        return FileChannel.open(file, StandardOpenOption.READ, DIRECT);
      } catch (NoSuchFileException e) {
        throw e;
      } catch (IOException | UnsupportedOperationException e) {
        direct = false; // tmpfs, for one
      }
    }
    return FileChannel.open(file, StandardOpenOption.READ);
  }
}
