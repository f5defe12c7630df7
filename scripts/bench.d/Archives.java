import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * An archive of many small files as a directory: unpacked for the first container, handed to the
 * next ones by links and to be mounted; and what a hit of something else takes meanwhile. Beside
 * it: tar, which fetches nothing, hashes nothing and counts nothing.
 */
final class Archives implements Scenario {
  private static final int SIDE_BY_SIDE = 4;
  private static final int IDLE_HITS = 2000;
  private static final int CONTAINERS = 20;

  /** So many mounts and releases before the first is measured: a daemon has been up for long. */
  private static final int WARM_UP = 4000;

  private Setting setting;

  @Override
  public void run(Setting setting) throws Exception {
    this.setting = setting;
    int files = setting.scale().archiveFiles();
    var archives = new ArrayList<String>();
    for (int i = 0; i < SIDE_BY_SIDE; i++) archives.add(pack("tree-" + i, files, i));
    Path scratch = setting.work().resolve("extracted");
    var tar = new Samples();
    var cold = new Samples();
    var link = new Samples();
    var copy = new Samples();
    var mount = new Samples();
    var ask = new Samples();
    var idle = new Samples();
    var meanwhile = new Samples();
    String hit = hit();
    for (int run = 0; run <= setting.scale().runs(); run++) { // the first one warms up
      Bench.progress(run == 0 ? "archives, warm-up" : "archives, run " + run);
      Files.createDirectories(scratch);
      Path archive = setting.nginx().documents().resolve(archives.getFirst());
      settle();
      double extracted = millis(() -> Children.output(tar(archive, scratch)));
      settle();
      double copied =
          millis(() -> Children.output(List.of("cp", "-al", scratch.toString(), scratch + "-2")));
      Bench.delete(scratch);
      Bench.delete(Path.of(scratch + "-2"));
      settle();
      double first = millis(() -> directory("cold", archives.getFirst(), "link", "0s", "miss"));
      if (run == 0) warmUp(archives.getFirst());
      settle();
      double linked = next(archives.getFirst(), "link", "0s");
      settle();
      double mounted = next(archives.getFirst(), "mount", "1h");
      double asked = next(archives.getFirst(), "mount", "0s");
      setting.agent().empty();
      hit = hit();
      settle();
      double alone = p99(hits(hit, List.of()));
      double beside = p99(hits(hit, archives));
      setting.agent().empty();
      if (run == 0) continue;
      tar.add(extracted);
      cold.add(first);
      link.add(linked);
      copy.add(copied);
      mount.add(mounted);
      ask.add(asked);
      idle.add(alone);
      meanwhile.add(beside);
    }
    String what = String.format("archives: a tar.gz of %,d small files", files);
    setting.report().section("archives", what, "ms");
    setting
        .report()
        .row("agent: fetched, unpacked, hashed, linked", cold, tar, "wanted: ratio below 1.5");
    setting.report().row("floor: tar xzf", tar, null, "not fetched, not hashed");
    setting.report().section("archives-link", "archives: for the next container, by links", "ms");
    setting.report().row("agent: validated, linked", link, copy, "wanted: below 60 ms");
    setting.report().row("floor: cp -al", copy, null, "");
    setting.report().section("archives-mount", "archives: for the next one, to be mounted", "ms");
    setting.report().row("agent: validated with the origin", ask, null, "wanted: below 2 ms");
    setting.report().row("agent: still fresh", mount, null, "wanted: below 2 ms");
    setting
        .report()
        .section("archives-hits", "archives: a hit while " + SIDE_BY_SIDE + " unpack, p99", "ms");
    setting.report().row("hits meanwhile", meanwhile, idle, "wanted: below 10 ms");
    setting.report().row("floor: hits of an idle agent", idle, null, "");
  }

  /** What it takes for one more container that wants the same directory: the median of some. */
  private double next(String archive, String deliver, String maxAge) throws Exception {
    String outcome = maxAge.equals("0s") ? "revalidated" : "hit";
    var took = new Samples();
    for (int i = 0; i < CONTAINERS; i++) {
      String container = deliver + i;
      took.add(millis(() -> directory(container, archive, deliver, maxAge, outcome)));
    }
    for (int i = 0; i < CONTAINERS; i++) {
      setting.agent().call("DELETE", "/v1/containers/" + deliver + i, null);
    }
    return took.median();
  }

