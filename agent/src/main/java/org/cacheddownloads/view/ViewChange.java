package org.cacheddownloads.view;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.cacheddownloads.catalog.DownloadRow;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CrashPoint;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.Removal;
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
  private final List<Step> whenKept = new ArrayList<>();
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
      if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
        throw e;
      }
      return;
    }
    touch(directory);
    touch(directory.getParent());
    undo.push(
        () -> {
          Files.delete(directory);
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

  /** Moves what a view will have of a tree to its place, whatever is there. */
  void place(TreeCopy copy) throws IOException {
    Path link = layout.links(container).resolve(copy.tree().fileName());
    touch(link.getParent());
    if (Files.isDirectory(link, LinkOption.NOFOLLOW_LINKS)) {
      Posix.exchange(copy.directory(), link);
      undo.push(() -> Posix.exchange(copy.directory(), link));
    } else {
      Files.move(copy.directory(), link, StandardCopyOption.ATOMIC_MOVE);
      undo.push(() -> Files.move(link, copy.directory(), StandardCopyOption.ATOMIC_MOVE));
    }
    CrashPoint.LINK.reached();
  }

  /**
   * What a name leads to.
   *
   * @param isMounted whether it is an empty directory, for {@code stored} to be mounted on, and no
   *     symlink
   */
  record Shown(Stored stored, boolean isMounted) {
    static Shown of(DownloadRow row) {
      return new Shown(row.stored(), row.isMounted());
    }
  }

  /**
   * Lets {@code name} show {@code after}, atomically, whatever it showed before.
   *
   * @param mounted what was mounted at it so far, the last one now
   */
  void show(DownloadName name, Shown after, @Nullable Shown before, List<Stored> mounted)
      throws IOException {
    Path path = layout.name(container, name);
    parents(name);
    touch(path.getParent());
    if (after.isMounted()) {
      mount(path, name, after.stored(), before, mounted);
    } else if (before == null) {
      Files.createSymbolicLink(path, StoreLayout.symlinkTarget(name, after.stored()));
      CrashPoint.SHOW.reached();
      symlinksMade++;
      undo.push(
          () -> {
            Files.delete(path);
            symlinksMade--;
          });
    } else if (before.isMounted()) {
      exchangeFor(path, () -> symlink(name, after.stored()));
      symlinksMade++;
      gone.add(path);
      touched.remove(path);
      undo.push(
          () -> {
            symlinksMade--;
            gone.remove(path);
          });
      forgetMounts(name, mounted);
    } else {
      switchTo(path, name, after.stored());
      undo.push(() -> switchTo(path, name, before.stored()));
    }
  }

  /**
   * Records what is to be mounted, and makes the mount point unless it is there: a container that
   * runs keeps what it has mounted.
   */
  private void mount(
      Path path, DownloadName name, Stored stored, @Nullable Shown before, List<Stored> mounted)
      throws IOException {
    boolean isNewPoint = before == null || !before.isMounted();
    noteMount(name, stored, isNewPoint ? 1 : mounted.size() + 1);
    if (!isNewPoint) {
      return;
    }
    if (before == null) {
      directory(path);
      CrashPoint.SHOW.reached();
      return;
    }
    exchangeFor(path, this::mountPoint);
    symlinksMade--;
    touch(path);
    undo.push(
        () -> {
          symlinksMade++;
          touched.remove(path);
        });
  }

  private interface Making {
    /** Makes something in the place of temporary things and tells where. */
    Path make() throws IOException;
  }

  /** Puts something of another kind in the place of {@code path} in one step. */
  private void exchangeFor(Path path, Making making) throws IOException {
    Path temporary = making.make();
    CrashPoint.SWITCH.reached();
    try {
      Posix.exchange(temporary, path);
      CrashPoint.SWITCHED.reached();
    } catch (IOException e) {
      Removal.delete(temporary);
      throw e;
    }
    whenKept.add(() -> Files.delete(temporary));
    undo.push(
        () -> {
          Posix.exchange(temporary, path);
          Removal.delete(temporary);
        });
  }

  private Path temporary() {
    Path temporary = layout.links(container).resolve(TEMPORARY + NEXT_TEMPORARY.getAndIncrement());
    touch(temporary.getParent());
    return temporary;
  }

  private Path symlink(DownloadName name, Stored stored) throws IOException {
    return Files.createSymbolicLink(temporary(), StoreLayout.symlinkTarget(name, stored));
  }

  private Path mountPoint() throws IOException {
    return Files.createDirectory(temporary());
  }

  private void noteMount(DownloadName name, Stored stored, int number) throws IOException {
    Path directory = layout.links(container);
    directory = directory.resolve(StoreLayout.MOUNTS);
    directory(directory);
    for (String segment : name.segments()) {
      directory = directory.resolve(segment);
      directory(directory);
    }
    Path note = directory.resolve(Integer.toString(number));
    touch(directory);
    Files.deleteIfExists(note); // of a mount that was taken away and could not be forgotten
    Files.createSymbolicLink(note, Path.of(stored.fileName()));
    symlinksMade++;
    undo.push(
        () -> {
          Files.delete(note);
          symlinksMade--;
        });
  }

  private void forgetMounts(DownloadName name, List<Stored> mounted) throws IOException {
    Path directory = layout.mounts(container, name);
    for (int number = mounted.size(); number > 0; number--) {
      Path note = directory.resolve(Integer.toString(number));
      Stored stored = mounted.get(number - 1);
      Files.delete(note);
      symlinksMade--;
      undo.push(
          () -> {
            Files.createSymbolicLink(note, Path.of(stored.fileName()));
            symlinksMade++;
          });
    }
    touch(directory);
    deleteEmpty(directory, name.depth() + 1);
  }

  private void parents(DownloadName name) throws IOException {
    Path directory = layout.view(container);
    for (String segment : name.segments().subList(0, name.depth() - 1)) {
      directory = directory.resolve(segment);
      directory(directory);
    }
  }

  private void switchTo(Path path, DownloadName name, Stored stored) throws IOException {
    Path temporary = symlink(name, stored);
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
  void hide(DownloadName name, Shown shown, List<Stored> mounted) throws IOException {
    Path path = layout.name(container, name);
    touch(path.getParent());
    if (shown.isMounted()) {
      deleteEmpty(path, 1); // which unmounts it in containers that run
      CrashPoint.HIDE.reached();
      forgetMounts(name, mounted);
    } else {
      Files.deleteIfExists(path);
      CrashPoint.HIDE.reached();
      symlinksMade--;
      undo.push(
          () -> {
            Files.createSymbolicLink(path, StoreLayout.symlinkTarget(name, shown.stored()));
            symlinksMade++;
          });
    }
    deleteEmpty(path.getParent(), name.depth() - 1);
  }

  /** Deletes a directory if it is empty, then the one above, at most {@code most} of them. */
  private void deleteEmpty(@Nullable Path lowest, int most) throws IOException {
    Path directory = lowest;
    for (int depth = most; depth > 0 && directory != null; depth--) {
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

  /** The change stays. What it took the place of is taken away. */
  void keep() {
    kept = true;
    for (Step step : whenKept) {
      try {
        step.run();
      } catch (IOException e) { // the next start takes it away
        log.warn("cannot clean up after a change container={} error={}", container, e.toString());
      }
    }
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
