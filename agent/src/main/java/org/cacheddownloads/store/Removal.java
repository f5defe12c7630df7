package org.cacheddownloads.store;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Deletes directories with all that is in them. Nothing here follows a symlink. */
public final class Removal {
  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rwx------");
  private static final int AT_ONCE = 1000;

  private Removal() {}

  /**
   * Deletes {@code path} with all below it; already gone is fine. Whoever owns it needs no other
   * right: directories are made writable first. Modes of files are left alone, since they may be
   * those of other trees' files too. To make it one step for a crash, rename it away first; a
   * directory without the right to write can only be renamed within the one that it is in.
   */
  public static void delete(Path path) throws IOException {
    try {
      Files.deleteIfExists(path);
    } catch (DirectoryNotEmptyException e) {
      deleteDirectory(path);
    }
  }

  /** Deletes a directory that has nothing in it, and leaves any other. */
  public static void deleteIfEmpty(Path directory) throws IOException {
    try {
      Files.delete(directory);
    } catch (DirectoryNotEmptyException e) {
      // left
    }
  }

  /** Holds neither an open directory nor all its names while it works below it. */
  private static void deleteDirectory(Path directory) throws IOException {
    Set<PosixFilePermission> rights =
        Files.getPosixFilePermissions(directory, LinkOption.NOFOLLOW_LINKS);
    if (!rights.containsAll(PRIVATE)) {
      Files.setPosixFilePermissions(directory, PRIVATE);
    }
    List<Path> full;
    do {
      full = deleteNames(directory);
      for (Path below : full) {
        deleteDirectory(below);
      }
    } while (full.size() == AT_ONCE);
    Files.deleteIfExists(directory);
  }

  /** Deletes what it can. @return directories with something in them, of which there may be more */
  private static List<Path> deleteNames(Path directory) throws IOException {
    var full = new ArrayList<Path>();
    try (DirectoryStream<Path> names = Files.newDirectoryStream(directory)) {
      for (Path name : names) {
        try {
          Files.deleteIfExists(name);
        } catch (DirectoryNotEmptyException e) {
          full.add(name);
          if (full.size() == AT_ONCE) {
            break;
          }
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return full;
  }
}
