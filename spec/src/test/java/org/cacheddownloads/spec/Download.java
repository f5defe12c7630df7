package org.cacheddownloads.spec;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A download as the agent describes it, with the status of the reply that did. */
record Download(int status, JsonNode json) {

  String outcome() {
    return json.path("outcome").asText();
  }

  String digest() {
    return json.path("digest").asText();
  }

  long size() {
    return json.path("size").asLong();
  }

  long bytesFetched() {
    return json.path("bytesFetched").asLong();
  }

  String path() {
    return json.path("path").asText();
  }

  Path hostPath() {
    return Path.of(json.path("hostPath").asText());
  }

  String text(String field) {
    return json.path(field).asText();
  }

  /** What the container reads under the name right now, followed through the symlink. */
  String content() {
    return new String(bytes(), StandardCharsets.UTF_8);
  }

  byte[] bytes() {
    try {
      return Files.readAllBytes(hostPath());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The file or directory itself, in the view, behind the symlink. */
  Path file() {
    try {
      return hostPath().toRealPath();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All that the container sees below the name of a directory. */
  Listing listing() {
    return Listing.of(file());
  }

  String treeDigest() {
    return json.path("treeDigest").asText();
  }

  /** The link count of the file's inode. */
  int links() {
    return (Integer) attribute("unix:nlink");
  }

  Object inode() {
    return attribute("unix:ino");
  }

  /** The permission bits of the file, as {@code 0444}. */
  String mode() {
    return "0%o".formatted((Integer) attribute("unix:mode") & 07777);
  }

  private Object attribute(String name) {
    try {
      return Files.getAttribute(file(), name);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
