import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;

/**
 * A big file that nobody has yet: fetched, hashed, stored and linked into a container. Beside it:
 * curl into a file, which hashes nothing, and curl into sha256sum, which stores nothing.
 */
final class ColdDownload implements Scenario {
  private static final String NAME = "big";
  /** Downloads after the start of an agent in which its JVM still compiles; they have a row of their own. */
  private static final int WARM_UP = 2;

  @Override
  public void run(Setting setting) throws Exception {
    long bytes = setting.scale().fileBytes();
    Bench.progress("cold, writing a file of " + (bytes >> 20) + " MiB");
    String digest = write(setting.nginx().documents().resolve(NAME), bytes);
    Path copy = setting.work().resolve("copy");
    var agent = new Samples();
    var curl = new Samples();
    var hashed = new Samples();
    var warmUp = new Samples();
    int runs = setting.scale().runs();
    for (int run = 1 - WARM_UP; run <= runs; run++) {
      Bench.progress(run < 1 ? "cold, warm-up" : "cold, run " + run + " of " + runs);
      String url = setting.nginx().url(NAME + "?run=" + run);
      touchMemory(copy, bytes);
      Timed reply = timed(bytes, viaAgent(setting, url, "cold-" + (run + WARM_UP)));
      (run < 1 ? warmUp : agent).add(reply.megabytesPerSecond());
      if (!reply.output().contains("\"miss\"") || !reply.output().contains("sha256:" + digest)) {
        setting.report().fault("a cold download must be a miss with the right digest: " + reply);
      }
      setting.agent().empty();
      if (run < 1) {
        continue;
      }

      touchMemory(copy, bytes);
      var toFile = List.of("curl", "-sS", "-f", "-o", copy.toString(), url);
      curl.add(timed(bytes, toFile).megabytesPerSecond());
      Files.delete(copy);

      touchMemory(copy, bytes);
      Timed sum = timed(bytes, List.of("sh", "-c", "curl -sS -f \"$0\" | sha256sum", url));
      hashed.add(sum.megabytesPerSecond());
      if (!sum.output().startsWith(digest)) {
        setting.report().fault("sha256sum sees another file: " + sum);
      }
    }
    setting
        .report()
        .section("cold", "cold download of " + (bytes >> 20) + " MiB from nginx", "MB/s");
    setting.report().row("agent: fetched, SHA-256, stored, linked", agent, curl, "");
    setting.report().row("the first " + WARM_UP + " after its start", warmUp, null, "its JVM compiles");
    setting.report().row("curl | sha256sum", hashed, curl, "not stored");
    setting.report().row("floor: curl -o", curl, null, "not hashed");
  }

  /**
   * Writes a file of that size and deletes it. A virtual machine may have given memory that was idle
   * for seconds back to its host, and getting it again costs more than all the rest of a download:
   * whoever came first would pay for all.
   */
  private static void touchMemory(Path scratch, long bytes) throws IOException {
    byte[] chunk = new byte[1 << 20];
    try (OutputStream out = Files.newOutputStream(scratch)) {
      for (long written = 0; written < bytes; written += chunk.length) out.write(chunk);
    }
    Files.delete(scratch);
  }

  private static List<String> viaAgent(Setting setting, String url, String container) {
    return List.of(
        "curl",
        "-sS",
        "--unix-socket",
        setting.agent().socket().toString(),
        "-X",
        "PUT",
        "-H",
        "content-type: application/json",
        "--data-binary",
        "{\"url\":\"" + url + "\"}",
        "http://localhost/v1/containers/" + container + "/downloads/" + NAME);
  }

  private record Timed(double megabytesPerSecond, String output) {}

  private static Timed timed(long bytes, List<String> command)
      throws IOException, InterruptedException {
    long before = System.nanoTime();
    String output = Children.output(command);
    return new Timed(bytes / 1e6 / ((System.nanoTime() - before) / 1e9), output);
  }

  /** Writes random bytes. @return their SHA-256 */
  private static String write(Path file, long bytes) throws Exception {
    var random = new Random(2);
    var digest = MessageDigest.getInstance("SHA-256");
    byte[] chunk = new byte[1 << 20];
    try (OutputStream out = Files.newOutputStream(file)) {
      for (long written = 0; written < bytes; written += chunk.length) {
        random.nextBytes(chunk);
        digest.update(chunk);
        out.write(chunk);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
