package org.cacheddownloads.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class TableTest {
  @Test
  void columnsAreAsWideAsTheirWidestCell() {
    var table = new Table("NAME", "SIZE>", "URL");
    assertEquals(
        List.of("NAME        SIZE  URL", "ruby         5 B  http://o/r", "ö-name  10.0 KiB"),
        table.page(
            List.of(List.of("ruby", "5 B", "http://o/r"), List.of("ö-name", "10.0 KiB", ""))));
  }

  @Test
  void laterPagesHaveNoHeaderAndNoNarrowerColumns() {
    var table = new Table("A", "B");
    assertEquals(List.of("A     B", "long  x"), table.page(List.of(List.of("long", "x"))));
    assertEquals(List.of("s     y"), table.page(List.of(List.of("s", "y"))));
  }

  @Test
  void noRowsAreOnlyAHeader() {
    assertEquals(List.of("A  B"), new Table("A", "B").page(List.of()));
  }

  @Test
  void cellsCannotSteerTheTerminal() {
    assertEquals(
        List.of("A", "?[2Jx?y?"), new Table("A").page(List.of(List.of("\u001b[2Jx\ny\u202e"))));
  }
}
