package org.cacheddownloads.view;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CrashPoint;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.StoreLayout;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One change of a view on disk, step by step, with the way back: closing it without {@link #keep}
 * undoes what was done, last step first. Used under the view's lock.
 */
final class ViewChange implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ViewChange.class);
  private static final AtomicLong NEXT_TEMPORARY = new AtomicLong();
  static final String TEMPORARY = ".switch-";

  private final StoreLayout layout;
  private final ContainerId container;
  private final Set<Path> present;
  private final ArrayDeque<Step> undo = new ArrayDeque<>();
  private final Set<Path> touched = new HashSet<>();
  private final Set<Path> made = new HashSet<>();
  private int symlinksMade;
  private boolean kept;

  private interface Step {
    void run() throws IOException;
  }

  /**
   * Begins a change.
   *
   * @param present the directories that the view has
   */
  ViewChange(StoreLayout layout, ContainerId container, Set<Path> present) {
    this.layout = layout;
    this.container = container;
    this.present = present;
  }

  /** Makes a directory of the view unless it is there. */
  void directory(Path directory) throws IOException {
    if (present.contains(directory) && !gone.contains(directory)) {
      return;
    }
    try {
      Files.createDirectory(directory);
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(directory, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
        throw e;
      }
      return;
    }
    made.add(directory);
    touch(directory);
    touch(directory.getParent());
    undo.push(
        () -> {
          Files.delete(directory);
          made.remove(directory);
          touched.remove(directory);
        });
  }

  private void touch(@Nullable Path directory) {
    if (directory != null && !directory.equals(layout.views())) {
      touched.add(directory);
    }
  }

  /** Takes a reference. @return the inode that the link leads to */
  Posix.Stat link(Stored stored) throws IOException {
    Path link = layout.links(container).resolve(stored.fileName());
    Posix.link(layout.blob(stored), link);
    CrashPoint.LINK.reached();
    touch(link.getParent());
    undo.push(() -> Files.delete(link));
    return Posix.lstat(link);
  }

  /** Replaces a view's link by one to the store's present inode of the same bytes, atomically. */
  static Posix.Stat relink(StoreLayout layout, ContainerId container, Stored stored)
      throws IOException {
    Path links = layout.links(container);
    Path temporary = links.resolve(TEMPORARY + NEXT_TEMPORARY.getAndIncrement());
    Posix.link(layout.blob(stored), temporary);
    try {
      Posix.Stat stat = Posix.lstat(temporary);
      Files.move(temporary, links.resolve(stored.fileName()), StandardCopyOption.ATOMIC_MOVE);
      return stat;
    } catch (IOException e) {
      Files.deleteIfExists(temporary);
      throw e;
    }
  }

  /** Lets {@code name} show {@code stored}, atomically, whatever it showed before. */
  void show(DownloadName name, Stored stored, @Nullable Stored before) throws IOException {
    Path path = layout.name(container, name);
    parents(name);
    touch(path.getParent());
    if (before == null) {
      Files.createSymbolicLink(path, StoreLayout.symlinkTarget(name, stored));
      CrashPoint.SHOW.reached();
      symlinksMade++;
      undo.push(
          () -> {
            Files.delete(path);
            symlinksMade--;
          });
    } else {
      switchTo(path, name, stored);
      undo.push(() -> switchTo(path, name, before));
    }
  }

  private void parents(DownloadName name) throws IOException {
    Path directory = layout.view(container);
    for (String segment : name.segments().subList(0, name.depth() - 1)) {
      directory = directory.resolve(segment);
      directory(directory);
    }
  }

  private void switchTo(Path path, DownloadName name, Stored stored) throws IOException {
    Path temporary = layout.links(container).resolve(TEMPORARY + NEXT_TEMPORARY.getAndIncrement());
    touch(temporary.getParent());
    Files.createSymbolicLink(temporary, StoreLayout.symlinkTarget(name, stored));
    CrashPoint.SWITCH.reached();
    try {
      Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
      CrashPoint.SWITCHED.reached();
    } catch (IOException e) {
      Files.deleteIfExists(temporary);
      throw e;
    }
  }

  /** Takes {@code name} away, and directories that this leaves empty. */
  void hide(DownloadName name, Stored shown) throws IOException {
    Path path = layout.name(container, name);
    Files.deleteIfExists(path);
    CrashPoint.HIDE.reached();
    symlinksMade--;
    touch(path.getParent());
    undo.push(
        () -> {
          Files.createSymbolicLink(path, StoreLayout.symlinkTarget(name, shown));
          symlinksMade++;
        });
    Path directory = path.getParent();
    for (int depth = name.depth() - 1; depth > 0 && directory != null; depth--) {
      Path emptied = directory;
      if (!deleteIfEmpty(emptied)) {
        break;
      }
      undo.push(
          () -> {
            Files.createDirectory(emptied);
            gone.remove(emptied);
          });
      directory = directory.getParent();
      touch(directory);
    }
  }

  private final Set<Path> gone = new HashSet<>();

  private boolean deleteIfEmpty(Path directory) throws IOException {
    try {
      Files.delete(directory);
      gone.add(directory);
      touched.remove(directory);
      return true;
    } catch (DirectoryNotEmptyException e) {
      return false;
    } catch (NoSuchFileException e) {
      return true;
    }
  }

  /** The change stays. */
  void keep() {
    kept = true;
  }

  /** Directories that are new on disk or may have another size now. */
  Set<Path> touched() {
    return touched;
  }

  /** Directories that are no longer there. */
  Set<Path> gone() {
    return gone;
  }

  /** How many more symlinks there are than before. */
  int symlinksMade() {
    return symlinksMade;
  }

  @Override
  public void close() {
    if (kept) {
      return;
    }
    while (!undo.isEmpty()) {
      try {
        undo.pop().run();
      } catch (IOException e) {
        log.error(
            "cannot undo a step of a failed change container={} error={}", container, e.toString());
      }
    }
  }
}
