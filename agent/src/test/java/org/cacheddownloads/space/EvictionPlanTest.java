package org.cacheddownloads.space;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.cacheddownloads.catalog.BlobRow;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Sha256;
import org.cacheddownloads.content.Stored;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EvictionPlanTest {
  /** Blobs 0 to 4, least recently used first, of 10, 20, 30, 40 and 50 bytes. */
  private static final List<BlobRow> IDLE =
      IntStream.range(0, 5)
          .mapToObj(
              i ->
                  new BlobRow(
                      Stored.file(new Digest(Sha256.hexOf("blob " + i))),
                      1,
                      10L * (i + 1),
                      Instant.EPOCH.plusSeconds(i)))
          .toList();

  @ParameterizedTest
  @CsvSource({
    "0, 0, '', ''",
    "1, 0, '', 0",
    "10, 0, '', 0",
    "11, 0, '', 0 1",
    "30, 0, '', 0 1",
    "31, 0, '', 0 1 2",
    "0, 1, '', 0",
    "0, 3, '', 0 1 2",
    "1, 3, '', 0 1 2",
    "60, 1, '', 0 1 2",
    "1, 0, 0, 1",
    "31, 0, 0 1, 2 3",
    "150, 0, '', 0 1 2 3 4",
    "151, 9, '', 0 1 2 3 4",
    "1, 0, 0 1 2 3 4, ''"
  })
  void theOldestThatNobodyHoldsGoUntilBothLimitsAreMet(
      long excessBytes, long excessFiles, String held, String victims) {
    Set<Stored> holding =
        List.of(held.split(" ", 0)).stream()
            .filter(text -> !text.isEmpty())
            .map(text -> IDLE.get(Integer.parseInt(text)).stored())
            .collect(Collectors.toSet());
    String chosen =
        EvictionPlan.victims(IDLE, holding::contains, excessBytes, excessFiles).stream()
            .map(row -> String.valueOf(IDLE.indexOf(row)))
            .collect(Collectors.joining(" "));
    assertEquals(victims, chosen);
  }
}
