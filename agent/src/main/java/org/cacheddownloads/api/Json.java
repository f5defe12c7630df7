package org.cacheddownloads.api;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.time.Instant;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.jspecify.annotations.Nullable;

/** Values to JSON and back. Thread-safe. */
final class Json {
  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private Json() {}

  /**
   * @throws InvalidRequest if {@code body} is not one JSON object
   */
  static Fields object(byte[] body) {
    try {
      JsonNode node = MAPPER.readTree(body);
      if (node instanceof ObjectNode object) {
        return new Fields("", object);
      }
    } catch (JsonProcessingException e) {
      var at = e.getLocation();
      throw new InvalidRequest(
          "the body is not valid JSON: "
              + reason(e)
              + (at == null
                  ? ""
                  : " (line " + at.getLineNr() + ", column " + at.getColumnNr() + ")"));
    } catch (IOException e) {
      throw new InvalidRequest("the body cannot be read");
    }
    throw new InvalidRequest("the body must be a JSON object");
  }

  /**
   * The kind of fault only: the parser's text may repeat what the body says, and that may be a
   * secret.
   */
  private static String reason(JsonProcessingException e) {
    String text = String.valueOf(e.getOriginalMessage());
    if (text.startsWith("Duplicate field")) {
      return "a field is given twice";
    }
    return text.startsWith("Unexpected end-of-input") ? "it ends too early" : "unexpected text";
  }

  static byte[] bytes(Object value) {
    try {
      return MAPPER.writeValueAsBytes(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a reply cannot be written as JSON", e);
    }
  }

  static @Nullable String time(@Nullable Instant time) {
    return time == null ? null : time.toString();
  }
}
