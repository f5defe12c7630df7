package org.cacheddownloads.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import org.cacheddownloads.cli.Exchange.Response;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** RFC 9112 as far as the agent speaks it, byte by byte. */
@Timeout(30)
class ExchangeTest {
  @TempDir
  @SuppressWarnings("NullAway.Init") // set by JUnit
  private Path directory;

  /** {@code ~} is the end of a line. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "HTTP/1.1 200 OK~Content-Length: 5~~hello and more                   | 200 | hello",
        "HTTP/1.1 200 OK~content-length:  0~~                                 | 200 | ''",
        "HTTP/1.1 404 Not Found~Content-Length: 2~~{}                         | 404 | {}",
        "HTTP/1.1 204 No Content~~                                            | 204 | ''",
        "HTTP/1.1 200~~until the end                                          | 200 | until the end",
        "HTTP/1.1 200 OK~Transfer-Encoding: chunked~~3~abc~A;x=y~0123456789~0~~ | 200 | abc0123456789",
        "HTTP/1.1 200 OK~transfer-encoding: Chunked~~0~Trailer: x~~           | 200 | ''"
      })
  void aResponseIsReadToItsEnd(String sent, int status, String body) throws Exception {
    try (ServerSocketChannel server = answering(sent);
        Exchange exchange = Exchange.open(directory.resolve("s"))) {
      Response response = exchange.send("GET", "/", "*/*", new byte[0]);
      assertEquals(status, response.status());
      assertEquals(body, new String(response.body().readAllBytes(), ISO_8859_1));
      assertTrue(server.isOpen());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''                                                       | closed",
        "HTTP/1.1 200 OK                                          | closed",
        "HTTP/1.1 200 OK~Content-Length: 5~~hell                  | closed",
        "HTTP/1.1 200 OK~Transfer-Encoding: chunked~~3~ab         | closed",
        "HTTP/1.1 200 OK~Transfer-Encoding: chunked~~3~abc~       | closed",
        "HTTP/1.1 200 OK~Transfer-Encoding: chunked~~x~           | no HTTP",
        "HTTP/1.1 OK~~                                            | no HTTP",
        "HTTP/1.1 200 OK~Content-Length: many~~                   | no HTTP",
        "SSH-2.0-OpenSSH~~                                        | no HTTP"
      })
  void aResponseThatEndsEarlyOrIsNoneFails(String sent, String said) throws Exception {
    try (ServerSocketChannel server = answering(sent);
        Exchange exchange = Exchange.open(directory.resolve("s"))) {
      var failure =
          assertThrows(
              IOException.class,
              () -> exchange.send("GET", "/", "*/*", new byte[0]).body().readAllBytes());
      assertTrue(String.valueOf(failure.getMessage()).contains(said), failure.toString());
      assertTrue(server.isOpen());
    }
  }

  @Test
  void aLineWithoutEndIsRefused() throws Exception {
    try (ServerSocketChannel server = answering("HTTP/1.1 200 " + "x".repeat(100_000));
        Exchange exchange = Exchange.open(directory.resolve("s"))) {
      assertThrows(IOException.class, () -> exchange.send("GET", "/", "*/*", new byte[0]));
      assertTrue(server.isOpen());
    }
  }

  /** Writes this to the first caller, whatever it asks, and hangs up. */
  private ServerSocketChannel answering(String text) throws IOException {
    var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(directory.resolve("s")));
    Thread.ofVirtual()
        .start(
            () -> {
              try (var caller = server.accept()) {
                caller.read(ByteBuffer.allocate(4096));
                var bytes = ByteBuffer.wrap(text.replace("~", "\r\n").getBytes(ISO_8859_1));
                while (bytes.hasRemaining()) caller.write(bytes);
              } catch (IOException e) {
                // the caller has heard enough
              }
            });
    return server;
  }
}
