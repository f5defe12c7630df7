package org.cacheddownloads.spec;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The Grafana dashboard of the project, as far as tests and pictures of it need to know it. */
final class Dashboard {
  private static final Path FILE = Project.ROOT.resolve("metrics-dashboards/dashboard.json");

  private final JsonNode json;

  private Dashboard(JsonNode json) {
    this.json = json;
  }

  static Dashboard read() {
    try {
      return new Dashboard(Json.parse(Files.readString(FILE)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** One query of a panel. */
  record Target(String panel, String expression, String legend) {
    /** As Grafana would send it for all agents, with these windows in place of its own. */
    String query(String rateInterval, String range) {
      return expression
          .replace("$__rate_interval", rateInterval)
          .replace("$__range", range)
          .replace("$instance", ".*");
    }

    @Override
    public String toString() {
      return panel + " / " + (legend.isEmpty() ? expression : legend);
    }
  }

  /** A panel; {@code row} is the title of the row above it. */
  record Panel(String row, JsonNode json) {
    String title() {
      return json.path("title").asText();
    }

    String type() {
      return json.path("type").asText();
    }

    String unit() {
      return json.at("/fieldConfig/defaults/unit").asText();
    }

    List<Target> targets() {
      var targets = new ArrayList<Target>();
      for (JsonNode target : json.path("targets")) {
        targets.add(
            new Target(
                title(), target.path("expr").asText(), target.path("legendFormat").asText()));
      }
      return targets;
    }
  }

  JsonNode json() {
    return json;
  }

  /** All panels in their order, also those of rows that are folded. */
  List<Panel> panels() {
    var panels = new ArrayList<Panel>();
    String row = "";
    for (JsonNode panel : json.path("panels")) {
      if (panel.path("type").asText().equals("row")) {
        row = panel.path("title").asText();
        for (JsonNode folded : panel.path("panels")) {
          panels.add(new Panel(row, folded));
        }
      } else {
        panels.add(new Panel(row, panel));
      }
    }
    return panels;
  }

  List<Target> targets() {
    return panels().stream().flatMap(panel -> panel.targets().stream()).toList();
  }
}
