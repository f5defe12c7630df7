package org.cacheddownloads.archive;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.store.Removal;

/** A program for {@link SurroundingsTest}: all that is done to a tree, in a process of its own. */
final class Outsider {
  private Outsider() {}

  /** Prints the digest of the tree of an archive, or why there is none. */
  public static void main(String[] args) throws IOException {
    Path archive = Path.of(args[0]);
    Path tree = Files.createDirectory(Path.of(args[1]).resolve("tree"));
    try {
      Unpacked unpacked =
          new Unpacker(Workshop.ROOMY).unpack(archive, tree, (_, _) -> {}, () -> {});
      Path copy = tree.resolveSibling("copy");
      Trees.link(tree, copy, (_, _) -> {}, () -> {});
      Trees.verify(tree.resolve(Unpacker.MANIFEST), copy, unpacked.treeDigest(), () -> {});
      Removal.delete(copy);
      System.out.println(unpacked.treeDigest());
    } catch (CacheException e) {
      System.out.println(e.code() + ": " + e.getMessage());
    }
    Removal.delete(tree);
  }
}
