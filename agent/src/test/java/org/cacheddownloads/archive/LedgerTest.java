package org.cacheddownloads.archive;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.cacheddownloads.content.Digest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LedgerTest {
  private @TempDir Path directory;

  private static List<Row> read(Ledger ledger) throws IOException {
    var rows = new ArrayList<Row>();
    ledger.read(rows::add);
    return rows;
  }

  @Test
  void aRowIsTheSameAfterwards() {
    var file =
        new Row(
            Row.Kind.FILE,
            "d/ü",
            Long.MAX_VALUE,
            false,
            true,
            Instant.ofEpochSecond(1, 999_999_999),
            "",
            5,
            6,
            7,
            new Digest("0123456789abcdef".repeat(4)));
    for (Row row :
        List.of(
            file,
            Row.directory("", 0, true, Instant.EPOCH),
            Row.symlink("l", 1, Instant.EPOCH, "../ü//"),
            Row.hardLink("h", 2, 77))) {
      assertEquals(row, Row.decode(row.encoded()));
    }
  }

  /** In memory, in many files, and in one file for each. */
  @ParameterizedTest
  @ValueSource(ints = {1 << 20, 2000, 0})
  void rowsComeBackSortedHoweverManyFitInMemory(int memoryBytes) throws IOException {
    List<String> sorted =
        List.of("", "a", "a/b", "a/b/c", "a/c", "a-b", "a.b", "aa", "b", "é", "漢");
    List<Row> rows = new ArrayList<>();
    IntStream.range(0, 30)
        .forEach(
            i ->
                sorted.forEach(
                    path -> rows.add(Row.directory(path, i, i % 2 == 0, Instant.EPOCH))));
    Collections.shuffle(rows, new Random(1));
    try (var ledger = new Ledger(directory, memoryBytes)) {
      for (Row row : rows) {
        ledger.add(row);
      }
      List<Row> read = read(ledger);
      assertEquals(sorted, read.stream().map(Row::path).distinct().toList());
      assertEquals(rows.size(), read.size());
      for (int i = 1; i < read.size(); i++) {
        assertTrue(
            !read.get(i - 1).path().equals(read.get(i).path())
                || read.get(i - 1).number() < read.get(i).number());
      }
      assertEquals(read, read(ledger), "once more");
      try (var files = Files.list(directory)) {
        assertEquals(memoryBytes < 1 << 20, files.findAny().isPresent());
      }
    }
    try (var files = Files.list(directory)) {
      assertTrue(files.findAny().isEmpty());
    }
  }
}
