package org.cacheddownloads.archive;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.TreeSum;
import org.cacheddownloads.store.Hashing;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.Removal;

/**
 * What is done with trees on disk: copies by hard links, and comparison with the manifest. Nothing
 * here follows a symlink, and memory does not grow with the tree.
 */
public final class Trees {
  private Trees() {}

  /**
   * What a copy takes beside the inodes of the tree: its directories, its symlinks, and the files
   * that had no links left to give.
   */
  public record Made(long allocatedBytes, long inodes) {}

  /**
   * Makes a copy of a tree whose files are the tree's own, by hard links. A file that has all the
   * links that the file system allows is copied, and the copy is hashed.
   *
   * @param tree has {@code content/} and {@code manifest}
   * @param target is made; after a failure it is not there, unless it was before
   * @param check called before each file; ends the work by throwing
   * @throws DamagedTree if the tree is not what its manifest says
   */
  public static Made link(Path tree, Path target, Room room, Runnable check) throws IOException {
    var purse = new Purse(room);
    purse.directory(String.valueOf(target.getFileName()).length());
    Files.createDirectory(target, TreeWriter.PRIVATE);
    try (Manifest manifest = Manifest.open(tree.resolve(Unpacker.MANIFEST))) {
      return new Copy(tree.resolve(Unpacker.CONTENT), target, purse, check).make(manifest);
    } catch (IOException | RuntimeException e) {
      try {
        Removal.delete(target);
      } catch (IOException left) {
        e.addSuppressed(left);
      }
      throw e;
    }
  }

  /** One copy under way. */
  private static final class Copy {
    private final Path source;
    private final Path target;
    private final Purse purse;
    private final Runnable check;
    private final Deque<Node.Directory> open = new ArrayDeque<>();
    private final Map<Integer, Path> renewed = new HashMap<>();
    private final LinkBatch batch = new LinkBatch();

    /** Complete when what the batch collects, or has begun, is made. */
    private List<Node.Directory> left = new ArrayList<>();

    private List<Node.Directory> leftBefore = List.of();
    private long allocatedBytes;
    private long inodes;

    Copy(Path source, Path target, Purse purse, Runnable check) {
      this.source = source;
      this.target = target;
      this.purse = purse;
      this.check = check;
    }

    Made make(Manifest manifest) throws IOException {
      try (batch) {
        return makeAll(manifest);
      }
    }

    private Made makeAll(Manifest manifest) throws IOException {
      for (Node node = manifest.next(); node != null; node = manifest.next()) {
        check.run();
        leaveUpTo(node.path());
        switch (node) {
          case Node.Directory directory -> enter(directory);
          case Node.Symlink symlink -> symlink(symlink);
          case Node.File file -> file(file);
        }
      }
      while (!open.isEmpty()) {
        left.add(open.remove());
      }
      turnOver();
      turnOver();
      return new Made(allocatedBytes, inodes);
    }

    /** Ends the directories that {@code path} is not in: nothing more comes into them. */
    private void leaveUpTo(String path) throws IOException {
      while (!open.isEmpty() && !isBelow(path, open.peek().path())) {
        left.add(open.remove());
      }
      if (batch.isFull() || left.size() >= LinkBatch.MOST) {
        turnOver();
      }
    }

    /**
     * Ends the links that were begun, seals the directories that are complete now, and begins those
     * that were collected.
     */
    private void turnOver() throws IOException {
      for (LinkBatch.Link refused : batch.end()) {
        copy(refused.file(), refused.original(), refused.name());
      }
      for (Node.Directory directory : leftBefore) {
        seal(directory);
      }
      leftBefore = left;
      left = new ArrayList<>();
      batch.begin();
    }

    private void seal(Node.Directory directory) throws IOException {
      Path made = EntryPath.resolve(target, directory.path());
      Files.setPosixFilePermissions(made, Seal.DIRECTORY);
      Posix.setModified(made, directory.modified());
      allocatedBytes += Posix.lstat(made).allocatedBytes();
    }

    private void enter(Node.Directory directory) throws IOException {
      if (!directory.path().isEmpty()) { // the target itself is there
        purse.directory(nameBytes(directory));
        Files.createDirectory(EntryPath.resolve(target, directory.path()), TreeWriter.PRIVATE);
      }
      inodes++;
      open.push(directory);
    }

    private void symlink(Node.Symlink symlink) throws IOException {
      purse.inode(nameBytes(symlink));
      Path link = EntryPath.resolve(target, symlink.path());
      Posix.symlink(symlink.target(), link);
      Posix.setModified(link, symlink.modified());
      inodes++;
    }

    private void file(Node.File file) throws IOException {
      purse.name(nameBytes(file));
      Path link = EntryPath.resolve(target, file.path());
      if (file.group() == 0) {
        batch.add(new LinkBatch.Link(file, EntryPath.resolve(source, file.path()), link));
        return;
      }
      Path original = renewed.getOrDefault(file.group(), EntryPath.resolve(source, file.path()));
      try {
        Posix.link(original, link);
      } catch (Posix.TooManyLinks e) {
        copy(file, original, link);
        renewed.put(file.group(), link); // names of one inode stay names of one inode
      } catch (NoSuchFileException e) {
        throw new DamagedTree(original + " is missing", e);
      }
    }

