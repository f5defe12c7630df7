package org.cacheddownloads.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.cacheddownloads.config.InvalidConfig.Fault;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Variables of the environment: their names, their values, and that they win. */
class VariablesTest {
  private static final String FILE =
      """
      quota:
        bytes: 1GiB
        files: 7
      origins: {allow: [a]}
      """;

  @ParameterizedTest
  @CsvSource({
    "state, CACHED_DOWNLOADS_STATE",
    "mountPath, CACHED_DOWNLOADS_MOUNT_PATH",
    "socket.path, CACHED_DOWNLOADS_SOCKET_PATH",
    "socket.allowUids, CACHED_DOWNLOADS_SOCKET_ALLOW_UIDS",
    "quota.bytes, CACHED_DOWNLOADS_QUOTA_BYTES",
    "quota.minFreeBytes, CACHED_DOWNLOADS_QUOTA_MIN_FREE_BYTES",
    "fetch.perOrigin, CACHED_DOWNLOADS_FETCH_PER_ORIGIN",
    "fetch.firstByteTimeout, CACHED_DOWNLOADS_FETCH_FIRST_BYTE_TIMEOUT",
    "fetch.negativeTtl, CACHED_DOWNLOADS_FETCH_NEGATIVE_TTL",
    "origins.denyAddresses, CACHED_DOWNLOADS_ORIGINS_DENY_ADDRESSES",
    "log.level, CACHED_DOWNLOADS_LOG_LEVEL"
  })
  void theNameIsThatOfTheKey(String key, String variable) {
    assertEquals(variable, Variables.of(key));
  }

  @Test
  void everyKeyHasAVariableOfItsOwn() {
    var keys = ConfigReader.defaults().keys();
    var names = new HashSet<>(keys.stream().map(Variables::of).toList());
    assertEquals(keys.size(), names.size());
    assertFalse(names.contains("CACHED_DOWNLOADS_SOCKET"), "this one is the command line's");
    assertFalse(names.contains("CACHED_DOWNLOADS_CRASH_AT"), "this one is the tests'");
  }

  /** What one file says in YAML, the environment can say as well. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "STATE                    | /srv/cache                | state: /srv/cache",
        "SOCKET_MODE              | 0600                      | socket: {mode: 0600}",
        "SOCKET_GROUP             | vcap                      | socket: {group: vcap}",
        "SOCKET_GROUP             | null                      | socket: {group: null}",
        "SOCKET_ALLOW_UIDS        | 0,1000                    | socket: {allowUids: [0, 1000]}",
        "METRICS_ADDRESS          | [::1]:9758                | metrics: {address: '[::1]:9758'}",
        "METRICS_ADDRESS          | null                      | metrics: {address: null}",
        "QUOTA_BYTES              | 40GiB                     | quota: {bytes: 40GiB}",
        "FETCH_MAX_BYTES          | 1 GiB                     | fetch: {maxBytes: 1 GiB}",
        "FETCH_PER_ORIGIN         | 4                         | fetch: {perOrigin: 4}",
        "FETCH_TIMEOUT            | PT5M                      | fetch: {timeout: 5m}",
        "ORIGINS_ALLOW            | *.example.com, h:80       | origins: {allow: ['*.example.com', 'h:80']}",
        "ORIGINS_ALLOW            | []                        | origins: {allow: []}",
        "ORIGINS_SCHEMES          | https                     | origins: {schemes: [https]}",
        "ORIGINS_ALLOW_ADDRESSES  | ['fe80::/10', 10.0.0.0/8] | origins: {allowAddresses: ['fe80::/10', 10.0.0.0/8]}",
        "ORIGINS_DENY_ADDRESSES   | fe80::/10                 | origins: {denyAddresses: ['fe80::/10']}",
        "ORIGINS_RULES            | [{match: '*', concurrency: 2}] | origins: {rules: [{match: '*', concurrency: 2}]}",
        "LOG_LEVEL                | debug                     | log: {level: debug}"
      })
  void theValueIsThatOfTheFile(String variable, String text, String yaml) throws InvalidConfig {
    assertEquals(
        ConfigReader.parse(yaml, "test"),
        read("", Map.of("CACHED_DOWNLOADS_" + variable, text)).config());
  }

  /** The defaults, written out by hand into the environment, change nothing. */
  @Test
  void everyKeyCanBeGiven() throws InvalidConfig {
    var environment = new HashMap<String, String>();
    flatten("", ConfigReader.defaults().tree(), environment);
    assertEquals(ConfigReader.defaults().keys().size(), environment.size());
    Settings settings = read("", environment);
    assertEquals(ConfigReader.defaults(), settings.config());
    for (String key : settings.config().keys())
      assertEquals(new Place.Variable(Variables.of(key)), settings.place(key));
  }

