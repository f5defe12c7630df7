package org.cacheddownloads.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** A configuration that cannot be read at all; the message is one line that says why. */
final class UnreadableConfig extends Exception {
  UnreadableConfig(Path file, IOException cause) {
    super("cannot read the configuration " + file + ": " + reason(cause), cause);
  }

  private static String reason(IOException cause) {
    return switch (cause) {
      case NoSuchFileException _ -> "no such file";
      case AccessDeniedException _ -> "permission denied; ask as a user who may read it";
      default -> String.valueOf(cause.getMessage());
    };
  }
}
