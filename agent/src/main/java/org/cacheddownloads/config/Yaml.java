package org.cacheddownloads.config;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.cacheddownloads.config.InvalidConfig.Fault;
import org.jspecify.annotations.Nullable;

/** A YAML document as it was written: every value with its line, scalars as their text. */
sealed interface Yaml {
  /** Where it was written; for what has a key, the place of the key. */
  Place at();

  record Table(Place at, Map<String, Yaml> values) implements Yaml {}

  record Items(Place at, List<Yaml> items) implements Yaml {}

  /** Text and numbers; {@code 0660} stays {@code 0660}. */
  record Scalar(Place at, String text) implements Yaml {}

  /** {@code true} or {@code false}, unquoted: no key takes one. */
  record Truth(Place at) implements Yaml {}

  /** {@code *name}: no key takes one, since the value would not be where the key is. */
  record Alias(Place at) implements Yaml {}

  /** {@code null}, {@code ~} or nothing at all. */
  record Nothing(Place at) implements Yaml {}

  /**
   * Reads one document; duplicate keys become faults, and the first of them counts.
   *
   * @param places from the number of a line, counted from 1
   * @return null after an error in the syntax (behind which nothing can be read), {@link Nothing}
   *     for an empty text
   */
  static @Nullable Yaml read(String text, IntFunction<Place> places, List<Fault> faults) {
    try (YAMLParser parser = new YAMLFactory().createParser(text)) {
      if (parser.nextToken() == null) return new Nothing(places.apply(1));
      Yaml document = value(parser, "", line(parser), places, faults);
      if (parser.nextToken() != null)
        faults.add(
            new Fault(
                "", places.apply(line(parser)), "more than one document; write a single one"));
      return document;
    } catch (JsonProcessingException e) {
      faults.add(syntaxFault(e, places));
      return null;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot happen: the source is a string", e);
    }
  }

  private static Yaml value(
      YAMLParser parser, String key, int line, IntFunction<Place> places, List<Fault> faults)
      throws IOException {
    Place at = places.apply(line);
    if (parser.isCurrentAlias()) return new Alias(at);
    return switch (parser.currentToken()) {
      case START_OBJECT -> table(parser, key, at, places, faults);
      case START_ARRAY -> items(parser, key, at, places, faults);
      case VALUE_NULL -> new Nothing(at);
      case VALUE_TRUE, VALUE_FALSE -> new Truth(at);
      default -> new Scalar(at, parser.getText());
    };
  }

  private static Table table(
      YAMLParser parser, String path, Place at, IntFunction<Place> places, List<Fault> faults)
      throws IOException {
    var values = new LinkedHashMap<String, Yaml>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      String key = path.isEmpty() ? name : path + "." + name;
      int keyLine = line(parser);
      parser.nextToken();
      Yaml first = values.putIfAbsent(name, value(parser, key, keyLine, places, faults));
      if (first != null)
        faults.add(
            new Fault(
                key,
                places.apply(keyLine),
                "this key is there twice; it was first on " + first.at().inside()));
    }
    return new Table(at, values);
  }

  private static Items items(
      YAMLParser parser, String key, Place at, IntFunction<Place> places, List<Fault> faults)
      throws IOException {
    var items = new ArrayList<Yaml>();
    while (parser.nextToken() != JsonToken.END_ARRAY)
      items.add(value(parser, key + "[" + items.size() + "]", line(parser), places, faults));
    return new Items(at, items);
  }

  private static int line(JsonParser parser) {
    return Math.max(1, parser.currentTokenLocation().getLineNr());
  }

  /** Without the excerpt that Jackson's message carries: the line may hold a secret. */
  private static Fault syntaxFault(JsonProcessingException e, IntFunction<Place> places) {
    String problem = e.getOriginalMessage();
    int end = problem.indexOf('\n');
    int line = e.getLocation() == null ? 1 : Math.max(1, e.getLocation().getLineNr());
    return new Fault(
        "", places.apply(line), "not YAML: " + (end < 0 ? problem : problem.substring(0, end)));
  }
}
