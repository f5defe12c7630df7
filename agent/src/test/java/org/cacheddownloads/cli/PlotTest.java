package org.cacheddownloads.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.StringReader;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.cacheddownloads.cli.Plot.Point;
import org.cacheddownloads.cli.Plot.Series;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xml.sax.InputSource;

class PlotTest {
  private static final Plot PLOT =
      new Plot(
          "a <title> & more",
          List.of(
              new Series("rising", List.of(new Point(1 << 20, 0), new Point(1 << 22, 1))),
              new Series("level", List.of(new Point(1 << 20, 0.5), new Point(1 << 22, 0.5)))));

  @Test
  void linesRunFromCornerToCorner() {
    var lines = PLOT.text(new Console().terminal(), 40);
    assertEquals("a <title> & more", lines.getFirst());
    assertTrue(lines.get(1).startsWith(" 100 % │") && lines.get(1).endsWith("o"), lines.get(1));
    assertTrue(lines.get(14).startsWith("   0 % │o"), lines.get(14));
    assertEquals("       └───────────────────────────────", lines.get(15));
    assertEquals("        1MiB                       4MiB", lines.get(16));
    assertEquals("        o rising   x level", lines.get(17));
    assertTrue(lines.stream().allMatch(line -> line.length() < 40));
  }

  @Test
  void marksAreUprightLinesWhereThereIsRoom() {
    var plot =
        new Plot(
            "t",
            PLOT.series(),
            List.of(new Plot.Mark("present", 1 << 21), new Plot.Mark("beyond", 1 << 23)));
    var lines = plot.text(new Console().terminal(), 40);
    assertTrue(lines.get(1).startsWith(" 100 % │" + " ".repeat(15) + "|"), lines.get(1));
    assertTrue(lines.get(14).endsWith("|"), lines.get(14));
    assertEquals("        o rising   x level   | present", lines.get(17));
    String svg = Plot.svg(List.of(plot));
    assertTrue(svg.contains(">present<") && !svg.contains("beyond"), svg);
  }

  @ParameterizedTest
  @CsvSource({
    "21474836480, 20GiB",
    "1048576000, 1000MiB",
    "50000000000, 46.6 GiB",
    "50000000, 47.7 MiB",
    "1500, 1.5 KiB"
  })
  void sizesThatWouldBeLongAreRounded(long bytes, String text) {
    assertEquals(text, Plot.size(bytes));
  }

  @Test
  void coloursAreForTerminalsThatHaveThem() {
    assertFalse(String.join("", PLOT.text(new Console().terminal(), 80)).contains("\u001b"));
    assertTrue(
        String.join("", PLOT.text(new Console().onTerminal().terminal(), 80))
            .contains("\u001b[34mo rising\u001b[0m"));
  }

  @Test
  void oneSizeIsDrawnInTheMiddle() {
    var plot = new Plot("t", List.of(new Series("s", List.of(new Point(1_000, 1)))));
    assertTrue(plot.text(new Console().terminal(), 40).get(1).endsWith(" ".repeat(10) + "o"));
  }

  @Test
  void thePictureIsXmlWithALineForEachSeriesOfEachPlot() throws Exception {
    var document =
        DocumentBuilderFactory.newDefaultInstance()
            .newDocumentBuilder()
            .parse(new InputSource(new StringReader(Plot.svg(List.of(PLOT, PLOT)))));
    assertEquals("svg", document.getDocumentElement().getTagName());
    assertEquals(8, document.getElementsByTagName("circle").getLength());
    var texts = document.getElementsByTagName("text");
    assertEquals("a <title> & more", texts.item(0).getTextContent());
    assertEquals("level", texts.item(texts.getLength() - 1).getTextContent());
  }
}
