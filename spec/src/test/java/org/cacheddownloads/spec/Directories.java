package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** An agent that is asked for directories, of archives that one origin serves. */
record Directories(AgentProcess agent, Origin origin) {

  /** A download of the path as a directory; {@code more} are further fields of the request. */
  Download download(String container, String name, String path, Object... more) {
    return agent.download(container, name, origin.url(path), fields(more));
  }

  /** The fields of a request for a directory. */
  static Object[] fields(Object... more) {
    return Stream.concat(Stream.of("as", "directory"), Arrays.stream(more)).toArray();
  }

  /** Where the tree of the only download with {@code deliver: mount} is on the host. */
  Path mountedTree(String container) {
    JsonNode mounts = agent.container(container).path("mounts");
    assertThat(mounts).as("mounts of %s", container).hasSize(1);
    return Path.of(mounts.path(0).path("source").asText());
  }

  /** The forms of a path that are on the disk. */
  List<String> forms(String path) {
    return Json.texts(agent.entry(origin.url(path)).path("forms"));
  }

  /** Releases all containers and evicts everything. */
  void removeAll() {
    agent.post("/v1/reconcile", "live", List.of()).expect(200);
    evictAll();
  }

  /** Evicts all that nobody holds; what is being synced to disk is held for that moment. */
  void evictAll() {
    eventually()
        .until(
            () -> {
              agent.post("/v1/prune", "targetBytes", 0).expect(200);
              return agent.stat("disk.idleBytes") == 0;
            });
  }
}