    private void copy(Node.File file, Path original, Path link) throws IOException {
      purse.inode(0);
      purse.growth(0, file.sizeBytes());
      try (FileChannel in =
          FileChannel.open(original, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
        var written =
            new Pen()
                .write(
                    link,
                    file.executable(),
                    new BlobInput(in, 0, file.sizeBytes())::read,
                    (_, _) -> check.run());
        if (!file.digest().equals(written.digest())) {
          throw new DamagedTree(original + " has other bytes than its manifest says");
        }
      }
      TreeWriter.settle(link, file.executable(), file.modified());
      allocatedBytes += Posix.lstat(link).allocatedBytes();
      inodes++;
    }

    private static int nameBytes(Node node) {
      return EntryPath.bytesOf(node.path().substring(node.path().lastIndexOf('/') + 1));
    }
  }

  private static boolean isBelow(String path, String directory) {
    return directory.isEmpty()
        || (path.length() > directory.length()
            && path.charAt(directory.length()) == '/'
            && path.startsWith(directory));
  }

  /**
   * Compares a tree, or a copy of one, with its manifest: types, modes, sizes, the bytes of every
   * file, which names are one inode, targets of symlinks, and that there is nothing else. Times are
   * not compared, since file systems round them.
   *
   * @param check called before each node; ends the work by throwing
   * @throws DamagedTree that names the first difference
   */
  public static void verify(Path manifest, Path content, Digest treeDigest, Runnable check)
      throws IOException {
    try {
      if (!sha256(manifest).equals(treeDigest)) {
        throw new DamagedTree(manifest + " is not that of " + treeDigest);
      }
    } catch (NoSuchFileException e) {
      if (Files.isDirectory(content, LinkOption.NOFOLLOW_LINKS)) {
        throw new DamagedTree(manifest + " is missing", e);
      }
      throw e; // all of it is gone
    }
    try (Manifest nodes = Manifest.open(manifest)) {
      new Comparison(content, check).of(nodes);
    }
  }

  /** One comparison under way. */
  private static final class Comparison {
    private final Path root;
    private final Runnable check;
    private final Deque<Seen> open = new ArrayDeque<>();
    private final Map<Integer, Long> inodes = new HashMap<>();

    /** A directory, and how many names in it were met. */
    private static final class Seen {
      final String path;
      long names;

      Seen(String path) {
        this.path = path;
      }
    }

    Comparison(Path root, Runnable check) {
      this.root = root;
      this.check = check;
    }

    void of(Manifest manifest) throws IOException {
      for (Node node = manifest.next(); node != null; node = manifest.next()) {
        check.run();
        while (!open.isEmpty() && !isBelow(node.path(), open.peek().path)) {
          leave();
        }
        if (!open.isEmpty()) {
          open.peek().names++;
        }
        compare(node);
      }
      while (!open.isEmpty()) {
        leave();
      }
    }

    private void leave() throws IOException {
      Seen directory = open.remove();
      long names = 0;
      try (var there = Files.newDirectoryStream(EntryPath.resolve(root, directory.path))) {
        for (Path _ : there) {
          names++;
        }
      }
      if (names != directory.names) {
        throw differs(
            EntryPath.resolve(root, directory.path),
            "it has " + names + " names and not " + directory.names);
      }
    }

    private void compare(Node node) throws IOException {
      Path path = EntryPath.resolve(root, node.path());
      Posix.Stat stat;
      try {
        stat = Posix.lstat(path);
      } catch (NoSuchFileException e) {
        throw differs(path, "it is missing");
      }
      switch (node) {
        case Node.Directory _ -> {
          expect(stat.isDirectory(), path, "it is no directory");
          expect(stat.mode() == 0555, path, "its mode has changed");
          open.push(new Seen(node.path()));
        }
        case Node.Symlink symlink -> {
          expect(stat.isSymlink(), path, "it is no symlink");
          String text = Posix.readSymlink(path);
          expect(text.equals(symlink.target()), path, "it leads elsewhere");
        }
        case Node.File file -> {
          expect(stat.isFile(), path, "it is no regular file");
          expect(stat.mode() == (file.executable() ? 0555 : 0444), path, "its mode has changed");
          expect(stat.sizeBytes() == file.sizeBytes(), path, "its size has changed");
          bytes(file, path, stat);
        }
      }
    }

    private void bytes(Node.File file, Path path, Posix.Stat stat) throws IOException {
      Long same = file.group() == 0 ? null : inodes.putIfAbsent(file.group(), stat.inode());
      if (same != null) {
        expect(same == stat.inode(), path, "it is a file of its own");
        return; // its bytes were looked at under another name
      }
      expect(sha256(path).equals(file.digest()), path, "its bytes have changed");
    }

    private static void expect(boolean isSo, Path path, String otherwise) throws DamagedTree {
      if (!isSo) {
        throw differs(path, otherwise);
      }
    }

    private static DamagedTree differs(Path path, String how) {
      return new DamagedTree(path + " is not what its manifest says: " + how);
    }
  }

  /**
   * What a tree holds, from its manifest alone.
   *
   * @throws DamagedTree if that is none
   */
  public static TreeSum sum(Path manifest) throws IOException {
    long bytes = 0;
    long files = 0;
    var groups = new HashSet<Integer>();
    try (Manifest nodes = Manifest.open(manifest)) {
      for (Node node = nodes.next(); node != null; node = nodes.next()) {
        if (node instanceof Node.File file && (file.group() == 0 || groups.add(file.group()))) {
          bytes += file.sizeBytes();
          files++;
        }
      }
    }
    return new TreeSum(sha256(manifest), bytes, files);
  }

  private static Digest sha256(Path file) throws IOException {
    var digest = Hashing.digest("SHA-256");
    byte[] buffer = new byte[128 * 1024];
    try (var in = Files.newInputStream(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        digest.update(buffer, 0, count);
      }
    }
    return new Digest(HexFormat.of().formatHex(digest.digest()));
  }
}
