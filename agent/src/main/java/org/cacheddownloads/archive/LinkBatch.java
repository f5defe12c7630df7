package org.cacheddownloads.archive;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.FutureTask;
import org.cacheddownloads.store.Posix;

/**
 * Hard links that are still to be made. Almost all of the time of a copy goes into them, and the
 * file system takes names into one directory one after the other, but into two side by side: so a
 * batch is made by two threads, each with directories of its own. Not thread-safe.
 */
final class LinkBatch {
  static final int MOST = 1024;

  /** Fewer are made sooner than a thread is started. */
  private static final int FEW = 64;

  private final List<Link> links = new ArrayList<>();

  /** A file of the tree, and the name that its inode is to have in the copy. */
  record Link(Node.File file, Path original, Path name) {}

  void add(Link link) {
    links.add(link);
  }

  boolean isFull() {
    return links.size() >= MOST;
  }

  /**
   * Makes all of them; the batch is empty after.
   *
   * @return those whose inode has all the links that the file system allows
   * @throws DamagedTree if one's original is missing
   */
  List<Link> make() throws IOException {
    List<Link> all = List.copyOf(links);
    links.clear();
    int half = border(all);
    if (all.size() < FEW || half == all.size()) {
      return make(all);
    }
    var other = new FutureTask<>(() -> make(all.subList(half, all.size())));
    Thread thread = Thread.ofVirtual().name("links").start(other);
    var refused = new ArrayList<Link>();
    try {
      refused.addAll(make(all.subList(0, half)));
    } finally {
      end(thread); // nothing is made any more when this returns
    }
    refused.addAll(result(other));
    return refused;
  }

  /** Where about the second half begins with another directory; the end if there is but one. */
  private static int border(List<Link> all) {
    int at = all.size() / 2;
    while (at > 0
        && at < all.size()
        && Objects.equals(all.get(at).name().getParent(), all.get(at - 1).name().getParent())) {
      at++;
    }
    return at;
  }

  private static List<Link> make(List<Link> links) throws IOException {
    var refused = new ArrayList<Link>();
    for (Link link : links) {
      try {
        Posix.link(link.original(), link.name());
      } catch (Posix.TooManyLinks e) {
        refused.add(link);
      } catch (NoSuchFileException e) {
        throw new DamagedTree(link.original() + " is missing", e);
      }
    }
    return refused;
  }

  /** Waits without end: making links of files takes as long as it takes, and is never stuck. */
  private static void end(Thread thread) {
    boolean interrupted = false;
    while (true) {
      try {
        thread.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static List<Link> result(FutureTask<List<Link>> ended) throws IOException {
    return switch (ended.state()) {
      case SUCCESS -> ended.resultNow();
      case FAILED -> {
        Throwable failure = ended.exceptionNow();
        if (failure instanceof IOException fault) {
          throw fault;
        }
        throw new IllegalStateException("links were not made", failure);
      }
      default -> throw new IllegalStateException("links are still being made");
    };
  }
}
