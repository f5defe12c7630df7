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
 * Hard links that are still to be made, and those that are being made. Almost all of the time of a
 * copy goes into them, and the file system takes names into one directory one after the other, but
 * into two side by side: so a batch is made by two threads, each with directories of its own, while
 * the next one is collected. Belongs to one thread; close it before anything is done to what it
 * links into.
 */
final class LinkBatch implements AutoCloseable {
  static final int MOST = 512;

  private List<Link> collected = new ArrayList<>();
  private final List<Part> running = new ArrayList<>();

  /** A file of the tree, and the name that its inode is to have in the copy. */
  record Link(Node.File file, Path original, Path name) {}

  private record Part(Thread thread, FutureTask<List<Link>> work) {}

  void add(Link link) {
    collected.add(link);
  }

  boolean isFull() {
    return collected.size() >= MOST;
  }

  /** Begins to make what was collected; what was begun before has ended. */
  void begin() {
    List<Link> all = collected;
    collected = new ArrayList<>();
    int half = border(all);
    start(all.subList(0, half));
    start(all.subList(half, all.size()));
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

  private void start(List<Link> links) {
    if (!links.isEmpty()) {
      var work = new FutureTask<>(() -> make(links));
      running.add(new Part(Thread.ofVirtual().name("links").start(work), work));
    }
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

  /**
   * Waits for what was begun.
   *
   * @return those whose inode has all the links that the file system allows
   * @throws DamagedTree if one's original is missing
   */
  List<Link> end() throws IOException {
    List<Part> ended = List.copyOf(running);
    close();
    var refused = new ArrayList<Link>();
    for (Part part : ended) {
      refused.addAll(result(part.work()));
    }
    return refused;
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

  /** Waits without end: making links of files takes as long as it takes, and is never stuck. */
  @Override
  public void close() {
    boolean interrupted = false;
    for (Part part : running) {
      while (part.thread().isAlive()) {
        try {
          part.thread().join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    running.clear();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
