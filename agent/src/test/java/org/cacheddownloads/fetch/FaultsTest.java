package org.cacheddownloads.fetch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.handler.codec.DecoderException;
import io.netty.handler.proxy.ProxyConnectException;
import java.io.IOException;
import java.security.cert.CertificateException;
import java.util.Optional;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.cacheddownloads.config.Proxy.Kind;
import org.cacheddownloads.config.Proxy.Login;
import org.cacheddownloads.config.Proxy.Via;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.OriginRejected;
import org.cacheddownloads.failure.CacheException.OriginUnavailable;
import org.cacheddownloads.failure.CacheException.TimedOut;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FaultsTest {
  private static final Via PROXY = new Via(Kind.HTTP, "p", 3128, new Login("me", "hush"));

  @ParameterizedTest
  @CsvSource({
    "(certificate_unknown) PKIX path building failed, true",
    "(certificate_required) Received fatal alert: certificate_required, true",
    "(protocol_version) The server selected protocol version TLS11, true",
    "(handshake_failure) Received fatal alert: handshake_failure, true",
    "(internal_error) Received fatal alert: internal_error, false",
    "(decrypt_error) Received fatal alert: decrypt_error, false",
    "Connection closed while SSL/TLS handshake was in progress, false",
    "it says (certificate_unknown) in the middle, false"
  })
  void anAlertThatSaysWhatIsSoLasts(String message, boolean lasting) {
    var wrapped = new SSLHandshakeException("Failed to create SSL connection");
    wrapped.initCause(new DecoderException(new SSLException(message)));

    OriginUnavailable fault = Faults.tls("could not connect", wrapped).orElseThrow();

    assertEquals(!lasting, fault.retryable());
    assertEquals("could not connect: TLS failed (" + message + ")", fault.getMessage());
  }

  @Test
  void whatIsWrongWithACertificateLasts() {
    var fault = new SSLHandshakeException("General problem");
    fault.initCause(new CertificateException("no name"));

    assertEquals(Optional.of(false), Faults.tls("x", fault).map(CacheException::retryable));
  }

  @Test
  void whatIsNeitherTlsNorAProxyIsNotToldHere() {
    assertTrue(Faults.tls("x", new IOException("y")).isEmpty());
    assertTrue(Faults.proxy("x", new IOException("y")).isEmpty());
    assertTrue(Faults.tls("x", null).isEmpty());
  }

  @ParameterizedTest
  @CsvSource({
    "'http, none, /127.0.0.1:1 => h:443, status: 407 Proxy Authentication Required', status: 407 Proxy Authentication Required, true",
    "'http, none, /127.0.0.1:1 => h:443, status: 403 Forbidden', status: 403 Forbidden, true",
    "'http, none, /127.0.0.1:1 => h:443, status: 502 Bad Gateway', status: 502 Bad Gateway, false",
    "'http, none, /127.0.0.1:1 => h:443, timeout', timeout, false",
    "'socks5, password, /127.0.0.1:1 => h:443, authStatus: FAILURE', authStatus: FAILURE, true",
    "'socks5, none, /127.0.0.1:1 => h:443, unexpected authMethod: UNACCEPTED', unexpected authMethod: UNACCEPTED, true",
    "'socks5, none, /127.0.0.1:1 => h:443, status: FORBIDDEN', status: FORBIDDEN, true",
    "'socks5, none, /127.0.0.1:1 => h:443, status: HOST_UNREACHABLE', status: HOST_UNREACHABLE, false"
  })
  void whatAProxyRefusesDeliberatelyLasts(String message, String told, boolean lasting) {
    OriginUnavailable fault =
        Faults.proxy("could not connect", new IOException(new ProxyConnectException(message)))
            .orElseThrow();

    assertEquals(!lasting, fault.retryable());
    assertEquals("could not connect: the proxy refused (" + told + ")", fault.getMessage());
  }

  @Test
  void theProxyIsNamedWithoutItsLoginAndTheKindStays() {
    CacheException lasting = Faults.through(PROXY, OriginUnavailable.lasting("a"));
    CacheException passing = Faults.through(PROXY, new OriginUnavailable("a", null));
    CacheException late = Faults.through(PROXY, new TimedOut("a", null));
    CacheException other = new OriginRejected("a", 404);

    assertEquals("a (through the proxy http://p:3128)", lasting.getMessage());
    assertEquals(false, lasting.retryable());
    assertEquals(lasting.getMessage(), passing.getMessage());
    assertEquals(true, passing.retryable());
    assertEquals("timeout", late.code());
    assertSame(other, Faults.through(PROXY, other));
  }
}
