package org.cacheddownloads.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32C;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.content.ResumeNote;

/**
 * The file beside the data of an ingest that lets a later start go on with it.
 *
 * <pre>
 * cached-downloads resume 1
 * boot 3f0c…                    the boot of the machine in which it was written
 * source http://origin/a        identity of the URL, without user info and query
 * sent 9e1d…                    keyed hash of what was sent for it
 * total 1073741824              or -1
 * strong "abc"
 * header etag: "abc"
 * crc 1a2b3c4d                  CRC-32C of the lines above
 * 5e6f7a8b                      CRC-32C of the first 4 MiB of data, then of the next …
 * </pre>
 *
 * <p>A window of data without a line here is not believed: that bounds what is fetched again to one
 * window, and finds bits that flipped in the data or in this file.
 */
final class ResumeFile {
  static final String NAME = "resume";

  /** Data covered by one line. */
  static final int WINDOW_BYTES = 4 << 20;

  private static final String TITLE = "cached-downloads resume 1";
  private static final int LINE_BYTES = 9;
  private static final int MOST_HEAD_BYTES = 64 * 1024;
  private static final int MOST_LINES = 100;

  private ResumeFile() {}

  /** What a file says: the note, and one checksum for each complete window of data. */
  record Content(ResumeNote note, String boot, List<Integer> windows) {
    long coveredBytes() {
      return (long) windows.size() * WINDOW_BYTES;
    }
  }

  private static String head(ResumeNote note, String boot) {
    var lines = new StringBuilder();
    lines.append(TITLE).append('\n');
    lines.append("boot ").append(boot).append('\n');
    lines.append("source ").append(note.source()).append('\n');
    lines.append("sent ").append(note.sent()).append('\n');
    lines.append("total ").append(note.totalBytes()).append('\n');
    lines.append("strong ").append(note.strong()).append('\n');
    note.headers()
        .sorted()
        .forEach(
            (name, values) ->
                lines
                    .append("header ")
                    .append(name)
                    .append(": ")
                    .append(values.getFirst())
                    .append('\n'));
    String covered = lines.toString();
    return covered + "crc " + hex(crcOf(covered)) + '\n';
  }

  /** How large the file of a body of {@code dataBytes} gets. */
  static long sizeFor(ResumeNote note, String boot, long dataBytes) {
    return encode(head(note, boot)).length + LINE_BYTES * (dataBytes / WINDOW_BYTES + 1);
  }

  /** Begins a file; the caller closes the channel and adds lines to it. */
  static FileChannel create(Path file, ResumeNote note, String boot) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try {
      write(channel, encode(head(note, boot)));
      return channel;
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  /** Opens a file that is there for more lines, after the first {@code windows} of it. */
  static FileChannel reopen(Path file, ResumeNote note, String boot, int windows)
      throws IOException {
    FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
    try {
      long end = encode(head(note, boot)).length + (long) LINE_BYTES * windows;
      channel.truncate(end);
      channel.position(end);
      return channel;
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  static void addWindow(FileChannel channel, int crc) throws IOException {
    write(channel, encode(hex(crc) + "\n"));
  }

  private static void write(FileChannel channel, byte[] bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  /** Reads a file. @return empty if there is none or it is not whole */
  static Optional<Content> read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    String text = Files.readString(file, StandardCharsets.ISO_8859_1);
    int endOfHead = text.indexOf('\n', Math.max(0, text.indexOf("\ncrc ") + 1)) + 1;
    if (endOfHead <= 0 || endOfHead > MOST_HEAD_BYTES || !text.startsWith(TITLE + "\n")) {
      return Optional.empty();
    }
    Map<String, String> fields = new LinkedHashMap<>();
    Map<String, String> headers = new LinkedHashMap<>();
    String[] lines = text.substring(0, endOfHead).split("\n", MOST_LINES);
    for (int i = 1; i < lines.length; i++) {
      String[] field = lines[i].split(" ", 2);
      if (field.length == 2 && field[0].equals("header")) {
        String[] header = field[1].split(": ", 2);
        headers.put(header[0], header.length == 2 ? header[1] : "");
      } else if (field.length == 2) {
        fields.put(field[0], field[1]);
      }
    }
    if (!fields.keySet().equals(Set.of("boot", "source", "sent", "total", "strong", "crc"))) {
      return Optional.empty();
    }
    String covered = text.substring(0, text.indexOf("\ncrc ") + 1);
    if (!hex(crcOf(covered)).equals(fields.getOrDefault("crc", ""))
        || !isNumber(fields.getOrDefault("total", ""))) {
      return Optional.empty();
    }
    var note =
        new ResumeNote(
            fields.getOrDefault("source", ""),
            fields.getOrDefault("sent", ""),
            fields.getOrDefault("strong", ""),
            Headers.of(headers),
            Long.parseLong(fields.getOrDefault("total", "")));
    return Optional.of(
        new Content(note, fields.getOrDefault("boot", ""), windows(text, endOfHead)));
  }

  private static boolean isNumber(String text) {
    return text.matches("-1|[0-9]{1,18}");
  }

  /** The lines that are whole; a kill may have cut the last one. */
  private static List<Integer> windows(String text, int from) {
    var windows = new ArrayList<Integer>();
    for (int at = from; at + LINE_BYTES <= text.length(); at += LINE_BYTES) {
      String line = text.substring(at, at + LINE_BYTES);
      if (!line.matches("[0-9a-f]{8}\n")) {
        break;
      }
      windows.add(Integer.parseUnsignedInt(line.strip(), 16));
    }
    return windows;
  }

  private static int crcOf(String text) {
    var crc = new CRC32C();
    crc.update(encode(text));
    return (int) crc.getValue();
  }

  private static String hex(int crc) {
    return String.format("%08x", crc);
  }

  /** Header values are read and written byte for byte, whatever an origin put into them. */
  private static byte[] encode(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
