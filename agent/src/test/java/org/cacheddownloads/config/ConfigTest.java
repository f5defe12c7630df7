package org.cacheddownloads.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.cacheddownloads.config.Config.Changes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigTest {
  private static final String SECRETS =
      """
            origins:
              rules:
                - match: https://a/*
                  headers: {Authorization: Bearer hush, X-Token: {value: hush}, Cookie: {file: /run/cookie}}
                  proxy: http://me:hush@proxy.example:3128
            """;

  private final Config defaults = ConfigReader.defaults();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "quota: {bytes: 1GiB}                  | quota.bytes",
        "quota: {files: 5, waitForSpace: 1s}   | quota.files quota.waitForSpace",
        "fetch: {minRate: 5, maxBytes: 1}      | fetch.minRate fetch.maxBytes",
        "fetch: {freshness: always}            | fetch.freshness",
        "origins: {allow: [], denyAddresses: []} | origins.allow origins.denyAddresses",
        "origins: {rules: [{match: '*'}]}      | origins.rules",
        "archives: {maxDepth: 1}               | archives.maxDepth",
        "durability: {partialTtl: 2h}          | durability.partialTtl",
        "drain: {timeout: 1s}                  | drain.timeout",
        "log: {level: debug}                   | log.level"
      })
  void liveKeysTakeEffectWhileRunning(String yaml, String keys) throws InvalidConfig {
    Config after = ConfigReader.parse(yaml, "test");
    assertEquals(new Changes(List.of(keys.split(" ")), List.of()), Config.between(defaults, after));
    assertEquals(after, defaults.withLive(after));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "state: /srv                            | state",
        "mountPath: /srv                        | mountPath",
        "socket: {path: /a, mode: 600, group: g, allowUids: [1]} | socket.path socket.mode socket.group socket.allowUids",
        "metrics: {address: null}               | metrics.address",
        "quota: {policy: s3fifo}                | quota.policy",
        "origins: {trust: [/ca.pem]}            | origins.trust",
        "log: {format: json}                    | log.format"
      })
  void theOtherKeysNeedARestart(String yaml, String keys) throws InvalidConfig {
    Config after = ConfigReader.parse(yaml, "test");
    assertEquals(new Changes(List.of(), List.of(keys.split(" "))), Config.between(defaults, after));
    assertEquals(defaults, defaults.withLive(after));
  }

  @Test
  void whatIsNotAppliedIsReportedAtTheNextReloadToo() throws InvalidConfig {
    Config after = ConfigReader.parse("{state: /srv, log: {level: warn, format: json}}", "test");
    assertEquals(
        new Changes(List.of("log.level"), List.of("state", "log.format")),
        Config.between(defaults, after));
    assertEquals(
        new Changes(List.of(), List.of("state", "log.format")),
        Config.between(defaults.withLive(after), after));
  }

  @Test
  void equalConfigsDifferInNothing() throws InvalidConfig {
    assertEquals(
        new Changes(List.of(), List.of()),
        Config.between(defaults, ConfigReader.parse("", "test")));
  }

  /** The tree hides a header's value; comparing must not. */
  @Test
  void aChangedSecretIsAChange() throws InvalidConfig {
    Config before = ConfigReader.parse(SECRETS, "test");
    Config after = ConfigReader.parse(SECRETS.replace("Bearer hush", "Bearer other"), "test");
    assertEquals(new Changes(List.of("origins.rules"), List.of()), Config.between(before, after));
  }

  @Test
  void theTreeHasTheShapeOfTheFile() {
    Map<String, ?> tree = defaults.tree();
    assertEquals(
        List.of(
            "state",
            "mountPath",
            "socket",
            "metrics",
            "quota",
            "fetch",
            "origins",
            "archives",
            "durability",
            "drain",
            "log",
            "advice"),
        List.copyOf(tree.keySet()));
    var quota =
        new Tree()
            .with("bytes", 20L << 30)
            .with("files", 2_000_000L)
            .with("minFreeBytes", 1L << 30)
            .with("waitForSpace", "30s")
            .with("policy", "lru");
    assertEquals(quota.map(), tree.get("quota"));
    var durability =
        new Tree().with("flushInterval", "3s").with("scrubPeriod", "7d").with("partialTtl", "1h");
    assertEquals(durability.map(), tree.get("durability"));
  }

  @Test
  void noSecretLeavesByTreeOrText() throws InvalidConfig {
    Config config = ConfigReader.parse(SECRETS, "test");
    assertFalse(config.toString().contains("hush"), config.toString());
    String tree = config.tree().toString();
    assertFalse(tree.contains("hush"), tree);
    assertTrue(
        tree.contains(
            "headers={Authorization=redacted, X-Token=redacted, Cookie={file=/run/cookie}}"),
        tree);
    assertTrue(tree.contains("proxy=http://proxy.example:3128"), tree);
  }
}
