package org.cacheddownloads.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.cacheddownloads.config.Config.Freshness;
import org.cacheddownloads.config.InvalidConfig.Fault;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigReaderTest {
  /** The values of the contract, written out once more. */
  @Test
  void everyDefaultIsTheOneOfTheContract() {
    Config config = ConfigReader.defaults();
    assertEquals(Path.of("/var/lib/cached-downloads"), config.state());
    assertEquals("/cached-downloads", config.mountPath());
    assertEquals(Path.of("/run/cached-downloads/agent.sock"), config.socket().path());
    assertEquals("0660", config.socket().mode());
    assertNull(config.socket().group());
    assertEquals(List.of(), config.socket().allowUids());
    assertEquals(new HostPort("127.0.0.1", 9758), config.metrics().address());
    assertEquals(21_474_836_480L, config.quota().bytes());
    assertEquals(2_000_000, config.quota().files());
    assertEquals(1_073_741_824, config.quota().minFreeBytes());
    assertEquals(Duration.ofSeconds(30), config.quota().waitForSpace());
    assertEquals(Config.Policy.LRU, config.quota().policy());
    assertEquals(16, config.fetch().concurrency());
    assertEquals(8, config.fetch().perOrigin());
    assertEquals(4, config.fetch().attempts());
    assertEquals(Duration.ofMinutes(10), config.fetch().timeout());
    assertEquals(Duration.ofSeconds(10), config.fetch().connectTimeout());
    assertEquals(Duration.ofSeconds(60), config.fetch().firstByteTimeout());
    assertEquals(Duration.ofSeconds(10), config.fetch().idleTimeout());
    assertEquals(1024, config.fetch().minRateBytes());
    assertEquals(Duration.ofSeconds(30), config.fetch().minRateWindow());
    assertNull(config.fetch().maxBytes());
    assertEquals(Duration.ZERO, config.fetch().maxStale());
    assertEquals(Duration.ofSeconds(5), config.fetch().staleAfter());
    assertEquals(Freshness.RFC9111, config.fetch().freshness());
    assertEquals(Duration.ofSeconds(5), config.fetch().negativeTtl());
    assertEquals(List.of("http", "https"), config.origins().schemes());
    assertEquals(List.of("*"), config.origins().allow());
    assertEquals(List.of(), config.origins().allowAddresses());
    assertEquals(
        List.of(
            Cidr.parse("169.254.0.0/16"), Cidr.parse("fe80::/10"), Cidr.parse("fd00:ec2::254/128")),
        config.origins().denyAddresses());
    assertEquals(List.of(), config.origins().trust());
    assertEquals(List.of(), config.origins().rules());
    assertEquals(2, config.archives().concurrency());
    assertEquals(1_000_000, config.archives().maxFiles());
    assertNull(config.archives().maxBytes());
    assertEquals(200, config.archives().maxRatio());
    assertEquals(64, config.archives().maxDepth());
    assertEquals(Duration.ofSeconds(3), config.durability().flushInterval());
    assertEquals(Duration.ofDays(7), config.durability().scrubPeriod());
    assertEquals(Duration.ofHours(1), config.durability().partialTtl());
    assertEquals(Duration.ofSeconds(30), config.drain().timeout());
    assertEquals("info", config.log().level());
    assertEquals("text", config.log().format());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\n\n", "# only a comment\n", "---\n", "{}", "null"})
  void anEmptyFileIsAllDefaults(String yaml) throws InvalidConfig {
    assertEquals(ConfigReader.defaults(), parse(yaml));
  }

  /** The very text of API.md. */
  @Test
  void theFileOfTheContractIsAllDefaults() throws InvalidConfig {
    assertEquals(
        ConfigReader.defaults(),
        parse(
            """
                state: /var/lib/cached-downloads       # one file system; everything on disk lives here
                mountPath: /cached-downloads           # the destination named in replies
                socket: {path: /run/cached-downloads/agent.sock, mode: "0660", group: null, allowUids: []}   # [] = whoever may open it
                metrics: {address: "127.0.0.1:9758"}   # TCP; null switches it off
                quota: {bytes: 20GiB, files: 2000000, minFreeBytes: 1GiB, waitForSpace: 30s, policy: lru}
                fetch: {concurrency: 16, perOrigin: 8, attempts: 4, timeout: 10m, connectTimeout: 10s, firstByteTimeout: 60s, idleTimeout: 10s,
                        minRate: 1KiB, minRateWindow: 30s, maxBytes: null, maxStale: 0s, staleAfter: 5s, freshness: rfc9111, negativeTtl: 5s}
                origins: {schemes: [http, https], allow: ["*"], allowAddresses: [], denyAddresses: ["169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128"],
                          trust: [], rules: []}
                archives: {concurrency: 2, maxFiles: 1000000, maxBytes: null, maxRatio: 200, maxDepth: 64}
                durability: {flushInterval: 3s, scrubPeriod: 7d, partialTtl: 1h}
                drain: {timeout: 30s}
                log: {level: info, format: text}
                """));
  }

  /** Holds the reader and {@code Config.tree} together: what one names, the other knows. */
  @Test
  void theTreeIsReadBackAsTheSameConfig() throws Exception {
    Config config =
        parse(
            """
                state: /srv/cache
                socket: {mode: 600, group: vcap, allowUids: [0, 1000]}
                metrics: {address: null}
                quota: {bytes: 500MB, waitForSpace: 250ms, policy: s3fifo}
                fetch: {maxBytes: 1GiB, freshness: always, maxStale: PT1H}
                origins: {allow: ["*.example.com", "h:80"], allowAddresses: ["10.0.0.0/8"], trust: [/etc/ca.pem],
                  rules: [{match: "https://a/*", tls: {ca: /ca.pem, certificate: /c.pem, key: /k.pem}, proxy: "http://p:3128", concurrency: 3,
                           headers: {Authorization: {file: /run/token}}}]}
                archives: {maxBytes: 5GiB}
                """);
    String json = new ObjectMapper().writeValueAsString(config.tree());
    assertEquals(config, parse(json));
  }

  @Test
  void partsOfAFileReplaceOnlyWhatTheyName() throws InvalidConfig {
    Config config = parse("quota: {bytes: 500MB}\nfetch:\n  concurrency: 3\n");
    assertEquals(500_000_000, config.quota().bytes());
    assertEquals(2_000_000, config.quota().files());
    assertEquals(3, config.fetch().concurrency());
    assertEquals(4, config.fetch().attempts());
    assertEquals(ConfigReader.defaults().origins(), config.origins());
  }

  @Test
  void relativePathsAreTakenFromTheCurrentDirectory() throws InvalidConfig {
    Config config =
        parse("{state: var/state, socket: {path: var/../agent.sock}, origins: {trust: [ca.pem]}}");
    assertEquals(Path.of("var/state").toAbsolutePath(), config.state());
    assertEquals(Path.of("agent.sock").toAbsolutePath(), config.socket().path());
    assertEquals(List.of(Path.of("ca.pem").toAbsolutePath()), config.origins().trust());
  }

  /** YAML 1.1 takes {@code 0660} for the number 432, and {@code 1:20} for 80. */
  @ParameterizedTest
  @CsvSource({"0660, 0660", "'\"0660\"', 0660", "'\"600\"', 0600", "777, 0777"})
  void theModeIsWhatWasTyped(String typed, String mode) throws InvalidConfig {
    assertEquals(mode, parse("socket: {mode: " + typed + "}").socket().mode());
  }

  @Test
  void rulesAreReadWhole() throws InvalidConfig {
    Config config =
        parse(
            """
                origins:
                  rules:
                    - match: https://blobs.example/*
                      tls: {ca: /etc/ca.pem, certificate: /etc/c.pem, key: /etc/k.pem}
                      headers:
                        Authorization: {file: /run/token}
                        X-One: plain
                        X-Two: {value: "two words"}
                      proxy: http://user:word@proxy.example:3128
                      concurrency: 2
                    - match: "*"
                """);
    Rule rule = config.origins().rules().getFirst();
    assertEquals("https://blobs.example/*", rule.match().toString());
    assertEquals(
        new RuleTls(Path.of("/etc/ca.pem"), Path.of("/etc/c.pem"), Path.of("/etc/k.pem")),
        rule.tls());
    assertEquals(
        Map.of(
            "Authorization", new HeaderValue.InFile(Path.of("/run/token")),
            "X-One", new HeaderValue.Text("plain"),
            "X-Two", new HeaderValue.Text("two words")),
        rule.headers());
    assertEquals(List.of("Authorization", "X-One", "X-Two"), List.copyOf(rule.headers().keySet()));
    assertEquals(
        new Proxy.Via(Proxy.Kind.HTTP, "proxy.example", 3128, new Proxy.Login("user", "word")),
        rule.proxy());
    assertEquals(2, rule.concurrency());
    assertEquals(
        new Rule(UrlPattern.parse("*"), null, Map.of(), null, null),
        config.origins().rules().getLast());
  }

  @Test
  void allFaultsOfAFileAreReportedAtOnce() {
    var invalid =
        assertThrows(
            InvalidConfig.class,
            () ->
                ConfigReader.parse(
                    """
                state: ""
                mountPath: cached
                quotas: {bytes: 1}
                quota:
                  bytes: lots
                  bytes: 10GiB
                  files: 0
                fetch:
                  atempts: 3
                  attempts: 101
                  timeout: 0s
                  maxBytes: null
                  minRate: null
                metrics: {address: 9758}
                origins:
                  allow: "*"
                  denyAddresses: [10.0.0.0/33, ok]
                  rules:
                    - proxy: ftp://me:secret@p
                      tls: {certificate: /c.pem}
                      headers: {Host: a, "Bad Name": b, X: "secret\\nsecret"}
                log: []
                """,
                    "agent.yaml"));
    assertEquals(
        Set.of(
            "1 state",
            "2 mountPath",
            "3 quotas",
            "5 quota.bytes",
            "6 quota.bytes",
            "7 quota.files",
            "9 fetch.atempts",
            "10 fetch.attempts",
            "11 fetch.timeout",
            "13 fetch.minRate",
            "14 metrics.address",
            "16 origins.allow",
            "17 origins.denyAddresses[0]",
            "17 origins.denyAddresses[1]",
            "19 origins.rules[0]",
            "19 origins.rules[0].proxy",
            "20 origins.rules[0].tls",
            "21 origins.rules[0].headers.Bad Name",
            "21 origins.rules[0].headers.Host",
            "21 origins.rules[0].headers.X",
            "22 log"),
        invalid.faults().stream()
            .map(fault -> fault.line() + " " + fault.key())
            .collect(Collectors.toSet()));
    var lines = invalid.faults().stream().map(Fault::line).toList();
    assertEquals(lines.stream().sorted().toList(), lines);
    String message = String.valueOf(invalid.getMessage());
    assertTrue(
        message.startsWith("agent.yaml has 21 faults:\n  line 1: state: must be a path"), message);
    assertFalse(message.contains("secret"), message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "quota: {byts: 1}                 | quota.byts           | quota.bytes",
        "quotas: {}                       | quotas               | quota",
        "quotaBytes: 1                    | quotaBytes           | quota.bytes",
        "quota: {maxbytes: 1}             | quota.maxbytes       | fetch.maxBytes",
        "fetch: {Concurrency: 1}          | fetch.Concurrency    | fetch.concurrency",
        "fetch: {minRateBytes: 1}         | fetch.minRateBytes   | fetch.minRate",
        "socket: {allowUid: []}           | socket.allowUid      | socket.allowUids",
        "metrics: {adress: null}          | metrics.adress       | metrics.address",
        "logs: {}                         | logs                 | log",
        "origins: {rules: [{match: '*', header: {}}]} | origins.rules[0].header | origins.rules[0].headers"
      })
  void unknownKeysNameTheNearestValidOne(String yaml, String key, String nearest) {
    Fault fault = onlyFault(yaml);
    assertEquals(key, fault.key());
    assertTrue(
        fault.message().startsWith("unknown key") && fault.message().endsWith(" " + nearest),
        fault.message());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "state: null                          | state                  | not null",
        "state: true                          | state                  | not true or false",
        "state: [a]                           | state                  | not a list",
        "state: \"a\\0b\"                     | state                  | control characters",
        "mountPath: /                         | mountPath              | absolute",
        "mountPath: /a/../b                   | mountPath              | absolute",
        "mountPath: /a/                       | mountPath              | absolute",
        "socket: {mode: 0888}                 | socket.mode            | octal",
        "socket: {mode: rw-}                  | socket.mode            | octal",
        "socket: {mode: 04755}                | socket.mode            | octal",
        "socket: {group: \"a b\"}             | socket.group           | group",
        "socket: {allowUids: [-1]}            | socket.allowUids[0]    | between 0",
        "socket: {allowUids: [root]}          | socket.allowUids[0]    | whole number",
        "socket: {allowUids: [null]}          | socket.allowUids[0]    | not null",
        "socket: {allowUids: 5}               | socket.allowUids       | must be a list",
        "metrics: {address: localhost}        | metrics.address        | host:port",
        "metrics: {address: \"a:65536\"}      | metrics.address        | 65535",
        "metrics: null                        | metrics                | leave the key out",
        "quota: 5                             | quota                  | section",
        "quota: {bytes: -1}                   | quota.bytes            | not a size",
        "quota: {bytes: 0}                    | quota.bytes            | at least 1",
        "quota: {bytes: 9999999TiB}           | quota.bytes            | at most",
        "quota: {files: 2MB}                  | quota.files            | whole number",
        "quota: {files: 1.5}                  | quota.files            | whole number",
        "quota: {waitForSpace: 30}            | quota.waitForSpace     | not a duration",
        "quota: {waitForSpace: -1s}           | quota.waitForSpace     | not a duration",
        "quota: {waitForSpace: 11000d}        | quota.waitForSpace     | 10 years",
        "quota: {policy: fifo}                | quota.policy           | lru, s3fifo",
        "fetch: {concurrency: 0}              | fetch.concurrency      | between 1",
        "fetch: {concurrency: 99999999999999999999} | fetch.concurrency | between 1",
        "fetch: {perOrigin: 0}                | fetch.perOrigin        | between 1",
        "fetch: {attempts: 0}                 | fetch.attempts         | between 1 and 100",
        "fetch: {attempts: 101}               | fetch.attempts         | between 1 and 100",
        "fetch: {idleTimeout: 0s}             | fetch.idleTimeout      | at least 1ms",
        "fetch: {freshness: never}            | fetch.freshness        | rfc9111, always",
        "fetch: {maxBytes: 0}                 | fetch.maxBytes         | at least 1",
        "origins: {schemes: [ftp]}            | origins.schemes[0]     | http, https",
        "origins: {allow: [\"a*b\"]}          | origins.allow[0]       | host pattern",
        "origins: {allow: [\"*.\"]}           | origins.allow[0]       | host pattern",
        "origins: {allow: [\"http://a\"]}     | origins.allow[0]       | host pattern",
        "origins: {allow: [\"a:0\"]}          | origins.allow[0]       | port",
        "origins: {allow: [\"a:70000\"]}      | origins.allow[0]       | port",
        "origins: {denyAddresses: [a/8]}      | origins.denyAddresses[0] | range of addresses",
        "origins: {rules: [5]}                | origins.rules[0]       | section",
        "origins: {rules: [{}]}               | origins.rules[0]       | match is missing",
        "origins: {rules: [{match: \"a b\"}]} | origins.rules[0].match | pattern",
        "origins: {rules: [{match: \"https://me:pw@a/*\"}]} | origins.rules[0].match | pattern",
        "origins: {rules: [{match: \"*\", headers: {A: {}}}]} | origins.rules[0].headers.A | value or file is missing",
        "origins: {rules: [{match: \"*\", headers: {A: {value: a, file: b}}}]} | origins.rules[0].headers.A | exclude each other",
        "origins: {rules: [{match: \"*\", headers: {A: a, a: b}}]} | origins.rules[0].headers.a | there twice",
        "origins: {rules: [{match: \"*\", headers: {If-Match: a}}]} | origins.rules[0].headers.If-Match | agent's own",
        "origins: {rules: [{match: \"*\", tls: {key: /k}}]} | origins.rules[0].tls | need each other",
        "origins: {rules: [{match: \"*\", proxy: \"http://p\"}]} | origins.rules[0].proxy | not a proxy",
        "archives: {maxRatio: 0}              | archives.maxRatio      | at least 1",
        "durability: {scrubPeriod: 0s}        | durability.scrubPeriod | at least 1ms",
        "log: {level: loud}                   | log.level              | trace, debug, info, warn, error",
        "log: {format: xml}                   | log.format             | text, json"
      })
  void valuesOutOfRangeAreFaults(String yaml, String key, String said) {
    Fault fault = onlyFault(yaml);
    assertEquals(key, fault.key());
    assertTrue(fault.message().contains(said), fault.message());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "quota: [            | not YAML",
        "a: b: c             | not YAML",
        "- a                 | keys with values",
        "just text           | keys with values",
        "%YAML 9             | not YAML"
      })
  void whatIsNotAMappingIsAFaultOfTheFile(String yaml, String said) {
    Fault fault = onlyFault(yaml);
    assertEquals("", fault.key());
    assertEquals(1, fault.line());
    assertTrue(fault.message().contains(said), fault.message());
  }

  @Test
  void aSecondDocumentIsAFault() {
    Fault fault = onlyFault("log: {level: info}\n---\nlog: {level: warn}\n");
    assertEquals(new Fault("", new Place.Line("test", 3), fault.message()), fault);
  }

  @Test
  void aliasesAreAFault() {
    Fault fault = onlyFault("quota: {minFreeBytes: &size 1GiB,\n  bytes: *size}\n");
    assertEquals("quota.bytes", fault.key());
    assertTrue(fault.message().contains("alias"), fault.message());
  }

  @Test
  void syntaxFaultsKeepTheLineButNotItsText() {
    Fault fault = onlyFault("log: {}\norigins:\n  rules:\n    - headers: {A: \"secret}\n");
    assertFalse(fault.message().contains("secret"), fault.message());
    assertTrue(fault.line() >= 4, fault.toString());
  }

  @Test
  void theSocketPathHasAtMost107Bytes() throws InvalidConfig {
    assertEquals(
        107,
        parse("socket: {path: /" + "é".repeat(53) + "}")
            .socket()
            .path()
            .toString()
            .getBytes(StandardCharsets.UTF_8)
            .length);
    Fault fault = onlyFault("socket: {path: /x" + "é".repeat(53) + "}");
    assertEquals("socket.path", fault.key());
    assertTrue(fault.message().contains("107"), fault.message());
  }

  @Test
  void filesAreReadAndTheirFaultsNameThem(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("agent.yaml");
    Files.writeString(file, "log: {level: debug}");
    assertEquals("debug", ConfigReader.read(file, Map.of()).config().log().level());

    Files.writeString(file, "log: {level: loud}");
    var invalid = assertThrows(InvalidConfig.class, () -> ConfigReader.read(file, Map.of()));
    assertTrue(
        String.valueOf(invalid.getMessage())
            .startsWith(file + " has 1 fault:\n  line 1: log.level: "),
        invalid.getMessage());
  }

  @Test
  void filesThatAreNoTextAreFaults(@TempDir Path directory) throws IOException {
    Path file = Files.write(directory.resolve("binary"), new byte[] {(byte) 0xff, 0});
    assertTrue(
        assertThrows(InvalidConfig.class, () -> ConfigReader.read(file, Map.of()))
            .faults()
            .getFirst()
            .message()
            .contains("UTF-8"));
    Path large = Files.write(directory.resolve("large"), new byte[(1 << 20) + 1]);
    assertTrue(
        assertThrows(InvalidConfig.class, () -> ConfigReader.read(large, Map.of()))
            .faults()
            .getFirst()
            .message()
            .contains("1 MiB"));
    assertThrows(
        NoSuchFileException.class, () -> ConfigReader.read(directory.resolve("none"), Map.of()));
  }

  private static Config parse(String yaml) throws InvalidConfig {
    return ConfigReader.parse(yaml, "test");
  }

  private static Fault onlyFault(String yaml) {
    var invalid = assertThrows(InvalidConfig.class, () -> parse(yaml));
    assertEquals(1, invalid.faults().size(), invalid.getMessage());
    return invalid.faults().getFirst();
  }
}
