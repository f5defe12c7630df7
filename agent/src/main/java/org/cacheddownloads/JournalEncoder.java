package org.cacheddownloads;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.encoder.EncoderBase;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Begins each line with its priority, as the journal of systemd reads it ({@code sd-daemon(3)}:
 * {@code <3>} error to {@code <7>} debug), so that {@code journalctl -p warning} finds what it
 * should.
 */
final class JournalEncoder extends EncoderBase<ILoggingEvent> {
  private static final byte[] NOTHING = {};

  private final Encoder<ILoggingEvent> lines;

  JournalEncoder(Encoder<ILoggingEvent> lines) {
    this.lines = lines;
  }

  /**
   * Whether standard error leads to the journal: systemd then says which device and inode it is
   * ({@code systemd.exec(5)}), and a program that redirected it is not mistaken.
   */
  static boolean isWanted(Map<String, String> environment) {
    String stream = environment.get("JOURNAL_STREAM");
    if (stream == null) {
      return false;
    }
    try {
      var attributes = Files.readAttributes(Path.of("/proc/self/fd/2"), "unix:dev,ino");
      return stream.equals(attributes.get("dev") + ":" + attributes.get("ino"));
    } catch (IOException e) {
      return false; // then lines are plain, which the journal takes as well
    }
  }

  @Override
  public byte[] headerBytes() {
    return NOTHING;
  }

  @Override
  public byte[] encode(ILoggingEvent event) {
    byte[] prefix = ("<" + priority(event.getLevel()) + ">").getBytes(StandardCharsets.US_ASCII);
    byte[] plain = lines.encode(event);
    var prefixed = new ByteArrayOutputStream(plain.length + prefix.length);
    boolean isStart = true;
    for (byte b : plain) { // also each line of a stack trace
      if (isStart) {
        prefixed.writeBytes(prefix);
      }
      prefixed.write(b);
      isStart = b == '\n';
    }
    return prefixed.toByteArray();
  }

  private static int priority(Level level) {
    return switch (level.toInt()) {
      case Level.ERROR_INT -> 3;
      case Level.WARN_INT -> 4;
      case Level.INFO_INT -> 6;
      default -> 7;
    };
  }

  @Override
  public byte[] footerBytes() {
    return NOTHING;
  }
}