  /** Or what follows would wait for the disk to take what was before it. */
  private void settle() throws Exception {
    Children.output(List.of("sync", "-f", setting.work().toString()));
  }

  private void warmUp(String archive) throws IOException {
    for (int i = 0; i < WARM_UP; i++) {
      boolean asks = i % 2 == 0;
      directory("warm", archive, "mount", asks ? "0s" : "1h", asks ? "revalidated" : "hit");
      setting.agent().call("DELETE", "/v1/containers/warm", null);
    }
  }

  private static List<String> tar(Path archive, Path into) {
    return List.of("tar", "xzf", archive.toString(), "-C", into.toString());
  }

  private static double millis(Callable<?> work) throws Exception {
    long before = System.nanoTime();
    Object _ = work.call();
    return (System.nanoTime() - before) / 1e6;
  }

  /** Makes an archive of files with text of 200 bytes to 8 KiB. @return its name */
  private String pack(String name, int files, int seed) throws Exception {
    Bench.progress("archives, packing " + name);
    var random = new Random(seed);
    Path tree = setting.work().resolve(name);
    for (int i = 0; i < files; i++) {
      Path directory = Files.createDirectories(tree.resolve("d" + i / 100));
      byte[] bytes = new byte[200 + random.nextInt(7800)];
      for (int at = 0; at < bytes.length; at++) bytes[at] = (byte) ('a' + random.nextInt(16));
      Files.write(directory.resolve("f" + i), bytes);
    }
    String archive = name + ".tar.gz";
    Children.output(
        List.of(
            "tar",
            "czf",
            setting.nginx().documents().resolve(archive).toString(),
            "-C",
            tree.toString(),
            "."));
    Bench.delete(tree);
    return archive;
  }

  private String directory(
      String container, String archive, String deliver, String maxAge, String outcome)
      throws IOException {
    String reply =
        setting
            .agent()
            .call(
                "PUT",
                "/v1/containers/" + container + "/downloads/tree",
                String.format(
                    "{\"url\":\"%s\",\"as\":\"directory\",\"deliver\":\"%s\",\"maxAge\":\"%s\"}",
                    setting.nginx().url(archive), deliver, maxAge));
    if (!AgentProcess.text(reply, "outcome").equals(outcome))
      setting.report().fault("a directory must be a " + outcome + ": " + reply);
    return reply;
  }

  /** Brings a small file into the cache. @return the request that hits it */
  private String hit() throws IOException {
    Files.writeString(setting.nginx().documents().resolve("small"), "small");
    String request = "{\"url\":\"" + setting.nginx().url("small") + "\",\"maxAge\":\"1h\"}";
    setting.agent().call("POST", "/v1/prefetch", request);
    return request;
  }

  /** How long hits take, in milliseconds, while these archives are unpacked. */
  private List<Double> hits(String request, List<String> archives) throws Exception {
    var took = new ArrayList<Double>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var unpacking = new ArrayList<Future<String>>();
      for (String archive : archives) {
        String wanted =
            "{\"url\":\"" + setting.nginx().url(archive) + "\",\"as\":\"directory\"}";
        unpacking.add(
            threads.submit(() -> setting.agent().call("POST", "/v1/prefetch", wanted)));
      }
      while (archives.isEmpty()
          ? took.size() < IDLE_HITS
          : unpacking.stream().anyMatch(one -> !one.isDone())) {
        long before = System.nanoTime();
        String reply =
            setting.agent().call("PUT", "/v1/containers/hits/downloads/h", request);
        took.add((System.nanoTime() - before) / 1e6);
        if (!AgentProcess.text(reply, "outcome").equals("hit"))
          setting.report().fault("a fresh entry must be a hit: " + reply);
      }
      for (Future<String> one : unpacking) one.get();
    }
    setting.agent().call("DELETE", "/v1/containers/hits", null);
    return took;
  }

  private static double p99(List<Double> took) {
    Collections.sort(took);
    return took.get((int) (took.size() * 0.99));
  }
}
