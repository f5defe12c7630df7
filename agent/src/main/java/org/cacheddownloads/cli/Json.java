package org.cacheddownloads.cli;

import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import io.vertx.core.json.jackson.JacksonCodec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * JSON of requests and replies, by Vert.x's codec that binds nothing: {@code JsonObject.encode}
 * would load all of Jackson's data binding.
 */
final class Json {
  private static final JacksonCodec CODEC = quietCodec();

  private Json() {}

  /** Its class makes a logger, which would start Logback. */
  private static JacksonCodec quietCodec() {
    System.setProperty(
        "vertx.logger-delegate-factory-class-name", "io.vertx.core.logging.JULLogDelegateFactory");
    return new JacksonCodec();
  }

  static String encode(JsonObject object) {
    return CODEC.toString(object, false);
  }

  /** The object, or null if the text is something else. */
  static @Nullable JsonObject decode(String text) {
    try {
      return CODEC.fromString(text, Object.class) instanceof JsonObject object ? object : null;
    } catch (DecodeException e) {
      return null;
    }
  }

  /** A text of a reply, fit for a terminal; {@code -} where there is none. */
  static String text(JsonObject object, String field) {
    Object value = object.getValue(field);
    return value == null ? "-" : Terminal.printable(value.toString());
  }

  static long number(JsonObject object, String field) {
    return object.getValue(field) instanceof Number number ? number.longValue() : 0;
  }

  static double decimal(JsonObject object, String field) {
    return object.getValue(field) instanceof Number number ? number.doubleValue() : 0;
  }

  /** The texts of a list, fit for a terminal. */
  static List<String> texts(JsonObject object, String field) {
    var texts = new ArrayList<String>();
    if (object.getValue(field) instanceof Iterable<?> items) {
      for (Object item : items) texts.add(Terminal.printable(String.valueOf(item)));
    }
    return texts;
  }

  static JsonObject section(JsonObject object, String field) {
    return object.getValue(field) instanceof JsonObject section ? section : new JsonObject();
  }

  /** The objects of a list; without what is none. */
  static List<JsonObject> objects(JsonObject object, String field) {
    return object.getValue(field) instanceof Iterable<?> items ? objects(items) : List.of();
  }

  /** An object from a map whose nulls are left out. */
  static JsonObject of(Map<String, ? extends @Nullable Object> fields) {
    var object = new JsonObject();
    fields.forEach(
        (name, value) -> {
          if (value != null) object.put(name, value);
        });
    return object;
  }

  private static List<JsonObject> objects(Iterable<?> items) {
    var objects = new ArrayList<JsonObject>();
    for (Object item : items) {
      if (item instanceof JsonObject each) objects.add(each);
    }
    return objects;
  }
}
