package org.cacheddownloads.config;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.cacheddownloads.config.Config.Advice;
import org.cacheddownloads.config.Config.Archives;
import org.cacheddownloads.config.Config.Drain;
import org.cacheddownloads.config.Config.Durability;
import org.cacheddownloads.config.Config.Fetch;
import org.cacheddownloads.config.Config.Freshness;
import org.cacheddownloads.config.Config.Log;
import org.cacheddownloads.config.Config.Metrics;
import org.cacheddownloads.config.Config.Origins;
import org.cacheddownloads.config.Config.Quota;
import org.cacheddownloads.config.Config.Socket;
import org.cacheddownloads.config.InvalidConfig.Fault;
import org.jspecify.annotations.Nullable;

/**
 * Makes a {@link Config} from YAML: keys that are left out have their defaults, and all faults of a
 * file are reported at once.
 */
public final class ConfigReader {
  private static final int MAX_FILE_BYTES = 1 << 20;

  private static final Config DEFAULTS =
      new Config(
          Path.of("/var/lib/cached-downloads"),
          "/cached-downloads",
          new Socket(
              Path.of("/run/cached-downloads/agent.sock"),
              "0660",
              null,
              List.of(),
              Duration.ofMinutes(2)),
          new Metrics(new HostPort("127.0.0.1", 9758)),
          new Quota(20L << 30, 2_000_000, 1L << 30, Duration.ofSeconds(30)),
          new Fetch(
              16,
              8,
              4,
              Duration.ofMinutes(10),
              Duration.ofSeconds(10),
              Duration.ofSeconds(60),
              Duration.ofSeconds(10),
              1 << 10,
              Duration.ofSeconds(30),
              null,
              Duration.ZERO,
              Duration.ofSeconds(5),
              Freshness.RFC9111,
              Duration.ofSeconds(5),
              5,
              Duration.ofSeconds(5),
              100,
              null),
          new Origins(
              List.of("http", "https"),
              List.of("*"),
              List.of(),
              List.of(
                  Cidr.parse("169.254.0.0/16"),
                  Cidr.parse("fe80::/10"),
                  Cidr.parse("fd00:ec2::254/128")),
              List.of(),
              List.of()),
          new Archives(2, 1_000_000, null, 200, 64),
          new Durability(Duration.ofSeconds(3), Duration.ofDays(7), Duration.ofHours(1)),
          new Drain(Duration.ofSeconds(30)),
          new Log("info", "text", Duration.ofSeconds(1)),
          new Advice(200_000, null, 1L << 30));

  /** What 256 MB of memory hold. */
  private static final int MOST_KEYS = 4_000_000;

  private ConfigReader() {}

  /** What an empty file means. */
  public static Config defaults() {
    return DEFAULTS;
  }

  /**
   * Reads a YAML file of at most 1 MiB in UTF-8 and the variables of the environment, which win
   * over it.
   *
   * @param file null for the defaults
   * @throws InvalidConfig if the two have faults
   * @throws IOException if the file cannot be read
   */
  public static Settings read(@Nullable Path file, Map<String, String> environment)
      throws InvalidConfig, IOException {
    return file == null
        ? settings("", "", environment)
        : settings(text(file), file.toString(), environment);
  }

