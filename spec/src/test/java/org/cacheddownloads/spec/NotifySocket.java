package org.cacheddownloads.spec;

import static org.cacheddownloads.spec.Eventually.eventually;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The receiving end of sd_notify(3): a datagram socket that keeps what it is sent. The JDK has no
 * such sockets, Perl is in every Debian.
 */
final class NotifySocket implements AutoCloseable {
  private static final String RECEIVER =
      """
      use Socket; $| = 1;
      (my $name = $ARGV[0]) =~ s/^@/\\0/;
      socket(S, AF_UNIX, SOCK_DGRAM, 0) && bind(S, pack_sockaddr_un($name)) or die "$!";
      print "bound\\n\\n";
      while (defined recv(S, my $message, 65536, 0)) { print "$message\\n\\n"; }
      """;

  private final Path directory = Project.temporaryDirectory();
  private final String address;
  private final Child receiver;

  private NotifySocket(String abstractName) {
    address = abstractName.isEmpty() ? directory.resolve("notify").toString() : abstractName;
    receiver =
        Child.start(
            directory,
            directory.resolve("messages"),
            List.of(Project.tool("perl", "perl-base"), "-e", RECEIVER, address));
    eventually().until(() -> receiver.output().startsWith("bound"));
  }

  static NotifySocket onPath() {
    return new NotifySocket("");
  }

  static NotifySocket withAbstractName() {
    return new NotifySocket("@cached-downloads-" + ProcessHandle.current().pid());
  }

  /** The value of {@code NOTIFY_SOCKET}. */
  String address() {
    return address;
  }

  /** What was sent so far, in order: the lines of each message. */
  List<List<String>> messages() {
    return Stream.of(receiver.output().split("\n\n"))
        .skip(1)
        .map(message -> message.lines().toList())
        .toList();
  }

  /** Those messages that begin so. */
  List<List<String>> messages(String first) {
    return messages().stream().filter(message -> message.getFirst().startsWith(first)).toList();
  }

  /** The lines that were sent, of all messages. */
  List<String> lines() {
    return messages().stream().flatMap(List::stream).toList();
  }

  /** Waits until some line begins so. */
  void await(String line) {
    eventually().until(() -> lines().stream().anyMatch(sent -> sent.startsWith(line)));
  }

  @Override
  public void close() {
    receiver.close();
    Project.delete(directory);
  }
}
