package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Eventually.eventually;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.regex.Pattern;
import org.cacheddownloads.spec.Dashboard.Panel;
import org.cacheddownloads.spec.Dashboard.Target;
import org.cacheddownloads.spec.Rules.Rule;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The dashboard and the rules on real figures: a Prometheus scrapes the agent under load, and each
 * expression has to find something there.
 *
 * <p>{@code -Ddashboard.rounds=300} takes a longer load, a second for each round, and {@code
 * -Ddashboard.svg=FILE} keeps the picture of it.
 */
class DashboardSpec {
  private static final int ROUNDS = Integer.getInteger("dashboard.rounds", 18);
  private static final Dashboard DASHBOARD = Dashboard.read();
  private static final Pattern VARIABLE = Pattern.compile("\\$\\w+");

  private static final DashboardLoad load = new DashboardLoad();
  private static PrometheusServer prometheus;
  private static int seconds;

  @BeforeAll
  static void letEverythingHappen() {
    load.agent().start();
    prometheus = PrometheusServer.scraping(load.agent().tcpAddress());
    prometheus.awaitValue("up{job=\"cached-downloads\"}", 1);
    load.run(ROUNDS, prometheus);
    load.damage();
    prometheus.awaitScrape();
    seconds = prometheus.scrapes() - 1;
  }

  @AfterAll
  static void end() {
    prometheus.close();
    load.close();
  }

  // ---- expressions

  static List<Target> targets() {
    return DASHBOARD.targets();
  }

  static List<Rule> rules() {
    return Rules.read();
  }

  @ParameterizedTest
  @MethodSource("targets")
  void everyExpressionOfTheDashboardFindsFigures(Target target) {
    String query = target.query("1h", "1h");
    assertThat(VARIABLE.matcher(query).find()).as(query).isFalse();

    eventually().untilAsserted(() -> assertThat(finite(query)).as(query).isTrue());
  }

  /** Without its thresholds, since most should find nothing with them. */
  @ParameterizedTest
  @MethodSource("rules")
  void everyExpressionOfTheRulesFindsFigures(Rule rule) {
    String query = rule.withoutThresholds();

    eventually().untilAsserted(() -> assertThat(finite(query)).as(query).isTrue());
  }

  @Test
  void prometheusEvaluatesEveryRule() {
    eventually()
        .untilAsserted(
            () -> {
              assertThat(prometheus.rules()).hasSize(Rules.read().size());
              assertThat(prometheus.rules())
                  .allSatisfy(rule -> assertThat(rule.path("health").asText()).isEqualTo("ok"));
            });
  }

  @Test
  void theDamageWokeSomebody() {
    eventually()
        .untilAsserted(
            () -> {
              JsonNode alert =
                  prometheus.rules().stream()
                      .filter(r -> r.path("name").asText().equals("CachedDownloadsCorruptBlobs"))
                      .findFirst()
                      .orElseThrow();
              assertThat(alert.path("state").asText()).isEqualTo("firing");
              assertThat(alert.at("/alerts/0/annotations/summary").asText())
                  .isEqualTo("Stored bytes went bad on 127.0.0.1:" + port());
            });
  }

  @Test
  void whatWasEvictedAndFetchedAgainIsRegretted() {
    assertThat(load.agent().metric("cached_downloads_regrets_total")).isPositive();
    assertThat(load.agent().metric("cached_downloads_regret_bytes_total"))
        .isGreaterThanOrEqualTo(2.0 * Content.MIB);
    assertThat(load.agent().metric("cached_downloads_regret_wait_seconds_total")).isPositive();
  }

  private static int port() {
    return load.agent().tcpAddress().getPort();
  }

  private static boolean finite(String query) {
    return prometheus.query(query).stream()
        .anyMatch(series -> Double.isFinite(value(series.path("value").path(1).asText())));
  }

  private static double value(String text) {
    return text.endsWith("Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(text);
  }

  @Test
  void theVariableOffersTheAgents() {
    JsonNode variable = DASHBOARD.json().at("/templating/list/1");
    var question =
        Pattern.compile("label_values\\((\\w+), (\\w+)\\)")
            .matcher(variable.at("/query/query").asText());
    assertThat(question.matches()).isTrue();

    assertThat(prometheus.query(question.group(1)))
        .extracting(series -> series.at("/metric/" + question.group(2)).asText())
        .containsExactly("127.0.0.1:" + port());
  }

  // ---- form

  @Test
  void everyPanelHasATitleAUnitAndADescriptionThatIsASentence() {
    var ids = new HashSet<Integer>();
    assertThat(DASHBOARD.panels()).hasSizeGreaterThan(30);
    for (Panel panel : DASHBOARD.panels()) {
      assertThat(panel.title()).isNotEmpty();
      assertThat(panel.unit()).as(panel.title()).isNotEmpty();
      assertThat(panel.json().path("description").asText()).as(panel.title()).endsWith(".");
      assertThat(panel.json().at("/datasource/uid").asText())
          .as(panel.title())
          .isEqualTo("${datasource}");
      assertThat(ids.add(panel.json().path("id").asInt())).as("id of " + panel.title()).isTrue();
      assertThat(panel.targets()).as(panel.title()).isNotEmpty();
      assertThat(panel.targets())
          .allSatisfy(target -> assertThat(target.legend()).as(target.toString()).isNotEmpty());
    }
  }

  @Test
  void theOverviewComesFirstAndPanelsDoNotOverlap() {
    assertThat(DASHBOARD.panels().getFirst().row()).isEqualTo("Overview");
    for (String row : DASHBOARD.panels().stream().map(Panel::row).distinct().toList()) {
      var taken = new HashSet<String>();
      for (Panel panel : DASHBOARD.panels()) {
        JsonNode at = panel.json().path("gridPos");
        for (int x = 0; panel.row().equals(row) && x < at.path("w").asInt(); x++) {
          for (int y = 0; y < at.path("h").asInt(); y++) {
            int column = at.path("x").asInt() + x;
            assertThat(column).as(panel.title()).isLessThan(24);
            assertThat(taken.add(column + "," + (at.path("y").asInt() + y)))
                .as(panel.title())
                .isTrue();
          }
        }
      }
    }
  }

  /** One of several in an expression that finds figures all the same would go unseen. */
  @Test
  void noExpressionNamesAMetricThatIsNotThere() {
    String scrape = load.agent().get("/metrics").text();
    var name = Pattern.compile("(?<![:\\w])(?:cached_downloads|process|jvm)_\\w+(?![:\\w])");
    for (Target target : DASHBOARD.targets()) {
      name.matcher(target.expression())
          .results()
          .forEach(found -> assertThat(scrape).as(target.toString()).contains(found.group()));
    }
  }

  // ---- picture

  @Test
  void thePictureShowsTheOverview() throws IOException {
    Path file = Path.of(System.getProperty("dashboard.svg", "target/dashboard.svg"));
    String svg = DashboardPicture.of(DASHBOARD, "Overview", prometheus, seconds);
    Files.createDirectories(file.toAbsolutePath().getParent());
    Files.writeString(file, svg);

    assertThat(svg).startsWith("<svg ").endsWith("</svg>\n").doesNotContain("NaN");
    for (Panel panel : DASHBOARD.panels()) {
      if (panel.row().equals("Overview") && !panel.type().equals("table")) {
        assertThat(svg).contains(">" + panel.title() + "<");
      }
    }
  }
}
