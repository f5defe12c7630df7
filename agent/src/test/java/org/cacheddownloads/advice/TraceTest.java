package org.cacheddownloads.advice;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is recorded can be read again, whatever happened to the file in between. */
@Timeout(60)
class TraceTest {
  private static final TraceLine FIRST = new TraceLine(1_700_000_000_000L, -1, 5, 4096, "hit", 3);
  private static final TraceLine SECOND = new TraceLine(1_700_000_000_001L, 26, 0, 0, "miss", 250);

  @TempDir
  @SuppressWarnings("NullAway.Init") // set by JUnit
  private Path directory;

  @SuppressWarnings("NullAway.Init") // set before each test
  private Path file;

  @BeforeEach
  void nameTheFile() {
    file = directory.resolve("trace.csv");
  }

  @Test
  void aFileHasOneLineARequestBelowTheNamesOfTheColumns() throws IOException {
    record(FIRST, SECOND);
    assertThat(file)
        .hasContent(
            """
            time,key,size,allocated,outcome,duration
            1700000000000,ffffffffffffffff,5,4096,hit,3
            1700000000001,000000000000001a,0,0,miss,250
            """);
    assertThat(read()).containsExactly(FIRST, SECOND);
  }

  @Test
  void recordingGoesOnWhereItStopped() throws IOException {
    record(FIRST);
    record(SECOND);
    assertThat(read()).containsExactly(FIRST, SECOND);
  }

  /** At every byte that a kill can leave behind. */
  @Test
  void aTornLastLineIsLeftOutByReadersAndCutOffByWriters() throws IOException {
    record(FIRST, SECOND);
    String whole = Files.readString(file);
    int first = whole.indexOf('\n') + 1;
    int second = whole.indexOf('\n', first) + 1;
    for (int end = 0; end <= whole.length(); end++) {
      Files.writeString(file, whole.substring(0, end));
      var left = new ArrayList<TraceLine>();
      if (end >= second) left.add(FIRST);
      if (end == whole.length()) left.add(SECOND);
      if (end >= first) assertThat(read()).as("%d bytes", end).isEqualTo(left);
      record(SECOND);
      left.add(SECOND);
      assertThat(read()).as("%d bytes, and more", end).isEqualTo(left);
    }
  }

  @Test
  void aTornLastLineIsSaidToBeOne() throws IOException {
    assertThat(torn("time,key,size\n1,a,2\n3,b,4")).isTrue();
    assertThat(torn("time,key,size\n1,a,2\n3,b,4\n")).isFalse();
  }

  @Test
  void nothingIsWrittenBeyondTheBound() throws IOException {
    long oneLine = TraceLine.HEADER.length() + 1L + FIRST.text().length() + 1;
    try (var writer = TraceWriter.open(file, oneLine + 5)) {
      writer.record(FIRST);
      assertThat(writer.state()).isEqualTo(TraceWriter.State.WRITING);
      writer.record(FIRST);
      assertThat(writer.state()).isEqualTo(TraceWriter.State.FULL);
      writer.record(FIRST);
      assertThat(writer.bytes()).isEqualTo(oneLine);
    }
    assertThat(file).hasSize(oneLine);
    record(oneLine, SECOND);
    assertThat(read()).containsExactly(FIRST);
  }

  @Test
  void aFileOfAnotherKindIsNotTouched() throws IOException {
    Files.writeString(file, "root:x:0:0\nroot:x:0:0\nroot:x:0:0\nroot:x:0:0\nroot:x:0:0\n");
    assertThatThrownBy(() -> TraceWriter.open(file, 1_000))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("record to another file");
    assertThat(file).hasSize(55);
  }

  @Test
  void aClosedWriterTakesNothing() throws IOException {
    var writer = TraceWriter.open(file, 1_000);
    writer.record(FIRST);
    writer.close();
    writer.record(SECOND);
    writer.close();
    assertThat(writer.state()).isEqualTo(TraceWriter.State.CLOSED);
    assertThat(read()).containsExactly(FIRST);
  }

  /** Nothing is torn off a file that happens to have no line end where one is looked for. */
  @ParameterizedTest
  @ValueSource(strings = {"x", "time,size", "time,key,size\n1,2,3\n"})
  void noBeginningOfAnotherFileIsTakenForATornOne(String text) throws IOException {
    Files.writeString(file, text);
    assertThatThrownBy(() -> TraceWriter.open(file, 1_000)).isInstanceOf(IOException.class);
    assertThat(file).hasContent(text);
  }

