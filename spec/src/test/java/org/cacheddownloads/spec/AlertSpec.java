package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.cacheddownloads.spec.Rules.Rule;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The rules by themselves: that they fire when they should, and what they say. */
class AlertSpec {
  /** A command of the agent with its subcommand, not the service of the same name. */
  private static final Pattern COMMAND =
      Pattern.compile(
          "(?<!-u |start |status )cached-downloads ((?:config|container|entries) \\w+|\\w+)");

  static List<Rule> alerts() {
    return Rules.alerts();
  }

  private static Child.Outcome promtool(String... arguments) {
    return Child.run(
        Stream.concat(
                Stream.of(Project.tool("promtool", "prometheus")),
                Stream.of(arguments)
                    .map(a -> a.endsWith(".yml") ? Rules.DIRECTORY.resolve(a).toString() : a))
            .toList());
  }

  @Test
  void promtoolAcceptsTheRulesAndTheConfiguration() {
    Child.Outcome rules = promtool("check", "rules", "rules.yml");
    Child.Outcome config = promtool("check", "config", "prometheus.yml");

    assertThat(rules.exit()).as(rules.output() + rules.errors()).isZero();
    assertThat(config.exit()).as(config.output() + config.errors()).isZero();
    assertThat(config.output()).contains("1 rule files found");
  }

  @Test
  void everyAlertFiresWhenItShouldAndIsQuietOtherwise() {
    Child.Outcome tests = promtool("test", "rules", "rules-test.yml");

    assertThat(tests.exit()).as(tests.output() + tests.errors()).isZero();
  }

  @Test
  void bothKindsOfCasesAreThereForEachAlertAndNoOther() {
    assertThat(alerts()).hasSizeGreaterThan(15);
    assertThat(Rules.cases())
        .containsExactlyInAnyOrderElementsOf(
            alerts().stream()
                .flatMap(alert -> Stream.of(alert + " fires", alert + " is quiet"))
                .toList());
  }

  /** A case that expects nothing where it should, or the other way round, would prove nothing. */
  @Test
  void aCaseExpectsWhatItsNameSays() {
    for (var test : Rules.tests()) {
      boolean fires = test.path("name").asText().endsWith(" fires");
      String alert = test.path("name").asText().split(" ", -1)[0];
      assertThat(test.path("promql_expr_test")).as(alert).isNotEmpty();
      for (var query : test.path("promql_expr_test")) {
        assertThat(query.path("expr").asText())
            .isEqualTo("ALERTS{alertname=\"%s\", alertstate=\"firing\"}", alert);
        assertThat(query.path("exp_samples").isEmpty()).as(alert).isEqualTo(!fires);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("alerts")
  void anAlertSaysWhatItMeansWhereToLookAndWhatToDo(Rule alert) {
    assertThat(alert.json().at("/labels/severity").asText()).isIn("critical", "warning");
    assertThat(alert.annotation("summary")).isNotEmpty().hasSizeLessThan(110);
    assertThat(alert.annotation("description")).endsWith(".");
    assertThat(alert.annotation("runbook"))
        .contains("Means: ", "Look: ", "Do: ")
        .doesNotContain("TODO");
  }

  static List<String> commands() {
    return alerts().stream()
        .flatMap(alert -> COMMAND.matcher(alert.annotation("runbook")).results())
        .map(found -> found.group(1))
        .distinct()
        .sorted()
        .toList();
  }

  @ParameterizedTest
  @MethodSource("commands")
  void aCommandThatIsToBeTypedIsThere(String command) {
    Child.Outcome help =
        Child.run(
            Project.agent(
                Stream.concat(Stream.of(command.split(" ", -1)), Stream.of("--help"))
                    .toArray(String[]::new)));

    assertThat(help.exit()).as(help.errors()).isZero();
    assertThat(help.output()).startsWith("Usage: cached-downloads " + command);
  }
}
