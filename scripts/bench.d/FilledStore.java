import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.HexFormat;
import java.util.List;

/**
 * A state directory with many entries, written file by file and row by row as the agent lays them
 * down. The agent itself has made the empty one.
 *
 * <p>A million files of a block each would be 4 GiB, so 99 of 100 blobs are holes: so many zeros,
 * each one more than the last. Their digests come from one running hash.
 */
final class FilledStore {
  private static final int ROWS_OF_A_REPORT = 200_000;
  private static final int WITH_BLOCKS = 100;
  private static final long DAY_MICROS = 86_400_000_000L;

  private final Path state;

  FilledStore(Path state) {
    this.state = state;
  }

  /** The key of entry {@code number}, which is fresh: nobody needs to ask for it. */
  static String url(int number) {
    return "http://127.0.0.1:9/files/" + number;
  }

  void fill(int entries) throws Exception {
    try (Connection catalog =
        DriverManager.getConnection("jdbc:sqlite:" + state.resolve("catalog.db"))) {
      try (var pragma = catalog.createStatement()) {
        pragma.execute("PRAGMA synchronous = OFF"); // a half-made store is made anew
      }
      catalog.setAutoCommit(false);
      fill(catalog, entries);
      catalog.commit();
    }
    // Or the first start would wait for the disk to take all this.
    Children.output(List.of("sync", "-f", state.toString()));
  }

  private void fill(Connection catalog, int entries) throws Exception {
    long now = System.currentTimeMillis() * 1_000;
    MessageDigest zeros = MessageDigest.getInstance("SHA-256");
    try (PreparedStatement blob =
            catalog.prepareStatement(
                "INSERT INTO blobs (digest, form, size, allocated, last_used, durable, idle,"
                    + " for_anybody) VALUES (?, 0, ?, ?, ?, 1, 1, 1)");
        PreparedStatement entry =
            catalog.prepareStatement(
                "INSERT INTO entries (key, digest, size, etag, fetched_at, validated_at,"
                    + " fresh_until, directives) VALUES (?, ?, ?, '\"e\"', ?, ?, ?, 0)");
        PreparedStatement grant =
            catalog.prepareStatement("INSERT INTO grants VALUES (?, '', ?)")) {
      for (int i = 1; i <= entries; i++) {
        zeros.update((byte) 0);
        boolean hole = i % WITH_BLOCKS != 0;
        byte[] text = ("file " + i).getBytes(StandardCharsets.UTF_8);
        byte[] digest =
            hole
                ? ((MessageDigest) zeros.clone()).digest()
                : MessageDigest.getInstance("SHA-256").digest(text);
        write(HexFormat.of().formatHex(digest), hole ? i : text.length, hole ? null : text);
        int size = hole ? i : text.length;
        insert(blob, digest, size, hole ? 0 : 4096, now - entries + i);
        insert(entry, url(i), digest, size, now, now, now + DAY_MICROS);
        insert(grant, url(i), now);
        if (i % ROWS_OF_A_REPORT == 0) Bench.progress(String.format("scale, %,d files", i));
      }
    }
  }

  private void write(String hex, int size, byte[] text) throws IOException {
    Path file = state.resolve("blobs/sha256").resolve(hex.substring(0, 2)).resolve(hex);
    try (var out = new RandomAccessFile(file.toFile(), "rw")) {
      if (text == null) out.setLength(size);
      else out.write(text);
    }
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
  }

  private static void insert(PreparedStatement statement, Object... values) throws SQLException {
    for (int i = 0; i < values.length; i++) statement.setObject(i + 1, values[i]);
    statement.executeUpdate();
  }

  /** Allocated bytes of all blobs, by looking at each. */
  long allocatedBytes() throws IOException, InterruptedException {
    String sum =
        Children.output(
            List.of(
                "sh",
                "-c",
                "find \"$0\" -type f -printf '%b\\n"
                    + "' | awk '{ sum += $1 } END { printf \"%d\", sum * 512 }'",
                state.resolve("blobs").toString()));
    return Long.parseLong(sum);
  }
}