  /** A disk that takes nothing, as Linux has one. */
  @Test
  void aFullDiskIsNoConcernOfWhoeverRecords() throws IOException {
    Path full = Path.of("/dev/full");
    var writer =
        TraceWriter.start(full, FileChannel.open(full, StandardOpenOption.WRITE), 0, 1_000);
    writer.record(FIRST);
    writer.close();
    writer.record(SECOND);
    assertThat(writer.state()).isEqualTo(TraceWriter.State.FAILED);
  }

  @Test
  void manyThreadsLoseAndTearNothing() throws Exception {
    int each = 3_000;
    var threads = new ArrayList<Thread>();
    long lost;
    try (var writer = TraceWriter.open(file, Long.MAX_VALUE)) {
      for (int t = 0; t < 4; t++) {
        long key = t;
        threads.add(
            Thread.ofVirtual()
                .start(
                    () -> {
                      for (int i = 0; i < each; i++)
                        writer.record(new TraceLine(i, key, i, i, "hit", 0));
                    }));
      }
      for (Thread thread : threads) thread.join();
      lost = writer.lost();
    }
    assertThat(read().size() + lost).isEqualTo(4L * each);
  }

  @Test
  void columnsMayBeOthersAndInAnotherOrder() throws IOException {
    assertThat(read("Size, extra ,key,time\r\n7,x,00000000000000FF,1\r\n"))
        .containsExactly(new TraceLine(1, 255, 7, 7, "", 0));
  }

  @Test
  void aKeyThatIsNoHashBecomesOne() throws IOException {
    var lines = read("time,key,size\n1,http://a,1\n2,http://b,1\n3,http://a,1\n4,ff,1\n");
    assertThat(lines.get(0).key()).isEqualTo(lines.get(2).key()).isNotEqualTo(lines.get(1).key());
    assertThat(lines.get(3).key()).isNotEqualTo(255);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''                            | line 1: the file is empty; the first line has to name",
        "time,key                      | line 1: no column size; the first line has to name",
        "time,key,size;1,a             | line 2: 2 fields, and the first line names 3 columns",
        "time,key,size;1,a,1;1,a,1,1   | line 3: 4 fields, and the first line names 3 columns",
        "time,key,size;1,a,-1          | line 2: size must be a whole number from 0 on, not \"-1\"",
        "time,key,size;1,a,            | line 2: size must be a whole number from 0 on, not \"\"",
        "time,key,size;1,a,9223372036854775808 | not \"9223372036854775808\"",
        "time,key,size;x,a,1           | line 2: time must be a whole number"
      })
  void aFaultIsNamedWithItsLine(String text, String said) {
    String lines = text.isEmpty() ? "" : text.replace(';', '\n') + "\n";
    assertThatThrownBy(() -> read(lines))
        .isInstanceOf(InvalidTrace.class)
        .hasMessageContaining(said);
  }

  @Test
  void aLineThatNeverEndsTakesNoMemory() {
    assertThatThrownBy(() -> read("time,key,size\n" + "1".repeat(1 << 20)))
        .isInstanceOf(InvalidTrace.class)
        .hasMessage("line 2: longer than 4096 bytes");
  }

  private void record(TraceLine... lines) throws IOException {
    record(1_000_000, lines);
  }

  private void record(long maxBytes, TraceLine... lines) throws IOException {
    try (var writer = TraceWriter.open(file, maxBytes)) {
      for (TraceLine line : lines) writer.record(line);
    }
  }

  private List<TraceLine> read() throws IOException {
    return read(TraceReader.of(Files.newInputStream(file, StandardOpenOption.READ)));
  }

  private static List<TraceLine> read(String text) throws IOException {
    return read(TraceReader.of(new ByteArrayInputStream(text.getBytes(UTF_8))));
  }

  private static boolean torn(String text) throws IOException {
    try (var reader = TraceReader.of(new ByteArrayInputStream(text.getBytes(UTF_8)))) {
      while (reader.next() != null) {}
      return reader.torn();
    }
  }

  private static List<TraceLine> read(TraceReader reader) throws IOException {
    try (reader) {
      var lines = new ArrayList<TraceLine>();
      for (var line = reader.next(); line != null; line = reader.next()) lines.add(line);
      return lines;
    }
  }
}
