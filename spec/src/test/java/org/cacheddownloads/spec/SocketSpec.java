package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may use the socket, and how long a connection may do nothing. */
@Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SocketSpec {
  @RegisterExtension
  static final AgentProcess agent = AgentProcess.with("socket.idleTimeout", "1s");

  @RegisterExtension static final Origin origin = Origin.start();

  private static SocketChannel connect(AgentProcess to) throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    assertThat(channel.connect(UnixDomainSocketAddress.of(to.socket()))).isTrue();
    return channel;
  }

  private static void send(SocketChannel channel, String text) throws IOException {
    channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
  }

  /** Reads until the other side closes. */
  private static String all(SocketChannel channel) throws IOException {
    var text = new StringBuilder();
    var buffer = ByteBuffer.allocate(8192);
    while (channel.read(buffer) >= 0) {
      text.append(StandardCharsets.UTF_8.decode(buffer.flip()));
      buffer.clear();
    }
    return text.toString();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "GET /v1/sta",
        "GET /v1/stats HTTP/1.1\r\nHost: a\r\n",
        "POST /v1/prefetch HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{\"url\":"
      })
  void aConnectionThatBringsNoCompleteRequestIsClosed(String begun) throws IOException {
    try (SocketChannel channel = connect(agent)) {
      send(channel, begun);
      assertThat(all(channel)).isEmpty();
    }
  }

  @Test
  void aConnectionIsClosedWhenNothingMoreComes() throws IOException {
    try (SocketChannel channel = connect(agent)) {
      send(channel, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(all(channel)).startsWith("HTTP/1.1 200").endsWith("ok\n");
    }
  }

  /** It is answered only after a connection that did nothing was closed meanwhile. */
  @Test
  void aRequestThatTakesLongIsNotCut() throws Exception {
    origin.serve("/long", "hello", "ETag: \"l\"");
    origin.hold("/long");
    try (SocketChannel idle = connect(agent);
        SocketChannel busy = connect(agent)) {
      String body = "{\"url\":\"" + origin.url("/long") + "\"}";
      send(
          busy,
          "POST /v1/prefetch HTTP/1.1\r\nHost: a\r\nContent-Length: "
              + body.length()
              + "\r\n\r\n"
              + body);
      origin.awaitHits("/long", 1);
      assertThat(all(idle)).isEmpty();
      try (SocketChannel second = connect(agent)) {
        assertThat(all(second)).isEmpty();
      }
      origin.release("/long");
      assertThat(all(busy)).startsWith("HTTP/1.1 200").contains("\"miss\"");
    }
  }

  @Test
  void theSocketHasTheModeAndTheGroupThatAreConfigured() throws IOException {
    try (AgentProcess own = AgentProcess.running("socket.mode", "0620", "socket.group", "daemon")) {
      PosixFileAttributes socket = Files.readAttributes(own.socket(), PosixFileAttributes.class);
      assertThat(PosixFilePermissions.toString(socket.permissions())).isEqualTo("rw--w----");
      assertThat(socket.group().getName()).isEqualTo("daemon");
    }
  }

  @Test
  void aUserWhoIsListedMayAsk() throws Exception {
    int uid = (Integer) Files.getAttribute(agent.socket(), "unix:uid");
    try (AgentProcess own = AgentProcess.running("socket.allowUids", List.of(12345, uid))) {
      assertThat(own.get("/v1/stats").status()).isEqualTo(200);
    }
  }

  @Test
  void aHeadThatIsTooLongIsRefusedAndTheAgentGoesOn() throws IOException {
    try (SocketChannel channel = connect(agent)) {
      send(channel, "GET /livez HTTP/1.1\r\nHost: a\r\nX-Long: " + "x".repeat(70_000) + "\r\n\r\n");
      assertThat(all(channel)).startsWith("HTTP/1.1 431");
    }
    eventually().until(() -> agent.get("/livez").status() == 200);
  }
}
