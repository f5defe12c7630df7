package org.cacheddownloads.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TerminalTest {
  @Test
  void colourIsForTerminalsThatWantIt() {
    assertEquals("\u001b[1mA\u001b[0m", terminal(true, Map.of()).bold("A"));
    assertEquals("\u001b[1mA\u001b[0m", terminal(true, Map.of("NO_COLOR", "")).bold("A"));
    assertEquals("A", terminal(true, Map.of("NO_COLOR", "1")).bold("A"));
    assertEquals("A", terminal(false, Map.of()).bold("A"));
    assertEquals("A", terminal(false, Map.of()).red("A"));
  }

  @ParameterizedTest
  @CsvSource({"120, 120", "5, 40", "100000, 1000", "wide, 80", "'', 80"})
  void columnsAreTakenFromTheEnvironmentWithinReason(String columns, int expected) {
    assertEquals(expected, terminal(true, Map.of("COLUMNS", columns)).size().columns());
  }

  private static Terminal terminal(boolean isTerminal, Map<String, String> environment) {
    var nowhere = new PrintWriter(new StringWriter());
    return new Terminal(nowhere, nowhere, isTerminal, isTerminal, environment);
  }
}
