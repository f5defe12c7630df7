package org.cacheddownloads.fetch;

import io.vertx.core.net.TrustOptions;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The certificate authorities that all origins are held against: the system's and those of {@code
 * origins.trust}. The system's are those of the JDK and of the first bundle that the distribution
 * has; they are read at their first use. Thread-safe.
 */
final class Trust {
  private static final Logger log = LoggerFactory.getLogger(Trust.class);

  /** Where distributions keep what {@code update-ca-certificates} and its like put together. */
  private static final List<Path> BUNDLES =
      List.of(
          Path.of("/etc/ssl/certs/ca-certificates.crt"),
          Path.of("/etc/pki/tls/certs/ca-bundle.crt"));

  private final Set<X509Certificate> configured;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile @Nullable Set<X509Certificate> all;

  private Trust(Set<X509Certificate> configured) {
    this.configured = configured;
  }

  /**
   * Reads the files of {@code origins.trust}.
   *
   * @throws IllegalArgumentException naming one that holds no certificates
   */
  static Trust of(List<Path> files) {
    var configured = new LinkedHashSet<X509Certificate>();
    for (Path file : files) {
      try {
        configured.addAll(certificates(Files.readAllBytes(file)));
      } catch (CertificateException e) {
        throw new IllegalArgumentException(
            "origins.trust: " + file + " holds no certificates in PEM", e);
      } catch (IOException e) {
        throw new IllegalArgumentException("origins.trust: " + file + " cannot be read", e);
      }
    }
    return new Trust(configured);
  }

  /**
   * These authorities and some more.
   *
   * @param pem certificates, or nothing
   * @throws GeneralSecurityException if it is something else
   */
  TrustOptions with(byte[] pem) throws GeneralSecurityException {
    try {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      var trusted = new LinkedHashSet<>(all());
      if (pem.length > 0) {
        trusted.addAll(certificates(pem));
      }
      for (X509Certificate certificate : trusted) {
        store.setCertificateEntry(Integer.toString(store.size()), certificate);
      }
      return TrustOptions.wrap(manager(store));
    } catch (IOException e) {
      throw new IllegalStateException("cannot happen: nothing is read", e);
    }
  }

  private Set<X509Certificate> all() throws GeneralSecurityException {
    Set<X509Certificate> known = all;
    if (known != null) {
      return known;
    }
    lock.lock(); // looks odd around a read, and happens once: who else needs them would read too
    try {
      Set<X509Certificate> read = all;
      if (read != null) {
        return read;
      }
      var trusted = new LinkedHashSet<X509Certificate>();
      trusted.addAll(List.of(manager(null).getAcceptedIssuers()));
      trusted.addAll(ofDistribution());
      trusted.addAll(configured);
      all = trusted;
      return trusted;
    } finally {
      lock.unlock();
    }
  }

  private static Collection<X509Certificate> ofDistribution() {
    for (Path bundle : BUNDLES) {
      if (Files.isReadable(bundle)) {
        try {
          return certificates(Files.readAllBytes(bundle));
        } catch (CertificateException | IOException e) {
          log.warn(
              "the system's certificates cannot be read file={} error={}", bundle, e.toString());
        }
      }
    }
    return List.of();
  }

  /** At least one. */
  private static List<X509Certificate> certificates(byte[] pem) throws CertificateException {
    var certificates = new ArrayList<X509Certificate>();
    for (var each :
        CertificateFactory.getInstance("X.509")
            .generateCertificates(new ByteArrayInputStream(pem))) {
      if (each instanceof X509Certificate x509) {
        certificates.add(x509);
      }
    }
    if (certificates.isEmpty()) {
      throw new CertificateException("no certificate");
    }
    return certificates;
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
