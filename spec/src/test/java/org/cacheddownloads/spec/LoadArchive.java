package org.cacheddownloads.spec;

import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * A small archive that is a function of its seed, and what it unpacks to: by path {@code d} for a
 * directory, {@code l} and its target for a symlink, {@code f}, mode, digest and number of names
 * for a file.
 */
final class LoadArchive {
  private static final int LEAST_FILES = 20;
  private static final int MOST_FILES = 60;
  private static final int MOST_BYTES = 9_000;
  private static final String[] DIRECTORIES = {"", "bin/", "lib/", "lib/deep/", "share/a b/"};

  private final byte[] bytes;
  private final Map<String, String> tree;

  private LoadArchive(byte[] bytes, Map<String, String> tree) {
    this.bytes = bytes;
    this.tree = tree;
  }

  byte[] bytes() {
    return bytes;
  }

  Map<String, String> tree() {
    return tree;
  }

  static LoadArchive of(long seed) {
    return new Maker(new SplittableRandom(seed)).make();
  }

  /** One that is good up to its last entry, which leads out of the tree. */
  static byte[] unsafe(long seed) {
    var maker = new Maker(new SplittableRandom(seed));
    maker.fill();
    return maker.tar.file("../outside", "evil").gzip();
  }

  private static final class Maker {
    private final SplittableRandom random;
    private final RawTar tar = new RawTar();
    private final Map<String, String> tree = new TreeMap<>();

    Maker(SplittableRandom random) {
      this.random = random;
    }

    LoadArchive make() {
      fill();
      return new LoadArchive(tar.gzip(), tree);
    }

    private void fill() {
      tree.put("", "d");
      for (String directory : DIRECTORIES) {
        mention(directory);
      }
      int files = random.nextInt(LEAST_FILES, MOST_FILES);
      for (int i = 0; i < files; i++) {
        file(DIRECTORIES[random.nextInt(DIRECTORIES.length)] + "file" + i);
      }
      byte[] bytes = file("bin/first");
      tar.hardLink("lib/second", "bin/first").symlink("lib/link", "../bin/first");
      tree.put("bin/first", described(bytes, "444", 2));
      tree.put("lib/second", described(bytes, "444", 2));
      tree.put("lib/link", "l ../bin/first");
    }

    /** Some directories have entries of their own, others come with what is in them. */
    private void mention(String directory) {
      if (!directory.isEmpty()) {
        if (random.nextBoolean()) {
          tar.directory(directory);
        }
        for (int end = directory.indexOf('/'); end > 0; end = directory.indexOf('/', end + 1)) {
          tree.put(directory.substring(0, end), "d");
        }
        file(directory + "always");
      }
    }

    private byte[] file(String name) {
      byte[] bytes = new byte[random.nextInt(MOST_BYTES)];
      random.nextBytes(bytes);
      boolean executable = !name.equals("bin/first") && random.nextInt(5) == 0;
      if (executable) {
        tar.executable(name, bytes);
      } else {
        tar.file(name, bytes);
      }
      tree.put(name, described(bytes, executable ? "555" : "444", 1));
      return bytes;
    }
  }

  /** A file as {@link #tree} has it. */
  static String described(byte[] bytes, String mode, long names) {
    return "f " + mode + " " + Content.checksum("sha256", bytes) + " " + names;
  }
}
