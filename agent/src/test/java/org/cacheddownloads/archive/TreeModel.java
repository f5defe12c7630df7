package org.cacheddownloads.archive;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveOutputStream;

/**
 * What a tree is to be, and the archives that other people's writers make of it.
 *
 * @param things by path, each below directories or nothing
 */
record TreeModel(Map<String, Thing> things) {
  /** Something in a tree. */
  sealed interface Thing {
    Instant modified();

    /** A directory. */
    record Directory(Instant modified) implements Thing {}

    /** A file. */
    record File(Instant modified, boolean executable, int size, long seed) implements Thing {
      /** Half of it random, so that it packs a little. */
      byte[] bytes() {
        byte[] bytes = new byte[size / 2];
        new Random(seed).nextBytes(bytes);
        return Arrays.copyOf(bytes, size);
      }
    }

    /** A symlink. */
    record Symlink(Instant modified, String target) implements Thing {}
  }

  /** Of names that may stand in each other's way: only those that do not. */
  static TreeModel of(List<Map.Entry<String, Thing>> wanted) {
    var things = new TreeMap<String, Thing>();
    for (var one : wanted) {
      if (fits(things, one.getKey())) {
        things.put(one.getKey(), one.getValue());
      }
    }
    return new TreeModel(things);
  }

  private static boolean fits(TreeMap<String, Thing> things, String path) {
    if (things.containsKey(path)
        || things.keySet().stream().anyMatch(other -> other.startsWith(path + "/"))) {
      return false;
    }
    for (int slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      Thing above = things.get(path.substring(0, slash));
      if (above != null && !(above instanceof Thing.Directory)) {
        return false;
      }
    }
    return true;
  }

  /** As {@link Workshop#list} says it, without the directories that are not mentioned. */
  Map<String, String> list() {
    var listed = new TreeMap<String, String>();
    things.forEach(
        (path, thing) ->
            listed.put(
                path,
                switch (thing) {
                  case Thing.Directory d -> "directory r-xr-xr-x " + d.modified();
                  case Thing.Symlink l -> "symlink " + l.modified() + " " + l.target();
                  case Thing.File f ->
                      "file "
                          + (f.executable() ? "r-xr-xr-x " : "r--r--r-- ")
                          + f.modified()
                          + " "
                          + Workshop.sha256(f.bytes());
                }));
    return listed;
  }

  /** A tar with long names and times as pax has them. */
  byte[] tar() {
    var bytes = new ByteArrayOutputStream();
    try (var out = new TarArchiveOutputStream(bytes, "UTF-8")) {
      out.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
      out.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
      out.setAddPaxHeadersForNonAsciiNames(true);
      for (var one : things.entrySet()) {
        TarArchiveEntry entry = entry(one.getKey(), one.getValue());
        entry.setLastModifiedTime(FileTime.from(one.getValue().modified()));
        out.putArchiveEntry(entry);
        if (one.getValue() instanceof Thing.File file) {
          out.write(file.bytes());
        }
        out.closeArchiveEntry();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static TarArchiveEntry entry(String path, Thing thing) {
    switch (thing) {
      case Thing.Directory _ -> {
        return new TarArchiveEntry(path + "/");
      }
      case Thing.Symlink symlink -> {
        var entry = new TarArchiveEntry(path, TarConstants.LF_SYMLINK);
        entry.setLinkName(symlink.target());
        return entry;
      }
      case Thing.File file -> {
        var entry = new TarArchiveEntry(path);
        entry.setSize(file.size());
        entry.setMode(file.executable() ? 0100755 : 0100644);
        return entry;
      }
    }
  }

  /** A zip, its sizes in descriptors behind the data. */
  byte[] zip() {
    var bytes = new ByteArrayOutputStream();
    try (var out = new ZipArchiveOutputStream(bytes)) {
      for (var one : things.entrySet()) {
        Thing thing = one.getValue();
        boolean isDirectory = thing instanceof Thing.Directory;
        var entry = new ZipArchiveEntry(one.getKey() + (isDirectory ? "/" : ""));
        entry.setLastModifiedTime(FileTime.from(thing.modified()));
        entry.setUnixMode(
            switch (thing) {
              case Thing.Directory _ -> 040755;
              case Thing.Symlink _ -> 0120777;
              case Thing.File file -> file.executable() ? 0100755 : 0100644;
            });
        out.putArchiveEntry(entry);
        out.write(
            switch (thing) {
              case Thing.Directory _ -> new byte[0];
              case Thing.Symlink symlink -> symlink.target().getBytes(UTF_8);
              case Thing.File file -> file.bytes();
            });
        out.closeArchiveEntry();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }
}
