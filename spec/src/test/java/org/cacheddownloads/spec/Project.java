package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * Where things are: the checkout, the built agent, the JVM, the machine's tools; and small files
 * and ports to use for a while.
 */
final class Project {
  private static final int FIRST_PORT = 12_000;
  private static final int PORTS = 8_000;

  /** Begins anywhere: other tests may run on this machine. */
  private static final AtomicInteger NEXT_PORT =
      new AtomicInteger(ThreadLocalRandom.current().nextInt(PORTS));

  /** The checkout; Maven passes it, an IDE that starts tests in {@code spec/} need not. */
  static final Path ROOT =
      Path.of(System.getProperty("project.root", "..")).toAbsolutePath().normalize();

  private Project() {}

  /** The command line of the built agent on the JVM that runs the tests. */
  static List<String> agent(String... arguments) {
    Path jar =
        Path.of(
            System.getProperty(
                "agent.jar", ROOT.resolve("agent/target/cached-downloads.jar").toString()));
    if (!Files.exists(jar)) {
      fail("there is no " + jar + "; build it: mvn -pl agent package");
    }
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    var command =
        Stream.of(java, "@" + ROOT.resolve("scripts/jvm.options"), "-jar", jar.toString());
    return Stream.concat(command, Stream.of(arguments)).toList();
  }

  /**
   * A program that a Debian package brings. A missing one fails the test with the line that mends
   * it.
   */
  static String tool(String program, String debianPackage) {
    String path = System.getenv("PATH") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin";
    return Stream.of(path.split(":", -1))
        .map(directory -> Path.of(directory, program))
        .filter(Files::isExecutable)
        .findFirst()
        .map(Path::toString)
        .orElseGet(() -> fail(program + " is missing; run: apt-get install -y " + debianPackage));
  }

  /** Mounts and containers need root. */
  static void requireRoot() {
    if (!System.getProperty("user.name").equals("root")) {
      fail("this test needs root, for containers or mounts; run: sudo scripts/test");
    }
  }

  /** A new directory with a short path: a Unix socket's may have 107 bytes at most. */
  static Path temporaryDirectory() {
    try {
      return Files.createTempDirectory(Path.of("/tmp"), "cd-");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A TCP port of the loopback device that nobody listens to. Below those that the system gives out
   * by itself, and no two times the same: a program that takes its time to listen finds it free.
   */
  static int freePort() {
    while (true) {
      int port = FIRST_PORT + Math.floorMod(NEXT_PORT.getAndIncrement(), PORTS);
      try (var _ = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        return port;
      } catch (BindException e) {
        // somebody has it: the next one
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** Whether somebody listens to a TCP port of the loopback device. */
  static boolean listensOn(int port) {
    try (var socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** Deletes a directory and what is in it; symlinks are not followed. */
  static void delete(Path directory) {
    try {
      if (Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
        try (Stream<Path> children = Files.list(directory)) {
          children.toList().forEach(Project::delete);
        }
      }
      Files.deleteIfExists(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
