package org.cacheddownloads.fetch;

import io.vertx.core.net.TrustOptions;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** Certificate authorities of {@code origins.trust}, beside the system's. */
final class Trust {
  private Trust() {}

  /**
   * What to trust in place of the platform's own; empty when there are no files, and that does as
   * it is.
   */
  static Optional<TrustOptions> of(List<Path> files) {
    if (files.isEmpty()) {
      return Optional.empty();
    }
    try {
      KeyStore all = KeyStore.getInstance(KeyStore.getDefaultType());
      all.load(null, null);
      for (X509Certificate issuer : manager(null).getAcceptedIssuers()) {
        all.setCertificateEntry("system-" + all.size(), issuer);
      }
      for (Path file : files) {
        try (InputStream in = Files.newInputStream(file)) {
          for (var certificate : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
            all.setCertificateEntry("trust-" + all.size(), certificate);
          }
        }
      }
      return Optional.of(TrustOptions.wrap(manager(all)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(
          "origins.trust: not a file of PEM certificates among " + files, e);
    } catch (IOException e) {
      throw new UncheckedIOException("origins.trust: cannot read one of " + files, e);
    }
  }

  private static X509TrustManager manager(@Nullable KeyStore store)
      throws GeneralSecurityException {
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    for (TrustManager manager : factory.getTrustManagers()) {
      if (manager instanceof X509TrustManager x509) {
        return x509;
      }
    }
    throw new GeneralSecurityException("no X.509 trust manager");
  }
}
