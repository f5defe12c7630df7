package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;

/**
 * JVM options with which the built agent starts at a third of the cost: an archive of its loaded
 * classes, recorded once, and one compiler in place of two. For tests that start it hundreds of
 * times; the program is the same.
 */
final class FastStart implements AutoCloseable {
  private static final String OPTIONS = "JDK_JAVA_OPTIONS"; // what the java launcher reads

  private final Path directory = Project.temporaryDirectory();

  private FastStart() {}

  /** Records the archive from the life of an agent that has served a miss and a hit. */
  static FastStart record() {
    var recorded = new FastStart();
    try (AgentProcess agent = AgentProcess.with();
        LoadOrigin origin = LoadOrigin.start()) {
      var source = origin.add("/recorded", LoadOrigin.Kind.LARGE);
      agent.environment(
          OPTIONS, "-XX:ArchiveClassesAtExit=" + recorded.archive() + " -Xlog:cds=off");
      agent.start();
      agent.download("recorded", "a", origin.url(source));
      agent.download("recorded", "b", origin.url(source), "executable", true);
      agent.entries();
      agent.stats();
      agent.sigterm();
      assertThat(agent.awaitExit()).isZero();
      return recorded;
    } catch (RuntimeException | Error e) {
      recorded.close();
      throw e;
    }
  }

  private Path archive() {
    return directory.resolve("classes.jsa");
  }

  /** Lets an agent start with them. */
  void hurry(AgentProcess agent) {
    agent.environment(
        OPTIONS, "-XX:SharedArchiveFile=" + archive() + " -XX:TieredStopAtLevel=1 -Xlog:cds=off");
  }

  @Override
  public void close() {
    Project.delete(directory);
  }
}