  @Test
  void theEnvironmentWinsOverTheFileAndTheFileOverTheDefaults() throws InvalidConfig {
    Settings settings =
        read(
            FILE,
            Map.of("CACHED_DOWNLOADS_QUOTA_BYTES", "2GiB", "CACHED_DOWNLOADS_ORIGINS_ALLOW", "b"));
    assertEquals(2L << 30, settings.config().quota().bytes());
    assertEquals(7, settings.config().quota().files());
    assertEquals(List.of("b"), settings.config().origins().allow());
    assertEquals(1L << 30, settings.config().quota().minFreeBytes());
    assertEquals("CACHED_DOWNLOADS_QUOTA_BYTES", settings.place("quota.bytes").toString());
    assertEquals("a.yaml:3", settings.place("quota.files").toString());
    assertEquals("CACHED_DOWNLOADS_ORIGINS_ALLOW", settings.place("origins.allow").toString());
    assertEquals("default", settings.place("quota.minFreeBytes").toString());
    assertEquals(
        Map.of(
            "quota.bytes", "CACHED_DOWNLOADS_QUOTA_BYTES",
            "quota.files", "a.yaml:3",
            "origins.allow", "CACHED_DOWNLOADS_ORIGINS_ALLOW"),
        settings.tree().get("sources"));
  }

  @Test
  void emptyAndForeignVariablesAreNoneOfIts() throws InvalidConfig {
    Settings settings =
        read(
            FILE,
            Map.of(
                "CACHED_DOWNLOADS_QUOTA_BYTES", "",
                "CACHED_DOWNLOADS_SOCKET", "/run/x",
                "CACHED_DOWNLOADS_CRASH_AT", "commit",
                "QUOTA_BYTES", "5"));
    assertEquals(read(FILE, Map.of()), settings);
  }

  @ParameterizedTest
  @CsvSource({
    "CACHED_DOWNLOADS_QOUTA_BYTES, CACHED_DOWNLOADS_QUOTA_BYTES",
    "CACHED_DOWNLOADS_FETCH_PERORIGIN, CACHED_DOWNLOADS_FETCH_PER_ORIGIN",
    "CACHED_DOWNLOADS_LOGLEVEL, CACHED_DOWNLOADS_LOG_LEVEL",
    "CACHED_DOWNLOADS_SOCKETS, CACHED_DOWNLOADS_SOCKET"
  })
  void anUnknownVariableNamesTheNearestOne(String wrong, String nearest) {
    Fault fault = onlyFault(Map.of(wrong, "1"));
    assertEquals(new Place.Variable(wrong), fault.place());
    assertEquals(wrong + ": unknown variable, the nearest is " + nearest, fault.toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "QUOTA_BYTES        | lots         | quota.bytes            | not a size",
        "QUOTA_BYTES        | null         | quota.bytes            | not null",
        "FETCH_TIMEOUT      | soon         | fetch.timeout          | not a duration",
        "ORIGINS_ALLOW      | a, b c       | origins.allow[1]       | host pattern",
        "ORIGINS_ALLOW      | [a           |                        | not YAML",
        "ORIGINS_RULES      | none         | origins.rules[0]       | section",
        "ORIGINS_RULES      | [{macth: a}] | origins.rules[0].macth | nearest is origins.rules[0].match"
      })
  void faultsNameTheVariable(String variable, String text, String key, String said) {
    var invalid =
        assertThrows(
            InvalidConfig.class, () -> read("", Map.of("CACHED_DOWNLOADS_" + variable, text)));
    Fault fault =
        invalid.faults().stream()
            .filter(each -> each.message().contains(said))
            .findFirst()
            .orElseThrow(() -> new AssertionError(invalid.getMessage()));
    assertEquals(new Place.Variable("CACHED_DOWNLOADS_" + variable), fault.place());
    assertEquals(key == null ? "" : key, fault.key());
    assertTrue(
        String.valueOf(invalid.getMessage()).startsWith("the environment has "),
        invalid.getMessage());
  }

