package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Makes certificates in a directory, with openssl; keys are on the curve P-256. */
final class CertificateAuthority {
  private static final String LAST_DAY = "20490101000000Z";

  private final Path directory;
  private int issued;
  private final String openssl = Project.tool("openssl", "openssl");

  /** A certificate and its key, in PEM. */
  record Pair(Path certificate, Path key) {}

  /** A new authority whose files are in a directory of this name. */
  CertificateAuthority(Path parent, String name) {
    try {
      this.directory = Files.createDirectory(parent.resolve(name));
      Files.createFile(directory.resolve("index"));
      Files.writeString(
          directory.resolve("ca.conf"),
          """
          [ca]
          default_ca = this
          [this]
          database = %1$s/index
          new_certs_dir = %1$s
          default_md = sha256
          serial = %1$s/serial
          policy = names
          unique_subject = no
          [names]
          commonName = supplied
          [req]
          distinguished_name = none
          x509_extensions = authority
          [none]
          [authority]
          basicConstraints = critical, CA:true
          """
              .formatted(directory));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    run(
        "req -x509 -days 10 -subj /CN=" + name + " -keyout " + key("ca") + " -out " + file(),
        newKey());
  }

  /** The authority's own certificate. */
  Path file() {
    return directory.resolve("ca.pem");
  }

  /** For a server of these names, written {@code DNS:localhost,IP:127.0.0.1}. */
  Pair server(String names) {
    return issue("server", names, LAST_DAY);
  }

  /** One that was good for a day, long ago. */
  Pair expired(String names) {
    return issue("expired", names, "20200102000000Z");
  }

  /** For a client of this name. */
  Pair client(String name) {
    return issue(name, "DNS:" + name, LAST_DAY);
  }

  private Pair issue(String name, String names, String end) {
    String file = name + "-" + ++issued;
    Path request = directory.resolve(file + ".csr");
    Path certificate = directory.resolve(file + ".pem");
    Path extensions = directory.resolve(file + ".ext");
    try {
      Files.writeString(extensions, "subjectAltName = " + names + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    run("req -new -subj /CN=" + name + " -keyout " + key(file) + " -out " + request, newKey());
    run(
        "ca -batch -notext -create_serial -startdate 20200101000000Z -enddate "
            + end
            + (" -cert " + file() + " -keyfile " + key("ca"))
            + (" -in " + request + " -out " + certificate + " -extfile " + extensions),
        "");
    return new Pair(certificate, key(file));
  }

  private Path key(String name) {
    return directory.resolve(name + ".key");
  }

  private static String newKey() {
    return " -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
  }

  private void run(String arguments, String more) {
    String config = " -config " + directory.resolve("ca.conf");
    Child.Outcome outcome =
        Child.run(List.of((openssl + " " + arguments + config + more).split(" ", -1)));
    assertThat(outcome.exit()).as("openssl %s: %s", arguments, outcome.errors()).isZero();
  }
}
