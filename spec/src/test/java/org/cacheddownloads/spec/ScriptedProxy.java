package org.cacheddownloads.spec;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * A proxy that takes every name for this machine: HTTP with absolute targets and {@code CONNECT},
 * or SOCKS5 (RFC 1928, RFC 1929). It writes down what it was asked for.
 */
final class ScriptedProxy implements AutoCloseable {
  private final ServerSocket server;
  private final boolean socks;
  private final List<String> asked = new CopyOnWriteArrayList<>();
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private volatile @Nullable String login;
  private volatile @Nullable String refusal;

  private ScriptedProxy(boolean socks, String address) {
    this.socks = socks;
    try {
      server = new ServerSocket(0, 50, InetAddress.ofLiteral(address));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread.ofVirtual().start(this::accept);
  }

  static ScriptedProxy http() {
    return new ScriptedProxy(false, "127.0.0.1");
  }

  static ScriptedProxy socks() {
    return new ScriptedProxy(true, "127.0.0.1");
  }

  /** One at {@code ::1}. */
  static ScriptedProxy onIpv6(boolean socks) {
    return new ScriptedProxy(socks, "::1");
  }

  /** From now on {@code user:password} is asked for. */
  ScriptedProxy asksFor(String userAndPassword) {
    login = userAndPassword;
    return this;
  }

  /** From now on every {@code CONNECT} is answered with this status. */
  ScriptedProxy refuses(String status) {
    refusal = status;
    return this;
  }

  String url() {
    String host = server.getInetAddress() instanceof Inet6Address ? "[::1]" : "127.0.0.1";
    return (socks ? "socks5" : "http") + "://" + host + ":" + server.getLocalPort();
  }

  String urlAs(String userAndPassword) {
    return url().replace("://", "://" + userAndPassword + "@");
  }

  /**
   * Each request line, or for SOCKS {@code SOCKS host:port}; then the credentials that came, if
   * any, as {@code user:password}.
   */
  List<String> asked() {
    return List.copyOf(asked);
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        open.add(socket);
        Thread.ofVirtual().start(() -> talk(socket));
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private void talk(Socket socket) {
    try (socket) {
      if (socks) {
        talkSocks(socket);
      } else {
        talkHttp(socket);
      }
    } catch (IOException e) {
      // One of the sides has hung up.
    } finally {
      open.remove(socket);
    }
  }

  // ---- HTTP

  private void talkHttp(Socket socket) throws IOException {
    String head = RawOrigin.readHead(socket.getInputStream());
    String line = head.lines().findFirst().orElseThrow();
    String credentials =
        head.lines()
            .filter(
                each ->
                    each.toLowerCase(java.util.Locale.ROOT)
                        .startsWith("proxy-authorization: basic "))
            .map(each -> each.substring(each.lastIndexOf(' ') + 1))
            .map(each -> new String(Base64.getDecoder().decode(each), ISO_8859_1))
            .findFirst()
            .orElse("");
    asked.add((line.substring(0, line.lastIndexOf(' ')) + " " + credentials).strip());
    if (login != null && !credentials.equals(login)) {
      answer(socket, "407 Proxy Authentication Required");
    } else if (refusal != null) {
      answer(socket, refusal);
    } else if (line.startsWith("CONNECT ")) {
      tunnel(socket, portOf(line.split(" ", -1)[1], 443), "HTTP/1.1 200 Connected\r\n\r\n");
    } else {
      forward(socket, head, line.split(" ", -1)[1]);
    }
  }

  private static void answer(Socket socket, String status) throws IOException {
    write(
        socket.getOutputStream(),
        "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  }

  /** Sends the request to the origin in its own form, and back what comes. */
  private void forward(Socket socket, String head, String target) throws IOException {
    String rest = target.substring("http://".length());
    int slash = rest.indexOf('/');
    try (var origin = connect(portOf(rest.substring(0, slash), 80))) {
      write(
          origin.getOutputStream(),
          head.replaceFirst("\\Q" + target + "\\E", rest.substring(slash))
              .replaceFirst("(?i)\r\nproxy-authorization: [^\r]*", "")
              .replaceFirst("\r\n\r\n$", "\r\nConnection: close\r\n\r\n"));
      origin.getInputStream().transferTo(socket.getOutputStream());
    }
  }

  // ---- SOCKS

  private void talkSocks(Socket socket) throws IOException {
    var in = new DataInputStream(socket.getInputStream());
    OutputStream out = socket.getOutputStream();
    in.readByte();
    List<Byte> methods = methods(in);
    String credentials = "";
    if (login != null) {
      if (!methods.contains((byte) 2)) {
        asked.add("SOCKS without credentials");
        out.write(new byte[] {5, (byte) 0xFF});
        return;
      }
      out.write(new byte[] {5, 2});
      in.readByte();
      credentials = text(in) + ":" + text(in);
      out.write(new byte[] {1, (byte) (credentials.equals(login) ? 0 : 1)});
    } else {
      out.write(new byte[] {5, 0});
    }
    in.skipBytes(3);
    String host =
        switch (in.readByte()) {
          case 1 -> InetAddress.getByAddress(in.readNBytes(4)).getHostAddress();
          case 3 -> text(in);
          case 4 -> InetAddress.getByAddress(in.readNBytes(16)).getHostAddress();
          default -> throw new IOException("another kind of address");
        };
    int port = in.readUnsignedShort();
    asked.add(("SOCKS " + host + ":" + port + " " + credentials).strip());
    tunnel(socket, port, new String(new byte[] {5, 0, 0, 1, 127, 0, 0, 1, 0, 0}, ISO_8859_1));
  }

  private static List<Byte> methods(DataInputStream in) throws IOException {
    var methods = new java.util.ArrayList<Byte>();
    for (byte method : in.readNBytes(in.readUnsignedByte())) {
      methods.add(method);
    }
    return methods;
  }

  private static String text(DataInputStream in) throws IOException {
    return new String(in.readNBytes(in.readUnsignedByte()), ISO_8859_1);
  }

  // ---- both

  private void tunnel(Socket socket, int port, String welcome) throws IOException {
    try (var origin = connect(port)) {
      write(socket.getOutputStream(), welcome);
      Thread.ofVirtual().start(() -> pump(socket, origin));
      origin.getInputStream().transferTo(socket.getOutputStream());
    }
  }

  private Socket connect(int port) throws IOException {
    var origin = new Socket(InetAddress.getLoopbackAddress(), port);
    open.add(origin);
    return origin;
  }

  private static void pump(Socket from, Socket to) {
    try (from;
        to) {
      from.getInputStream().transferTo(to.getOutputStream());
    } catch (IOException e) {
      // One of the sides has hung up.
    }
  }

  private static int portOf(String authority, int otherwise) {
    int colon = authority.lastIndexOf(':');
    return colon < 0 ? otherwise : Integer.parseInt(authority.substring(colon + 1));
  }

  private static void write(OutputStream out, String text) throws IOException {
    out.write(text.getBytes(ISO_8859_1));
    out.flush();
  }

  @Override
  public void close() {
    try {
      server.close();
      for (Socket socket : open) {
        socket.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
