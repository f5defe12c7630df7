package org.cacheddownloads.spec;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The recording and alert rules of the project. */
final class Rules {
  static final Path DIRECTORY = Project.ROOT.resolve("metrics-dashboards");

  private static final Pattern COMPARISON = Pattern.compile(" (==|!=|>=|<=|>|<) ");
  private static final Pattern ABSENT = Pattern.compile("absent\\((.*)\\)");

  private Rules() {}

  /** A rule; {@code name} is the alert's or the recorded series'. */
  record Rule(String name, boolean isAlert, JsonNode json) {
    String expression() {
      return json.path("expr").asText();
    }

    /**
     * The expression with each comparison made a figure, 0 or 1, in place of a filter: it has
     * series if everything that it compares has, and if they match one another.
     */
    String withoutThresholds() {
      Matcher absent = ABSENT.matcher(expression());
      return absent.matches()
          ? absent.group(1)
          : COMPARISON.matcher(expression()).replaceAll(" $1 bool ");
    }

    String annotation(String name) {
      return json.at("/annotations/" + name).asText();
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static List<Rule> read() {
    var rules = new ArrayList<Rule>();
    for (JsonNode group : yaml("rules.yml").path("groups")) {
      for (JsonNode rule : group.path("rules")) {
        boolean isAlert = rule.has("alert");
        rules.add(new Rule(rule.path(isAlert ? "alert" : "record").asText(), isAlert, rule));
      }
    }
    return rules;
  }

  static List<Rule> alerts() {
    return read().stream().filter(Rule::isAlert).toList();
  }

  /** The cases of {@code promtool test rules}. */
  static JsonNode tests() {
    return yaml("rules-test.yml").path("tests");
  }

  static List<String> cases() {
    return Json.texts(tests(), "name");
  }

  private static JsonNode yaml(String file) {
    try {
      return new YAMLMapper().readTree(DIRECTORY.resolve(file).toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
