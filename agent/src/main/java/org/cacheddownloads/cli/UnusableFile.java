package org.cacheddownloads.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.cacheddownloads.advice.InvalidTrace;

/** A file of the command line that cannot be read or written; the message is one line. */
final class UnusableFile extends Exception {
  private UnusableFile(String message, IOException cause) {
    super(Terminal.printable(message), cause);
  }

  static UnusableFile trace(String name, IOException cause) {
    return new UnusableFile(
        "cannot read the trace "
            + name
            + ": "
            + reason(cause, "no such file; give one that an agent has recorded, or --workload"),
        cause);
  }

  static UnusableFile picture(Path file, IOException cause) {
    return new UnusableFile(
        "cannot write " + file + ": " + reason(cause, "no such directory; make it first"), cause);
  }

  private static String reason(IOException cause, String whenMissing) {
    return switch (cause) {
      case NoSuchFileException _ -> whenMissing;
      case AccessDeniedException _ -> "permission denied; ask as a user who may";
      case InvalidTrace invalid -> invalid.getMessage() + "; correct the line or remove it";
      default -> String.valueOf(cause.getMessage());
    };
  }
}