  @Test
  void faultsOfTheFileAndOfTheEnvironmentAreReportedTogether() {
    var invalid =
        assertThrows(
            InvalidConfig.class,
            () -> read("quota: {bytes: lots}\nlogs: {}\n", Map.of("CACHED_DOWNLOADS_X", "1")));
    assertEquals(
        """
        a.yaml and the environment have 3 faults:
          line 1: quota.bytes: not a size: "lots"; write a whole number of bytes, or a number with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 500MB or 10GiB
          line 2: logs: unknown key, the nearest is log
          CACHED_DOWNLOADS_X: unknown variable, the nearest is CACHED_DOWNLOADS_STATE""",
        invalid.getMessage());
  }

  @Test
  void secretsOfRulesAreInNoFault() {
    var invalid =
        assertThrows(
            InvalidConfig.class,
            () ->
                read(
                    "",
                    Map.of(
                        "CACHED_DOWNLOADS_ORIGINS_RULES",
                        "[{match: '*', headers: {A: \"hush\\nhush\"}, proxy: 'ftp://me:hush@p'}, \"hush")));
    assertFalse(String.valueOf(invalid.getMessage()).contains("hush"), invalid.getMessage());
  }

  @Test
  void aReloadTakesThePlacesOfLiveKeysAlone(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("a.yaml");
    Files.writeString(file, "state: /a\nlog: {level: warn}\n");
    Settings before = ConfigReader.read(file, Map.of());
    Files.writeString(file, "\n\nstate: /b\nquota: {files: 5}\n");
    Settings after = before.withLive(ConfigReader.read(file, Map.of()));
    assertEquals(file + ":1", after.place("state").toString());
    assertEquals(Path.of("/a"), after.config().state());
    assertEquals("default", after.place("log.level").toString());
    assertEquals(file + ":4", after.place("quota.files").toString());
  }

  private static Settings read(String yaml, Map<String, String> environment) throws InvalidConfig {
    return ConfigReader.settings(yaml, "a.yaml", environment);
  }

  private static Fault onlyFault(Map<String, String> environment) {
    var faults = assertThrows(InvalidConfig.class, () -> read("", environment)).faults();
    assertEquals(1, faults.size(), faults.toString());
    return faults.getFirst();
  }

  private static void flatten(String prefix, Map<?, ?> tree, Map<String, String> into) {
    var sections = new LinkedHashMap<>(tree);
    sections.forEach(
        (key, value) -> {
          if (value instanceof Map<?, ?> section) flatten(prefix + key + ".", section, into);
          else {
            String text = value instanceof List<?> list ? quoted(list) : String.valueOf(value);
            into.put(Variables.of(prefix + key), text);
          }
        });
  }

  private static String quoted(List<?> list) {
    return "[" + String.join(", ", list.stream().map(each -> "\"" + each + "\"").toList()) + "]";
  }
}
