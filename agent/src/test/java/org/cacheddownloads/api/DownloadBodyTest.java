package org.cacheddownloads.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.cacheddownloads.config.Config;
import org.cacheddownloads.config.Config.Fetch;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Checksum;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.cacheddownloads.fetch.DownloadRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DownloadBodyTest {
  private static final Fetch DEFAULTS =
      new Fetch(
          16,
          8,
          4,
          Duration.ofMinutes(10),
          Duration.ofSeconds(10),
          Duration.ofSeconds(60),
          Duration.ofSeconds(10),
          1024,
          Duration.ofSeconds(30),
          null,
          Duration.ofSeconds(7),
          Duration.ofSeconds(5),
          Config.Freshness.RFC9111,
          Duration.ofSeconds(5),
          5,
          Duration.ofSeconds(5),
          100,
          null);

  /** Apostrophes in place of quotation marks, so that the tables can be read. */
  private static DownloadRequest read(String body) {
    Fields fields = Json.object(body.replace('\'', '"').getBytes(UTF_8));
    DownloadRequest request = DownloadBody.read(fields, DEFAULTS);
    fields.end();
    return request;
  }

  private static InvalidRequest refused(String body) {
    return assertThrows(InvalidRequest.class, () -> read(body));
  }

  @Test
  void theLeastIsAUrl() {
    DownloadRequest request = read("{'url':'http://h/a?b'}");
    assertEquals(1, request.sources().size());
    assertEquals("http://h:80", request.sources().getFirst().url().origin());
    assertTrue(request.sources().getFirst().headers().isEmpty());
    assertEquals(CacheKey.of(request.sources().getFirst().url()), request.key());
    assertNull(request.cacheKey());
    assertEquals(Optional.empty(), request.checksum());
    assertEquals(Form.FILE, request.form());
    assertEquals(Duration.ZERO, request.maxAge());
    assertEquals(Duration.ofSeconds(7), request.maxStale());
    assertTrue(request.originDecidesStale());
    assertEquals(Duration.ofMinutes(10), request.timeout());
  }

  @Test
  void everyFieldIsRead() {
    DownloadRequest request =
        read(
            "{'url':'http://h/a','cacheKey':'k','checksum':'MD5:"
                + "A".repeat(32)
                + "','as':'file','deliver':'link','executable':true,"
                + "'headers':{'Authorization':'x'},'mirrors':['http://m/a'],"
                + "'maxAge':'PT1H','maxStale':'0s','timeout':'5m'}");
    assertEquals(new CacheKey("k"), request.key());
    assertEquals("k", request.cacheKey());
    assertEquals(
        Optional.of(new Checksum(Checksum.Algorithm.MD5, "a".repeat(32))), request.checksum());
    assertEquals(Form.EXECUTABLE, request.form());
    assertEquals(Optional.of("x"), request.sources().getFirst().headers().first("authorization"));
    assertEquals(Duration.ofHours(1), request.maxAge());
    assertEquals(Duration.ZERO, request.maxStale());
    assertFalse(request.originDecidesStale());
    assertEquals(Duration.ofMinutes(5), request.timeout());
  }

  @Test
  void aFieldThatIsNullIsAbsent() {
    assertEquals(
        read("{'url':'http://h/a'}").toString(),
        read("{'url':'http://h/a','cacheKey':null,'maxAge':null,'headers':null,'mirrors':null}")
            .toString());
  }

  /** Headers go to sources on the origin of the URL alone, unless a mirror has its own. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'http://h/b'                                       | a",
        "'http://h:80/b'                                    | a",
        "'http://other/b'                                   | none",
        "'https://h/b'                                      | none",
        "'http://h:81/b'                                    | none",
        "{'url':'http://h/b'}                               | a",
        "{'url':'http://h/b','headers':{}}                  | a",
        "{'url':'http://h/b','headers':{'Authorization':'m'}}     | m",
        "{'url':'http://other/b','headers':{'Authorization':'m'}} | m"
      })
  void mirrorsGetWhatIsTheirs(String mirror, String authorization) {
    DownloadRequest request =
        read(
            "{'url':'http://h/a','headers':{'Authorization':'a'},'mirrors':["
                + mirror.replace("\"", "'")
                + "]}");
    assertEquals(
        authorization, request.sources().get(1).headers().first("authorization").orElse("none"));
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{}                                             | url",
        "{'url':null}                                   | url",
        "{'url':5}                                      | url",
        "{'url':''}                                     | url",
        "{'url':'/a'}                                   | url",
        "{'url':'http://h/a b'}                         | url",
        "{'url':'http://h/a','cacheKey':''}             | cacheKey",
        "{'url':'http://h/a','cacheKey':7}              | cacheKey",
        "{'url':'http://h/a','cacheKey':'a\\n'}         | cacheKey",
        "{'url':'http://h/a','checksum':'md5:00'}       | checksum",
        "{'url':'http://h/a','checksum':'crc:00'}       | checksum",
        "{'url':'http://h/a','as':'tree'}               | as",
        "{'url':'http://h/a','as':'folder'}             | as",
        "{'url':'http://h/a','deliver':'copy'}          | deliver",
        "{'url':'http://h/a','as':'directory','executable':true} | executable",
        "{'url':'http://h/a','deliver':'copy'}          | deliver",
        "{'url':'http://h/a','executable':'true'}       | executable",
        "{'url':'http://h/a','executable':1}            | executable",
        "{'url':'http://h/a','headers':[]}              | headers",
        "{'url':'http://h/a','headers':{'A':1}}         | headers",
        "{'url':'http://h/a','headers':{'A':null}}      | headers",
        "{'url':'http://h/a','headers':{'':'x'}}        | headers",
        "{'url':'http://h/a','headers':{'A B':'x'}}     | headers",
        "{'url':'http://h/a','headers':{'A:':'x'}}      | headers",
        "{'url':'http://h/a','headers':{'A':'x\\r\\ny'}} | headers",
        "{'url':'http://h/a','headers':{'A':'ü'}}       | headers",
        "{'url':'http://h/a','mirrors':'http://m/a'}    | mirrors",
        "{'url':'http://h/a','mirrors':[5]}             | mirrors[0]",
        "{'url':'http://h/a','mirrors':['http://m/a','x']} | mirrors[1].url",
        "{'url':'http://h/a','mirrors':[{}]}            | mirrors[0].url",
        "{'url':'http://h/a','mirrors':[{'url':'http://m/a','x':1}]} | mirrors[0].x",
        "{'url':'http://h/a','mirrors':[{'url':'http://m/a','headers':{'Host':'x'}}]} | mirrors[0].headers",
        "{'url':'http://h/a','maxAge':'soon'}           | maxAge",
        "{'url':'http://h/a','maxAge':60}               | maxAge",
        "{'url':'http://h/a','maxAge':'-1s'}            | maxAge",
        "{'url':'http://h/a','maxStale':'1 h'}          | maxStale",
        "{'url':'http://h/a','timeout':'0s'}            | timeout",
        "{'url':'http://h/a','timeout':'1y'}            | timeout",
        "{'url':'http://h/a','name':'x'}                | name",
        "{'url':'http://h/a','Checksum':'x'}            | Checksum"
      })
  void aBadFieldIsNamed(String body, String field) {
    InvalidRequest refusal = refused(body);
    assertEquals(field, refusal.field());
    assertTrue(refusal.getMessage().contains(field), refusal.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Host",
        "HOST",
        "range",
        "If-None-Match",
        "if-range",
        "If-Anything",
        "Accept-Encoding",
        "Connection",
        "Keep-Alive",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Upgrade",
        "Content-Length",
        "Proxy-Authorization",
        "Expect"
      })
  void headersOfTheAgentAreRefusedByName(String name) {
    InvalidRequest refusal = refused("{'url':'http://h/a','headers':{'" + name + "':'secret'}}");
    assertEquals("headers", refusal.field());
    assertTrue(refusal.getMessage().contains(name), refusal.getMessage());
    assertFalse(refusal.getMessage().contains("secret"), refusal.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'url':'http://user:secret@h h/'}",
        "{'url':'http://h/a','headers':{'Authorization':'secret\\u0000'}}",
        "{'url':'http://h/a','headers':{'Authorization':{'x':'secret'}}}",
        "{'url':'http://h/a','checksum':'md5:secret'}",
        "{'url':'http://h/?secret=%'}",
        "{'url':'http://h/a', secret}",
        "{'url':'http://h/a','headers':{'A':'secret'},'headers':{'A':'secret'}}"
      })
  void noRefusalRepeatsASecret(String body) {
    assertFalse(refused(body).getMessage().contains("secret"), refused(body).getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "[]", "'x'", "5", "null", "{", "{}{}", "{'a':1,'a':2}", "{'url':'http://h'}x"})
  void whatIsNotOneObjectIsRefused(String body) {
    assertThrows(InvalidRequest.class, () -> Json.object(body.replace('\'', '"').getBytes(UTF_8)));
  }

  @Test
  void listsHaveLimits() {
    String mirrors = "'http://m/a',".repeat(16);
    assertEquals(
        17,
        read("{'url':'http://h/a','mirrors':[" + mirrors.substring(0, mirrors.length() - 1) + "]}")
            .sources()
            .size());
    assertEquals(
        "mirrors", refused("{'url':'http://h/a','mirrors':[" + mirrors + "'http://m/b']}").field());
    var headers = new StringBuilder();
    for (int i = 0; i < 65; i++) {
      headers.append(i == 0 ? "" : ",").append("'h").append(i).append("':'x'");
    }
    assertEquals("headers", refused("{'url':'http://h/a','headers':{" + headers + "}}").field());
  }

  @Test
  void sizesAreReadAsNumbersAndTexts() {
    Fields fields =
        Json.object(
            "{\"a\":5,\"b\":\"1KiB\",\"c\":-1,\"d\":1.5,\"e\":true,\"f\":\"x\",\"g\":99999999999999999999}"
                .getBytes(UTF_8));
    assertEquals(Optional.of(5L), fields.size("a"));
    assertEquals(Optional.of(1024L), fields.size("b"));
    for (String bad : List.of("c", "d", "e", "f", "g")) {
      assertEquals(bad, assertThrows(InvalidRequest.class, () -> fields.size(bad)).field());
    }
    assertEquals(Optional.empty(), fields.size("none"));
  }

  @Test
  void listsOfTextsAreRead() {
    Fields fields = Json.object("{\"a\":[\"x\",\"y\"],\"b\":[1],\"c\":\"x\"}".getBytes(UTF_8));
    assertEquals(Optional.of(List.of("x", "y")), fields.textList("a"));
    assertEquals("b", assertThrows(InvalidRequest.class, () -> fields.textList("b")).field());
    assertEquals("c", assertThrows(InvalidRequest.class, () -> fields.textList("c")).field());
    assertEquals(Map.of(), fields.texts("none"));
  }
}