  private static String text(Path file) throws InvalidConfig, IOException {
    byte[] bytes;
    try (var in = Files.newInputStream(file)) {
      bytes = in.readNBytes(MAX_FILE_BYTES + 1);
    }
    if (bytes.length > MAX_FILE_BYTES) throw wholeFile(file, "is larger than 1 MiB");
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw wholeFile(file, "is not UTF-8 text");
    }
  }

  /**
   * Reads YAML text over the defaults. Relative paths are taken from the current directory; nothing
   * is opened or resolved.
   *
   * @param sourceName what the faults are said to be in
   * @throws InvalidConfig if it has faults
   */
  public static Config parse(String yaml, String sourceName) throws InvalidConfig {
    return settings(yaml, sourceName, Map.of()).config();
  }

  /**
   * Reads YAML text over the defaults, and the environment over that.
   *
   * @param sourceName of the text; empty where there is none
   */
  static Settings settings(String yaml, String sourceName, Map<String, String> environment)
      throws InvalidConfig {
    var faults = new ArrayList<Fault>();
    var places = new HashMap<String, Place>();
    Config file =
        switch (Yaml.read(yaml, number -> new Place.Line(sourceName, number), faults)) {
          case null -> DEFAULTS;
          case Yaml.Nothing _ -> DEFAULTS;
          case Yaml.Table table -> config(new Section("", table, faults, places), DEFAULTS);
          case Yaml other -> {
            faults.add(
                new Fault(
                    "", other.at(), "must be keys with values, such as \"quota: {bytes: 20GiB}\""));
            yield DEFAULTS;
          }
        };
    Yaml.Table variables = Variables.read(environment, faults);
    Config config = config(new Section("", variables, faults, places), file);
    if (!faults.isEmpty()) throw InvalidConfig.of(sourceName, faults);
    return new Settings(config, places);
  }

  private static InvalidConfig wholeFile(Path file, String message) {
    return InvalidConfig.of(
        file.toString(), List.of(new Fault("", new Place.Line(file.toString(), 1), message)));
  }

  private static Config config(Section root, Config base) {
    var config =
        new Config(
            root.read("state", base.state(), Values::path),
            root.read("mountPath", base.mountPath(), Values::mountPath),
            root.section("socket", base.socket(), in -> socket(in, base.socket())),
            root.section("metrics", base.metrics(), in -> metrics(in, base.metrics())),
            root.section("quota", base.quota(), in -> quota(in, base.quota())),
            root.section("fetch", base.fetch(), in -> fetch(in, base.fetch())),
            root.section("origins", base.origins(), in -> origins(in, base.origins())),
            root.section("archives", base.archives(), in -> archives(in, base.archives())),
            root.section("durability", base.durability(), in -> durability(in, base.durability())),
            root.section(
                "drain",
                base.drain(),
                in -> new Drain(in.read("timeout", base.drain().timeout(), Values::duration))),
            root.section("log", base.log(), in -> log(in, base.log())),
            root.section("advice", base.advice(), in -> advice(in, base.advice())));
    root.reportUnknownKeys();
    return config;
  }

  private static Socket socket(Section in, Socket base) {
    return new Socket(
        in.read("path", base.path(), Values::socketPath),
        in.read("mode", base.mode(), Values::mode),
        in.readNullable("group", base.group(), Values::group),
        in.list("allowUids", base.allowUids(), Values.integer(0, Integer.MAX_VALUE)),
        in.read("idleTimeout", base.idleTimeout(), Values::positiveDuration));
  }

  private static Metrics metrics(Section in, Metrics base) {
    return new Metrics(in.readNullable("address", base.address(), HostPort::parse));
  }

  private static Quota quota(Section in, Quota base) {
    return new Quota(
        in.read("bytes", base.bytes(), Values.size(1)),
        in.read("files", base.files(), Values.count(1)),
        in.read("minFreeBytes", base.minFreeBytes(), Values.size(0)),
        in.read("waitForSpace", base.waitForSpace(), Values::duration),
        in.read("policy", base.policy(), Values::policy));
  }

  private static Fetch fetch(Section in, Fetch base) {
    return new Fetch(
        in.read("concurrency", base.concurrency(), Values.integer(1, Values.MAX_CONCURRENCY)),
        in.read("perOrigin", base.perOrigin(), Values.integer(1, Values.MAX_CONCURRENCY)),
        in.read("attempts", base.attempts(), Values.integer(1, 100)),
        in.read("timeout", base.timeout(), Values::positiveDuration),
        in.read("connectTimeout", base.connectTimeout(), Values::positiveDuration),
        in.read("firstByteTimeout", base.firstByteTimeout(), Values::positiveDuration),
        in.read("idleTimeout", base.idleTimeout(), Values::positiveDuration),
        in.read("minRate", base.minRateBytes(), Values.size(0)),
        in.read("minRateWindow", base.minRateWindow(), Values::positiveDuration),
        in.readNullable("maxBytes", base.maxBytes(), Values.size(1)),
        in.read("maxStale", base.maxStale(), Values::duration),
        in.read("staleAfter", base.staleAfter(), Values::duration),
        in.read("freshness", base.freshness(), Values::freshness),
        in.read("negativeTtl", base.negativeTtl(), Values::duration),
        in.read("breakerFailures", base.breakerFailures(), Values.integer(0, 1_000_000)),
        in.read("breakerPause", base.breakerPause(), Values::positiveDuration),
        in.read("retryBudget", base.retryBudget(), Values.integer(0, 1_000_000)),
        in.readNullable("hedgeAfter", base.hedgeAfter(), Values::positiveDuration));
  }

  private static Origins origins(Section in, Origins base) {
    return new Origins(
        in.list("schemes", base.schemes(), Values.oneOf("http", "https")),
        in.list("allow", base.allow(), Values::hostPattern),
        in.list("allowAddresses", base.allowAddresses(), Cidr::parse),
        in.list("denyAddresses", base.denyAddresses(), Cidr::parse),
        in.list("trust", base.trust(), Values::path),
        in.sections("rules", base.rules(), ConfigReader::rule));
  }

  private static @Nullable Rule rule(Section in) {
    UrlPattern match = in.require("match", UrlPattern::parse);
    RuleTls tls = in.sectionOrNull("tls", ConfigReader::tls);
    Map<String, HeaderValue> headers =
        in.named("headers", Values.headerNames(), ConfigReader::header);
    Proxy proxy = in.readNullable("proxy", null, Proxy::parse);
    Integer concurrency =
        in.readNullable("concurrency", null, Values.integer(1, Values.MAX_CONCURRENCY));
    return match == null ? null : new Rule(match, tls, headers, proxy, concurrency);
  }

  private static RuleTls tls(Section in) {
    var tls =
        new RuleTls(
            in.readNullable("ca", null, Values::path),
            in.readNullable("certificate", null, Values::path),
            in.readNullable("key", null, Values::path));
    if ((tls.certificate() == null) != (tls.key() == null))
      in.fault("certificate and key need each other");
    return tls;
  }

  /** {@code Name: text}, {@code Name: {value: text}} or {@code Name: {file: path}}. */
  private static @Nullable HeaderValue header(Section headers, String name) {
    if (!headers.isSection(name)) return headers.require(name, Values::headerText);
    return headers.sectionOrNull(
        name,
        in -> {
          HeaderValue value = in.readNullable("value", null, Values::headerText);
          HeaderValue file =
              in.readNullable("file", null, text -> new HeaderValue.InFile(Values.path(text)));
          if (value != null && file != null) in.fault("value and file exclude each other");
          else if (value == null && file == null) in.fault("value or file is missing");
          return value != null ? value : file;
        });
  }

  private static Archives archives(Section in, Archives base) {
    return new Archives(
        in.read("concurrency", base.concurrency(), Values.integer(1, Values.MAX_CONCURRENCY)),
        in.read("maxFiles", base.maxFiles(), Values.count(1)),
        in.readNullable("maxBytes", base.maxBytes(), Values.size(1)),
        in.read("maxRatio", base.maxRatio(), Values.count(1)),
        in.read("maxDepth", base.maxDepth(), Values.integer(1, 4096)));
  }

  private static Durability durability(Section in, Durability base) {
    return new Durability(
        in.read("flushInterval", base.flushInterval(), Values::positiveDuration),
        in.read("scrubPeriod", base.scrubPeriod(), Values::positiveDuration),
        in.read("partialTtl", base.partialTtl(), Values::duration));
  }

  private static Log log(Section in, Log base) {
    return new Log(
        in.read("level", base.level(), Values.oneOf("trace", "debug", "info", "warn", "error")),
        in.read("format", base.format(), Values.oneOf("text", "json")),
        in.read("slowAfter", base.slowAfter(), Values::duration));
  }

  private static Advice advice(Section in, Advice base) {
    return new Advice(
        in.read("maxKeys", base.maxKeys(), Values.integer(1, MOST_KEYS)),
        in.readNullable("trace", base.trace(), Values::path),
        in.read("traceMaxBytes", base.traceMaxBytes(), Values.size(1)));
  }
}
