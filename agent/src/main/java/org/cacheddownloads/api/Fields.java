package org.cacheddownloads.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.cacheddownloads.content.Durations;
import org.cacheddownloads.content.Sizes;
import org.cacheddownloads.failure.CacheException.InvalidRequest;

/**
 * The fields of a JSON object, taken one by one; every fault names the field. A field that is null
 * counts as absent. Used by one thread.
 */
final class Fields {
  private final String path;
  private final ObjectNode object;
  private final Set<String> taken = new HashSet<>();

  Fields(String path, ObjectNode object) {
    this.path = path;
    this.object = object;
  }

  private Optional<JsonNode> take(String name) {
    taken.add(name);
    JsonNode node = object.get(name);
    return node == null || node.isNull() ? Optional.empty() : Optional.of(node);
  }

  String nameOf(String field) {
    return path.isEmpty() ? field : path + "." + field;
  }

  InvalidRequest fault(String field, String message) {
    return new InvalidRequest(nameOf(field), nameOf(field) + ": " + message);
  }

  /** Runs {@code parse} on the text of a field; what it refuses is told with the field's name. */
  <T> Optional<T> text(String name, Function<String, T> parse) {
    return take(name)
        .map(
            node -> {
              if (!node.isTextual()) {
                throw fault(name, "a text is expected");
              }
              try {
                return parse.apply(node.textValue());
              } catch (InvalidRequest e) {
                throw fault(name, e.getMessage());
              } catch (IllegalArgumentException e) {
                throw fault(name, String.valueOf(e.getMessage()));
              }
            });
  }

  <T> T requiredText(String name, Function<String, T> parse) {
    return text(name, parse).orElseThrow(() -> fault(name, "this field is required"));
  }

  Optional<Duration> duration(String name) {
    return text(name, Durations::parse);
  }

  /** A duration that is longer than nothing. */
  Optional<Duration> positiveDuration(String name) {
    return duration(name)
        .map(
            duration -> {
              if (duration.isZero()) {
                throw fault(name, "must be longer than zero");
              }
              return duration;
            });
  }

  boolean flag(String name) {
    return take(name)
        .map(
            node -> {
              if (!node.isBoolean()) {
                throw fault(name, "true or false is expected");
              }
              return node.booleanValue();
            })
        .orElse(false);
  }

  /** A size in bytes: a whole number that is not negative, or a text such as {@code 10GiB}. */
  Optional<Long> size(String name) {
    return take(name)
        .map(
            node -> {
              if (node.isIntegralNumber() && node.canConvertToLong() && node.longValue() >= 0) {
                return node.longValue();
              }
              if (node.isTextual()) {
                try {
                  return Sizes.parse(node.textValue());
                } catch (IllegalArgumentException e) {
                  throw fault(name, String.valueOf(e.getMessage()));
                }
              }
              throw fault(name, "a size in bytes is expected");
            });
  }

  Map<String, String> texts(String name) {
    var texts = new LinkedHashMap<String, String>();
    take(name)
        .ifPresent(
            node -> {
              if (!(node instanceof ObjectNode fields)) {
                throw fault(name, "an object of texts is expected");
              }
              fields
                  .properties()
                  .forEach(
                      field -> {
                        if (!field.getValue().isTextual()) {
                          throw fault(name, "the value of '" + field.getKey() + "' must be a text");
                        }
                        texts.put(field.getKey(), field.getValue().textValue());
                      });
            });
    return texts;
  }

  /**
   * The items of a list, each as an object; a text stands for an object with that text as its field
   * {@code shorthand}.
   */
  Optional<List<Fields>> objects(String name, String shorthand) {
    return items(name)
        .map(
            nodes -> {
              var items = new ArrayList<Fields>();
              for (int i = 0; i < nodes.size(); i++) {
                String item = nameOf(name) + "[" + i + "]";
                JsonNode node = nodes.get(i);
                if (node instanceof ObjectNode fields) {
                  items.add(new Fields(item, fields));
                } else if (node.isTextual() && !shorthand.isEmpty()) {
                  items.add(new Fields(item, object.objectNode().put(shorthand, node.textValue())));
                } else {
                  throw new InvalidRequest(item, item + ": an object is expected");
                }
              }
              return items;
            });
  }

  Optional<List<String>> textList(String name) {
    return items(name)
        .map(
            nodes ->
                nodes.stream()
                    .map(
                        node -> {
                          if (!node.isTextual()) {
                            throw fault(name, "a list of texts is expected");
                          }
                          return node.textValue();
                        })
                    .toList());
  }

  private Optional<List<JsonNode>> items(String name) {
    return take(name)
        .map(
            node -> {
              if (!node.isArray()) {
                throw fault(name, "a list is expected");
              }
              var nodes = new ArrayList<JsonNode>();
              node.forEach(nodes::add);
              return nodes;
            });
  }

  /** Refuses fields that nobody took. */
  void end() {
    object
        .fieldNames()
        .forEachRemaining(
            name -> {
              if (!taken.contains(name)) {
                throw fault(name, "unknown field; known are " + taken.stream().sorted().toList());
              }
            });
  }
}
